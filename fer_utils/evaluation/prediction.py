"""Probabilities of a model for many faces, with optional test-time augmentation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fer_utils.data.image_files import ImageFiles, blocks
from fer_utils.errors import DataError, ParameterError, did_you_mean

__all__ = ["TTA_MODES", "predict", "predict_logits"]

TTA_MODES = ("none", "flip", "ten_crop")

# Images of a set on disk that are in memory at once: about 85 MB at 96 x 96 in colour,
# and twice that with the block that is read meanwhile.
_BLOCK = 3072

# Rec. 601 luma: what OpenCV and Pillow use to turn RGB into grey.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def predict(model, faces, tta="none", batch_size=256, temperature=None) -> np.ndarray:
    """Predict the probability of every class for every face.

    With test-time augmentation the PROBABILITIES of several views of a face are
    averaged.

    Args:
        model: keras.Model, uint8 (B, H, W, C) -> logits (B, K).
        faces: FaceSet, or uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3); grey and RGB
            are converted to what the model takes. Pixels that stay on disk
            (`ImageFiles`) are read in blocks.
        tta: "none" sees each face once; "flip" also its mirror image; "ten_crop" five
            shifts (none and both diagonals, by 1/24 of the height, edges reflected) and
            their mirror images, as Krizhevsky et al. 2012 take ten crops.
        batch_size: int, at least 1.
        temperature: float > 0, divides the logits (see `fit_temperature`); None takes
            the one that was stored with the model, 1 where none was.

    Returns:
        float32 (N, K), each row sums to one.

    Raises:
        ParameterError: unknown tta, or a temperature or batch size out of range.
        DataError: images that the model cannot take, or a FaceSet of other classes.

    Example:
        >>> from fer_utils.backend import keras
        >>> pixels = keras.Input((8, 8, 1), dtype="uint8")
        >>> x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
        >>> model = keras.Model(pixels, keras.layers.Dense(3)(x))
        >>> predict(model, np.zeros((5, 8, 8), np.uint8), tta="flip").shape
        (5, 3)
    """
    if temperature is None:
        temperature = getattr(model, "metadata", {}).get("temperature", 1.0)
    if not temperature > 0:
        raise ParameterError(f"temperature={temperature}: expected a number above 0.")
    parts = [
        _probs(model, images, tta, batch_size, temperature)
        for images in _parts(model, faces, batch_size)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _probs(model, images, tta: str, batch_size: int, temperature: float):
    from scipy.special import softmax

    total, count = None, 0
    for view in _views(images, tta):
        logits = _logits(model, view, batch_size)
        probs = softmax(logits.astype(np.float64) / temperature, axis=1)
        total, count = (probs if total is None else total + probs), count + 1
    return (total / count).astype(np.float32)


def predict_logits(model, faces, batch_size=256) -> np.ndarray:
    """Return the logits of every face, float32 (N, K), seen once each.

    Args:
        model: keras.Model, uint8 (B, H, W, C) -> logits (B, K).
        faces: FaceSet or uint8 images, as for `predict`.
        batch_size: int, at least 1.

    Raises:
        DataError: images that the model cannot take, or a FaceSet of other classes.
    """
    parts = _parts(model, faces, batch_size)
    parts = [_logits(model, images, batch_size) for images in parts]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _parts(model, faces, batch_size: int) -> Iterator[np.ndarray]:
    """Yield the images as the model takes them: at once, or in blocks from disk."""
    if hasattr(faces, "require_classes"):
        faces.require_classes(getattr(model, "class_names", None))
    pixels = getattr(faces, "pixels", faces)
    if not isinstance(pixels, ImageFiles):
        yield fitting_images(model, faces)
        return
    whole_batches = max(1, _BLOCK // max(1, batch_size)) * max(1, batch_size)
    for block in blocks(pixels, whole_batches):
        yield fitting_images(model, block)


def _logits(model, images: np.ndarray, batch_size: int) -> np.ndarray:
    if batch_size < 1:
        raise ParameterError(f"batch_size={batch_size}: expected at least 1.")
    if not len(images):
        return np.empty((0, model.output_shape[-1]), np.float32)
    outputs = model.predict(images, batch_size=batch_size, verbose=0)  # (N, K)
    return np.asarray(outputs, np.float32)


def fitting_images(model, faces) -> np.ndarray:
    """Return uint8 (N, H, W, C) in the shape of the model's input."""
    images = faces.images() if hasattr(faces, "images") else faces
    images = images if isinstance(images, np.ndarray) else np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    _, height, width, channels = model.input_shape
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise DataError(
            "faces: expected a FaceSet or uint8 images (N, H, W), (N, H, W, 1) or "
            f"(N, H, W, 3), received {images.dtype} {images.shape}. Keep pixels in "
            "[0, 255]: the model rescales them itself."
        )
    if height not in (None, images.shape[1]) or width not in (None, images.shape[2]):
        raise DataError(
            f"faces are {images.shape[1]} x {images.shape[2]} pixels, but the model "
            f"takes {height} x {width}. Resize them, or build the model with this "
            "input_shape."
        )
    if channels in (None, images.shape[-1]):
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=-1)
    return np.rint(images @ _LUMA).astype(np.uint8)[..., None]


def _views(images: np.ndarray, tta: str) -> Iterator[np.ndarray]:
    """Yield one view (N, H, W, C) of all the images after the other."""
    if tta not in TTA_MODES:
        raise ParameterError(f"unknown tta {tta!r}." + did_you_mean(tta, TTA_MODES))
    step = round(images.shape[1] * 2 / 48) if tta == "ten_crop" else 0
    corners = [(y, x) for y in (-step, step) for x in (-step, step)] if step else []
    for down, right in [(0, 0), *corners]:
        view = _shifted(images, down, right)
        yield view
        if tta != "none":
            yield np.ascontiguousarray(view[:, :, ::-1])  # torch takes no flipped view


def _shifted(images: np.ndarray, down: int, right: int) -> np.ndarray:
    if not (down or right):
        return images
    margin = abs(down)
    padding = ((0, 0), (margin, margin), (margin, margin), (0, 0))
    padded = np.pad(images, padding, mode="reflect")
    top, left = margin - down, margin - right
    return padded[:, top : top + images.shape[1], left : left + images.shape[2]]
