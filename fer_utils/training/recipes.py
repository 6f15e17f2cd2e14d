"""Augmentation: Keras layers, in one place, in front of a model for training only."""

from __future__ import annotations

from fer_utils.errors import ParameterError, did_you_mean

__all__ = ["AUGMENTATIONS", "augmentation"]

# Each recipe: (Keras layer, its arguments). Rotations are fractions of a full turn,
# shifts and shears fractions of the side; faces at an edge are continued, not cut to
# black.
_EDGE = {"fill_mode": "nearest"}
AUGMENTATIONS: dict[str, tuple[tuple[str, dict], ...]] = {
    "none": (),
    # A mirrored face keeps its expression: the one augmentation that costs nothing.
    "flip": (("RandomFlip", {"mode": "horizontal"}),),
    # The published comparison study's.
    "classic": (
        ("RandomFlip", {"mode": "horizontal"}),
        ("RandomRotation", {"factor": 15 / 360, **_EDGE}),
        ("RandomTranslation", {"height_factor": 0.15, "width_factor": 0.15, **_EDGE}),
        ("RandomShear", {"x_factor": 0.15, "y_factor": 0.15, **_EDGE}),
        ("RandomZoom", {"height_factor": 0.15, **_EDGE}),
    ),
    # The study's ResNet50V2 recipe.
    "heavy": (
        ("RandomFlip", {"mode": "horizontal"}),
        ("RandomRotation", {"factor": 40 / 360, **_EDGE}),
        ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.2, **_EDGE}),
        ("RandomShear", {"x_factor": 0.2, "y_factor": 0.2, **_EDGE}),
        ("RandomZoom", {"height_factor": 0.1, **_EDGE}),
    ),
    # For long trainings: also light, contrast and hidden parts.
    "wide": (
        ("RandomFlip", {"mode": "horizontal"}),
        ("RandomRotation", {"factor": 15 / 360, **_EDGE}),
        ("RandomZoom", {"height_factor": 0.2, **_EDGE}),
        ("RandomTranslation", {"height_factor": 0.1, "width_factor": 0.1, **_EDGE}),
        ("RandomContrast", {"factor": 0.3, "value_range": (0, 255)}),
        ("RandomErasing", {"factor": 0.4, "scale": (0.02, 0.2), "fill_value": 128}),
    ),
}


def augmentation(name: str, input_shape=(48, 48, 1), seed: int = 0):
    """Build an augmentation as a model of its own.

    Outside training it returns its input unchanged.

    Args:
        name: one of `AUGMENTATIONS`.
        input_shape: (H, W, C) of the pixels.
        seed: int; the same seed gives the same sequence of augmentations.

    Returns:
        keras.Model, uint8 (B, H, W, C) -> uint8 (B, H, W, C).

    Raises:
        ParameterError: unknown name.

    Example:
        >>> import numpy as np
        >>> faces = np.zeros((2, 48, 48, 1), np.uint8)
        >>> augmentation("classic")(faces, training=True).shape
        TensorShape([2, 48, 48, 1])
    """
    if name not in AUGMENTATIONS:
        raise ParameterError(
            f"unknown augmentation {name!r}." + did_you_mean(name, AUGMENTATIONS)
        )
    from fer_utils.backend import keras, layers

    pixels = keras.Input(tuple(input_shape), dtype="uint8", name="pixels")
    x = layers.Rescaling(1.0, dtype="float32")(pixels)  # still in [0, 255]
    for number, (layer, arguments) in enumerate(AUGMENTATIONS[name]):
        build = getattr(layers, layer)
        x = build(**arguments, seed=seed + number, dtype="float32")(x)
    x = keras.ops.cast(keras.ops.clip(keras.ops.round(x), 0, 255), "uint8")
    return keras.Model(pixels, x, name=f"augment_{name}")
