"""A number of the report that knows its record, and the run that it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["MISSING", "Run", "Value", "get_field", "plain"]

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


def plain(raw: object) -> str:
    """Write a value as a person reads it; what is empty is "–"."""
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, dict):
        return ", ".join(f"{k} = {plain(v)}" for k, v in raw.items()) or MISSING
    if isinstance(raw, (list, tuple)):
        return ", ".join(plain(v) for v in raw) or MISSING
    if isinstance(raw, float):
        return f"{raw:g}"
    return str(raw) or MISSING


def _p_value(raw: float) -> str:
    return "<\u00a00.001" if raw < 0.001 else f"{raw:.3f}"


_STYLES = {
    "percent": lambda x: f"{100 * x:.1f}\u00a0%",
    "points": lambda x: f"{100 * x:.1f}",
    "signed": lambda x: f"{100 * x:+.1f}".replace("-", "\u2212"),
    "whole": lambda x: f"{100 * x:.0f}",
    "score": lambda x: f"{x:.3f}",
    "count": lambda x: f"{x:,.0f}" if x == int(x) else f"{x:,.1f}",
    "minutes": lambda x: f"{x / 60:.1f}",
    "seconds": lambda x: f"{x:,.1f}\u00a0s",
    "megabytes": lambda x: f"{x:,.0f}\u00a0MB",
    "p": _p_value,
    "plain": plain,
}


@dataclass(frozen=True)
class Value:
    """One value of a record, or what several records or probabilities give together.

    Attributes:
        records: ids of the runs it comes from.
        field: path inside these records; for a number that is computed from more than
            one field, what computes it, for example "paired_test".
        style: how it is written; a key of `_STYLES`.
        raw: the value, None when the record has none.
        statistic: "" for the field itself; "mean", "sd" (ddof 1), "min" or "max" over
            the records; "share" of the sum of its list; "computed" otherwise.
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
