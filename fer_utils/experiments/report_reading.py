"""Find run records, lesson records and unfinished runs below a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fer_utils.errors import DataError, FerError
from fer_utils.experiments.checkpoints import STATE, read_state
from fer_utils.experiments.record import load_records, read_record
from fer_utils.experiments.report_values import Run, get_field

__all__ = [
    "Found",
    "Lesson",
    "Problem",
    "Unfinished",
    "find",
    "read_lessons",
    "read_runs",
]

# What a record must have for the page to read it; a finished run all of it.
_NUMBERS = (
    "training.epochs",
    "training.best_epoch",
    "results.train.metrics.accuracy",
    "results.val.metrics.accuracy",
    "model.parameters",
    "model.mflops",
    "seconds.training",
    "peak_memory_mb",
)


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


@dataclass(frozen=True)
class Problem:
    """A record that cannot be read.

    Attributes:
        id: its place below the runs folder.
        path: of the file.
        text: what is wrong with it.
    """

    id: str
    path: Path
    text: str


@dataclass(frozen=True)
class Unfinished:
    """A run that was begun and has no record yet: it runs, or was killed.

    Attributes:
        id: its folder below the runs folder.
        folder: the folder.
        epochs: how many are done, or None when that cannot be read.
    """

    id: str
    folder: Path
    epochs: int | None


@dataclass(frozen=True)
class Found:
    """What lies below a folder.

    Attributes:
        runs: readable records, failed runs too, by folder name.
        lessons: in the order of the course.
        problems: records that cannot be read.
        unfinished: runs without a record.
    """

    runs: tuple[Run, ...] = ()
    lessons: tuple[Lesson, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    unfinished: tuple[Unfinished, ...] = ()


def find(runs_dir: str | Path) -> Found:
    """Return what lies below a folder; a bad record is a `Problem`, never an error.

    Args:
        runs_dir: may be missing.
    """
    runs_dir = Path(runs_dir)
    runs, lessons, problems = [], [], []
    for path in sorted(runs_dir.rglob("record.json")):
        place = path.parent.relative_to(runs_dir).as_posix()
        try:
            run = _run(read_record(path), path.parent, runs_dir)
            _check(run.record)
            runs.append(run)
        except (FerError, LookupError, TypeError, ValueError) as error:
            problems.append(Problem(place, path, _without(path, error)))
    for place in _lesson_places(runs_dir):
        try:
            lessons.append(_lesson(place, runs_dir))
        except (FerError, LookupError, TypeError, ValueError) as error:
            path = place.with_name(place.name + ".json")
            where = path.relative_to(runs_dir).as_posix()
            problems.append(Problem(where, path, _without(path, error)))
    unfinished = tuple(_unfinished(runs_dir))
    return Found(tuple(runs), tuple(lessons), tuple(problems), unfinished)


def _without(path: Path, error: Exception) -> str:
    """Return the message without the path, which the page shows anyway."""
    text = str(error).removeprefix(f"{path}:").strip()
    known = isinstance(error, FerError)
    return text if known else f"{type(error).__name__}: {text}"


def _run(record: dict, folder: Path, runs_dir: str | Path) -> Run:
    place = folder.relative_to(runs_dir).as_posix()
    return Run(record["name"] if place == "." else place, record, folder)


def _check(record: dict) -> None:
    """Raise DataError when the page could not read this record."""
    _want(isinstance(record.get("name"), str), "name", "a word", record.get("name"))
    experiment = record.get("experiment", {})
    _want(isinstance(experiment, dict), "experiment", "parameters by name", experiment)
    if record.get("status") != "finished":
        return
    classes = get_field(record, "data.classes")
    named = isinstance(classes, list) and all(isinstance(c, str) for c in classes)
    _want(named, "data.classes", "a list of names", classes)
    for path in _NUMBERS:
        value = get_field(record, path)
        _want(value is None or _is_number(value), path, "a number", value)
    _check_results(record)


def _check_results(record: dict) -> None:
    from fer_utils.evaluation import Report

    for name, result in (record.get("results") or {}).items():
        accuracy = get_field(result, "metrics.accuracy")
        _want(_is_number(accuracy), f"results.{name}", "an accuracy", accuracy)
        Report.from_dict(result)
    history = get_field(record, "training.history") or {}
    for name, values in history.items():
        good = isinstance(values, list) and all(map(_is_number, values))
        _want(good, f"training.history.{name}", "a list of numbers", values)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _want(good: bool, name: str, wanted: str, received: object) -> None:
    if not good:
        raise DataError(
            f"{name}: expected {wanted}, received {received!r:.60}. Run the experiment "
            "again, or delete this file."
        )


def read_runs(runs_dir: str | Path) -> list[Run]:
    """Return every run below a folder, failed ones too, by folder name.

    Raises:
        DataError: a file named record.json is not a run record.
    """
    return [
        _run(record, record.pop("folder"), runs_dir)
        for record in load_records(runs_dir)
    ]


def read_lessons(runs_dir: str | Path) -> list[Lesson]:
    """Return every lesson in a folder named `lessons`, in the order of the course.

    Raises:
        DataError: a lesson record is not readable.
    """
    runs_dir = Path(runs_dir)
    return [_lesson(place, runs_dir) for place in _lesson_places(runs_dir)]


def _lesson_places(runs_dir: Path) -> list[Path]:
    places = {
        path.with_suffix("")
        for folder in runs_dir.rglob("lessons")
        if folder.is_dir()
        for path in folder.iterdir()
        if path.suffix in (".json", ".html")
    }
    return sorted(places, key=lambda place: (place.name, place))


def _lesson(place: Path, runs_dir: Path) -> Lesson:
    path, page = (place.with_name(place.name + end) for end in (".json", ".html"))
    record = read_record(path) if path.is_file() else {}
    seconds = record.get("seconds")
    return Lesson(
        id=place.relative_to(runs_dir).as_posix(),
        name=place.name,
        title=record.get("title") or place.name,
        status=record.get("status", "no record"),
        seconds=None if seconds is None else float(seconds),
        error=str(record.get("error") or ""),
        data=str(record.get("data") or ""),
        page=page if page.is_file() else None,
    )


def _unfinished(runs_dir: Path) -> Iterator[Unfinished]:
    for path in sorted(runs_dir.rglob(STATE)):
        folder = path.parents[1]
        if not (folder / "record.json").exists():
            place = folder.relative_to(runs_dir).as_posix()
            state = read_state(folder)
            epochs = len(state["history"]) if state else None
            yield Unfinished(place, folder, epochs)
