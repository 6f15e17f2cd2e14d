"""Fitting: it learns, it resumes exactly, it says no clearly."""

import json

import keras
import numpy as np
import pytest

from fer_utils import models, training
from fer_utils.errors import DataError, ParameterError, TrainingError
from fer_utils.training import TrainConfig, callbacks
from fer_utils.training.batches import Batches, class_weights, one_hot

QUICK = {"epochs": 4, "batch_size": 3, "early_stopping_patience": 0}


def build(faces, seed=0):
    keras.utils.set_random_seed(seed)
    return models.build("shallow_cnn", faces.images().shape[1:], faces.classes)


def fit(faces, folder=None, **settings):
    config = TrainConfig.from_dict({**QUICK, **settings})
    return training.fit(
        build(faces), faces, config, checkpoint_dir=folder, progress="none"
    )


def test_a_history_has_one_value_per_epoch(faces):
    run = fit(faces)
    assert run.epochs == 4
    assert {len(values) for values in run.history.values()} == {4}
    assert {"loss", "val_accuracy", "learning_rate", "seconds"} <= set(run.history)


def test_the_model_holds_the_best_epoch_of_val(faces):
    run = fit(faces)
    assert run.history["val_accuracy"][run.best_epoch - 1] == max(
        run.history["val_accuracy"]
    )
    logits = run.model.predict(faces.val.images(), verbose=0)
    accuracy = (logits.argmax(1) == faces.val.labels).mean()
    assert accuracy == pytest.approx(max(run.history["val_accuracy"]))


def test_test_images_are_not_touched(faces):
    spoilt = faces.pixels.copy()
    spoilt[faces.split == "test"] = 0
    other = type(faces)(spoilt, faces.labels, faces.split, faces.classes)
    assert fit(faces).history["loss"] == fit(other).history["loss"]


class Killed(Exception):
    """Stands for a kill between two epochs."""


@pytest.mark.parametrize(
    "settings",
    [
        {"augment": "classic"},  # random layers go on where they were
        {"schedule": "plateau", "plateau_patience": 1},  # so does the plateau's counter
        {"schedule": "cosine", "ema_momentum": 0.9, "optimizer": "sgd"},
        {"mixup_alpha": 0.3, "label_smoothing": 0.1, "class_weights": True},
        {"early_stopping_patience": 2},  # and early stopping's
    ],
)
def test_a_killed_training_ends_as_an_uninterrupted_one(
    faces, tmp_path, monkeypatch, settings
):
    expected = fit(faces, **settings)
    write = callbacks.EpochState.on_epoch_end

    def killed(self, epoch, logs=None):
        if epoch == 2:
            raise Killed
        write(self, epoch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.EpochState, "on_epoch_end", killed)
        with pytest.raises(Killed):
            fit(faces, tmp_path, **settings)
    resumed = fit(faces, tmp_path, **settings)
    assert resumed.resumed_after == 2
    for name in ("loss", "val_loss", "learning_rate"):
        np.testing.assert_array_equal(resumed.history[name], expected.history[name])
    for a, b in zip(
        resumed.model.get_weights(), expected.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_a_finished_training_is_not_repeated(faces, tmp_path):
    first = fit(faces, tmp_path)
    again = fit(faces, tmp_path)
    assert again.resumed_after == first.epochs == again.epochs


def test_the_state_of_another_training_is_refused(faces, tmp_path):
    fit(faces, tmp_path)
    state = json.loads((tmp_path / "state.json").read_text())
    (tmp_path / "state.json").write_text(json.dumps({**state, "key": "other"}))
    with pytest.raises(TrainingError, match="belongs to another training"):
        fit(faces, tmp_path)


def test_early_stopping_stops(faces):
    run = fit(faces, epochs=50, early_stopping_patience=1, learning_rate=1e-8)
    assert run.epochs < 50


def test_a_loss_that_is_not_a_number_stops_with_advice(faces):
    with pytest.raises(TrainingError, match="Lower learning_rate"):
        fit(faces, learning_rate=100.0, optimizer="sgd", epochs=50)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda f: f.val, DataError, "no training images"),
        (lambda f: f.take(f.split != "val"), DataError, "no val images"),
        (lambda f: f.subset(["happy", "sad"]), DataError, "do not fit a model"),
        (lambda f: f.in_classes(f.classes[::-1]), DataError, "numbered differently"),
    ],
)
def test_faces_that_cannot_be_trained_on_are_refused(faces, change, error, message):
    model = build(faces)
    config = TrainConfig(epochs=1)
    with pytest.raises(error, match=message):
        training.fit(model, change(faces), config, progress="none")


