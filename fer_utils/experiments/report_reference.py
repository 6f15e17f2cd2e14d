"""Your runs beside the reference runs that the repository keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_utils.experiments.report_comparable import Difference, differences
from fer_utils.experiments.report_tables import Group, Row, groups
from fer_utils.experiments.report_values import Run, Value, get_field

__all__ = ["Beside", "beside_reference"]

# Names, and what changes the result of the same experiment from run to run only.
_FREE = {"name", "seed"}
_PREFIX = "reference:"


@dataclass(frozen=True)
class Beside:
    """One of your rows beside the reference row that is most like it.

    Attributes:
        yours: Row.
        reference: Row, or None when no reference run has this model.
        obstacles: why the two accuracies do not compare; empty when they do.
        settings: (setting, yours, the reference's) that differ.
        same_run: whether yours is the very run that is kept as the reference.
    """

    yours: Row
    reference: Row | None
    obstacles: tuple[Difference, ...] = ()
    settings: tuple[tuple[str, Value, Value], ...] = ()
    same_run: bool = False

    @property
    def interval(self) -> tuple[float, float] | None:
        """The reference's 95 % interval; of several seeds, what they span together."""
        runs = self.reference.runs if self.reference else ()
        path = "results.test.intervals.accuracy"
        ends = [get_field(run.record, path) for run in runs]
        if not ends or None in ends:
            return None
        return min(low for low, _ in ends), max(high for _, high in ends)

    @property
    def verdict(self) -> str:
        """Where yours lies, in a few words."""
        if self.reference is None:
            return "no reference run of this model"
        if self.same_run:
            return "this is the reference run"
        accuracy = self.yours.cells["test"].value.raw
        if self.obstacles or self.interval is None or accuracy is None:
            return "not comparable"
        low, high = self.interval
        if low <= accuracy <= high:
            return "inside the reference's interval"
        side = "above" if accuracy > high else "below"
        return f"{side} the reference's interval"


def beside_reference(
    tables: Sequence[Group], reference_dir: str | Path | None
) -> list[Beside]:
    """Put each row of a report beside the reference row that is most like it.

    Most like: the same test images if any, then the fewest settings that differ.

    Args:
        tables: of your runs, from `groups`.
        reference_dir: with run records; None or a missing folder gives an empty list.
    """
    from fer_utils.experiments.report_reading import find

    if reference_dir is None or not Path(reference_dir).is_dir():
        return []
    kept = [
        Run(_PREFIX + run.id, run.record, run.folder)
        for run in find(reference_dir).runs
    ]
    rows = [row for table in groups(kept) for row in table.rows]
    if not rows:
        return []
    return [_beside(row, rows) for table in tables for row in table.rows]


def _beside(yours: Row, kept: Sequence[Row]) -> Beside:
    model = get_field(yours.first.record, "experiment.model")
    alike = [
        row for row in kept if get_field(row.first.record, "experiment.model") == model
    ]
    if not alike:
        return Beside(yours, None)
    best = min(alike, key=lambda row: _distance(yours.first, row.first))
    if _same_run(yours.first, best.first):
        return Beside(yours, best, same_run=True)
    return Beside(
        yours=yours,
        reference=best,
        obstacles=differences(yours.first, best.first),
        settings=_settings(yours.first, best.first),
    )


def _distance(yours: Run, theirs: Run) -> tuple[bool, int, int]:
    apart = differences(yours, theirs)
    return (
        not _same_run(yours, theirs),
        len(apart),
        len(_settings(yours, theirs)),
    )


def _same_run(yours: Run, theirs: Run) -> bool:
    return all(
        yours.record.get(name) and yours.record.get(name) == theirs.record.get(name)
        for name in ("key", "started")
    )


def _settings(yours: Run, theirs: Run) -> tuple[tuple[str, Value, Value], ...]:
    names = dict.fromkeys(
        [*yours.record.get("experiment", {}), *theirs.record.get("experiment", {})]
    )
    pairs = [
        (n, *(run.value(f"experiment.{n}") for run in (yours, theirs))) for n in names
    ]
    return tuple(
        (name, one, other)
        for name, one, other in pairs
        if name not in _FREE and one.raw != other.raw
    )
