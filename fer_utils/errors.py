"""The kit's errors: what was received, what is allowed, what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "DataError",
    "FerError",
    "ParameterError",
    "TrainingError",
    "WeightsError",
    "did_you_mean",
]


class FerError(Exception):
    """Base of every error that the kit raises on purpose."""


class DataError(FerError):
    """A data set is missing, malformed or does not fit what was asked of it."""


class ParameterError(FerError, ValueError):
    """A parameter has an unknown name, a wrong type or a value out of range."""


class WeightsError(FerError):
    """Pretrained weights could not be found, verified or loaded."""


class TrainingError(FerError):
    """Training cannot go on, for example because the loss is not a number."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return the tail of an error message that helps with a mistyped name.

    Args:
        name: what was received.
        known: the names that are allowed.

    Returns:
        " Did you mean 'x'? Known: a, b, c." with the question only when a name is near.

    Example:
        >>> did_you_mean("epoch", ["epochs", "seed"])
        " Did you mean 'epochs'? Known: epochs, seed."
    """
    known = sorted(str(k) for k in known)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    question = f" Did you mean {near[0]!r}?" if near else ""
    return f"{question} Known: {', '.join(known)}."
