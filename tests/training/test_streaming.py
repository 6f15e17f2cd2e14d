"""Pixels on disk are trained on as pixels in memory, and never all at once."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from fer_utils import evaluation, training
from fer_utils.data import image_files
from fer_utils.data.image_files import ImageFiles
from fer_utils.errors import DataError
from fer_utils.evaluation import prediction
from fer_utils.training import TrainConfig
from fer_utils.training.batches import Batches, one_hot

PIL = pytest.importorskip("PIL.Image")
QUICK = {"epochs": 2, "batch_size": 3, "early_stopping_patience": 0}


def tiny_network(classes=3):
    """Return the smallest network that has a convolution and a batch norm."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((16, 16, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(pixels)
    x = keras.layers.Conv2D(4, 3, strides=3, activation="relu")(x)
    x = keras.layers.GlobalMaxPooling2D()(keras.layers.BatchNormalization()(x))
    return keras.Model(pixels, keras.layers.Dense(classes)(x))


@pytest.fixture
def streamed(faces, tmp_path):
    """The small faces as lossless files."""
    names = [f"{i}.png" for i in range(len(faces))]
    for name, image in zip(names, faces.pixels, strict=True):
        PIL.fromarray(image).save(tmp_path / name)
    return replace(faces, pixels=ImageFiles(tmp_path, names, 16, colour=False))


def fit(faces, folder=None, **settings):
    config = TrainConfig.from_dict({**QUICK, **settings})
    return training.fit(
        tiny_network(), faces, config, checkpoint_dir=folder, progress="none"
    )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"augment": "classic", "sampling": "balanced", "class_weights": False},
        {"mixup_alpha": 0.3, "class_weights": True},
        {"draw_targets": True},
    ],
)
def test_files_train_a_network_as_an_array_does_bit_for_bit(faces, streamed, settings):
    targets = 0.7 * one_hot(faces.labels, 3) + 0.1
    faces, streamed = (replace(f, targets=targets) for f in (faces, streamed))
    memory, disk = fit(faces, **settings), fit(streamed, **settings)
    for name in ("loss", "val_loss", "val_accuracy"):
        assert disk.history[name] == memory.history[name]
    for a, b in zip(disk.model.get_weights(), memory.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_killed_training_on_files_goes_on(streamed, tmp_path):
    expected = fit(streamed)
    half = fit(streamed, tmp_path / "run", epochs=1)
    both = fit(streamed, tmp_path / "run")
    assert (half.epochs, both.resumed_after) == (1, 1)
    assert both.history["loss"] == expected.history["loss"]


def test_no_step_needs_all_the_images(streamed, monkeypatch):
    limit = 4 * 16 * 16  # four images at once
    monkeypatch.setattr(image_files, "MOST_BYTES", limit)
    monkeypatch.setattr(prediction, "_BLOCK", 4)
    run = fit(streamed)
    assert evaluation.predict(run.model, streamed, batch_size=2).shape == (12, 3)
    curve = training.find_learning_rate(
        run.model, streamed, TrainConfig(batch_size=2), steps=10
    )
    assert curve.suggestion > 0


@pytest.mark.parametrize("tta", ["none", "flip", "ten_crop"])
@pytest.mark.parametrize("block", [1, 4, 100])
def test_predictions_are_those_of_an_array(faces, streamed, monkeypatch, tta, block):
    monkeypatch.setattr(prediction, "_BLOCK", block)
    model = tiny_network()
    wanted = evaluation.predict(model, faces, tta=tta)
    found = evaluation.predict(model, streamed, tta=tta, batch_size=4)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    np.testing.assert_allclose(
        prediction.predict_logits(model, streamed, 4),
        prediction.predict_logits(model, faces),
        atol=1e-5,
    )


def test_no_images_give_no_predictions(streamed):
    model = tiny_network()
    assert evaluation.predict(model, streamed.take([])).shape == (0, 3)


@pytest.mark.parametrize("place", [0, 5], ids=["train", "val"])
def test_a_damaged_image_ends_the_training_with_its_name(streamed, tmp_path, place):
    (tmp_path / f"{place}.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=rf"{place}\.png: expected an image"):
        fit(streamed)


def test_a_damaged_image_ends_a_prediction_with_its_name(streamed, tmp_path):
    model = tiny_network()
    (tmp_path / "11.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"11\.png.*the file is empty"):
        evaluation.predict(model, streamed)


def test_the_heat_of_files_is_that_of_an_array(faces, streamed):
    model = tiny_network()
    found, wanted = (evaluation.grad_cam(model, f.test) for f in (streamed, faces))
    np.testing.assert_allclose(found.heat, wanted.heat, atol=1e-5)


def test_an_epoch_begun_anew_gets_no_batch_of_the_one_before(streamed):
    targets = one_hot(np.arange(12), 12)
    batches = Batches(streamed.images(), targets, 2)
    batches[0], batches[1]  # reads further ones ahead
    batches.on_epoch_end()
    fresh = Batches(streamed.loaded().images(), targets, 2, epoch=1)
    for number in (0, 1, 0, 2, 3, 5, 4):  # in any order, twice
        for found, wanted in zip(batches[number], fresh[number], strict=True):
            np.testing.assert_array_equal(found, wanted)
