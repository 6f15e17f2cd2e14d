"""Building blocks that several architectures share."""

from __future__ import annotations

from fer_utils.backend import keras, layers
from fer_utils.errors import ParameterError

__all__ = [
    "as_rgb",
    "batch_norm",
    "check_arguments",
    "check_image_size",
    "check_length",
    "conv_norm",
    "halved",
    "imagenet_pixels",
    "logits",
    "pixels_input",
    "scaled",
]


def check_arguments(input_shape, num_classes, minimum_size=8, **dropout_rates) -> None:
    """Refuse shapes, class counts and dropout rates that an architecture cannot take.

    Args:
        input_shape: (H, W, C); H and W at least `minimum_size`, C 1 or 3.
        num_classes: int, at least 2.
        minimum_size: the smallest side that survives the architecture's pooling.
        **dropout_rates: rates by parameter name, each a float or a tuple, in [0, 1).

    Raises:
        ParameterError: naming the parameter and what is allowed.
    """
    shape = tuple(input_shape)
    if len(shape) != 3 or shape[2] not in (1, 3) or min(shape[:2]) < minimum_size:
        raise ParameterError(
            f"input_shape={shape}: expected (H, W, C) with H and W at least "
            f"{minimum_size} and C 1 (grey) or 3 (RGB)."
        )
    if num_classes < 2:
        raise ParameterError(f"num_classes={num_classes}: expected at least 2.")
    for name, rates in dropout_rates.items():
        for rate in rates if isinstance(rates, (tuple, list)) else [rates]:
            if not 0 <= rate < 1:
                raise ParameterError(f"{name}={rates}: each rate must lie in [0, 1).")


def check_length(name: str, values, length: int) -> None:
    """Refuse a tuple option that has not one value per place.

    Raises:
        ParameterError: `values` is no tuple or list of that length.
    """
    if not isinstance(values, (tuple, list)) or len(values) != length:
        raise ParameterError(f"{name}={values!r}: expected a tuple of {length} values.")


def check_image_size(input_shape, image_size, minimum_size=32) -> None:
    """Refuse pixels that an ImageNet network cannot take.

    Args:
        input_shape: (H, W, C) of the pixels.
        image_size: int, the side they are resized to; None keeps H and W.
        minimum_size: the smallest side that the network takes.

    Raises:
        ParameterError: naming the parameter, the minimum and the way out.
    """
    if image_size is None:
        if min(input_shape[:2]) < minimum_size:
            raise ParameterError(
                f"input_shape={tuple(input_shape)}: this network needs H and W of at "
                f"least {minimum_size}. Pass image_size={minimum_size} or more to "
                "resize the pixels inside the model."
            )
    elif not isinstance(image_size, int) or image_size < minimum_size:
        raise ParameterError(
            f"image_size={image_size!r}: expected a whole number from {minimum_size} "
            "up, or None to keep the size of the input."
        )


def pixels_input(input_shape) -> keras.KerasTensor:
    """Return the input that every model has: uint8 pixels (B, H, W, C) in [0, 255]."""
    return keras.Input(tuple(input_shape), dtype="uint8", name="pixels")


def scaled(pixels, scale: float = 1 / 255, offset: float = 0.0):
    """Return pixels as floats: uint8 (B, H, W, C) -> scale * pixels + offset."""
    return layers.Rescaling(scale, offset, name="rescale")(pixels)


def as_rgb(x):
    """Return three channels: grey is repeated, RGB passes through."""
    if x.shape[-1] == 3:
        return x
    return layers.Concatenate(name="grey_to_rgb")([x, x, x])  # (B, H, W, 3)


def imagenet_pixels(pixels, image_size: int | None):
    """Return pixels as MobileNet and ResNet50V2 expect them: float RGB in [-1, 1].

    Args:
        pixels: uint8 (B, H, W, C) in [0, 255].
        image_size: the side to resize to (other aspect ratios are squashed), or None.

    Returns:
        float (B, image_size, image_size, 3), or (B, H, W, 3).
    """
    x = scaled(pixels, 1 / 127.5, -1.0)
    if image_size is not None:
        x = layers.Resizing(image_size, image_size, name="resize")(x)
    return as_rgb(x)  # after resizing: one channel is cheaper to resize than three


def conv_norm(x, filters: int, kernel_size: int = 3, activation: str = "relu"):
    """Return convolution, activation, batch norm: the order of the comparison study."""
    x = layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        activation=activation,
        kernel_initializer="he_normal",
    )(x)
    return batch_norm(x)


def batch_norm(x):
    """Return batch normalisation whose moving averages settle within a short training.

    Keras' momentum of 0.99 needs some 500 steps: the epochs before are validated with
    statistics of the untrained network, and a lesson's whole training is no longer.
    """
    return layers.BatchNormalization(momentum=0.9)(x)


def halved(x):
    """Return the 2x2 maximum: H and W halve, but a side of 1 stays."""
    return layers.MaxPooling2D([min(2, side) for side in x.shape[1:3]])(x)


def logits(x, num_classes: int):
    """Return the output layer: float32 logits (B, num_classes), whatever the policy."""
    return layers.Dense(num_classes, dtype="float32", name="logits")(x)
