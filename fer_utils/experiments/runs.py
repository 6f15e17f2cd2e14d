"""Stored runs: find them, filter and sort them, put them into one flat table.

Nothing here stops at a bad record: it is listed with what is wrong with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from fer_utils.errors import DataError, FerError, ParameterError, did_you_mean
from fer_utils.experiments.checkpoints import STATE, epochs_done
from fer_utils.experiments.locks import holder, is_locked
from fer_utils.experiments.record import read_record
from fer_utils.experiments.report_values import get_field
from fer_utils.files import write_text

__all__ = [
    "SORTS",
    "STATUSES",
    "StoredRun",
    "aligned",
    "export",
    "find_run",
    "find_runs",
    "flat",
    "notebook_parameters",
    "select",
    "table",
]

STATUSES = ("finished", "failed", "interrupted", "running", "unreadable")


@dataclass(frozen=True)
class StoredRun:
    """One run on disk.

    Attributes:
        id: its folder below the searched one, "/" between names.
        folder: where its files lie.
        status: one of `STATUSES`; "interrupted" has a checkpoint and no record,
            "running" is in the hands of a process right now.
        record: the run record; without one, what the run's notebook tells.
        note: what a person should know besides, or "".
    """

    id: str
    folder: Path
    status: str
    record: Mapping = field(default_factory=dict)
    note: str = ""

    def get(self, path: str, default: object = None) -> object:
        """Return a nested value of the record by its dotted path.

        Example:
            >>> run = StoredRun("a", Path(), "finished", {"data": {"name": "fer2013"}})
            >>> run.get("data.name")
            'fer2013'
        """
        value = get_field(self.record, path)
        return default if value is None else value

    @property
    def data(self) -> str:
        """The data set's name, "" when nobody knows."""
        return str(self.get("data.name") or self.get("experiment.data") or "")

    @property
    def model(self) -> str:
        """The architecture's name, "" when nobody knows."""
        return str(self.get("experiment.model") or "")


