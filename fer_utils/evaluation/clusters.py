"""Intervals for images that are not independent: several of each person."""

from __future__ import annotations

import numpy as np

from fer_utils.errors import DataError, ParameterError

__all__ = ["cluster_draws", "cluster_interval", "interval"]

_INTERVAL = (2.5, 97.5)  # percentiles of a 95 % interval
_BLOCK = 4_000_000  # drawn clusters held at once: about 32 MB


def cluster_interval(
    values, clusters, *, n_bootstrap: int = 2000, seed: int = 0
) -> tuple[float, float] | None:
    """Return the 95 % interval of a mean over images, resampling whole clusters.

    Images of one person are alike, so 981 images of 118 persons say less than 981
    persons would: resampling images would give far too narrow an interval. Whole
    persons are drawn with replacement instead (the cluster bootstrap; Field and Welsh
    2007), and the interval holds for other persons from the same population.

    Args:
        values: float or bool (N,), for example whether each answer is right, or the
            difference of two models' answers.
        clusters: (N,), who is seen in each image.
        n_bootstrap: how many resamples, at least 1.
        seed: int, of the resampling.

    Returns:
        (low, high); None for a single cluster, which tells nothing about others.

    Raises:
        DataError: no image.
        ParameterError: lengths that differ, or n_bootstrap below 1.

    Example:
        >>> right = [1, 1, 1, 0, 0, 0]
        >>> cluster_interval(right, ["ann", "ann", "ann", "bob", "bob", "bob"])
        (0.0, 1.0)
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or np.shape(clusters) != values.shape:
        raise ParameterError(
            f"values and clusters: expected (N,) each, one entry per image, received "
            f"{values.shape} and {np.shape(clusters)}."
        )
    ends = interval(cluster_draws(values[:, None], clusters, n_bootstrap, seed))
    return ends[0]


def cluster_draws(
    values: np.ndarray, clusters, n_bootstrap: int, seed: int, weights=None
) -> np.ndarray:
    """Return the means of M columns in resamples of whole clusters, float (R, M).

    Args:
        values: float (N, M), a measure per column.
        clusters: (N,).
        n_bootstrap: R, at least 1.
        seed: int; all columns see the same resamples.
        weights: optional float (N, M), 0 where an image does not count.

    Returns:
        A mean is NaN where no drawn image counts, and for a single cluster.
    """
    if n_bootstrap < 1:
        raise ParameterError(f"n_bootstrap={n_bootstrap}: expected at least 1.")
    if not len(values):
        raise DataError("there is no image to evaluate.")
    weights = np.ones(values.shape) if weights is None else np.asarray(weights)
    names, number = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.zeros((2, len(names), values.shape[1]))  # per cluster
    np.add.at(sums[0], number, values * weights)
    np.add.at(sums[1], number, weights)
    if len(names) < 2:
        return np.full((n_bootstrap, values.shape[1]), np.nan)
    parts = [drawn @ sums for drawn in _drawn(len(names), n_bootstrap, seed)]
    total, count = np.concatenate(parts, axis=1)  # (R, M) each
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _drawn(n: int, n_bootstrap: int, seed: int):
    """Yield how often each of n clusters is drawn, a block of resamples at a time."""
    rng, shares = np.random.default_rng(seed), np.full(n, 1 / n)
    block = max(1, _BLOCK // n)
    for begin in range(0, n_bootstrap, block):
        yield rng.multinomial(n, shares, min(block, n_bootstrap - begin))


def interval(draws: np.ndarray) -> list[tuple[float, float] | None]:
    """Return (low, high) of each column of draws; None where all are NaN."""
    ends = []
    for column in draws.T:
        known = column[~np.isnan(column)]
        low, high = np.percentile(known, _INTERVAL) if len(known) else (None, None)
        ends.append(None if low is None else (float(low), float(high)))
    return ends
