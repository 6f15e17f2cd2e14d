"""Cost of one face: hand-computed networks, whatever their form."""

import doctest

import keras
import pytest
from keras import layers

from fer_utils import models
from fer_utils.errors import ParameterError
from fer_utils.models import cost


def network(*stack, shape=(8, 8, 3)):
    return keras.Sequential([keras.Input(shape), *stack])


@pytest.mark.parametrize(
    ("stack", "multiply_adds"),
    [
        ([layers.Rescaling(1 / 255), layers.MaxPooling2D()], 0),  # no weights
        ([layers.BatchNormalization(), layers.ReLU()], 0),  # not counted: said so
        ([layers.Flatten(), layers.Dense(5)], 8 * 8 * 3 * 5),
        ([layers.Dense(5)], 8 * 8 * 3 * 5),  # at each of the 64 positions
        ([layers.Conv2D(4, 3, padding="same")], 64 * 9 * 3 * 4),
        ([layers.Conv2D(4, 3, padding="valid")], 36 * 9 * 3 * 4),
        ([layers.Conv2D(4, 3, strides=2, padding="same")], 16 * 9 * 3 * 4),
        ([layers.Conv2D(6, 3, groups=3, padding="same")], 64 * 9 * 1 * 6),
        ([layers.Conv2D(4, (1, 5), padding="same")], 64 * 5 * 3 * 4),
        ([layers.DepthwiseConv2D(3, padding="same")], 64 * 9 * 3),
        (
            [layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")],
            64 * 9 * 3 * 2,
        ),
        ([layers.SeparableConv2D(7, 3, padding="same")], 64 * (9 * 3 + 3 * 7)),
        (  # two layers add up; the second sees the halved image
            [
                layers.Conv2D(4, 3, padding="same"),
                layers.MaxPooling2D(),
                layers.Conv2D(2, 1),
            ],
            64 * 9 * 3 * 4 + 16 * 4 * 2,
        ),
    ],
)
def test_a_small_network_costs_what_one_counts_by_hand(stack, multiply_adds):
    assert cost.mflops(network(*stack)) == 2 * multiply_adds / 1e6


def test_a_network_inside_a_network_is_counted():
    inner = network(layers.Conv2D(4, 3, padding="same"))
    outer = network(inner, layers.Flatten(), layers.Dense(2))
    assert cost.mflops(outer) == 2 * (64 * 9 * 3 * 4 + 64 * 4 * 2) / 1e6
    twice_inside = network(outer, layers.Dense(3))
    assert cost.mflops(twice_inside) == cost.mflops(outer) + 2 * 2 * 3 / 1e6


def test_the_deep_network_costs_what_lesson_02_counts():
    assert cost.mflops(models.build("deep_cnn")) == 2 * 495_600_512 / 1e6


def test_the_backbone_of_mobilenet_is_not_forgotten():
    model = models.build("mobilenet", weights=None, alpha=0.25, image_size=32)
    head = 2 * 256 * 7 / 1e6  # the last layer alone
    assert cost.mflops(model) > 10 * head


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (keras.Sequential([layers.Dense(2)]), "not built"),
        (network(layers.Conv2D(4, 3), shape=(None, None, 3)), "fixed input_shape"),
    ],
)
def test_a_size_that_is_not_known_is_an_error_that_helps(model, message):
    with pytest.raises(ParameterError, match=message):
        cost.mflops(model)


def test_the_example_runs():
    assert doctest.testmod(cost).failed == 0
