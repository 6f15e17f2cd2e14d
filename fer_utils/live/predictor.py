"""Probabilities of all the faces of a frame in one compiled call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from fer_utils.errors import ParameterError
from fer_utils.live.detectors import check_image

__all__ = ["Predictor", "face_square"]


class Predictor:
    """Crop faces out of a frame and predict their probabilities, all in one call.

    Args:
        model: keras.Model with `class_names`, as `models.load` returns it; or any
            callable uint8 (B, H, W, C) -> logits (B, K) that has `input_shape` (None,
            H, W, C) and `class_names` (a TFLite model, say). A "temperature" in its
            `metadata` divides the logits.
        max_faces: int, at least 1, the largest batch; more faces take several calls.
        margin: float, what is added to a box's longer side, as a part of it. FER2013's
            own crops are like 0: on its faces, pasted into frames and found by YuNet,
            Haar or SSD, more and less were both worse.

    Attributes:
        classes: tuple of str, the class names in label order.
        batch_sizes: the batches there are; a smaller one is filled up.

    Raises:
        ParameterError: the model has no class names or no fixed input, or an argument
            is out of range.

    Example:
        >>> from fer_utils import models
        >>> predictor = Predictor(models.build("compact", filters=(4,)))
        >>> frame = np.zeros((360, 640, 3), np.uint8)
        >>> predictor.probs(frame, [(0, 0, 90, 120), (600, 300, 660, 380)]).shape
        (2, 7)
    """

    def __init__(self, model, max_faces: int = 8, margin: float = 0.0):
        _check(model, max_faces, margin)
        self.classes: tuple[str, ...] = tuple(model.class_names)
        self.margin = margin
        self.batch_sizes = _batch_sizes(max_faces)
        self._shape = tuple(model.input_shape[1:])  # (H, W, C)
        self._temperature = _temperature(model)
        self._call = _compiled(model)
        self._batch = np.zeros((self.batch_sizes[-1], *self._shape), np.uint8)
        self._call(self._batch[:1])  # compiling now keeps the first frame fast

    def probs(self, image: np.ndarray, boxes_xyxy) -> np.ndarray:
        """Predict the probability of every class for every box.

        Args:
            image: uint8 (H, W, 3), BGR.
            boxes_xyxy: float (n, 4) in pixels; what lies beyond the image repeats its
                edge.

        Returns:
            float32 (n, K), each row sums to one.

        Raises:
            DataError: not a BGR image.
        """
        from scipy.special import softmax

        check_image(image)
        boxes = np.asarray(boxes_xyxy, float).reshape(-1, 4)
        logits = np.empty((len(boxes), len(self.classes)), np.float32)
        largest = self.batch_sizes[-1]
        for begin in range(0, len(boxes), largest):
            part = slice(begin, begin + largest)
            logits[part] = self._logits(image, boxes[part])
        return softmax(logits / self._temperature, axis=1)

    def _logits(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        n = len(boxes)
        for place, box in enumerate(boxes):
            self._batch[place] = self._pixels(image, box)
        size = next(size for size in self.batch_sizes if size >= n)
        # Old faces fill it up: no row of the output depends on another row.
        return self._call(self._batch[:size])[:n]

    def _pixels(self, image: np.ndarray, box_xyxy: np.ndarray) -> np.ndarray:
        """Return one face in the form of the model's input, uint8 (H, W, C)."""
        height, width, channels = self._shape
        square = face_square(image, box_xyxy, self.margin)
        grey = channels == 1
        square = cv2.cvtColor(square, cv2.COLOR_BGR2GRAY if grey else cv2.COLOR_BGR2RGB)
        shrinks = square.shape[0] > height
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        face = cv2.resize(square, (width, height), interpolation=how)
        return face[..., None] if grey else face


def face_square(image: np.ndarray, box_xyxy, margin: float = 0.0) -> np.ndarray:
    """Cut the square around the middle of a box; beyond the image its edge repeats.

    Args:
        image: uint8 (H, W, 3).
        box_xyxy: (4,) in pixels; its longer side is the square's side, at most the
            image's shorter side.
        margin: float, added to the side, as a part of it.

    Returns:
        uint8 (side, side, 3).

    Example:
        >>> image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
        >>> face_square(image, (1, 0, 3, 2))[..., 0].tolist()
        [[3, 3], [9, 9]]
    """
    height, width = image.shape[:2]
    left, top, right, bottom = (float(v) for v in box_xyxy)
    side = max(right - left, bottom - top) * (1 + margin)
    side = max(1, min(round(side), height, width))
    # At least one row and column stays in view, so that there is an edge to repeat.
    x = max(1 - side, min(width - 1, round((left + right - side) / 2)))
    y = max(1 - side, min(height - 1, round((top + bottom - side) / 2)))
    inside = image[max(y, 0) : y + side, max(x, 0) : x + side]
    beyond = (-y, y + side - height, -x, x + side - width)
    if max(beyond) <= 0:
        return inside
    borders = [max(b, 0) for b in beyond]
    return cv2.copyMakeBorder(inside, *borders, cv2.BORDER_REPLICATE)


def _compiled(model) -> Callable[[np.ndarray], np.ndarray]:
    """Return the fast way to call a model with a batch of numpy pixels.

    For one face `model.predict` takes 40 ms (it builds a data pipeline at each call),
    `predict_on_batch` 2 to 3, as a bare tf.function does.
    """
    return getattr(model, "predict_on_batch", model)


def _batch_sizes(max_faces: int) -> tuple[int, ...]:
    """Return 1, 2, 4, 6, 8, 12, 16, 24, … up to `max_faces`: little is filled up."""
    steps = (1, 2, *(n * 2**k for k in range(1, 12) for n in (2, 3)))
    return (*(s for s in steps if s < max_faces), max_faces)


def _temperature(model) -> float:
    return float((getattr(model, "metadata", None) or {}).get("temperature", 1.0))


def _check(model, max_faces: int, margin: float) -> None:
    shape: Sequence = getattr(model, "input_shape", None) or ()
    if not getattr(model, "class_names", None):
        raise ParameterError(
            "this model has no class_names. Load it with models.load, build it with "
            "models.build, or set model.class_names to a tuple in label order."
        )
    if len(shape) != 4 or None in shape[1:] or shape[3] not in (1, 3):
        raise ParameterError(
            f"the model's input is {tuple(shape)}: expected (None, H, W, C) with H and "
            "W fixed and C 1 (grey) or 3 (RGB)."
        )
    if not isinstance(max_faces, int) or max_faces < 1:
        raise ParameterError(f"max_faces={max_faces!r}: expected at least 1.")
    if not margin > -1:
        raise ParameterError(f"margin={margin}: expected a number above -1, say 0.1.")
