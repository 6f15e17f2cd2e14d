"""Runs of different lengths, cut to the same number of epochs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from fer_utils.experiments.report_tables import Group, Row, get_field

__all__ = ["HEADINGS", "equal_epochs"]

HEADINGS = ("row", "epochs", "ran", "train then", "best on val until then")
_HISTORY = "training.history"


def equal_epochs(tables: Sequence[Group]) -> list[list[object]]:
    """Return how far rows of one architecture were after the same number of epochs.

    Rows with the schedule `one_cycle` are left out: its learning rate falls with the
    planned length, so that the first epochs of a long run are no short run.

    Args:
        tables: from `groups`; only rows of one table are compared.

    Returns:
        Lines of `HEADINGS`: the Row, the epochs of the shortest, the epochs it ran, and
        two shares as text; several seeds give their mean. Only architectures with two
        rows or more whose lengths differ.
    """
    lines: list[list[object]] = []
    for table in tables:
        alike: dict[object, list[Row]] = {}
        for row in table.rows:
            if _comparable(row):
                alike.setdefault(_architecture(row), []).append(row)
        for rows in alike.values():
            lengths = {row.name: _length(row) for row in rows}
            if len(set(lengths.values())) > 1:
                shortest = min(lengths.values())
                rows = sorted(rows, key=lambda row: -_best_val(row, shortest))
                lines += [[row, shortest, *_after(row, shortest)] for row in rows]
    return lines


def _comparable(row: Row) -> bool:
    schedule = get_field(row.first.record, "experiment.schedule")
    return schedule != "one_cycle" and all(_val(run.record) for run in row.runs)


def _architecture(row: Row) -> str:
    fields = ("experiment.model", "experiment.model_options")
    return repr([get_field(row.first.record, field) for field in fields])


def _val(record: dict) -> list[float]:
    return get_field(record, f"{_HISTORY}.val_accuracy") or []


def _length(row: Row) -> int:
    return min(len(_val(run.record)) for run in row.runs)


def _after(row: Row, epochs: int) -> tuple[int, str, str]:
    """Return the epochs it ran, train accuracy after some epochs, best val until then.

    The train accuracy is the mean over that epoch's augmented batches, with dropout.
    """
    train = [
        get_field(run.record, f"{_HISTORY}.accuracy.{epochs - 1}") for run in row.runs
    ]
    shown = "–" if None in train else f"{100 * statistics.fmean(train):.1f}\u00a0%"
    return _length(row), shown, f"{100 * _best_val(row, epochs):.1f}\u00a0%"


def _best_val(row: Row, epochs: int) -> float:
    return statistics.fmean(max(_val(run.record)[:epochs]) for run in row.runs)
