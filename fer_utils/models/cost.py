"""What one face costs: arithmetic, independent of the machine."""

from __future__ import annotations

import math

from fer_utils.errors import ParameterError

__all__ = ["mflops"]


def mflops(model) -> float:
    """Return the millions of floating-point operations (MFLOPs) of one face.

    Counted is 2 x the multiply-adds of every convolution (Conv2D, DepthwiseConv2D,
    SeparableConv2D) and Dense layer, nested models included; bias, activations, batch
    norm and pooling are not: they are some per cent of it. Each layer counts once, at
    the size of its first call.

    Args:
        model: built keras.Model with a known image size, channels last.

    Returns:
        float, at least 0.

    Raises:
        ParameterError: the model is not built, or H or W is not known.

    Example:
        >>> from fer_utils import models
        >>> round(mflops(models.build("deep_cnn")), 1)
        991.2
    """
    return 2 * _multiply_adds(model) / 1e6


def _multiply_adds(model) -> int:
    from fer_utils.backend import keras

    if not model.built:
        raise ParameterError(
            "this model is not built, so its layers have no size yet. Give it a "
            "keras.Input, or call it on one batch first."
        )
    return sum(
        _multiply_adds(layer) if isinstance(layer, keras.Model) else _of_layer(layer)
        for layer in model.layers
    )


def _of_layer(layer) -> int:
    """Return positions in the output x weights used at each of them."""
    from fer_utils.backend import layers

    if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)):
        kernels = [layer.kernel]
    elif isinstance(layer, layers.SeparableConv2D):
        kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
    else:
        return 0
    positions = layer.output.shape[1:-1]  # () for a dense layer behind Flatten
    if None in positions:
        raise ParameterError(
            f"layer {layer.name!r}: the size of its output is not known. Build the "
            "model with a fixed input_shape (H, W, C)."
        )
    return math.prod(positions) * sum(math.prod(kernel.shape) for kernel in kernels)