def test_a_model_without_backbone_cannot_freeze_one(faces):
    with pytest.raises(ParameterError, match="no pretrained backbone"):
        fit(faces, freeze_backbone_epochs=1)


def with_backbone():
    """Return a tiny model whose layer "backbone" stands for a pretrained network."""
    layers = keras.layers
    inside = keras.Input((16, 16, 1))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu")(inside))
    backbone = keras.Model(inside, layers.GlobalMaxPooling2D()(x), name="backbone")
    pixels = keras.Input((16, 16, 1), dtype="uint8")
    x = backbone(layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, layers.Dense(3)(x))


@pytest.mark.parametrize(
    ("frozen_epochs", "kernel_moves"),
    [
        (2, False),  # the head alone, to the end
        (1, True),  # head first, then everything
    ],
)
def test_a_frozen_backbone_learns_only_once_it_is_released(
    faces, frozen_epochs, kernel_moves
):
    keras.utils.set_random_seed(0)
    model = with_backbone()
    kernel, *_, head = model.get_weights()[:1] + model.get_weights()[-2:-1]
    settings = {**QUICK, "epochs": 2, "freeze_backbone_epochs": frozen_epochs}
    no_val = faces.take(faces.split != "val")  # keeps the last epoch, not the best
    config = TrainConfig.from_dict(settings)
    training.fit(model, no_val, config, progress="none")
    assert (model.get_weights()[0] != kernel).any() == kernel_moves
    assert (model.get_weights()[-2] != head).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, "Did you mean 'epochs'"),
        ({"epochs": 0}, "epochs=0: expected a value from 1"),
        ({"epochs": 1.5}, "expected int, received float"),
        ({"learning_rate": "fast"}, "expected float, received str"),
        ({"class_weights": 1}, "expected bool, received int"),
        ({"optimizer": "adan"}, "Did you mean 'adam'"),
        ({"augment": "clasic"}, "Did you mean 'classic'"),
        ({"schedule": "cosin"}, "Did you mean 'cosine'"),
        ({"label_smoothing": 1.0}, "label_smoothing=1.0"),
    ],
)
def test_a_wrong_setting_is_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        TrainConfig.from_dict(settings)


def test_batches_cover_every_image_once_in_an_order_of_seed_and_epoch(faces):
    train = faces.train
    targets = one_hot(np.arange(len(train)), len(train))

    def order(**settings):
        batches = Batches(train.images(), targets, 3, **settings)
        return np.concatenate([batches[i][1].argmax(1) for i in range(len(batches))])

    assert sorted(order()) == list(range(len(train)))
    np.testing.assert_array_equal(order(seed=1, epoch=4), order(seed=1, epoch=4))
    orders = {tuple(order(seed=s, epoch=e)) for s in range(3) for e in range(3)}
    assert len(orders) > 1


def test_class_weights_equal_scikit_learns():
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([0, 0, 0, 1, 2, 2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert list(class_weights(labels, 3).values()) == pytest.approx(expected)


def test_a_class_without_images_weighs_nothing():
    assert class_weights(np.array([0, 0, 2]), 3)[1] == 0


def test_the_last_epochs_only_mirror(faces, monkeypatch):
    mirrored_only = []

    class Spying(callbacks.EpochState):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            before = faces.train.images()
            after = np.asarray(self.model.get_layer("augment")(before, training=True))
            mirrored_only.append(
                all(
                    (a == b).all() or (a == b[:, ::-1]).all()
                    for a, b in zip(after, before, strict=True)
                )
            )

    monkeypatch.setattr(callbacks, "EpochState", Spying)
    fit(faces, augment="wide", clean_epochs=2)
    assert mirrored_only == [False, False, True, True]
