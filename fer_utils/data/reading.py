"""What every reader hands back, and the one error that bad rows become."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from fer_utils.errors import DataError

__all__ = ["Bad", "Reading", "counted", "refuse_bad", "warn_dropped"]

_SHOWN_IN_ERROR, _SHOWN_IN_WARNING = 5, 20


@dataclass(frozen=True)
class Bad:
    """One row or file that cannot be used.

    Attributes:
        where: the 1-based data row (the header is not counted), or a relative path.
        reason: what was expected and what was received.
    """

    where: str
    reason: str


@dataclass(frozen=True, eq=False)
class Reading:
    """The good rows of a source, and the bad ones with their reasons.

    Attributes:
        pixels: uint8 (N, H, W).
        labels: int64 (N,).
        split: int8 (N,), positions in `SPLITS`.
        rows: int64 (N,), where each image stands in its source.
        bad: what was left out.
        noun: "row" or "file", for messages.
    """

    pixels: np.ndarray
    labels: np.ndarray
    split: np.ndarray
    rows: np.ndarray
    bad: tuple[Bad, ...] = ()
    noun: str = "row"


def refuse_bad(reading: Reading, file: str) -> None:
    """Raise one DataError that counts all bad rows, if there are any."""
    if not reading.bad:
        return
    first = reading.bad[0]
    place = f"{file} {reading.noun} {first.where}"
    remedy = "Fix or remove them"
    counting = ""
    if reading.noun == "row":
        remedy, counting = "Fix the file", " Rows count from 1 after the header."
    raise DataError(
        f"{place}: {first.reason}. {_all_bad(reading, _SHOWN_IN_ERROR)}. {remedy}, or "
        "pass skip_bad=True (fer: --skip-bad) to drop them (they will be listed)."
        + counting
    )


def warn_dropped(reading: Reading, file: str) -> None:
    """Warn which rows `skip_bad=True` left out, if any."""
    if reading.bad:
        listed = "; ".join(
            f"{bad.where}: {bad.reason}" for bad in reading.bad[:_SHOWN_IN_WARNING]
        )
        more = len(reading.bad) - _SHOWN_IN_WARNING
        warnings.warn(
            f"{file}: dropped {counted(len(reading.bad), 'bad ' + reading.noun)}, kept "
            f"{len(reading.labels)}. Dropped {reading.noun} {listed}"
            + (f"; and {more} more: see `fer data check`." if more > 0 else "."),
            UserWarning,
            stacklevel=3,
        )


def counted(count: int, noun: str) -> str:
    """Return "1 bad row", "2 bad rows" and so on."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _all_bad(reading: Reading, shown: int) -> str:
    count = len(reading.bad)
    wheres = ", ".join(bad.where for bad in reading.bad[:shown])
    dots = ", …" if count > shown else ""
    verb = "is" if count == 1 else "are"
    return f"{counted(count, reading.noun)} {verb} bad in all ({wheres}{dots})"
