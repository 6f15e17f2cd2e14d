"""Shared by all tests: nothing is read from or written to the user's cache."""

import numpy as np
import pytest

from fer_utils.data.faceset import FaceSet


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("FER_CACHE_DIR", str(folder))


def small_faces(n: int = 12, size: int = 16, classes=("happy", "sad", "fear")):
    """Return n noisy faces, a third in each split, that a network can tell apart."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % len(classes)
    pixels = rng.integers(0, 60, (n, size, size))
    pixels += (labels * 80)[:, None, None]
    split = np.array(["train", "val", "test"])[np.arange(n) * 3 // max(n, 1)]
    return FaceSet(pixels.astype(np.uint8), labels, split, classes)


@pytest.fixture
def faces():
    return small_faces()
