"""Augmentation: a model of its own that is silent outside training."""

import keras
import numpy as np
import pytest

from fer_utils.errors import ParameterError
from fer_utils.training import AUGMENTATIONS, augmentation
from fer_utils.training.affine import affine_rows

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 1)).astype(np.uint8)
PAD = ((0, 0), (0, 0), (0, 6), (0, 0))


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


def moved(images, angle=0.0, zoom=(1, 1), shear=(0, 0), shift=(0, 0)):
    """Apply one map to every image."""
    count = len(images)
    each = [np.tile(np.float32(v), (count, 1)) for v in (zoom, shear, shift)]
    rows = affine_rows(np.full(count, angle, np.float32), *each, images.shape[1:3])
    out = keras.ops.image.affine_transform(
        images.astype(np.float32), rows, "bilinear", "nearest"
    )
    return np.asarray(out)


@pytest.mark.parametrize(
    "change, expected",
    [
        ({}, lambda x: x),
        ({"zoom": (-1, 1)}, lambda x: x[:, :, ::-1]),  # the mirror image, exactly
        ({"angle": np.pi}, lambda x: x[:, ::-1, ::-1]),
        ({"angle": np.pi / 2}, lambda x: np.rot90(x, 1, (1, 2))),
        ({"shift": (0.25, 0)}, lambda x: np.pad(x, PAD, "edge")[:, :, 6:]),
    ],
)
def test_a_map_moves_pixels_where_it_should(change, expected):
    images = PIXELS.astype(np.float32)
    np.testing.assert_allclose(moved(images, **change), expected(images), atol=0.05)


def test_a_flip_alone_changes_no_grey_value():
    out = np.asarray(augmentation("flip", (24, 24, 1))(PIXELS, training=True))
    for face, before in zip(out, PIXELS, strict=True):
        assert (face == before).all() or (face == before[:, ::-1]).all()


def test_every_step_of_a_recipe_can_be_shown_alone():
    steps = AUGMENTATIONS["wide"].steps()
    assert list(steps) == ["flip", "rotation", "zoom", "shift", "contrast", "erasing"]
    for step in steps.values():
        out = np.asarray(augmentation(step, (24, 24, 1))(PIXELS, training=True))
        assert (out != PIXELS).any()
