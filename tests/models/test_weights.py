"""ImageNet weights: found, downloaded or refused, and never silently random."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_utils import models
from fer_utils.errors import ParameterError, WeightsError
from fer_utils.models.weights import (
    freeze,
    imagenet_weights,
    load_imagenet,
    unfreeze,
)

FILE = "mobilenet_v1_0.25_224_imagenet_notop.weights.h5"
REAL = Path(os.environ.get("FER_WEIGHTS_DIR") or "nowhere") / FILE
MOBILENET = keras.applications.MobileNet  # before any test replaces it
SMALL = {"input_shape": (32, 32, 1), "alpha": 0.25}


def small_backbone():
    return MOBILENET((32, 32, 3), 0.25, include_top=False, weights=None)


def trained_backbone(value=0.5):
    """Return a network whose every weight is `value`, as if it had been trained."""
    backbone = small_backbone()
    backbone.set_weights([np.full_like(w, value) for w in backbone.get_weights()])
    return backbone


def instead_of_keras(monkeypatch, download):
    """Let `download` answer whoever asks Keras for ImageNet weights."""

    def application(*args, weights="imagenet", **options):
        if weights == "imagenet":
            return download()
        return MOBILENET(*args, weights=weights, **options)

    monkeypatch.setattr(keras.applications, "MobileNet", application)


def offline():
    raise Exception("URL fetch failure on a server: name not known")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def downloaded(folder, monkeypatch):
    instead_of_keras(monkeypatch, trained_backbone)


@pytest.mark.skipif(not REAL.is_file(), reason=f"no {FILE} in FER_WEIGHTS_DIR")
def test_real_imagenet_weights_are_in_the_network():
    import h5py

    backbone = models.build("mobilenet", **SMALL).get_layer("backbone")
    with h5py.File(REAL) as file:
        kernel = file["layers/conv2d/vars/0"][:]
    np.testing.assert_array_equal(backbone.get_layer("conv1").get_weights()[0], kernel)
    last_variance = backbone.get_layer("conv_pw_13_bn").get_weights()[3]
    assert last_variance.std() > 0.01  # a random network has 1 everywhere


def test_a_file_in_the_folder_comes_before_the_download(folder, monkeypatch):
    instead_of_keras(monkeypatch, offline)
    trained_backbone(0.25).save_weights(folder / FILE)
    assert imagenet_weights("mobilenet", 0.25) == folder / FILE
    backbone = models.build("mobilenet", **SMALL).get_layer("backbone")
    assert all((w == 0.25).all() for w in backbone.get_weights())


@pytest.mark.parametrize("value", ["", "/no/such/folder"])  # unset, and mistyped
def test_without_a_folder_keras_downloads(value, downloaded, monkeypatch):
    monkeypatch.setenv("FER_WEIGHTS_DIR", value)
    assert imagenet_weights("mobilenet", 0.25) == "imagenet"
    backbone = models.build("mobilenet", **SMALL).get_layer("backbone")
    assert all((w == 0.5).all() for w in backbone.get_weights())


def test_missing_weights_name_both_ways_to_get_them(folder, monkeypatch):
    instead_of_keras(monkeypatch, offline)
    with pytest.raises(WeightsError) as raised:
        models.build("mobilenet", **SMALL)
    message = str(raised.value)
    for part in (
        f"no {FILE} in {folder}",
        "URL fetch failure",
        "run this once with internet",
        f"MobileNet(alpha=0.25, include_top=False).save_weights('{FILE}')",
        "weights=None",
    ):
        assert part in message


def test_missing_resnet_weights_are_refused_too(folder, monkeypatch):
    def application(weights="imagenet", **options):
        offline()

    monkeypatch.setattr(keras.applications, "ResNet50V2", application)
    with pytest.raises(
        WeightsError, match="ResNet50V2.include_top=False..save_weights"
    ):
        load_imagenet(small_backbone(), "resnet50v2")


@pytest.mark.filterwarnings("ignore:Skipping nested container")
@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_bytes(b""), "cannot be loaded"),  # empty
        (lambda path: path.write_bytes(b"<html>404"), "cannot be loaded"),  # no HDF5
        (
            lambda path: MOBILENET(
                (32, 32, 3), 0.5, include_top=False, weights=None
            ).save_weights(path),
            "cannot be loaded",  # the weights of another width
        ),
        (
            lambda path: small_backbone().save_weights(path),
            "did not reach",  # a network that was never trained
        ),
    ],
)
def test_a_bad_file_is_refused(folder, write, message):
    write(folder / FILE)
    with pytest.raises(WeightsError, match=message) as raised:
        models.build("mobilenet", **SMALL)
    assert FILE in str(raised.value)


def test_weights_none_asks_for_no_file(folder, monkeypatch):
    instead_of_keras(monkeypatch, offline)
    model = models.build("mobilenet", weights=None, **SMALL)
    assert model.get_layer("backbone").get_layer("conv1").get_weights()[0].std() > 0


@pytest.mark.parametrize(
    ("architecture", "alpha", "message"),
    [
        ("deep_cnn", None, "no ImageNet weights for 'deep_cnn'"),
        ("mobilnet", None, "Did you mean 'mobilenet'"),
        ("mobilenet", 0.3, "0.25, 0.5, 0.75, 1.0"),
    ],
)
def test_unknown_weights_name_the_known_ones(architecture, alpha, message):
    with pytest.raises(ParameterError, match=message):
        imagenet_weights(architecture, alpha)


def moving_mean(model):
    norm = model.get_layer("backbone").get_layer("conv1_bn")
    return keras.ops.convert_to_numpy(norm.moving_mean).copy()


def changes_statistics(model):
    before = moving_mean(model)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 1), "uint8")
    model(pixels, training=True)  # what fit does
    return bool((moving_mean(model) != before).any())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"image_size": 32}, False),  # resized: ImageNet's statistics stay
        ({"image_size": None}, True),  # the study's form: everything is trained
        ({"image_size": 32, "weights": None}, True),  # random weights have none to keep
    ],
)
def test_batch_norm_keeps_imagenet_statistics_only_where_meant(
    downloaded, options, expected
):
    model = models.build("mobilenet", **SMALL, **options)
    assert changes_statistics(model) is expected


def test_the_backbone_is_frozen_for_the_head_and_freed_again(downloaded):
    model = models.build("mobilenet", image_size=32, **SMALL)
    everything = len(model.trainable_variables)
    freeze(model)
    assert len(model.trainable_variables) == 2  # kernel and bias of the output
    unfreeze(model)
    assert len(model.trainable_variables) == everything > 2
    assert not changes_statistics(model)


@pytest.mark.parametrize("switch", [freeze, unfreeze])
def test_a_model_without_a_backbone_cannot_be_frozen(switch):
    with pytest.raises(ParameterError, match="'compact' has no pretrained backbone"):
        switch(models.build("compact", (8, 8, 1), filters=(4,)))
