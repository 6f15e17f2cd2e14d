"""`parity`: does an exported model answer as the original does?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_utils.errors import DataError

__all__ = ["Parity", "logits_of", "parity"]


@dataclass(frozen=True)
class Parity:
    """Two models on the same images.

    Attributes:
        images: how many were compared.
        changed: share of the images whose most likely class is another.
        largest: the largest difference of any probability, in [0, 1].
        mean: the mean difference of the probabilities.
        accuracy_before: of the original, in [0, 1]; None without labels.
        accuracy_after: of the exported model; None without labels.
    """

    images: int
    changed: float
    largest: float
    mean: float
    accuracy_before: float | None = None
    accuracy_after: float | None = None

    def __str__(self) -> str:
        text = (
            f"{self.images:,} images: {self.changed:.2%} answered otherwise, "
            f"probabilities differ by at most {self.largest:.3f}, "
            f"{self.mean:.4f} on average"
        )
        if self.accuracy_before is None:
            return text
        gain = 100 * (self.accuracy_after - self.accuracy_before) + 0.0
        return (
            f"{text}; accuracy {self.accuracy_before:.2%} before, "
            f"{self.accuracy_after:.2%} after ({gain:+.2f} points)"
        )


def parity(
    original, exported, pixels: np.ndarray, labels: np.ndarray | None = None
) -> Parity:
    """Compare two models on the same images.

    Args:
        original: keras.Model or Exported with `class_names`.
        exported: likewise, with the same classes in the same order.
        pixels: uint8 (N, H, W, C), N at least 1.
        labels: int (N,), positions in `class_names`.

    Returns:
        Parity.

    Raises:
        DataError: no image, or the classes are others.
    """
    from scipy.special import softmax

    if not len(pixels):
        raise DataError("no images to compare two models on. Pass some hundred faces.")
    names = [tuple(model.class_names) for model in (original, exported)]
    if names[0] != names[1]:
        raise DataError(
            f"the models name their classes otherwise: {', '.join(names[0])} and "
            f"{', '.join(names[1])}."
        )
    before, after = (
        softmax(logits_of(m, pixels) / _temperature(m), axis=1)
        for m in (original, exported)
    )
    distance = np.abs(before - after)
    accuracies = (None, None)
    if labels is not None:
        accuracies = tuple(
            float((p.argmax(1) == labels).mean()) for p in (before, after)
        )
    return Parity(
        len(pixels),
        float((before.argmax(1) != after.argmax(1)).mean()),
        float(distance.max()),
        float(distance.mean()),
        *accuracies,
    )


def logits_of(model, pixels: np.ndarray, batch_size: int = 64) -> np.ndarray:
    """Return float32 (N, K) of a Keras or an exported model."""
    return np.asarray(model.predict(pixels, batch_size=batch_size, verbose=0), "f4")


def _temperature(model) -> float:
    metadata = getattr(model, "metadata", None) or {}
    return float(metadata.get("temperature", 1.0))
