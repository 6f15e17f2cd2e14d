"""Grad-CAM: which places of a face speak for the model's answer?

Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via
Gradient-based Localization" (arXiv:1610.02391).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fer_utils.backend import gradient, keras
from fer_utils.errors import ParameterError, did_you_mean
from fer_utils.evaluation.checks import checked_labels
from fer_utils.evaluation.prediction import fitting_images, predict

__all__ = ["GradCam", "grad_cam"]

# A coarser feature map cannot tell the eyes from the mouth.
_LEAST_SIDE = 3
_COLOURS = "viridis"  # readable without colour vision, and in grey print


@dataclass(frozen=True, eq=False)
class GradCam:
    """Where the evidence for a class lies, for some faces.

    Attributes:
        heat: float32 (N, H, W) in [0, 1], 1 at each face's strongest place; all 0 where
            nothing speaks for the class.
        explained: int64 (N,), the class whose evidence is shown.
        probs: float32 (N, K), the model's probabilities.
        layer: the path of the layer whose feature map was used.
        images: uint8 (N, H, W, C).
        classes: K class names in label order.
        labels: the faces' own N label names, or None where they are not known.
        notice: a sentence that the figure must carry.
    """

    heat: np.ndarray
    explained: np.ndarray
    probs: np.ndarray
    layer: str
    images: np.ndarray
    classes: tuple[str, ...]
    labels: tuple[str, ...] | None = None
    notice: str = ""

    def __len__(self) -> int:
        return len(self.heat)

    def captions(self) -> list[str]:
        """Return "label: sad" and "→ happy (87 %)" for each face.

        The class is marked by "for" where it is not the model's own answer.
        """
        captions = []
        for i, (shown, probs) in enumerate(
            zip(self.explained, self.probs, strict=True)
        ):
            role = "→" if shown == probs.argmax() else "for"
            chance = f"({probs[shown]:.0%})".replace("%", "\u00a0%")
            captions.append(f"label: {self.labels[i]}" if self.labels else "")
            captions.append(f"{role} {self.classes[shown]} {chance}")
        return captions

    def plot(self, columns: int = 3, title: str = "Where the evidence lies (Grad-CAM)"):
        """Draw each face beside the same face under its heat; return the Figure.

        Args:
            columns: faces per row, at least 1; each takes two places.
            title: of the figure.
        """
        from matplotlib.cm import ScalarMappable

        from fer_utils.evaluation.plots import FaceGrid

        pairs = np.stack([_as_rgb(self.images), self.overlay()], 1)  # (N, 2, H, W, 3)
        pairs = pairs.reshape(-1, *pairs.shape[2:])
        grid = FaceGrid(pairs, 2 * columns, self.captions(), self.notice)
        figure = grid.plot(title)
        width, height = figure.get_size_inches()
        figure.set_size_inches(width + 1, height)  # room for the bar
        figure.colorbar(
            ScalarMappable(cmap=_COLOURS),
            ax=figure.axes,
            label="evidence / its maximum in this face",
            shrink=0.8,
        )
        return figure

    def overlay(self, strength: float = 0.5) -> np.ndarray:
        """Return the faces under their heat, uint8 (N, H, W, 3).

        Args:
            strength: of the heat's colours over the face, in [0, 1].
        """
        from matplotlib import colormaps

        colours = 255 * colormaps[_COLOURS](self.heat)[..., :3]  # (N, H, W, 3)
        mixed = strength * colours + (1 - strength) * _as_rgb(self.images)
        return np.rint(mixed).astype(np.uint8)

    def alt_text(self) -> str:
        """Describe the figure in words."""
        if not len(self):
            return "No faces to explain."
        height, width = self.heat.shape[1:]
        places = []
        for shown, heat in zip(self.explained, self.heat, strict=True):
            row, column = np.unravel_index(heat.argmax(), heat.shape)
            place = f"{row / height:.0%} down and {column / width:.0%} across"
            place = place if heat.any() else "no evidence"
            places.append(f"{self.classes[shown]}: {place}")
        return (
            f"Grad-CAM of {len(self)} face{'s' if len(self) > 1 else ''}; the evidence "
            f"is strongest at: {'; '.join(places[:6])}{' …' * (len(places) > 6)}."
        )


def grad_cam(model, faces, labels=None, layer=None, batch_size=64) -> GradCam:
    """Map which places of each face speak for a class.

    The feature maps of one layer are averaged, each weighted by the mean gradient of
    the class's logit with respect to it; what is left above zero is enlarged to the
    face (equations 1 and 2 of the paper). It tells where the model found evidence for
    *its* answer, to about one cell of the layer's map. It does not tell whether the
    answer is right, nor what would happen without that place.

    Args:
        model: functional keras.Model, uint8 (B, H, W, C) -> logits (B, K).
        faces: FaceSet, or uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3).
        labels: int (N,), the class to explain for each face; None explains the model's
            own answers.
        layer: name of a layer with a map (B, h, w, channels), "backbone/name" for one
            inside a nested model; None takes the last one with at least 3 x 3 cells
            that does not pool.
        batch_size: int, at least 1.

    Returns:
        GradCam; its `heat` is float32 (N, H, W) in [0, 1].

    Raises:
        ParameterError: labels or layer do not fit the model, the model has no feature
            map, or the Keras backend gives no gradients.
        DataError: images that the model cannot take.

    Example:
        >>> from fer_utils import models
        >>> model = models.build("shallow_cnn")
        >>> grad_cam(model, np.zeros((2, 48, 48), np.uint8)).heat.shape
        (2, 48, 48)
    """
    if gradient is None:
        raise ParameterError(
            f"Grad-CAM needs gradients, which the kit takes from TensorFlow or JAX; "
            f"Keras runs on {keras.backend.backend()}. Start Python again with "
            "KERAS_BACKEND=tensorflow: saved models open there unchanged."
        )
    images = fitting_images(model, faces)
    path = _path_of_last_map(model) if layer is None else _checked_path(model, layer)
    probs = predict(model, images, batch_size=batch_size)  # (N, K)
    explained = probs.argmax(1) if labels is None else checked_labels(labels, probs)
    halves = _cut(model, path.split("/"))
    heat = np.zeros(images.shape[:3], np.float32)
    for begin in range(0, len(images), batch_size):
        part = slice(begin, begin + batch_size)
        heat[part] = _heat(*halves, images[part], explained[part])
    return GradCam(
        heat,
        explained,
        probs,
        path,
        images,
        _class_names(model, faces, probs.shape[1]),
        _names_of_labels(faces),
        getattr(faces, "notice", ""),
    )


def _heat(before, after, images, explained) -> np.ndarray:
    """Return float32 (B, H, W) in [0, 1]."""
    ops = keras.ops
    maps = ops.convert_to_tensor(images)
    for part in before:
        maps = part(maps, training=False)  # (B, h, w, channels)
    chosen = ops.one_hot(explained, after[-1].output_shape[-1])

    def evidence(x):
        for part in after:
            x = part(x, training=False)  # (B, K) at the end
        return ops.sum(x * chosen)  # an image's logit depends on its own maps alone

    slopes = ops.cast(gradient(evidence, maps), "float32")
    weights = ops.mean(slopes, (1, 2), keepdims=True)
    coarse = ops.relu(ops.sum(weights * ops.cast(maps, "float32"), -1, keepdims=True))
    heat = ops.image.resize(coarse, images.shape[1:3], "bilinear")
    heat = np.maximum(ops.convert_to_numpy(heat)[..., 0], 0)
    highest = heat.max((1, 2), keepdims=True)
    return np.divide(heat, highest, out=np.zeros_like(heat), where=highest > 0)


def _cut(model, path: Sequence[str]) -> tuple[list, list]:
    """Return the models up to a layer, to be called in turn, and those after it.

    They share the layers of `model`; a nested model on the path is cut in two as well.
    """
    name, *inside = path
    calls = {}

    def call(layer, x, *args, **kwargs):
        calls[layer.name] = x, layer(x, *args, **kwargs)
        return calls[layer.name][1]

    whole = keras.models.clone_model(
        model, clone_function=lambda layer: layer, call_function=call
    )
    x, y = calls[name]
    after = [] if y is whole.output else [keras.Model(y, whole.output)]
    if not inside:
        return [keras.Model(whole.input, y)], after
    first, second = _cut(model.get_layer(name), inside)
    return [keras.Model(whole.input, x), *first], [*second, *after]


def _path_of_last_map(model) -> str:
    """Return the path of the last layer whose map shows what is where."""
    maps = _maps(model)
    if not maps:
        raise ParameterError(
            f"{model.name} has no convolution with a map (B, h, w, channels): Grad-CAM "
            "has nothing to show."
        )
    fine = [path for path, sides in maps.items() if min(sides) >= _LEAST_SIDE]
    return (fine or list(maps))[-1]


def _maps(model, prefix: str = "") -> dict[str, tuple[int, int]]:
    """Return the path and (h, w) of each feature map, from input to output."""
    maps = {}
    for layer in model.layers:
        kind = type(layer).__name__
        if _is_functional(layer):
            maps |= _maps(layer, f"{prefix}{layer.name}/")
        elif any(word in kind for word in ("Pooling", "Dropout", "Padding")):
            continue  # copies of the map before it
        elif _is_map(layer) and (maps or "Conv" in kind):
            maps[prefix + layer.name] = layer.output.shape[1:3]
    return maps


def _is_functional(layer) -> bool:
    return isinstance(layer, keras.Model) and not isinstance(layer, keras.Sequential)


def _is_map(layer) -> bool:
    return len(getattr(getattr(layer, "output", None), "shape", ())) == 4


def _checked_path(model, path: str) -> str:
    names, net = path.split("/"), model
    for name in names:
        layers = {layer.name: layer for layer in getattr(net, "layers", ())}
        if name not in layers:
            raise ParameterError(
                f"layer={path!r}: {model.name} has no such layer."
                + did_you_mean(path, _maps(model))
            )
        net = layers[name]
    if not _is_map(net):
        raise ParameterError(
            f"layer={path!r} has no map (B, h, w, channels)."
            + did_you_mean(path, _maps(model))
        )
    return path


def _class_names(model, faces, num_classes: int) -> tuple[str, ...]:
    for names in (getattr(model, "class_names", ()), getattr(faces, "classes", ())):
        if len(names) == num_classes:
            return tuple(names)
    return tuple(f"class {i}" for i in range(num_classes))


def _names_of_labels(faces) -> tuple[str, ...] | None:
    if not hasattr(faces, "labels"):
        return None
    return tuple(faces.classes[label] for label in faces.labels)


def _as_rgb(images: np.ndarray) -> np.ndarray:
    return np.broadcast_to(images, (*images.shape[:3], 3))
