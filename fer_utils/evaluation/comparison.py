"""Is model A better than model B, or only luckier on these images?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_utils.errors import ParameterError
from fer_utils.evaluation.checks import checked_labels, checked_probs

__all__ = ["PairedTest", "paired_test"]


@dataclass(frozen=True)
class PairedTest:
    """Two models on the same images.

    Attributes:
        difference: accuracy of A minus accuracy of B, in [-1, 1].
        interval: 95 % paired bootstrap interval (low, high) of the difference.
        only_a_right: how many images A alone classifies correctly.
        only_b_right: how many B alone does.
        p_value: of the exact two-sided McNemar test.
        n: how many images.
    """

    difference: float
    interval: tuple[float, float]
    only_a_right: int
    only_b_right: int
    p_value: float
    n: int

    def summary(self, a: str = "A", b: str = "B", alpha: float = 0.05) -> str:
        """Say in one sentence what these images show, and what they do not.

        Args:
            a: name of the first model.
            b: name of the second model.
            alpha: the significance level, in (0, 1).
        """
        if self.difference == 0:
            opening = f"{a} and {b} are right equally often"
        else:
            better, worse = (a, b) if self.difference > 0 else (b, a)
            points = f"{abs(self.difference) * 100:.1f}"
            opening = f"{better} is right more often than {worse} by {points} points"
        low, high = (100 * end for end in self.interval)
        p_value = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.3f}"
        verdict = (
            "a difference that chance alone would rarely produce"
            if self.p_value < alpha
            else f"so these {self.n:,} images do not tell the two apart"
        )
        return (
            f"{opening} (95 % interval of {a} minus {b}: {low:+.1f} to {high:+.1f}; "
            f"only {a} right {self.only_a_right:,} times, only {b} "
            f"{self.only_b_right:,} times; exact McNemar {p_value}), {verdict}."
        )


def paired_test(probs_a, probs_b, labels, *, n_bootstrap=10_000, seed=0) -> PairedTest:
    """Compare two models on the same images.

    Only the images on which exactly one of the two is right carry information: if the
    models were equally good, each such image would be a fair coin (McNemar 1947; the
    exact binomial form). The interval resamples images, both models' answers together.

    Args:
        probs_a: float (N, K), model A's probabilities.
        probs_b: float (N, K), model B's, of the same images in the same order.
        labels: int (N,), in [0, K).
        n_bootstrap: how many resamples, at least 1.
        seed: int, of the resampling.

    Returns:
        PairedTest.

    Raises:
        DataError: no image.
        ParameterError: arrays that do not fit together.

    Example:
        >>> right, wrong = [1.0, 0.0], [0.0, 1.0]
        >>> test = paired_test([right] * 6, [wrong] * 6, [0] * 6)
        >>> test.only_a_right, test.only_b_right, test.p_value
        (6, 0, 0.03125)
    """
    from scipy.stats import binomtest

    if n_bootstrap < 1:
        raise ParameterError(f"n_bootstrap={n_bootstrap}: expected at least 1.")
    probs_a = checked_probs(probs_a)
    probs_b = checked_probs(probs_b, probs_a.shape[1])
    if len(probs_a) != len(probs_b):
        raise ParameterError(
            f"probs_a has {len(probs_a)} rows, probs_b {len(probs_b)}: a paired test "
            "needs both models' answers to the same images, in the same order."
        )
    labels = checked_labels(labels, probs_a)
    right_a, right_b = (p.argmax(1) == labels for p in (probs_a, probs_b))
    only_a = int((right_a & ~right_b).sum())
    only_b = int((right_b & ~right_a).sum())
    n, split = len(labels), only_a + only_b
    p_value = float(binomtest(only_a, split).pvalue) if split else 1.0
    # Resampling image pairs is drawing how often each of three outcomes occurs.
    shares = np.array([only_a, only_b, n - split]) / n
    draws = np.random.default_rng(seed).multinomial(n, shares, n_bootstrap)
    low, high = np.percentile((draws[:, 0] - draws[:, 1]) / n, (2.5, 97.5))
    interval = (float(low), float(high))
    return PairedTest((only_a - only_b) / n, interval, only_a, only_b, p_value, n)
