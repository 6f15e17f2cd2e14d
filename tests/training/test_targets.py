"""Distributions, drawn labels, balanced sampling and the focal loss."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from fer_utils import training
from fer_utils.errors import ParameterError
from fer_utils.training import TrainConfig, callbacks
from fer_utils.training.batches import (
    Batches,
    balanced_order,
    class_weights,
    drawn_labels,
    one_hot,
    training_batches,
    training_targets,
    training_weights,
    validation_batches,
)
from fer_utils.training.fitting import compiled_trainee
from fer_utils.training.recipes import augmentation

QUICK = {"epochs": 3, "batch_size": 3, "early_stopping_patience": 0}


def tiny_network(classes=3):
    """Return the smallest network that has a convolution and a batch norm."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((16, 16, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(pixels)
    x = keras.layers.Conv2D(4, 3, strides=3, activation="relu")(x)
    x = keras.layers.GlobalMaxPooling2D()(keras.layers.BatchNormalization()(x))
    return keras.Model(pixels, keras.layers.Dense(classes)(x))


@pytest.fixture
def soft(faces):
    """The small faces with distributions: 0.6 on the label, the rest on the next."""
    targets = 0.6 * one_hot(faces.labels, 3) + 0.4 * one_hot((faces.labels + 1) % 3, 3)
    return replace(faces, targets=targets)


def fit(faces, folder=None, **settings):
    config = TrainConfig.from_dict({**QUICK, **settings})
    return training.fit(
        tiny_network(), faces, config, checkpoint_dir=folder, progress="none"
    )


def seen(batches):
    """Return all targets of one epoch in the order of the batches."""
    return np.concatenate([batches[i][1] for i in range(len(batches))])


def test_drawn_labels_follow_the_distribution():
    row = np.array([0.5, 0.0, 0.2, 0.3], np.float32)
    drawn = drawn_labels(np.tile(row, (20_000, 1)), seed=0, epoch=0)
    np.testing.assert_allclose(np.bincount(drawn) / 20_000, row, atol=0.015)
    assert (drawn != 1).all()  # what has no mass is never drawn


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ([1.0, 0.0, 0.0], 0),
        ([0.0, 0.0, 1.0], 2),
        ([0.0, 0.9999, 0.0], 1),  # sums to one up to rounding only
    ],
)
def test_a_certain_label_is_drawn_always(row, label):
    assert (drawn_labels(np.tile(row, (1000, 1)), 0, 0) == label).all()


def test_draws_depend_on_seed_and_epoch_alone():
    even = np.full((100, 4), 0.25)
    first = drawn_labels(even, 1, 2)
    np.testing.assert_array_equal(first, drawn_labels(even, 1, 2))
    assert (first != drawn_labels(even, 1, 3)).any()
    assert (first != drawn_labels(even, 2, 2)).any()


def test_every_epoch_trains_on_labels_of_its_own(soft):
    config = TrainConfig(draw_targets=True, batch_size=3)
    batches = training_batches(soft.train, config)
    epochs = []
    for _ in range(6):
        targets = seen(batches)
        assert set(np.unique(targets)) == {0.0, 1.0}
        assert (targets.sum(1) == 1).all()
        epochs.append(targets.argmax(1)[np.argsort(batches._order)])
        batches.on_epoch_end()
    assert len({tuple(epoch) for epoch in epochs}) > 1
    later = training_batches(soft.train, config, epoch=4)
    np.testing.assert_array_equal(
        later._targets.argmax(1), drawn_labels(soft.train.targets, 0, 4)
    )


def test_a_training_takes_the_sets_distributions(soft, faces):
    np.testing.assert_array_equal(training_targets(soft.train), soft.train.targets)
    sure = replace(faces, targets=one_hot(faces.labels, 3))
    assert fit(sure).history["loss"] == fit(faces).history["loss"]
    assert fit(soft).history["loss"] != fit(faces).history["loss"]


def test_certain_distributions_are_drawn_as_their_labels(faces):
    sure = replace(faces, targets=one_hot(faces.labels, 3))
    assert fit(sure, draw_targets=True).history["loss"] == fit(faces).history["loss"]


def test_validation_is_on_labels_whatever_the_targets_are(soft):
    pixels, targets = validation_batches(soft.val)
    np.testing.assert_array_equal(targets, one_hot(soft.val.labels, 3))


def test_data_without_distributions_cannot_draw(faces):
    with pytest.raises(ParameterError, match=r"ferplus-soft.*draw_targets=False"):
        fit(faces, draw_targets=True)


class Killed(Exception):
    """Stands for a kill between two epochs."""


@pytest.mark.parametrize(
    "settings",
    [
        {"draw_targets": True},
        {"draw_targets": True, "class_weights": True, "mixup_alpha": 0.2},
        {"sampling": "balanced", "loss": "focal"},
    ],
)
def test_a_killed_training_repeats_its_draws(soft, tmp_path, monkeypatch, settings):
    expected = fit(soft, **settings)
    write = callbacks.EpochState.on_epoch_end

    def killed(self, epoch, logs=None):
        if epoch == 1:
            raise Killed
        write(self, epoch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.EpochState, "on_epoch_end", killed)
        with pytest.raises(Killed):
            fit(soft, tmp_path, **settings)
    resumed = fit(soft, tmp_path, **settings)
    assert resumed.resumed_after == 1
    assert resumed.history["loss"] == expected.history["loss"]


