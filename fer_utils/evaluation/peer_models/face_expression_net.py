"""The expression network of face-api, rebuilt in Keras for its own weights file.

Four blocks of depthwise separable convolutions; in a block every convolution sees the
sum of all outputs before it (a DenseNet that adds instead of concatenating), and each
block halves the image. Architecture: face-api.js by V. Mühler (MIT licence), described
here anew in Keras; the weights stay in the user's copy of the package.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fer_utils.errors import WeightsError

__all__ = ["build"]

_FILTERS = (32, 64, 128, 256)


def build(tensors: dict[str, np.ndarray], path: Path):
    """Build the network and fill in its weights.

    Args:
        tensors: {name: float32 array}, as the manifest names them.
        path: the manifest, for the message.

    Returns:
        keras.Model, float32 (B, 112, 112, 3) -> probabilities (B, 7).

    Raises:
        WeightsError: a weight is missing: the manifest is of another network.
    """
    from fer_utils.backend import keras, layers

    def filled(layer, x, name: str, *parts: str):
        y = layer(x)
        try:
            layer.set_weights([tensors[f"{name}/{part}"] for part in parts])
        except KeyError as error:
            raise WeightsError(
                f"{path}: weight {error} is missing, so these are not the weights of "
                "face-api's expression network, the only manifest known here."
            ) from None
        return y

    def separable(x, filters: int, name: str, stride: int = 1):
        layer = layers.SeparableConv2D(filters, 3, stride, "same")
        parts = ("depthwise_filter", "pointwise_filter", "bias")
        return filled(layer, x, name, *parts)

    pixels = keras.Input((112, 112, 3), dtype="float32")
    x = pixels
    for block, filters in enumerate(_FILTERS):
        name = f"dense{block}"
        if block == 0:
            first = layers.Conv2D(filters, 3, 2, "same")
            total = filled(first, x, f"{name}/conv0", "filters", "bias")
        else:
            total = separable(x, filters, f"{name}/conv0", stride=2)
        x = total = layers.ReLU()(total)  # (B, H / 2, W / 2, filters)
        for number in (1, 2, 3):
            y = separable(x, filters, f"{name}/conv{number}")
            total = layers.Add()([total, y])
            x = layers.ReLU()(total)
    x = layers.Flatten()(layers.AveragePooling2D(7, 2)(x))  # (B, 256)
    head = layers.Dense(7, activation="softmax")
    return keras.Model(pixels, filled(head, x, "fc", "weights", "bias"))
