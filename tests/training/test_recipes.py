"""Augmentation: a model of its own that is silent outside training."""

import numpy as np
import pytest

from fer_utils.errors import ParameterError
from fer_utils.training import AUGMENTATIONS, augmentation

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 1)).astype(np.uint8)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_outside_training_pixels_pass_unchanged(name):
    out = augmentation(name, (24, 24, 1))(PIXELS, training=False)
    np.testing.assert_array_equal(np.asarray(out), PIXELS)


@pytest.mark.parametrize("name", [n for n in AUGMENTATIONS if n != "none"])
def test_in_training_pixels_change_and_stay_uint8(name):
    out = np.asarray(augmentation(name, (24, 24, 1))(PIXELS, training=True))
    assert out.dtype == np.uint8
    assert out.shape == PIXELS.shape
    assert (out != PIXELS).any()


def test_the_same_seed_gives_the_same_faces():
    first, again = (
        np.asarray(augmentation("wide", (24, 24, 1), seed=5)(PIXELS, training=True))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


def test_an_unknown_recipe_is_refused():
    with pytest.raises(ParameterError, match="Did you mean 'classic'"):
        augmentation("classical")
