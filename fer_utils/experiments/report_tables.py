"""From run records to the rows of the report; nothing here knows HTML.

Every number is a `Value`: it knows its record and its field there, so that whatever the
page shows can be traced back.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from os.path import commonprefix

from fer_utils.experiments.report_reading import Lesson, read_lessons, read_runs
from fer_utils.experiments.report_values import MISSING, Run, Value, get_field

__all__ = [
    "MISSING",
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
    "same_test",
]

# What must be equal for two accuracies to be comparable, and what a person calls it.
TEST_FIELDS = {
    "data.name": "data set",
    "experiment.protocol": "split",
    "data.classes": "classes",
    "data.counts.test": "test images",
}


@dataclass(frozen=True)
class Cell:
    """A table cell: a value, what surrounds it, and nothing else.

    Attributes:
        value: the number; a mean when several seeds differ.
        spread: its standard deviation over seeds, or None.
        interval: its 95 % interval over test images (low, high), or None.
        note: one word to print beside it.
        range: the lowest and the highest over seeds, or None.
    """

    value: Value
    spread: Value | None = None
    interval: tuple[Value, Value] | None = None
    note: str = ""
    range: tuple[Value, Value] | None = None


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

    @property
    def name(self) -> str:
        """The experiment's name; of several seeds, what their names share."""
        names = [run.record["name"] for run in self.runs]
        shared = commonprefix(names) if len(names) > 1 else ""
        shared = shared.rstrip("-_. ").removesuffix("seed").rstrip("-_. ")
        return shared or names[0]


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

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every run of every row."""
        return tuple(run for row in self.rows for run in row.runs)


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
            together.setdefault(same_test(run), []).append(run)
    return [_group(members) for _, members in sorted(together.items())]


def same_test(run: Run) -> str:
    """Return a text that is equal for runs whose accuracies may be compared."""
    # Dropping duplicates from train changes the data, not the test images.
    images = get_field(run.record, "data.test_hash")
    images = images or get_field(run.record, "data.content_hash")
    return repr([*(get_field(run.record, path) for path in TEST_FIELDS), images])


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
    spread = Value(ids, path, narrow, statistics.stdev(raws), "sd")
    low = Value(ids, path, narrow, min(raws), "min")
    return Cell(mean, spread, range=(low, Value(ids, path, style, max(raws), "max")))


def _interval(run: Run, path: str) -> tuple[Value, Value] | None:
    if get_field(run.record, path) is None:
        return None
    return run.value(f"{path}.0", "points"), run.value(f"{path}.1", "percent")
