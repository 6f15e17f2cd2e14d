"""Face detectors behind one small protocol: a BGR image in, boxes and scores out."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import cv2
import numpy as np

from fer_utils.errors import DataError, ParameterError, WeightsError, did_you_mean
from fer_utils.live.files import detector_file

__all__ = [
    "Center",
    "Detections",
    "Detector",
    "Haar",
    "Ssd",
    "Whole",
    "YuNet",
    "check_image",
    "detector",
    "names",
]

_SSD_SIDE = 300
_SSD_MEAN_BGR = (104.0, 177.0, 123.0)  # of its training pictures


@dataclass(frozen=True, eq=False)
class Detections:
    """The faces of one image.

    Attributes:
        boxes_xyxy: float32 (n, 4), left, top, right, bottom in pixels of the image; a
            box may reach beyond the image.
        scores: float32 (n,), in [0, 1].
    """

    boxes_xyxy: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes_xyxy)


@runtime_checkable
class Detector(Protocol):
    """Whatever finds faces: `detect(image)`, uint8 (H, W, 3) BGR -> `Detections`."""

    def detect(self, image: np.ndarray) -> Detections: ...


class YuNet:
    """YuNet, a small network (Wu et al. 2023, Machine Intelligence Research 20).

    Args:
        side: faces are searched on a copy whose longer side has this many pixels. On
            320, faces of 40 pixels in a picture 640 wide are mostly missed, and found
            on the picture itself (None), which costs about four times the time.
        min_score: float in [0, 1], boxes below are dropped.
        max_overlap: float in [0, 1], of two boxes that overlap more, one stays.

    Raises:
        WeightsError: its file cannot be had.
        ParameterError: an argument is out of range.
    """

    name = "yunet"

    def __init__(self, side: int | None = 320, min_score=0.6, max_overlap=0.3):
        _check_side(side)
        _check_fraction("min_score", min_score)
        _check_fraction("max_overlap", max_overlap)
        content = _content("face_detection_yunet_2023mar.onnx")
        nothing = np.empty(0, np.uint8)
        self.side, self._size = side, (0, 0)
        self._network = cv2.FaceDetectorYN.create(
            "onnx", content, nothing, (32, 32), min_score, max_overlap
        )

    def detect(self, image: np.ndarray) -> Detections:
        """Find the faces of a uint8 (H, W, 3) BGR image."""
        check_image(image)
        small, scale = _small_copy(image, self.side)
        size = (small.shape[1], small.shape[0])
        if size != self._size:
            self._network.setInputSize(size)
            self._size = size
        found = self._network.detect(small)[1]  # (n, 15): x, y, w, h, 10, score
        if found is None:
            return _detections([], [], image)
        return _detections(_from_xywh(found[:, :4], scale), found[:, 14], image)


class Haar:
    """The cascade of Viola & Jones (2001) that ships with OpenCV; no file is needed.

    It finds upright frontal faces and has no scores: every box gets 1.

    Args:
        side: as for `YuNet`.
        step: float above 1, factor between the sizes of face that are searched.
        min_neighbours: int, how many neighbouring hits make a face; more are stricter.

    Raises:
        ParameterError: an argument is out of range.
    """

    name = "haar"

    def __init__(self, side: int | None = 320, step=1.2, min_neighbours: int = 4):
        _check_side(side)
        if not step > 1:
            raise ParameterError(f"step={step}: expected a number above 1, say 1.2.")
        self.side, self.step, self.min_neighbours = side, step, min_neighbours
        self._cascade = cv2.CascadeClassifier(
            cv2.data.haarcascades + "haarcascade_frontalface_default.xml"
        )

    def detect(self, image: np.ndarray) -> Detections:
        """Find the faces of a uint8 (H, W, 3) BGR image."""
        check_image(image)
        small, scale = _small_copy(image, self.side)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        found = self._cascade.detectMultiScale(grey, self.step, self.min_neighbours)
        return _detections(_from_xywh(found, scale), np.ones(len(found)), image)


class Ssd:
    """OpenCV's single-shot detector (Liu et al. 2016) on a ten-layer ResNet.

    Args:
        min_score: float in [0, 1], boxes below are dropped.

    Raises:
        WeightsError: its files cannot be had.
        ParameterError: an argument is out of range.
    """

    name = "ssd"

    def __init__(self, min_score=0.5):
        _check_fraction("min_score", min_score)
        self.min_score = min_score
        self._network = cv2.dnn.readNetFromCaffe(
            _content("deploy.prototxt"),
            _content("res10_300x300_ssd_iter_140000_fp16.caffemodel"),
        )

    def detect(self, image: np.ndarray) -> Detections:
        """Find the faces of a uint8 (H, W, 3) BGR image."""
        check_image(image)
        blob = cv2.dnn.blobFromImage(image, 1, (_SSD_SIDE, _SSD_SIDE), _SSD_MEAN_BGR)
        self._network.setInput(blob)
        found = self._network.forward()[0, 0]  # (n, 7): -, -, score, box in [0, 1]
        found = found[found[:, 2] >= self.min_score]
        height, width = image.shape[:2]
        return _detections(found[:, 3:7] * ((width, height) * 2), found[:, 2], image)


class Center:
    """The square in the middle, for footage where the face fills it.

    Args:
        size: int, its side in pixels; a smaller image gives its largest square.

    Raises:
        ParameterError: size is below 1.
    """

    name = "center"

    def __init__(self, size: int = 224):
        _check_side(size)
        self.size = size

    def detect(self, image: np.ndarray) -> Detections:
        """Return the middle of a uint8 (H, W, 3) BGR image."""
        check_image(image)
        height, width = image.shape[:2]
        side = min(self.size, height, width)
        left, top = (width - side) // 2, (height - side) // 2
        return _detections([(left, top, left + side, top + side)], [1], image)


class Whole:
    """The whole image is the face; its name is "none"."""

    name = "none"

    def detect(self, image: np.ndarray) -> Detections:
        """Return the frame of a uint8 (H, W, 3) BGR image."""
        check_image(image)
        height, width = image.shape[:2]
        return _detections([(0, 0, width, height)], [1], image)


_DETECTORS: dict[str, Callable[..., Detector]] = {
    kind.name: kind for kind in (YuNet, Haar, Ssd, Center, Whole)
}
_said: set[str] = set()


def names() -> tuple[str, ...]:
    """Return the names of all detectors.

    Example:
        >>> names()
        ('yunet', 'haar', 'ssd', 'center', 'none')
    """
    return tuple(_DETECTORS)


def detector(name: str = "yunet", **options) -> Detector:
    """Build a detector by name.

    Without its file and without internet, "yunet" becomes "haar"; a warning says so
    once.

    Args:
        name: one of `names()`.
        **options: what that detector takes.

    Returns:
        The detector.

    Raises:
        ParameterError: unknown name or option, or a value out of range.
        WeightsError: the files of "ssd" cannot be had.

    Example:
        >>> image = np.zeros((360, 640, 3), np.uint8)
        >>> detector("center", size=200).detect(image).boxes_xyxy.tolist()
        [[220.0, 80.0, 420.0, 280.0]]
    """
    if name not in _DETECTORS:
        raise ParameterError(
            f"unknown detector {name!r}." + did_you_mean(name, _DETECTORS)
        )
    known = inspect.signature(_DETECTORS[name]).parameters
    if unknown := sorted(set(options) - set(known)):
        raise ParameterError(
            f"detector {name!r}: unknown option {unknown[0]!r}."
            + did_you_mean(unknown[0], known)
        )
    try:
        return _DETECTORS[name](**options)
    except WeightsError as error:
        if name != "yunet":
            raise
        _say_once(f"Faces are searched with Haar instead of YuNet: {error}")
        return Haar(**{k: v for k, v in options.items() if k == "side"})


def check_image(image: np.ndarray) -> None:
    """Refuse what is not a BGR image.

    Args:
        image: uint8 (H, W, 3), H and W at least 1.

    Raises:
        DataError: what was received and what to do.
    """
    shape = getattr(image, "shape", ())
    kind = getattr(image, "dtype", type(image).__name__)
    if kind == np.uint8 and len(shape) == 3 and shape[2] == 3 and min(shape) > 0:
        return
    received = f"{kind} {tuple(shape)}" if shape else f"{type(image).__name__}"
    raise DataError(
        f"expected a colour image, uint8 (H, W, 3) in BGR order, received {received}. "
        "For a grey one: cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)."
    )


def _content(name: str) -> np.ndarray:
    """Return a file's bytes: OpenCV opens no path with umlauts on Windows."""
    return np.fromfile(detector_file(name), np.uint8)


