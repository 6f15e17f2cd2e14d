"""What every architecture promises: shapes, dtypes, sizes, options, saving."""

from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_utils import models
from fer_utils.errors import ParameterError
from fer_utils.labels import FER2013
from fer_utils.models import blocks

OFFLINE = {  # the options that make a network small and independent of any file
    "mobilenet": {"weights": None, "alpha": 0.25, "image_size": 32},
    "resnet50v2": {"weights": None, "image_size": 32},
}

LIGHT = [n for n in models.names() if n != "resnet50v2"]  # it is slow to build and save


@cache
def built(name, input_shape=(16, 16, 1), classes=7):
    return models.build(name, input_shape, classes, **OFFLINE.get(name, {}))


def faces(input_shape, n=2):
    return np.random.default_rng(0).integers(0, 256, (n, *input_shape), "uint8")


def logits_of(model, pixels):
    return keras.ops.convert_to_numpy(model(pixels, training=False))


def conv(inputs, outputs, kernel_size=3):
    return kernel_size**2 * inputs * outputs + outputs


def conv_norm(inputs, outputs):
    return conv(inputs, outputs) + 4 * outputs  # gamma, beta, mean, variance


def shallow_parameters(side, channels, num_classes):
    stages = conv_norm(channels, 32) + conv_norm(32, 64) + conv_norm(64, 128)
    dense = (side // 8) ** 2 * 128 * 64 + 64 + 4 * 64
    return stages + dense + 64 * num_classes + num_classes


def vgg_parameters(channels, num_classes):
    widths = [channels, *[64] * 2, *[128] * 3, *[256] * 8, *[512] * 4]
    stages = sum(map(conv_norm, widths, widths[1:]))
    return stages + 512 * num_classes + num_classes  # 48 pixels end as one position


def test_every_name_has_its_file_and_every_file_its_name():
    folder = Path(models.__file__).parent
    helpers = {"__init__", "blocks", "cost", "weights"}
    assert {p.stem for p in folder.glob("*.py")} - helpers == set(models.names())


@pytest.mark.parametrize(
    ("name", "input_shape", "classes", "expected"),
    [
        ("deep_cnn", (48, 48, 1), 7, 2_395_591),  # the published total
        ("shallow_cnn", (48, 48, 1), 7, shallow_parameters(48, 1, 7)),
        ("shallow_cnn", (32, 32, 3), 4, shallow_parameters(32, 3, 4)),  # all differ
        ("vgg5", (48, 48, 1), 7, vgg_parameters(1, 7)),
    ],
)
def test_parameter_counts_follow_from_the_description(
    name, input_shape, classes, expected
):
    assert models.build(name, input_shape, classes).count_params() == expected


def test_compact_has_at_most_1_3_million_parameters():
    assert models.build("compact", (48, 48, 3), 8).count_params() <= 1_300_000


@pytest.mark.parametrize("name", models.names())
def test_uint8_pixels_go_in_and_finite_float32_logits_come_out(name):
    model = built(name)
    assert model.input.dtype == "uint8"
    assert model.output_shape == (None, 7)
    out = logits_of(model, faces((16, 16, 1), n=1))  # a batch of one
    assert out.shape == (1, 7)
    assert out.dtype == np.float32
    assert np.isfinite(out).all()


@pytest.mark.parametrize("name", models.names())
def test_logits_are_no_probabilities(name):
    last = built(name).layers[-1]
    assert last.name == "logits"
    assert last.activation is keras.activations.linear


@pytest.mark.parametrize(
    ("input_shape", "classes"),
    [
        ((8, 8, 1), 2),  # the smallest of both
        ((9, 13, 3), 8),  # odd, not square, RGB
        ((48, 48, 1), 7),  # FER2013
    ],
)
@pytest.mark.parametrize("name", LIGHT)
def test_sizes_channels_and_class_counts_are_free(name, input_shape, classes):
    model = models.build(name, input_shape, classes, **OFFLINE.get(name, {}))
    assert logits_of(model, faces(input_shape)).shape == (2, classes)


@pytest.mark.parametrize("name", models.names())
def test_no_augmentation_is_inside(name):
    every_layer = built(name)._flatten_layers()  # nested networks included
    kinds = {type(layer).__name__ for layer in every_layer}
    assert not {k for k in kinds if k.startswith("Random") or "Noise" in k}


@pytest.mark.parametrize("name", LIGHT)
def test_saving_keeps_class_names_and_predictions(name, tmp_path):
    model = built(name)
    model.class_names = FER2013.classes
    loaded = models.load(models.save(model, tmp_path / "model.keras"))
    assert loaded.class_names == model.class_names
    pixels = faces((16, 16, 1))
    np.testing.assert_allclose(
        logits_of(loaded, pixels), logits_of(model, pixels), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", models.names())
def test_mixed_precision_still_gives_float32_logits(name):
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = models.build(name, (8, 8, 1), 2, **OFFLINE.get(name, {}))
    finally:
        keras.mixed_precision.set_global_policy(before)
    assert any(layer.compute_dtype == "bfloat16" for layer in model.layers)
    assert logits_of(model, faces((8, 8, 1))).dtype == np.float32


def test_grey_is_the_same_as_grey_written_as_rgb():
    grey, rgb = built("mobilenet"), built("mobilenet", (16, 16, 3))
    rgb.set_weights(grey.get_weights())
    pixels = faces((16, 16, 1))
    np.testing.assert_allclose(
        logits_of(grey, pixels),
        logits_of(rgb, pixels.repeat(3, axis=-1)),
        rtol=1e-4,
        atol=1e-5,
    )


def test_imagenet_networks_see_minus_one_to_one():
    pixels = blocks.pixels_input((2, 2, 1))
    model = keras.Model(pixels, blocks.imagenet_pixels(pixels, 4))
    black_and_white = np.array([0, 255], "uint8")[:, None, None, None]
    seen = logits_of(model, np.tile(black_and_white, (1, 2, 2, 1)))
    assert seen.shape == (2, 4, 4, 3)
    np.testing.assert_allclose(seen[0], -1, atol=1e-6)
    np.testing.assert_allclose(seen[1], 1, atol=1e-6)


def test_compact_sees_the_centre_only():
    model = models.build("compact", (48, 48, 1), filters=(4,))
    face = faces((48, 48, 1), n=1)
    outside, inside = face.copy(), face.copy()
    outside[:, [0, 1, 46, 47]] ^= 255  # two pixels on each side are cropped away
    outside[:, :, [0, 1, 46, 47]] ^= 255
    inside[:, 2] ^= 255
    np.testing.assert_array_equal(logits_of(model, outside), logits_of(model, face))
    assert np.abs(logits_of(model, inside) - logits_of(model, face)).max() > 0


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("shallow_cnn", {"input_shape": (7, 8, 1)}, "H and W at least 8"),
        ("compact", {"input_shape": (48, 48, 2)}, "C 1 .grey. or 3 .RGB."),
        ("vgg5", {"input_shape": (48, 48)}, r"expected \(H, W, C\)"),
        ("vgg5", {"classes": 1}, "num_classes=1: expected at least 2"),
        ("vgg5", {"dropout_rate": 1.0}, r"dropout_rate=1.0: each rate must lie in \[0"),
        ("compact", {"dropout_rate": -0.1}, "dropout_rate=-0.1"),
        ("shallow_cnn", {"dropout_rates": (0.5,)}, "expected a tuple of 4 values"),
        ("shallow_cnn", {"dropout_rates": 0.5}, "expected a tuple of 4 values"),
        ("compact", {"filters": ()}, "at least one"),
        ("compact", {"filters": 32}, "one positive whole number per stage"),
        ("compact", {"filters": (32, 0)}, "one positive whole number per stage"),
        ("compact", {"filter": (32,)}, "Did you mean 'filters'"),
        ("mobilenet", {"input_shape": (24, 24, 1)}, "at least 32. Pass image_size=32"),
        ("mobilenet", {"image_size": 31}, "whole number from 32 up"),
        ("mobilenet", {"image_size": 96.0}, "whole number from 32 up"),
        ("mobilenet", {"weights": "random"}, "'imagenet', or None for random"),
        ("mobilenet", {"alpha": 0.3}, "0.25, 0.5, 0.75, 1.0"),
        ("mobilenet", {"alpha": 0.0, "weights": None}, "width multiplier above 0"),
        ("resnet50v2", {"image_size": 16}, "whole number from 32 up"),
        ("resnet50v2", {"weights": True}, "'imagenet', or None for random"),
    ],
)
def test_invalid_arguments_name_what_is_allowed(name, options, message):
    with pytest.raises(ParameterError, match=message):
        models.build(name, **options)
