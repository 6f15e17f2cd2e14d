"""What a launch would do and cost: states, expected minutes, disk; a time budget."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from fer_utils.errors import FerError, ParameterError, did_you_mean
from fer_utils.experiments import costs
from fer_utils.experiments.checkpoints import epochs_done
from fer_utils.experiments.experiment import Experiment
from fer_utils.experiments.record import read_record
from fer_utils.experiments.runs import aligned

__all__ = ["Estimator", "Row", "explain", "preview", "seconds_of", "table", "within"]

# A kernel starts, loads the data, evaluates and draws; measured on small runs.
_OVERHEAD_SECONDS = 20.0


@dataclass(frozen=True)
class Row:
    """One task in the preview.

    Attributes:
        task: the Task.
        state: "done", "stale", "interrupted", "failed" or "new".
        reasons: why, one sentence each.
        seconds: expected, None when nothing is known; 0 when done.
        basis: what the expectation rests on.
        disk_mb: that it will take; 0 when done.
        is_due: whether it would be run.
    """

    task: object
    state: str
    reasons: tuple[str, ...] = ()
    seconds: float | None = 0.0
    basis: str = ""
    disk_mb: float = 0.0
    is_due: bool = False


def preview(tasks: Iterable, estimator: Estimator, force: bool = False) -> list[Row]:
    """Return one Row per task, in order.

    Args:
        tasks: as `plan` returns them.
        estimator: knows the earlier runs.
        force: finished ones are run again.
    """
    rows = []
    for task in tasks:
        state = task.state()
        if state.name == "done" and not force:
            rows.append(Row(task, "done", tuple(state.reasons)))
            continue
        seconds, basis = estimator.of(task, resumed=not force)
        rows.append(
            Row(
                task,
                state.name,
                tuple(state.reasons),
                seconds,
                basis,
                _disk_mb(task),
                is_due=True,
            )
        )
    return rows


def _disk_mb(task) -> float:
    if task.kind == "lesson":
        return costs.NOTEBOOK_MB
    return costs.kept_mb(experiment_of(task))


def experiment_of(task) -> Experiment:
    """Return the Experiment of a task."""
    own = {k: v for k, v in task.parameters.items() if k != "out_dir"}
    return Experiment.from_dict(own)


# --- expected time -------------------------------------------------------------------


@dataclass(frozen=True)
class _Past:
    """One finished run: what one image in one epoch took, and all the rest."""

    name: str
    experiment: Mapping
    seconds_per_image: float
    mflops: float | None
    epochs: int
    overhead: float
    is_here: bool


@dataclass
class Estimator:
    """Expects durations from finished runs.

    The nearest knowledge is used: runs of the same recipe on this machine, else of the
    same model, else of other models scaled by MFLOPs, else the same three of another
    machine.

    Attributes:
        past: finished runs.
        lessons: {(lesson, data set): seconds}.
    """

    past: list[_Past] = field(default_factory=list)
    lessons: dict[tuple[str, str], float] = field(default_factory=dict)

    @classmethod
    def from_folders(cls, folders: Iterable[Path], machine: Mapping) -> Estimator:
        """Read what lies below some folders; what cannot be read is passed over.

        Args:
            folders: with run records and records of lessons.
            machine: {"processor", "cores"} of this one, as `record.environment`.
        """
        past, lessons, seen = [], {}, set()
        for folder in folders:
            for path in sorted(Path(folder).rglob("record.json")):
                run = _past_of(path, machine)
                # A run and its copy among the references are one.
                same = run and (run.name, run.seconds_per_image, run.mflops)
                if run and same not in seen:
                    seen.add(same)
                    past.append(run)
            for path in sorted(Path(folder).rglob("lessons/*.json")):
                lessons |= _lesson_seconds(path)
        return cls(past, lessons)

    def of(self, task, resumed: bool = True) -> tuple[float | None, str]:
        """Return (expected seconds or None, what that rests on).

        Args:
            task: a Task.
            resumed: epochs of an interrupted run are not counted again.
        """
        if task.kind == "lesson":
            known = self.lessons.get((task.name, task.parameters.get("data_name")))
            return known, "an earlier execution" if known else "never executed here"
        experiment = experiment_of(task)
        done = epochs_done(task.folder) if resumed else 0
        return self._of_experiment(experiment, done)

    def _of_experiment(self, experiment: Experiment, done: int):
        images = costs.data_facts(experiment).images.get("train", 0)
        wanted = experiment.to_dict()
        for is_here in (True, False):
            past = [p for p in self.past if p.is_here is is_here]
            where = "" if is_here else ", on another machine"
            for like, basis in ((_RECIPE, "same recipe"), (_MODEL, "same model")):
                near = [p for p in past if _alike(p.experiment, wanted, like)]
                if near:
                    per_image = statistics.median(p.seconds_per_image for p in near)
                    seconds = self._total(experiment, near, per_image * images, done)
                    return seconds, f"{basis} ({_latest(near)}){where}"
            near = [p for p in past if p.mflops]
            near = [p for p in near if _alike(p.experiment, wanted, _SPEED)] or near
            if near:
                rate = statistics.median(p.seconds_per_image / p.mflops for p in near)
                epoch = rate * costs.model_facts(experiment).mflops * images
                runs = f"{len(near)} run{'s' * (len(near) > 1)}"
                basis = f"scaled by MFLOPs from {runs}{where}"
                return self._total(experiment, (), epoch, done), basis
        return None, "no finished run to judge by"

    @staticmethod
    def _total(experiment, near, seconds_per_epoch: float, done: int) -> float:
        """Return the seconds of all epochs to come; early stopping as it was before."""
        epochs = experiment.train.epochs
        wanted = experiment.to_dict()
        same = [p for p in near if _alike(p.experiment, wanted, _LENGTH)]
        if experiment.train.early_stopping_patience and same:
            epochs = statistics.mean(p.epochs for p in same)
        overhead = [p.overhead for p in near] or [_OVERHEAD_SECONDS]
        return max(epochs - done, 0) * seconds_per_epoch + statistics.median(overhead)


_SPEED = ("precision",)
_MODEL = ("model", "model_options", "precision")
_RECIPE = (*_MODEL, "batch_size", "augment", "optimizer", "ema_momentum")
_LENGTH = (*_MODEL, "data", "max_images", "epochs", "early_stopping_patience")


def _alike(a: Mapping, b: Mapping, names: Iterable[str]) -> bool:
    return all(a.get(name) == b.get(name) for name in names)


def _latest(past: list[_Past]) -> str:
    more = f" and {len(past) - 1} more" if len(past) > 1 else ""
    return past[-1].name + more


def _past_of(path: Path, machine: Mapping) -> _Past | None:
    try:
        record = read_record(path)
        training, environment = record["training"], record["environment"]
        seconds = training["history"]["seconds"]
        # The first epoch of a process also compiles.
        epoch = statistics.median(seconds[1:] or seconds)
        wall = _wall(record)
        rest = wall - sum(seconds) if not training.get("resumed_after") else 0
        return _Past(
            name=record.get("name", path.parent.name),
            experiment=record["experiment"],
            seconds_per_image=epoch / training["images"],
            mflops=record.get("model", {}).get("mflops"),
            epochs=training["epochs"],
            overhead=rest + _OVERHEAD_SECONDS / 2 if rest > 0 else _OVERHEAD_SECONDS,
            is_here=_alike(environment, machine, ("processor", "cores")),
        )
    except (FerError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return None  # failed, or of no use here


def _wall(record: Mapping) -> float:
    started, finished = (
        datetime.fromisoformat(record[k]) for k in ("started", "finished")
    )
    return (finished - started).total_seconds()


def _lesson_seconds(path: Path) -> dict[tuple[str, str], float]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["status"] != "finished":
            return {}
        return {(record["name"], record["data"]): float(record["seconds"])}
    except (OSError, KeyError, TypeError, ValueError):
        return {}


# --- a time budget -------------------------------------------------------------------

_UNITS = {"h": 3600, "m": 60, "s": 1}


def seconds_of(text: str) -> float:
    """Return the seconds of a duration such as "90m", "2h", "1h30m" or "5400s".

    Raises:
        ParameterError: not a duration, or zero.

    Example:
        >>> seconds_of("1h30m")
        5400.0
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms])", text)
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or total <= 0:
        raise ParameterError(
            f"{text!r} is no time budget: expected a number with a unit, such as 90m, "
            "2h, 1h30m or 5400s."
        )
    return total


