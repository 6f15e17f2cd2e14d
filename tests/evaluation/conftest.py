"""Small random answers of a seven-class model."""

import matplotlib
import numpy as np
import pytest

from fer_utils.labels import FER2013

matplotlib.use("Agg")


@pytest.fixture
def answers():
    """Return a function (n, k, seed) -> (probs (n, k), labels (n,)), mostly right."""

    def make(n=60, k=7, seed=0):
        rng = np.random.default_rng(seed)
        labels = rng.integers(k, size=n)
        probs = rng.dirichlet(np.ones(k), n)
        probs[np.arange(n), labels] += 0.3
        return probs / probs.sum(1, keepdims=True), labels

    return make


@pytest.fixture
def classes():
    return FER2013.classes


@pytest.fixture(autouse=True)
def no_figure_left_open():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
