"""From run records to the rows of the report; nothing here knows HTML.

Every number is a `Value`: it knows its record and its field there, so that whatever the
page shows can be traced back.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fer_utils.experiments.record import load_records, read_record

__all__ = [
    "Cell",
    "Group",
    "Lesson",
    "Row",
    "Run",
    "Value",
    "get_field",
    "groups",
    "read_lessons",
    "read_runs",
]

MISSING = "–"


def get_field(record: dict, path: str) -> object:
    """Return a nested value of a record, None where there is none.

    Args:
        record: a run record.
        path: keys and list positions joined by dots.

    Example:
        >>> get_field({"results": {"test": {"interval": [0.1, 0.2]}}}, "results.test.n")
        >>> get_field({"interval": [0.1, 0.2]}, "interval.1")
        0.2
    """
    value: object = record
    for key in path.split("."):
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _plain(raw: object) -> str:
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, dict):
        return ", ".join(f"{k} = {_plain(v)}" for k, v in raw.items()) or MISSING
    if isinstance(raw, list):
        return ", ".join(_plain(v) for v in raw) or MISSING
    if isinstance(raw, float):
        return f"{raw:g}"
    return str(raw) or MISSING


_STYLES = {
    "percent": lambda x: f"{100 * x:.1f}\u00a0%",
    "points": lambda x: f"{100 * x:.1f}",
    "score": lambda x: f"{x:.3f}",
    "count": lambda x: f"{x:,.0f}" if x == int(x) else f"{x:,.1f}",
    "minutes": lambda x: f"{x / 60:.1f}",
    "seconds": lambda x: f"{x:,.1f}\u00a0s",
    "megabytes": lambda x: f"{x:,.0f}\u00a0MB",
    "plain": _plain,
}


@dataclass(frozen=True)
class Value:
    """One value of a record, or the mean or spread of it over several records.

    Attributes:
        records: ids of the runs it comes from.
        field: path inside these records.
        style: how it is written; a key of `_STYLES`.
        raw: the value, None when the record has none.
        statistic: "", "mean" or "sd" (sample standard deviation, ddof 1).
    """

    records: tuple[str, ...]
    field: str
    style: str
    raw: object
    statistic: str = ""

    @property
    def text(self) -> str:
        """The value as the page writes it."""
        return MISSING if self.raw is None else _STYLES[self.style](self.raw)


@dataclass(frozen=True)
class Run:
    """One record and where it lies.

    Attributes:
        id: its folder below the runs folder, "/" between names; unique in a report.
        record: the run record.
        folder: where `record.json` is.
    """

    id: str
    record: dict
    folder: Path

    @property
    def finished(self) -> bool:
        """Whether the run has numbers to show."""
        return self.record.get("status") == "finished"

    @property
    def notice(self) -> str:
        """What every figure and table of this run must say."""
        return str(get_field(self.record, "data.notice") or "")

    def value(self, path: str, style: str = "plain") -> Value:
        """Return one field of the record."""
        return Value((self.id,), path, style, get_field(self.record, path))


@dataclass(frozen=True)
class Cell:
    """A table cell: a value, what surrounds it, and nothing else.

    Attributes:
        value: the number; a mean when several seeds differ.
        spread: its standard deviation over seeds, or None.
        interval: its 95 % interval (low, high), or None.
        note: one word to print beside it.
    """

    value: Value
    spread: Value | None = None
    interval: tuple[Value, Value] | None = None
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One experiment: one run, or several that differ in nothing but their seed.

    Attributes:
        runs: the runs, by seed.
        cells: the columns by name.
        best_on_val: whether no other row of the group is better on val.
    """

    runs: tuple[Run, ...]
    cells: dict[str, Cell]
    best_on_val: bool = False

    @property
    def first(self) -> Run:
        """The run that speaks for what all runs of the row share."""
        return self.runs[0]


@dataclass(frozen=True)
class Group:
    """Rows that may be compared: same data set, protocol, classes and test images.

    Attributes:
        rows: best on val first.
        has_tta, has_without_duplicates, has_mflops: whether any row fills these
            columns.
    """

    rows: tuple[Row, ...]
    has_tta: bool = field(init=False)
    has_without_duplicates: bool = field(init=False)
    has_mflops: bool = field(init=False)

    def __post_init__(self):
        for name in ("tta", "without_duplicates", "mflops"):
            filled = any(row.cells[name].value.raw is not None for row in self.rows)
            object.__setattr__(self, f"has_{name}", filled)

    @property
    def first(self) -> Run:
        """The run that speaks for what all rows share."""
        return self.rows[0].first


@dataclass(frozen=True)
class Lesson:
    """One executed lesson.

    Attributes:
        id: its place below the runs folder; unique in a report.
        name: of the notebook, for example "02_shallow_vs_deep_cnn".
        title: what the notebook calls itself.
        status: "finished", "failed" or "no record".
        seconds: float, or None.
        error: what went wrong, or "".
        data: the data set it ran on, or "".
        page: the executed notebook as HTML, or None.
    """

    id: str
    name: str
    title: str
    status: str
    seconds: float | None
    error: str
    data: str
    page: Path | None


def read_runs(runs_dir: str | Path) -> list[Run]:
    """Return every run below a folder, failed ones too, by folder name.

    Raises:
        DataError: a file named record.json is not a run record.
    """
    runs = []
    for record in load_records(runs_dir):
        folder = record.pop("folder")
        place = folder.relative_to(runs_dir).as_posix()
        runs.append(Run(record["name"] if place == "." else place, record, folder))
    return runs


