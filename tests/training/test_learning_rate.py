"""The learning-rate range test."""

import numpy as np
import pytest

from fer_utils import models
from fer_utils.errors import ParameterError
from fer_utils.training import TrainConfig, find_learning_rate
from fer_utils.training.learning_rate import _steepest


def test_it_suggests_a_rate_in_range_and_leaves_the_weights(faces):
    model = models.build("shallow_cnn", (16, 16, 1), faces.classes)
    before = model.get_weights()
    config = TrainConfig(batch_size=3)
    curve = find_learning_rate(model, faces, config, steps=12)
    assert 1e-6 <= curve.suggestion <= 1.0
    assert len(curve.learning_rates) == len(curve.losses)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_steepest_descent_is_found_and_early_noise_is_not():
    rates = np.geomspace(1e-6, 1, 60)
    losses = 3 - 1 / (1 + np.exp(-3 * (np.log(rates) - np.log(1e-2))))
    losses[:4] += [0.4, -0.2, 0.3, 0.1]  # the first batches differ by chance
    losses[-8:] += np.linspace(0, 5, 8)
    assert 3e-3 < _steepest(rates, losses) < 3e-2


@pytest.mark.parametrize(
    "arguments", [{"lowest": 0}, {"lowest": 1, "highest": 0.1}, {"steps": 3}]
)
def test_a_range_that_makes_no_sense_is_refused(faces, arguments):
    model = models.build("shallow_cnn", (16, 16, 1), faces.classes)
    with pytest.raises(ParameterError, match="0 < lowest < highest"):
        find_learning_rate(model, faces, **arguments)
