"""The deep CNN of the comparison study that this kit reproduces."""

from __future__ import annotations

import keras
from keras import layers

from fer_utils.models.blocks import check_arguments, logits, pixels_input, scaled

__all__ = ["build"]


def build(input_shape=(48, 48, 1), num_classes=7, dropout_rates=(0.4, 0.4, 0.5, 0.6)):
    """Build the deep CNN: three pairs of convolutions, then one dense layer.

    Args:
        input_shape: (H, W, C) of the pixels, uint8 in [0, 255]; H and W at least 8, C 1 or 3.
        num_classes: int, at least 2.
        dropout_rates: after stage 1, 2, 3 and after the dense layer, each in [0, 1).

    Returns:
        keras.Model, uint8 (B, H, W, C) -> logits float32 (B, num_classes).

    Raises:
        ParameterError: an argument is out of range.

    Example:
        >>> build().count_params()
        2395591
    """
    check_arguments(input_shape, num_classes, dropout_rates=dropout_rates)
    pixels = pixels_input(input_shape)

    # Stem
    x = scaled(pixels)  # (B, H, W, C) in [0, 1]
    # Stages
    for stage, (filters, kernel_size) in enumerate([(64, 5), (128, 3), (256, 3)]):
        x = _conv_norm(x, filters, kernel_size)
        x = _conv_norm(x, filters, kernel_size)
        x = layers.MaxPooling2D(2)(x)  # H and W halve
        x = layers.Dropout(dropout_rates[stage])(x)
    # Head
    x = layers.Flatten()(x)  # (B, H/8 * W/8 * 256)
    x = layers.Dense(128, activation="elu", kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(dropout_rates[3])(x)
    return keras.Model(pixels, logits(x, num_classes), name="deep_cnn")


def _conv_norm(x, filters, kernel_size):
    x = layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        activation="elu",
        kernel_initializer="he_normal",
    )(x)
    return layers.BatchNormalization()(x)
