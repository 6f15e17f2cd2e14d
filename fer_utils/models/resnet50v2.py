"""ResNet50V2 with ImageNet weights, as the comparison study used it."""

from __future__ import annotations

from fer_utils.backend import keras, layers
from fer_utils.models.blocks import (
    batch_norm,
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
    weights="imagenet",
    image_size=224,
    dropout_rate=0.1,
):
    """Build ResNet50V2: ImageNet features, batch norm, pooling, three dense layers.

    The batch norm of the ImageNet weights keeps its statistics; `weights.freeze(model)`
    and `weights.unfreeze(model)` switch between training the head and fine-tuning.

    Args:
        input_shape: (H, W, C) of the uint8 pixels; H and W at least 8 (32 when
            image_size is None), C 1 or 3.
        num_classes: int, at least 2.
        weights: "imagenet", or None for random weights.
        image_size: int, at least 32, the side that the pixels are resized to, or None.
        dropout_rate: after each dense layer, in [0, 1).

    Returns:
        keras.Model, uint8 (B, H, W, C) -> logits float32 (B, num_classes); its layer
        "backbone" is the ImageNet network.

    Raises:
        ParameterError: an argument is out of range.
        WeightsError: ImageNet weights are neither here nor downloadable.

    Example:
        >>> build(weights=None).count_params()
        24787207

    Source: He et al. 2016 (arXiv:1603.05027).
    """
    check_arguments(input_shape, num_classes, dropout_rate=dropout_rate)
    check_image_size(input_shape, image_size)
    check_weights("resnet50v2", weights)
    pixels = pixels_input(input_shape)

    # Stem
    x = imagenet_pixels(pixels, image_size)  # (B, H, W, 3) in [-1, 1]
    # Stages
    backbone = keras.applications.ResNet50V2(
        include_top=False, weights=None, input_shape=x.shape[1:], name="backbone"
    )
    if weights == "imagenet":
        load_imagenet(backbone, "resnet50v2")
        keep_statistics(backbone)
    x = backbone(x)  # H and W are a 32nd
    # Head
    x = batch_norm(x)
    x = layers.GlobalAveragePooling2D()(x)  # (B, 2048)
    for units in (512, 256, 128):
        x = layers.Dense(units, activation="relu")(x)
        x = layers.Dropout(dropout_rate)(x)
    return keras.Model(pixels, logits(x, num_classes), name="resnet50v2")
