"""Intervals that resample persons."""

import doctest
import importlib

import numpy as np
import pytest
from scipy import stats

from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation import cluster_interval


@pytest.mark.parametrize(
    ("values", "clusters", "message"),
    [
        ([], [], "no image"),
        ([1, 0], ["a"], r"received \(2,\) and \(1,\)"),
        ([[1]], [["a"]], r"expected \(N,\) each"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(values, clusters, message):
    with pytest.raises((DataError, ParameterError), match=message):
        cluster_interval(values, clusters)


def test_a_resample_is_needed():
    with pytest.raises(ParameterError, match="n_bootstrap=0"):
        cluster_interval([1, 0], ["a", "b"], n_bootstrap=0)


def test_one_person_tells_nothing_about_others():
    assert cluster_interval([1, 0, 1], ["ann"] * 3) is None


def test_the_interval_is_that_of_scipy_on_person_sums():
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(40), rng.integers(1, 9, 40))
    right = rng.random(len(who)) < rng.random(40)[who]
    sums = np.bincount(who, right), np.bincount(who)

    def ratio(hits, totals, axis=-1):
        return hits.sum(axis) / totals.sum(axis)

    expected = stats.bootstrap(
        sums, ratio, paired=True, method="percentile", n_resamples=4000, vectorized=True
    ).confidence_interval
    found = cluster_interval(right, who, n_bootstrap=4000)
    assert found == pytest.approx(tuple(expected), abs=0.01)


def test_copies_of_an_image_do_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    right = rng.random(50) < 0.7
    once = cluster_interval(right, np.arange(50))
    ten_times = cluster_interval(np.repeat(right, 10), np.repeat(np.arange(50), 10))
    assert once == ten_times
    low, high = cluster_interval(np.repeat(right, 10), np.arange(500))
    assert high - low < 0.5 * (once[1] - once[0])


def test_many_clusters_are_drawn_in_blocks_with_the_same_result(monkeypatch):
    from fer_utils.evaluation import clusters

    right = np.random.default_rng(0).random(60) < 0.5
    whole = cluster_interval(right, np.arange(60), n_bootstrap=50)
    monkeypatch.setattr(clusters, "_BLOCK", 180)  # three resamples at a time
    assert cluster_interval(right, np.arange(60), n_bootstrap=50) == whole


@pytest.mark.parametrize(
    "module", ["data.folds", "evaluation.clusters", "evaluation.leakage"]
)
def test_the_examples_in_the_docstrings_run(module):
    found = doctest.testmod(importlib.import_module(f"fer_utils.{module}"))
    assert found.attempted and not found.failed