@pytest.mark.parametrize(
    ("labels", "counts"),
    [
        ([0] * 9 + [1] * 2 + [2], [4, 4, 4]),
        ([0] * 3, [3]),  # one class only
        ([0, 2], [1, 0, 1]),  # a class without images
        ([0], [1]),
    ],
)
def test_balanced_sampling_shows_each_class_equally_often(labels, counts):
    labels = np.array(labels)
    order = balanced_order(labels, np.random.default_rng(0))
    assert np.bincount(labels[order]).tolist() == counts
    assert len(order) == len(labels)


def test_a_remainder_is_one_image_more_of_some_classes():
    labels = np.array([0] * 8 + [1] * 2 + [2])
    tallies = [
        np.bincount(labels[balanced_order(labels, np.random.default_rng(seed))])
        for seed in range(9)
    ]
    assert {tuple(sorted(t)) for t in tallies} == {(3, 4, 4)}
    assert len({tuple(t) for t in tallies}) > 1  # not always the same ones


def test_no_image_of_a_class_is_repeated_before_all_were_shown():
    labels = np.array([0] * 20 + [1] * 4)
    order = balanced_order(labels, np.random.default_rng(0))
    often = np.bincount(order, minlength=24)
    assert often[:20].max() == 1  # twelve of twenty
    assert often[20:].tolist() == [3] * 4


def test_balanced_epochs_differ_and_are_as_long(faces):
    train = faces.take([0, 1, 2, 3, 3, 3])  # happy four times
    config = TrainConfig(sampling="balanced", batch_size=4)
    batches = training_batches(train, config)
    epochs = []
    for _ in range(4):
        epochs.append(tuple(batches._order))
        targets = seen(batches)
        assert targets.sum(0).tolist() == [2, 2, 2]
        batches.on_epoch_end()
    assert len(set(epochs)) > 1
    assert len(batches) == len(training_batches(train, TrainConfig(batch_size=4)))


def test_drawn_labels_are_balanced_as_drawn(soft):
    many = soft.take(np.tile(np.arange(12), 10))
    config = TrainConfig(draw_targets=True, sampling="balanced", batch_size=7)
    tally = seen(training_batches(many, config)).sum(0)
    assert tally.max() - tally.min() <= 1


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_the_focal_loss_is_keras_own(faces, label_smoothing):
    config = TrainConfig(loss="focal", label_smoothing=label_smoothing)
    model = tiny_network()
    trainee = compiled_trainee(model, augmentation("none", (16, 16, 1)), config, 0.1)
    targets = one_hot(faces.labels, 3)
    logits = model.predict(faces.images(), verbose=0)
    wanted = keras.losses.CategoricalFocalCrossentropy(
        from_logits=True, label_smoothing=label_smoothing
    )(targets, logits)
    found = trainee.evaluate(faces.images(), targets, verbose=0)[0]
    assert found == pytest.approx(float(wanted), rel=1e-4)
    plain = compiled_trainee(
        model, augmentation("none", (16, 16, 1)), TrainConfig(), 0.1
    )
    assert found < plain.evaluate(faces.images(), targets, verbose=0)[0]


def test_mixed_and_smoothed_distributions_are_distributions(soft):
    config = TrainConfig(mixup_alpha=0.4, batch_size=4)
    batches = training_batches(soft.train, config)
    mixed = seen(batches)
    np.testing.assert_allclose(mixed.sum(1), 1, atol=1e-5)
    assert (mixed >= 0).all()
    run = fit(soft, mixup_alpha=0.4, label_smoothing=0.1, loss="focal")
    assert np.isfinite(run.history["loss"]).all()


@pytest.mark.parametrize(
    ("rows", "draws", "expected"),
    [
        ([[0.9, 0.1], [0.6, 0.4], [0.4, 0.6]], False, [0.75, 1.5]),  # two of three
        ([[0.9, 0.1], [0.6, 0.4], [0.5, 0.5]], True, [0.75, 1.5]),  # mass 2 and 1
        ([[1.0, 0.0], [1.0, 0.0]], False, [1.0 / 2 * 1, 0.0]),  # nobody is the second
        ([[1.0, 0.0], [1.0, 0.0]], True, [0.5, 0.0]),
    ],
)
def test_class_weights_count_what_is_trained_on(faces, rows, draws, expected):
    some = faces.subset(["happy", "sad"]).take(np.arange(len(rows)))
    some = replace(some, targets=np.array(rows, np.float32))
    config = TrainConfig(class_weights=True, draw_targets=draws)
    weights = training_weights(some, config)
    assert list(weights.values()) == pytest.approx(expected)
    assert training_weights(some, TrainConfig()) is None


def test_class_weights_of_labels_are_as_before(faces):
    weights = training_weights(faces.train, TrainConfig(class_weights=True))
    assert weights == class_weights(faces.train.labels, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "focl"}, "Did you mean 'focal'"),
        ({"sampling": "balancd"}, "Did you mean 'balanced'"),
        ({"draw_targets": 1}, "expected bool"),
        ({"draw_target": True}, "Did you mean 'draw_targets'"),
        ({"sampling": "balanced", "class_weights": True}, "twice"),
    ],
)
def test_a_wrong_setting_is_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        TrainConfig.from_dict(settings)


def test_a_learning_rate_is_found_for_distributions_too(soft):
    model = tiny_network()
    config = TrainConfig(batch_size=4, draw_targets=True, sampling="balanced")
    assert training.find_learning_rate(model, soft, config, steps=10).suggestion > 0


def test_batches_without_shuffling_keep_the_order(faces):
    targets = one_hot(np.arange(12), 12)
    batches = Batches(faces.images(), targets, 5, shuffled=False)
    assert seen(batches).argmax(1).tolist() == list(range(12))
