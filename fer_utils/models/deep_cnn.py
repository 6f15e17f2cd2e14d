"""The deep CNN of the comparison study that this kit reproduces."""

from __future__ import annotations

from fer_utils.backend import keras, layers
from fer_utils.errors import ParameterError
from fer_utils.models.blocks import (
    batch_norm,
    check_arguments,
    check_length,
    conv_norm,
    logits,
    pixels_input,
    scaled,
)

__all__ = ["build"]


def build(
    input_shape=(48, 48, 1),
    num_classes=7,
    dropout_rates=(0.4, 0.4, 0.5, 0.6),
    width=1.0,
):
    """Build the deep CNN: three pairs of convolutions, then one dense layer.

    Args:
        input_shape: (H, W, C) of the pixels, uint8; H and W at least 8, C 1 or 3.
        num_classes: int, at least 2.
        dropout_rates: after stage 1, 2, 3 and after the dense layer, each in [0, 1).
        width: multiplies the number of filters; the quick lessons take a quarter, which
            costs a sixteenth.

    Returns:
        keras.Model, uint8 (B, H, W, C) -> logits float32 (B, num_classes).

    Raises:
        ParameterError: an argument is out of range.

    Example:
        >>> build().count_params()
        2395591
    """
    check_length("dropout_rates", dropout_rates, 4)
    check_arguments(input_shape, num_classes, dropout_rates=dropout_rates)
    if width <= 0:
        raise ParameterError(
            f"width={width}: expected a factor above 0, 1 is the study's."
        )
    pixels = pixels_input(input_shape)

    # Stem
    x = scaled(pixels)  # (B, H, W, C) in [0, 1]
    # Stages
    for stage, (filters, kernel_size) in enumerate([(64, 5), (128, 3), (256, 3)]):
        filters = max(1, round(filters * width))
        x = conv_norm(x, filters, kernel_size, "elu")
        x = conv_norm(x, filters, kernel_size, "elu")
        x = layers.MaxPooling2D(2)(x)  # H and W halve
        x = layers.Dropout(dropout_rates[stage])(x)
    # Head
    x = layers.Flatten()(x)  # (B, H/8 * W/8 * 256)
    x = layers.Dense(128, activation="elu", kernel_initializer="he_normal")(x)
    x = batch_norm(x)
    x = layers.Dropout(dropout_rates[3])(x)
    return keras.Model(pixels, logits(x, num_classes), name="deep_cnn")
