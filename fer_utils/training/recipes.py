"""Augmentation: Keras layers, in one place, in front of a model for training only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from fer_utils.errors import ParameterError, did_you_mean

__all__ = ["AUGMENTATIONS", "Recipe", "augmentation"]


@dataclass(frozen=True)
class Recipe:
    """What may happen to a face in training; each face draws its own amounts.

    Pixels that come in from outside continue the edge: black corners would teach the
    network about corners.

    Attributes:
        flip: mirror half of the faces. A mirrored face keeps its expression.
        rotation: degrees, to both sides.
        zoom: share of the size, each side by its own factor.
        shift: share of the side, in each direction.
        shear: tangent of the slant, in each direction.
        contrast: the difference to the mean times a factor in [1 - c, 1 + c].
        erasing: share of the faces of which a rectangle, 2 to 20 % of the area, turns
            grey (Zhong et al. 2017, arXiv:1708.04896).
    """

    flip: bool = False
    rotation: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    contrast: float = 0.0
    erasing: float = 0.0

    def steps(self) -> dict[str, Recipe]:
        """Return each step on its own, by name; steps that do nothing are left out.

        Example:
            >>> list(Recipe(flip=True, zoom=0.1).steps())
            ['flip', 'zoom']
        """
        return {
            n: Recipe(**{n: amount}) for n, amount in asdict(self).items() if amount
        }


AUGMENTATIONS: dict[str, Recipe] = {
    "none": Recipe(),
    # The one augmentation that costs nothing.
    "flip": Recipe(flip=True),
    # The published comparison study's.
    "classic": Recipe(flip=True, rotation=15, zoom=0.15, shift=0.15, shear=0.15),
    # The study's ResNet50V2 recipe.
    "heavy": Recipe(flip=True, rotation=40, zoom=0.1, shift=0.2, shear=0.2),
    # For long trainings: also contrast and hidden parts.
    "wide": Recipe(
        flip=True, rotation=15, zoom=0.2, shift=0.1, contrast=0.3, erasing=0.4
    ),
    # Between the two, for short trainings of a network that shall win.
    "brisk": Recipe(flip=True, rotation=11, zoom=0.1, shift=0.08, contrast=0.2),
}


def augmentation(
    recipe: str | Recipe, input_shape=(48, 48, 1), seed: int = 0, switch: bool = False
):
    """Build an augmentation as a model of its own.

    Outside training it returns its input unchanged.

    Args:
        recipe: one of `AUGMENTATIONS`, or a `Recipe`.
        input_shape: (H, W, C) of the pixels.
        seed: int; the same seed gives the same sequence of augmentations.
        switch: add a layer "switch" whose `on` variable, set to 0, leaves only the
            mirroring.

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
    if isinstance(recipe, str):
        if recipe not in AUGMENTATIONS:
            raise ParameterError(
                f"unknown augmentation {recipe!r}."
                + did_you_mean(recipe, AUGMENTATIONS)
            )
        recipe = AUGMENTATIONS[recipe]
    from fer_utils.backend import keras, layers

    pixels = keras.Input(tuple(input_shape), dtype="uint8", name="pixels")
    x = layers.Rescaling(1.0, dtype="float32")(pixels)  # still in [0, 255]
    if switch:
        mirrored = _chained(_layers(Recipe(flip=recipe.flip), seed + 7), x)
        x = _chained(_layers(replace(recipe, flip=False), seed), mirrored)
        x = _switch_layer()([x, mirrored])
    else:
        x = _chained(_layers(recipe, seed), x)
    x = keras.ops.cast(keras.ops.clip(keras.ops.round(x), 0, 255), "uint8")
    return keras.Model(pixels, x, name="augment")


def _layers(recipe: Recipe, seed: int) -> list:
    from fer_utils.backend import layers
    from fer_utils.training.affine import RandomAffine

    moves = ("flip", "rotation", "zoom", "shift", "shear")
    moves = {name: getattr(recipe, name) for name in moves}
    common = {"seed": seed + 1, "dtype": "float32"}
    chain = [RandomAffine(**moves, seed=seed)] if any(moves.values()) else []
    if recipe.contrast:
        chain.append(
            layers.RandomContrast(recipe.contrast, value_range=(0, 255), **common)
        )
    if recipe.erasing:
        chain.append(
            layers.RandomErasing(
                recipe.erasing, scale=(0.02, 0.2), fill_value=128, **common
            )
        )
    return chain


def _chained(layers: list, x):
    for layer in layers:
        x = layer(x)
    return x


def _switch_layer():
    from fer_utils.backend import keras

    class Switch(keras.layers.Layer):
        def build(self, input_shapes):
            self.on = self.add_weight(
                shape=(), initializer="ones", trainable=False, name="on"
            )

        def call(self, inputs):
            return keras.ops.where(self.on > 0.5, *inputs)

    return Switch(name="switch", dtype="float32")