def within(rows: Iterable[Row], budget_seconds: float) -> tuple[list[Row], list[Row]]:
    """Choose, in order, what fits a time budget.

    A run that does not fit is passed over for a later one that does. Runs side by side
    share the cores, so `--jobs` makes no more room.

    Returns:
        (rows that are done or fit, rows that stay queued); a due row of unknown length
        stays queued.
    """
    chosen, queued, left = [], [], budget_seconds
    for row in rows:
        if row.is_due and (row.seconds is None or row.seconds > left):
            queued.append(row)
            continue
        left -= row.seconds or 0
        chosen.append(row)
    return chosen, queued


# --- text ----------------------------------------------------------------------------


def table(rows: list[Row], queued: Iterable[Row] = ()) -> str:
    """Return the preview as aligned text with a total."""
    queued = list(queued)
    cells = [("run", "state", "minutes", "MB", "expected from")]
    cells += [_cells(row, row in queued) for row in rows]
    lines = aligned(cells, right=(2, 3))
    return "\n".join([*lines, "", summary([r for r in rows if r not in queued])])


def _cells(row: Row, is_queued: bool) -> tuple[str, str, str, str, str]:
    state = f"{row.state}: {'; '.join(row.reasons)}" if row.reasons else row.state
    if len(state) > 60:
        state = state[:59] + "…"
    state = f"queued ({row.state})" if is_queued else state
    name = row.task.name
    if not row.is_due:
        return name, state, "-", "-", ""
    return name, state, _minutes(row.seconds), f"{row.disk_mb:.0f}", row.basis