def find_runs(folder: str | Path) -> list[StoredRun]:
    """Return every run below a folder: finished, failed, interrupted and unreadable.

    Args:
        folder: for example `reports/runs`.

    Returns:
        By id.

    Raises:
        DataError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder. `fer run` writes run records to reports/runs; "
            "for another place pass --runs DIR."
        )
    places = {path.parent for path in folder.rglob("record.json")}
    places |= {path.parents[1] for path in folder.rglob(STATE)}
    found = []
    for place in sorted(places):
        name = place.relative_to(folder).as_posix()
        found.append(_stored(place, place.resolve().name if name == "." else name))
    return found


def find_run(name: str, folder: str | Path) -> StoredRun:
    """Return one run by its path, its id or the end of its id.

    Args:
        name: a run's folder, its record, or what `fer runs list` calls it.
        folder: where ids are searched.

    Raises:
        ParameterError: no run or several runs have that name.
    """
    path = Path(name)
    if path.name == "record.json" and path.is_file():
        path = path.parent
    if (path / "record.json").is_file():
        return _stored(path, path.as_posix())
    runs = find_runs(folder) if Path(folder).is_dir() else []
    ends = [run for run in runs if f"/{run.id}".endswith(f"/{name.strip('/')}")]
    exact = [run for run in ends if run.id == name]
    found = exact or ends
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(run.id for run in found)
        raise ParameterError(
            f"{name!r} is the name of {len(found)} runs: {ids}. Write more of the one "
            "you mean."
        )
    raise ParameterError(
        f"no run {name!r} below {folder}, and no folder of that name with a "
        "record.json." + did_you_mean(name, [run.id for run in runs])
    )


def _stored(folder: Path, run_id: str) -> StoredRun:
    path, epoch = folder / "record.json", epochs_done(folder)
    if _held(folder) or not path.is_file():
        return _unfinished(folder, run_id, epoch)
    try:
        record = read_record(path)
    except FerError as error:
        return StoredRun(run_id, folder, "unreadable", {}, str(error))
    status = record.get("status")
    if status not in STATUSES:
        note = f"{path}: unknown status {status!r}"
        return StoredRun(run_id, folder, "unreadable", {}, note)
    note = _error_line(record.get("error"))
    if epoch:
        note = f"{note}; a training stands at epoch {epoch}".lstrip("; ")
    return StoredRun(run_id, folder, status, record, note)


def _error_line(error: object) -> str:
    if isinstance(error, Mapping):
        error = ": ".join(str(value) for value in error.values() if value)
    return str(error or "")


def _unfinished(folder: Path, run_id: str, epoch: int) -> StoredRun:
    parameters = notebook_parameters(folder / "notebook.ipynb")
    of = f" of {parameters['epochs']}" if "epochs" in parameters else ""
    record = {"experiment": parameters} if parameters else {}
    if _held(folder):
        note = f"{holder(folder)}; {epoch}{of} epochs done"
        return StoredRun(run_id, folder, "running", record, note)
    note = f"after epoch {epoch}{of}; `fer run` goes on from there"
    return StoredRun(run_id, folder, "interrupted", record, note)


def _held(folder: Path) -> bool:
    try:
        return is_locked(folder)
    except OSError:  # a folder that is only to be read: nobody writes there
        return False


def notebook_parameters(notebook: Path) -> dict:
    """Return what papermill injected, {} when that is not to be known."""
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
        return dict(content["metadata"]["papermill"]["parameters"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


# What a list may be sorted by: (path, best or newest first).
SORTS: dict[str, tuple[str, bool]] = {
    "name": ("", False),
    "accuracy": ("results.test.metrics.accuracy", True),
    "val": ("results.val.metrics.accuracy", True),
    "macro_f1": ("results.test.metrics.macro_f1", True),
    "ece": ("results.test.metrics.ece", False),
    "minutes": ("seconds.training", False),
    "parameters": ("model.parameters", False),
    "started": ("started", True),
}


def select(
    runs: Iterable[StoredRun],
    *,
    model: str = "*",
    data: str = "*",
    status: str = "*",
    sort: str = "name",
) -> list[StoredRun]:
    """Return the runs that match, sorted; those without the sorting value come last.

    Args:
        runs: from `find_runs`.
        model: a shell pattern, for example "*_cnn".
        data: a shell pattern.
        status: a shell pattern over `STATUSES`.
        sort: a key of `SORTS`.

    Raises:
        ParameterError: an unknown sort.
    """
    if sort not in SORTS:
        raise ParameterError(f"unknown sort {sort!r}." + did_you_mean(sort, SORTS))
    kept = [
        run
        for run in runs
        if fnmatch(run.model, model)
        and fnmatch(run.data, data)
        and fnmatch(run.status, status)
    ]
    path, descending = SORTS[sort]
    if not path:
        return sorted(kept, key=lambda run: run.id)
    known = [run for run in kept if run.get(path) is not None]
    known.sort(key=lambda run: run.get(path), reverse=descending)
    return known + [run for run in kept if run.get(path) is None]


def table(runs: Sequence[StoredRun]) -> str:
    """Return the runs as a plain-text table with what must be said beside it."""
    heads = ("run", "status", "model", "data", "test images", "epochs", "seed")
    heads += ("val", "test, 95 % interval", "minutes")
    rows = [_row(run) for run in runs]
    lines = aligned([heads, *rows], right=(5, 6, 7, 8, 9))
    notes = [f"{run.id}: {run.note}" for run in runs if run.note]
    images = {row[4] for row in rows if row[4]}
    if len(images) > 1:
        notes.append(
            "Accuracies compare only where test images are the same (number, hash)."
        )
    return "\n".join([*lines, *([""] if notes else []), *notes])


def aligned(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Return rows of cells as lines with columns of equal width.

    Args:
        rows: equally long.
        right: positions of the columns that are aligned right.

    Example:
        >>> aligned([("a", "1"), ("bcd", "22")], right=[1])
        ['a     1', 'bcd  22']
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _row(run: StoredRun) -> tuple[str, ...]:
    count = run.get("results.test.n")
    images = f"{count:,} {str(run.get('data.test_hash', ''))[:4]}" if count else ""
    seconds = run.get("seconds.training")
    return (
        run.id,
        run.status,
        run.model,
        run.data,
        images.strip(),
        str(run.get("training.epochs") or run.get("experiment.epochs") or ""),
        str(run.get("experiment.seed", "")),
        _percent(run.get("results.val.metrics.accuracy")),
        _percent(
            run.get("results.test.metrics.accuracy"),
            run.get("results.test.intervals.accuracy"),
        ),
        "" if seconds is None else f"{seconds / 60:.1f}",
    )


def _percent(share: float | None, ends: Sequence[float] | None = None) -> str:
    if share is None:
        return ""
    interval = " [{:.1f}, {:.1f}]".format(*(100 * e for e in ends)) if ends else ""
    return f"{100 * share:.1f} %{interval}"


def flat(run: StoredRun) -> dict[str, object]:
    """Return a run as one row: dotted column names, values that a table can hold.

    Lists and dictionaries become JSON text, an interval two columns that end in `_low`
    and `_high`. Histories, confusion matrices and calibration curves are left out.
    """
    row: dict[str, object] = {"id": run.id, "status": run.status}
    for key in ("name", "key", "started", "finished", "peak_memory_mb"):
        row[key] = run.get(key)
    row["error"] = run.note or None
    for part in ("experiment", "data", "model", "training", "seconds", "environment"):
        values = run.get(part)
        if isinstance(values, Mapping):
            row |= {
                f"{part}.{k}": _cell(v) for k, v in values.items() if k != "history"
            }
    for split, result in (run.get("results") or {}).items():
        row |= {f"results.{split}.{k}": v for k, v in _numbers(result)}
    return row


def _numbers(result: Mapping) -> Iterable[tuple[str, object]]:
    yield "n", result.get("n")
    yield from result.get("metrics", {}).items()
    for name, (low, high) in (result.get("intervals") or {}).items():
        yield from ((f"{name}_low", low), (f"{name}_high", high))
    for label, values in (result.get("per_class") or {}).items():
        if "recall" in values:
            yield f"recall.{label}", values["recall"]


def _cell(value: object) -> object:
    plain = value is None or isinstance(value, str | int | float)
    return value if plain else json.dumps(value, ensure_ascii=False)


def export(runs: Sequence[StoredRun], path: str | Path) -> Path:
    """Write runs as one flat table, a row each.

    Args:
        runs: from `find_runs`.
        path: ends in ".csv" or ".parquet"; an existing file is replaced.

    Returns:
        The path.

    Raises:
        ParameterError: another ending, or Parquet without pyarrow.
        DataError: no run, or the file cannot be written.
    """
    path = Path(path)
    writers: dict[str, Callable] = {".csv": _write_csv, ".parquet": _write_parquet}
    if path.suffix not in writers:
        raise ParameterError(
            f"{path}: cannot export to {path.suffix or 'a name without ending'!r}. "
            "Write a name that ends in .csv or .parquet."
        )
    if not runs:
        raise DataError("no run to export. `fer runs list` shows what is there.")
    import pandas as pd

    frame = pd.DataFrame([flat(run) for run in runs])
    try:
        writers[path.suffix](_one_type_a_column(frame), path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error}.") from error
    return path


def _one_type_a_column(frame):
    """`classes` is "all", a number or names: a typed file takes one kind of value."""
    for name in frame:
        kinds = {_kind(value) for value in frame[name] if not _missing(value)}
        if len(kinds) > 1:
            frame[name] = [
                value
                if _missing(value) or isinstance(value, str)
                else json.dumps(value)
                for value in frame[name].astype(object)
            ]
    return frame


def _missing(value: object) -> bool:
    return value is None or value != value  # NaN is not equal to itself


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    return "text" if isinstance(value, str) else "number"


def _write_csv(frame, path: Path) -> None:
    write_text(path, frame.to_csv(index=False))


def _write_parquet(frame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    try:
        frame.to_parquet(temporary, index=False)
        temporary.replace(path)
    except ImportError:
        raise ParameterError(
            f"{path}: Parquet needs pyarrow: `pip install pyarrow`. Or export to "
            f"{path.with_suffix('.csv').name}."
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
