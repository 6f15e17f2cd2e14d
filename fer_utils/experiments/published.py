"""Numbers that others report, quoted from `published.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Baseline", "Published", "baselines", "published"]

_FILE = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Published:
    """A test accuracy that a study reports for one row.

    Attributes:
        accuracy: in [0, 1].
        quoted: the same in per cent, with the digits it was published with.
        train: the training accuracy likewise, or "".
        label: of its protocol, in two words.
        text: what was measured on what.
    """

    accuracy: float
    quoted: str
    train: str
    label: str
    text: str


@dataclass(frozen=True)
class Baseline:
    """What people or another program score on the test images of FER2013.

    Attributes:
        name: who.
        source: where the numbers come from.
        accuracy: in per cent, as the source writes it.
        spread: in points, or None.
        tta, macro_f1, ece: further numbers of the source, or None.
    """

    name: str
    source: str
    accuracy: float
    spread: float | None = None
    tta: float | None = None
    macro_f1: float | None = None
    ece: float | None = None


@cache
def _content() -> dict:
    import yaml

    return yaml.safe_load(_FILE.read_text(encoding="utf-8"))


def published() -> dict[str, Published]:
    """Return what was published, by the name of the experiment that repeats it.

    Example:
        >>> published()["deep_cnn"].quoted
        '66.0'
    """
    content = _content()
    return {
        name: Published(
            accuracy=row["test"] / 100,
            quoted=str(row["test"]),
            train=str(row.get("train", "")),
            **content["protocols"][row["protocol"]],
        )
        for name, row in content["experiments"].items()
    }


def baselines() -> tuple[Baseline, ...]:
    """Return the lines that stand beside FER2013's seven classes."""
    return tuple(Baseline(**row) for row in _content()["baselines"])
