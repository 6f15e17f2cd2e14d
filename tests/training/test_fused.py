"""The fused batch norm trains the same network, in the same weights."""

import keras
import numpy as np
import pytest

from fer_utils import models
from fer_utils.backend import fused_batch_norm
from fer_utils.training.fused import FusedBatchNorm, with_fused_batch_norm

needs_it = pytest.mark.skipif(
    fused_batch_norm is None, reason="this backend has no fused batch norm"
)
IMAGES = np.random.default_rng(0).integers(0, 256, (8, 48, 48, 1), np.uint8)
TARGETS = np.eye(7, dtype=np.float32)[np.arange(8) % 7]


def trained(fused: bool, name="compact", steps=3, **options):
    keras.utils.set_random_seed(0)
    model = models.build(name, **options)
    trainee = with_fused_batch_norm(model) if fused else model
    assert (trainee is model) != fused
    trainee.compile(
        keras.optimizers.SGD(0.01), keras.losses.CategoricalCrossentropy(True)
    )
    for _ in range(steps):
        trainee.train_on_batch(IMAGES, TARGETS)
    return model


@needs_it
@pytest.mark.parametrize(
    "name, options",
    [
        ("compact", {"filters": (8, 16), "dropout_rate": 0.0}),
        ("deep_cnn", {"width": 0.1, "dropout_rates": (0.0,) * 4}),  # and a dense one
    ],
)
def test_it_changes_the_weights_as_keras_does(name, options):
    start, fused, plain = (
        trained(f, name, steps, **options)
        for f, steps in ((False, 0), (True, 1), (False, 1))
    )
    for before, ours, theirs in zip(
        start.variables, fused.variables, plain.variables, strict=True
    ):
        step = np.abs(theirs.numpy().astype(float) - before).max()
        difference = np.abs(theirs.numpy().astype(float) - ours).max()
        assert difference <= 0.03 * step + 1e-7, theirs.path


@needs_it
def test_the_model_itself_keeps_keras_own_layers(tmp_path):
    model = trained(True, filters=(8, 16))
    assert not any(isinstance(x, FusedBatchNorm) for x in model.layers)
    models.save(model, tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(IMAGES), model(IMAGES), rtol=1e-5, atol=1e-5)


@needs_it
def test_outside_training_the_view_is_the_model():
    model = models.build("compact", filters=(8, 16))
    view = with_fused_batch_norm(model)
    np.testing.assert_array_equal(view(IMAGES), model(IMAGES))


@needs_it
def test_a_frozen_layer_keeps_its_statistics():
    model = models.build("compact", filters=(8,))
    norm = next(x for x in model.layers if "batch_norm" in x.name)
    norm.trainable = False
    before = norm.moving_mean.numpy().copy()
    with_fused_batch_norm(model)(IMAGES, training=True)
    np.testing.assert_array_equal(norm.moving_mean, before)


def test_a_model_without_batch_norm_is_returned_as_it_is():
    pixels = keras.Input((8, 8, 1))
    model = keras.Model(pixels, keras.layers.Flatten()(pixels))
    assert with_fused_batch_norm(model) is model


@needs_it
def test_bfloat16_feature_maps_keep_float32_statistics():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = trained(True, filters=(8, 16))
    finally:
        keras.config.set_dtype_policy("float32")
    norm = next(x for x in model.layers if "batch_norm" in x.name)
    mean = norm.moving_mean.numpy()
    assert mean.dtype == np.float32
    halves = mean.view(np.uint32) & 0xFFFF  # zero in every bfloat16 value
    assert halves.any()
