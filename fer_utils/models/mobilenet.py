"""MobileNet with ImageNet weights, plain or resized and frozen for fine-tuning."""

from __future__ import annotations

from fer_utils.backend import keras, layers
from fer_utils.models.blocks import (
    check_arguments,
    check_image_size,
    imagenet_pixels,
    logits,
    pixels_input,
)
from fer_utils.models.weights import (
    check_weights,
    keep_statistics,
    load_imagenet,
)

__all__ = ["build"]


def build(
    input_shape=(48, 48, 1),
    num_classes=7,
    alpha=1.0,
    weights="imagenet",
    image_size=None,
    dropout_rate=0.0,
):
    """Build MobileNet: ImageNet features, global average pooling, one dense layer.

    With `image_size=None` this is the comparison study's form: the pixels as they are,
    the whole network trained. With `image_size=96` or more it is the better form: the
    pixels are resized inside the model and the batch norm of the ImageNet weights keeps
    its statistics; `weights.freeze(model)` and `weights.unfreeze(model)` switch between
    training the head and fine-tuning.

    Args:
        input_shape: (H, W, C) of the uint8 pixels; H and W at least 8 (32 when
            image_size is None), C 1 or 3.
        num_classes: int, at least 2.
        alpha: width multiplier, above 0; with ImageNet weights 0.25, 0.5, 0.75 or 1.0.
        weights: "imagenet", or None for random weights.
        image_size: int, at least 32, the side that the pixels are resized to, or None.
        dropout_rate: before the output, in [0, 1).

    Returns:
        keras.Model, uint8 (B, H, W, C) -> logits float32 (B, num_classes); its layer
        "backbone" is the ImageNet network.

    Raises:
        ParameterError: an argument is out of range.
        WeightsError: ImageNet weights are neither here nor downloadable.

    Example:
        >>> build(weights=None).count_params()
        3236039

    Source: Howard et al. 2017 (arXiv:1704.04861).
    """
    check_arguments(input_shape, num_classes, dropout_rate=dropout_rate)
    check_image_size(input_shape, image_size)
    check_weights("mobilenet", weights, alpha)
    pixels = pixels_input(input_shape)

    # Stem
    x = imagenet_pixels(pixels, image_size)  # (B, H, W, 3) in [-1, 1]
    # Stages
    backbone = keras.applications.MobileNet(
        x.shape[1:], alpha, include_top=False, weights=None, name="backbone"
    )
    if weights == "imagenet":
        load_imagenet(backbone, "mobilenet", alpha)
        if image_size is not None:
            keep_statistics(backbone)
    x = backbone(x)  # H and W are a 32nd
    # Head
    x = layers.GlobalAveragePooling2D()(x)  # (B, 1024 * alpha)
    x = layers.Dropout(dropout_rate)(x)
    return keras.Model(pixels, logits(x, num_classes), name="mobilenet")