def _say_once(message: str) -> None:
    if message not in _said:
        _said.add(message)
        warnings.warn(message, stacklevel=3)


def _small_copy(image: np.ndarray, side: int | None) -> tuple[np.ndarray, float]:
    """Return a copy with that longer side, never a larger one, and its scale."""
    height, width = image.shape[:2]
    if side is None or max(height, width) <= side:
        return image, 1.0
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale


def _from_xywh(boxes, scale: float) -> np.ndarray:
    """Return (n, 4) boxes x, y, w, h of a scaled copy as xyxy of the image."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4) / scale
    with np.errstate(invalid="ignore"):  # infinite ones are dropped later
        boxes[:, 2:] += boxes[:, :2]
    return boxes


def _detections(boxes, scores, image: np.ndarray) -> Detections:
    """Return the boxes that can be a face: finite, not empty, their middle in view.

    On frames of a few pixels YuNet gives infinite ones.
    """
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    scores = np.asarray(scores, np.float32).reshape(-1)
    if not len(boxes):
        return Detections(boxes, scores)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    shape = image.shape[1::-1]  # (W, H)
    good = np.isfinite(boxes).all(1) & (boxes[:, 2:] > boxes[:, :2]).all(1)
    good &= ((middles >= 0) & (middles <= shape)).all(1)
    return Detections(boxes[good], scores[good].clip(0, 1))


def _check_side(side: int | None) -> None:
    if side is not None and side < 1:
        raise ParameterError(f"side or size={side}: expected at least 1 pixel.")


def _check_fraction(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ParameterError(f"{name}={value}: expected a number in [0, 1].")