def _minutes(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return "<1" if seconds < 60 else f"{seconds / 60:.0f}"


def summary(rows: Iterable[Row]) -> str:
    """Return one sentence: how many of each state, how long, how much disk.

    Example:
        >>> summary([])
        'Nothing to run.'
    """
    rows = list(rows)
    due = [row for row in rows if row.is_due]
    done = len(rows) - len(due)
    already = f" {done} already done." if done else ""
    if not due:
        return f"Nothing to run.{already}"
    unknown = sum(row.seconds is None for row in due)
    total = sum(row.seconds or 0 for row in due)
    parts = [f"{len(due)} to run"]
    if unknown < len(due):
        parts.append(f"about {duration(total)}")
    if unknown:
        parts.append(f"{unknown} of unknown length")
    parts.append(f"{sum(row.disk_mb for row in due):.0f} MB")
    return f"{', '.join(parts)}.{already}"


def duration(seconds: float) -> str:
    """Return seconds as a person says them.

    Example:
        >>> duration(40), duration(1500), duration(7500)
        ('1 min', '25 min', '2 h 5 min')
    """
    minutes = max(round(seconds / 60), 1)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def explain(rows: list[Row], name: str) -> Iterator[str]:
    """Yield lines that say what state a run is in and why.

    Raises:
        ParameterError: no run has that name.
    """
    rows_by_name = {row.task.name: row for row in rows}
    if name not in rows_by_name:
        known = did_you_mean(name, rows_by_name)
        raise ParameterError(f"--explain: there is no run {name!r}.{known}")
    row = rows_by_name[name]
    yield f"{name}: {row.state}"
    for reason in row.reasons:
        yield f"  {reason}"
    key = f"key {row.task.key}, " if row.task.key else ""
    yield f"  {key}record {row.task.record_path}"
    if not row.is_due:
        yield "It would not be run again; --force does."
    elif row.seconds is None:
        yield f"It would be run; how long that takes is not known ({row.basis})."
    else:
        yield f"It would be run, about {duration(row.seconds)} ({row.basis})."
