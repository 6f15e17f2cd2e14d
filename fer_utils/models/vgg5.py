"""A VGG with five blocks, in the width of the comparison study."""

from __future__ import annotations

from fer_utils.backend import keras, layers
from fer_utils.models.blocks import (
    check_arguments,
    conv_norm,
    halved,
    logits,
    pixels_input,
    scaled,
)

__all__ = ["build"]

# (filters, how many 3x3 convolutions) of each block
_BLOCKS = ((64, 2), (128, 3), (256, 4), (256, 4), (512, 4))


def build(input_shape=(48, 48, 1), num_classes=7, dropout_rate=0.3):
    """Build the VGG: five blocks of two to four 3x3 convolutions, no dense layer.

    Args:
        input_shape: (H, W, C) of the uint8 pixels; H and W at least 8, C 1 or 3.
        num_classes: int, at least 2.
        dropout_rate: after each block, in [0, 1).

    Returns:
        keras.Model, uint8 (B, H, W, C) -> logits float32 (B, num_classes).

    Raises:
        ParameterError: an argument is out of range.

    Example:
        >>> build().count_params()
        13113927

    Source: the form of Simonyan and Zisserman 2014 (arXiv:1409.1556), with batch norm.
    """
    check_arguments(input_shape, num_classes, dropout_rate=dropout_rate)
    pixels = pixels_input(input_shape)

    # Stem
    x = scaled(pixels)  # (B, H, W, C) in [0, 1]
    # Stages
    for filters, depth in _BLOCKS:
        for _ in range(depth):
            x = conv_norm(x, filters)
        x = layers.Dropout(dropout_rate)(halved(x))
    # Head
    x = layers.Flatten()(x)  # 48 pixels: (B, 512), one position is left
    return keras.Model(pixels, logits(x, num_classes), name="vgg5")
