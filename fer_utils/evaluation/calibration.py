"""Does a confidence of 80 % mean right in 80 of 100 cases?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation.checks import checked_labels, checked_probs

__all__ = ["Reliability", "bin_numbers", "fit_temperature", "reliability"]


@dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence against accuracy in equally wide bins of confidence.

    Attributes:
        confidence: float (n_bins,), the mean confidence in each bin; NaN where it is
            empty.
        accuracy: float (n_bins,), the share of right answers in each bin; NaN likewise.
        count: int64 (n_bins,), how many images fall into each bin.
        ece: float, the expected calibration error in [0, 1].
        notice: a sentence that the figure must carry.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray
    ece: float
    notice: str = ""

    def plot(self, ax=None):
        """Draw the reliability diagram and return its Axes."""
        from fer_utils.evaluation.plots import draw_reliability

        return draw_reliability(self, ax)

    def alt_text(self) -> str:
        """Describe the figure in words."""
        filled = self.count > 0
        gap = float(
            np.average(
                (self.confidence - self.accuracy)[filled], weights=self.count[filled]
            )
        )
        word = "above" if gap >= 0 else "below"
        return (
            f"Reliability diagram of {self.count.sum():,} predictions: confidence is "
            f"on average {abs(gap):.1%} {word} accuracy, and the expected calibration "
            f"error is {self.ece:.1%}."
        )


def reliability(probs, labels, n_bins: int = 15, notice: str = "") -> Reliability:
    """Compare confidence with accuracy and compute the expected calibration error.

    The confidence of a prediction is its highest probability; ECE is the mean gap
    between confidence and accuracy over equally wide bins (a, b], weighted by their
    counts (Guo et al. 2017, arXiv:1706.04599, equation 3).

    Args:
        probs: float (N, K), rows sum to one.
        labels: int (N,), in [0, K).
        n_bins: int, at least 1.
        notice: a sentence that the figure must carry.

    Returns:
        Reliability.

    Raises:
        ParameterError: bad probabilities, labels or n_bins.
        DataError: no image.

    Example:
        >>> always_sure = np.array([[1.0, 0.0], [1.0, 0.0]])
        >>> reliability(always_sure, [0, 1]).ece
        0.5
    """
    if n_bins < 1:
        raise ParameterError(f"n_bins={n_bins}: expected at least 1.")
    probs = checked_probs(probs)
    labels = checked_labels(labels, probs)
    confidence, right = probs.max(1), probs.argmax(1) == labels
    bins = bin_numbers(confidence, n_bins)
    count = np.bincount(bins, minlength=n_bins)
    sure = np.bincount(bins, weights=confidence, minlength=n_bins)
    hits = np.bincount(bins, weights=right, minlength=n_bins)
    ece = float(np.abs(sure - hits).sum() / len(labels))
    with np.errstate(invalid="ignore"):  # 0 / 0 in an empty bin is NaN on purpose
        return Reliability(sure / count, hits / count, count, ece, notice)


def bin_numbers(confidence: np.ndarray, n_bins: int) -> np.ndarray:
    """Return the bin 0 … n_bins - 1 of each confidence; bins are (a, b]."""
    edges = np.linspace(0, 1, n_bins + 1)[1:-1]
    return np.searchsorted(edges, confidence, side="left")


def fit_temperature(logits, labels) -> float:
    """Find the temperature that makes the probabilities best calibrated.

    Minimises the log loss of softmax(logits / temperature), which never changes which
    class is predicted (Guo et al. 2017, arXiv:1706.04599, section 4.2). Fit it on
    `val`.

    Args:
        logits: float (N, K).
        labels: int (N,), in [0, K).

    Returns:
        float in [0.01, 100]; above 1 the model was too sure, below 1 not sure enough.

    Raises:
        DataError: no image.
        ParameterError: logits or labels of a wrong shape or with NaN.

    Example:
        >>> logits = np.array([[4.0, 0.0]] * 4)  # 98 % sure, right in 3 of 4 cases
        >>> round(fit_temperature(logits, [0, 0, 0, 1]), 2)
        3.64
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logits = np.asarray(logits, np.float64)
    if logits.ndim != 2 or not np.isfinite(logits).all():
        raise ParameterError(
            f"logits: expected finite numbers (N, K), received shape {logits.shape}."
        )
    if not len(logits):
        raise DataError("there is no image to fit a temperature on: logits has 0 rows.")
    labels = checked_labels(labels, logits)
    rows = np.arange(len(labels))

    def loss(log_temperature):
        scaled = logits / np.exp(log_temperature)
        return -log_softmax(scaled, axis=1)[rows, labels].mean()

    bounds = (np.log(0.01), np.log(100))
    best = minimize_scalar(
        loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(best.x))
