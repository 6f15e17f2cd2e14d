"""The shallow CNN of the comparison study that this kit reproduces."""

from __future__ import annotations

from fer_utils.backend import keras, layers
from fer_utils.models.blocks import (
    batch_norm,
    check_arguments,
    check_length,
    conv_norm,
    halved,
    logits,
    pixels_input,
    scaled,
)

__all__ = ["build"]


def build(input_shape=(48, 48, 1), num_classes=7, dropout_rates=(0.5, 0.5, 0.5, 0.5)):
    """Build the shallow CNN: three single convolutions, then one dense layer.

    Args:
        input_shape: (H, W, C) of the uint8 pixels; H and W at least 8, C 1 or 3.
        num_classes: int, at least 2.
        dropout_rates: after stage 1, 2, 3 and after the dense layer, each in [0, 1).

    Returns:
        keras.Model, uint8 (B, H, W, C) -> logits float32 (B, num_classes).

    Raises:
        ParameterError: an argument is out of range.

    Example:
        >>> build().count_params()
        389255
    """
    check_length("dropout_rates", dropout_rates, 4)
    check_arguments(input_shape, num_classes, dropout_rates=dropout_rates)
    pixels = pixels_input(input_shape)

    # Stem
    x = scaled(pixels)  # (B, H, W, C) in [0, 1]
    # Stages
    for filters, rate in zip((32, 64, 128), dropout_rates[:3], strict=True):
        x = halved(conv_norm(x, filters))
        x = layers.Dropout(rate)(x)
    # Head
    x = layers.Flatten()(x)  # (B, H/8 * W/8 * 128)
    x = layers.Dense(64, activation="relu", kernel_initializer="he_normal")(x)
    x = batch_norm(x)
    x = layers.Dropout(dropout_rates[3])(x)
    return keras.Model(pixels, logits(x, num_classes), name="shallow_cnn")