def read_lessons(runs_dir: str | Path) -> list[Lesson]:
    """Return every lesson in a folder named `lessons`, in the order of the course.

    Raises:
        DataError: a lesson record is not readable.
    """
    runs_dir = Path(runs_dir)
    places = {
        path.with_suffix("")
        for folder in runs_dir.rglob("lessons")
        for path in folder.iterdir()
        if path.suffix in (".json", ".html")
    }
    return [
        _lesson(place, place.relative_to(runs_dir).as_posix())
        for place in sorted(places, key=lambda place: (place.name, place))
    ]


def _lesson(place: Path, lesson_id: str) -> Lesson:
    path, page = (place.with_name(place.name + end) for end in (".json", ".html"))
    record = read_record(path) if path.is_file() else {}
    return Lesson(
        id=lesson_id,
        name=place.name,
        title=record.get("title") or place.name,
        status=record.get("status", "no record"),
        seconds=record.get("seconds"),
        error=str(record.get("error") or ""),
        data=record.get("data") or "",
        page=page if page.is_file() else None,
    )


def groups(runs: Sequence[Run]) -> list[Group]:
    """Sort finished runs into tables whose rows may be compared.

    Args:
        runs: from `read_runs`; runs that are not finished are left out.

    Returns:
        One group per data set, protocol, classes and set of test images.
    """
    together: dict[str, list[Run]] = {}
    for run in runs:
        if run.finished:
            together.setdefault(_comparable(run), []).append(run)
    return [_group(members) for _, members in sorted(together.items())]


def _comparable(run: Run) -> str:
    """Return what must be equal for two accuracies to be comparable."""
    paths = ("data.name", "experiment.protocol", "data.classes", "data.counts.test")
    # Dropping duplicates from train changes the data, not the test images.
    images = get_field(run.record, "data.test_hash")
    images = images or get_field(run.record, "data.content_hash")
    return repr([*(get_field(run.record, path) for path in paths), images])


def _group(runs: list[Run]) -> Group:
    rows = [_row(seeds) for seeds in _by_experiment(runs)]
    scores = [row.cells["val"].value.raw for row in rows]
    best = max((s for s in scores if s is not None), default=None)
    marked = [
        Row(row.runs, row.cells, len(rows) > 1 and score is not None and score == best)
        for row, score in zip(rows, scores, strict=True)
    ]
    order = sorted(marked, key=lambda row: -(row.cells["val"].value.raw or 0))
    return Group(tuple(order))


def _by_experiment(runs: list[Run]) -> list[tuple[Run, ...]]:
    """Join runs that differ in their seed only; the same seed twice stays two."""
    together: dict[str, list[Run]] = {}
    for run in runs:
        settings = dict(run.record.get("experiment", {}))
        settings = {k: v for k, v in settings.items() if k not in ("name", "seed")}
        same = repr([settings, get_field(run.record, "data.content_hash")])
        together.setdefault(same, []).append(run)
    rows = []
    for members in together.values():
        seeds = [_seed(run) for run in members]
        if len(set(seeds)) < len(seeds):
            rows += [(run,) for run in members]
        else:
            rows.append(tuple(sorted(members, key=_seed)))
    return rows


def _seed(run: Run) -> int:
    return get_field(run.record, "experiment.seed") or 0


def _row(runs: tuple[Run, ...]) -> Row:
    tta = get_field(runs[0].record, "experiment.tta")
    test = "results.test"
    numbers = {
        "epochs": ("training.epochs", "count"),
        "best_epoch": ("training.best_epoch", "count"),
        "train": ("results.train.metrics.accuracy", "percent"),
        "val": ("results.val.metrics.accuracy", "percent"),
        "test": (f"{test}.metrics.accuracy", "percent"),
        "without_duplicates": (f"{test}.without_duplicates.accuracy", "percent"),
        "tta": (f"{test}_{tta}.metrics.accuracy", "percent"),
        "macro_f1": (f"{test}.metrics.macro_f1", "score"),
        "ece": (f"{test}.metrics.ece", "score"),
        "parameters": ("model.parameters", "count"),
        "mflops": ("model.mflops", "count"),
        "minutes": ("seconds.training", "minutes"),
    }
    cells = {name: _cell(runs, path, style) for name, (path, style) in numbers.items()}
    if len(runs) == 1:
        for name, ends in (
            ("test", f"{test}.intervals.accuracy"),
            ("without_duplicates", f"{test}.without_duplicates.interval"),
        ):
            cells[name] = Cell(cells[name].value, interval=_interval(runs[0], ends))
    if cells["tta"].value.raw is not None:
        cells["tta"] = Cell(cells["tta"].value, cells["tta"].spread, note=tta)
    return Row(runs, cells)


def _cell(runs: tuple[Run, ...], path: str, style: str) -> Cell:
    first = runs[0].value(path, style)
    raws = [get_field(run.record, path) for run in runs]
    constant = style == "count" and len(set(raws)) == 1
    if len(runs) == 1 or None in raws or constant:
        return Cell(first)
    ids = tuple(run.id for run in runs)
    mean = Value(ids, path, style, statistics.fmean(raws), "mean")
    narrow = "points" if style == "percent" else style
    return Cell(mean, Value(ids, path, narrow, statistics.stdev(raws), "sd"))


def _interval(run: Run, path: str) -> tuple[Value, Value] | None:
    if get_field(run.record, path) is None:
        return None
    return run.value(f"{path}.0", "points"), run.value(f"{path}.1", "percent")
