"""What an answer must be before it can be checked: a number, a function."""

from __future__ import annotations

import numpy as np

from fer_utils.course.exercise import require

__all__ = ["function", "number"]


def number(value, meaning: str) -> float:
    """Return the value as a float, or hint at what was expected.

    Args:
        value: the answer.
        meaning: what the number stands for, for the hint.
    """
    kind = np.asarray(value).dtype.kind if np.ndim(value) == 0 else ""
    require(
        bool(kind) and kind in "iuf",
        f"Expected one number, {meaning}; received {value!r} ({type(value).__name__}).",
    )
    return float(value)


def function(answer, signature: str):
    """Return the answer if it can be called, or hint at what was expected.

    Args:
        answer: the answer.
        signature: how the function is called, for the hint.
    """
    name = signature.partition("(")[0]
    require(
        callable(answer),
        f"Expected the function {signature}, given by its name {name} without a call; "
        f"received {answer!r} ({type(answer).__name__}).",
    )
    return answer
