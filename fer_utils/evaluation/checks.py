"""What every room of evaluation asks of probabilities and labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_utils.errors import DataError, ParameterError

__all__ = ["checked_classes", "checked_labels", "checked_probs"]

# Loose enough for float16 outputs, tight enough to catch logits.
_SUM_TOLERANCE = 1e-2


def checked_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """Return class names as a tuple of at least two different ones."""
    names = tuple(str(c) for c in classes)
    if isinstance(classes, str) or len(names) < 2 or len(set(names)) < len(names):
        raise ParameterError(
            f"classes={classes!r}: expected at least two different class names."
        )
    return names


def checked_probs(probs: np.ndarray, num_classes: int | None = None) -> np.ndarray:
    """Return probs as float64 (N, K), each row summing to one; name a bad row."""
    probs = np.asarray(probs, np.float64)
    if probs.ndim != 2 or num_classes not in (None, probs.shape[1]):
        wanted = "K" if num_classes is None else num_classes
        raise ParameterError(
            f"probs: expected shape (N, {wanted}), one column per class, received "
            f"{probs.shape}."
        )
    if not len(probs):
        raise DataError(
            "there is no image to evaluate: probs has 0 rows. Is the split empty? "
            "See FaceSet.counts()."
        )
    total = probs.sum(1)
    finite = np.isfinite(probs).all(1)
    sums_to_one = np.abs(np.where(finite, total, 0) - 1) <= _SUM_TOLERANCE
    bad = np.flatnonzero(
        ~(finite & sums_to_one & (np.where(finite, probs.min(1), -1) >= 0))
    )
    if len(bad):
        row = int(bad[0])
        values = np.round(probs[row], 3).tolist()
        raise ParameterError(
            f"probs row {row}: expected {probs.shape[1]} probabilities in [0, 1] that "
            f"sum to 1, received {values} (sum {total[row]:.3f}); {len(bad)} of "
            f"{len(probs)} rows are bad. Pass probabilities, not logits: "
            "evaluation.predict returns them."
        )
    return probs / total[:, None]


def checked_labels(labels: np.ndarray, probs: np.ndarray) -> np.ndarray:
    """Return labels as int64 (N,), each a column of probs."""
    labels = np.asarray(labels)
    if labels.shape != (len(probs),):
        raise ParameterError(
            f"labels: expected shape ({len(probs)},), one per row of probs, received "
            f"{labels.shape}."
        )
    whole = labels.astype(np.int64)
    bad = np.flatnonzero((whole != labels) | (whole < 0) | (whole >= probs.shape[1]))
    if len(bad):
        raise ParameterError(
            f"labels row {int(bad[0])}: expected a whole number in "
            f"[0, {probs.shape[1] - 1}], received {labels[bad[0]]}."
        )
    return whole
