"""Small face icons, drawn by code: no font has to bring colour emoji.

Each is drawn once, large, in a square of side 1, and then reduced: one place for the
overlay on frames and for the browser camera.
"""

from __future__ import annotations

import functools

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.errors import FerError

__all__ = ["icon", "icon_png"]

# Drawn at this size; everything shown is smaller.
_SIDE = 128
# BGR
_YELLOW, _RED, _GREEN = (70, 205, 255), (80, 110, 245), (95, 200, 140)
_BLUE, _GREY = (235, 190, 130), (200, 200, 200)
_INK, _WHITE, _TEAR = (40, 30, 30), (255, 255, 255), (230, 140, 30)
_SKIN = {
    "angry": _RED,
    "disgust": _GREEN,
    "fear": _BLUE,
    "unsure": _GREY,
}


@functools.lru_cache(maxsize=256)
def icon(label: str, side: int) -> np.ndarray:
    """Return the icon of a class, "unsure" or any other word (a plain face).

    Args:
        label: a class name or alias, or "unsure".
        side: pixels, at least 1.

    Returns:
        uint8 (side, side, 4), BGRA, read-only because it is shared.

    Example:
        >>> icon("happy", 16).shape
        (16, 16, 4)
    """
    import cv2

    small = cv2.resize(
        _large(_known(label)), (side, side), interpolation=cv2.INTER_AREA
    )
    small.flags.writeable = False
    return small


def icon_png(label: str, side: int = 48) -> bytes:
    """Return the icon as a PNG file's bytes."""
    import cv2

    return cv2.imencode(".png", icon(label, side))[1].tobytes()


def _known(label: str) -> str:
    if label == "unsure":
        return label
    try:
        return fer_labels.canonical(label)
    except FerError:
        return "other"


@functools.cache
def _large(name: str) -> np.ndarray:
    """Draw one face: BGRA uint8 (128, 128, 4)."""
    bgr = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    bgr[:] = _INK
    pen = _Pen(bgr)
    pen.disc(0.5, 0.5, 0.46, _SKIN.get(name, _YELLOW))
    _FACES.get(name, _other)(pen)
    alpha = np.zeros((_SIDE, _SIDE), np.uint8)
    _Pen(alpha).disc(0.5, 0.5, 0.49, 255)
    return np.dstack([bgr, alpha])


class _Pen:
    """Draws on an image with coordinates in [0, 1]."""

    def __init__(self, image: np.ndarray):
        self.image = image

    def disc(self, x, y, radius, colour=_INK) -> None:
        import cv2

        centre = (round(x * _SIDE), round(y * _SIDE))
        cv2.circle(self.image, centre, round(radius * _SIDE), colour, -1, cv2.LINE_AA)

    def arc(self, x, y, width, height, begin, end, colour=_INK, fill=False) -> None:
        """Draw a part of an ellipse; 0 degrees is right, 90 is down."""
        import cv2

        centre = (round(x * _SIDE), round(y * _SIDE))
        axes = (round(width * _SIDE), round(height * _SIDE))
        thickness = -1 if fill else 9
        cv2.ellipse(
            self.image, centre, axes, 0, begin, end, colour, thickness, cv2.LINE_AA
        )

    def line(self, *points, colour=_INK) -> None:
        import cv2

        corners = np.round(np.array(points) * _SIDE).astype(np.int32)
        cv2.polylines(self.image, [corners], False, colour, 9, cv2.LINE_AA)

    def eyes(self, y=0.42, radius=0.065) -> None:
        self.disc(0.33, y, radius)
        self.disc(0.67, y, radius)


def _happy(pen: _Pen) -> None:
    pen.arc(0.33, 0.44, 0.09, 0.11, 190, 350)
    pen.arc(0.67, 0.44, 0.09, 0.11, 190, 350)
    pen.arc(0.5, 0.54, 0.27, 0.27, 0, 180, fill=True)
    pen.arc(0.5, 0.55, 0.2, 0.08, 0, 180, _WHITE, fill=True)


def _sad(pen: _Pen) -> None:
    pen.eyes(0.46)
    pen.line((0.22, 0.36), (0.4, 0.28))
    pen.line((0.78, 0.36), (0.6, 0.28))
    pen.arc(0.5, 0.82, 0.2, 0.16, 200, 340)
    pen.arc(0.71, 0.66, 0.07, 0.11, 0, 360, _TEAR, fill=True)


def _angry(pen: _Pen) -> None:
    pen.eyes(0.47)
    pen.line((0.2, 0.3), (0.43, 0.4))
    pen.line((0.8, 0.3), (0.57, 0.4))
    pen.arc(0.5, 0.82, 0.2, 0.15, 190, 350)


def _disgust(pen: _Pen) -> None:
    pen.line((0.24, 0.36), (0.42, 0.43), (0.24, 0.49))
    pen.line((0.76, 0.36), (0.58, 0.43), (0.76, 0.49))
    pen.arc(0.55, 0.72, 0.1, 0.17, 0, 180, (90, 90, 235), fill=True)
    pen.line((0.26, 0.7), (0.38, 0.64), (0.5, 0.7), (0.62, 0.66), (0.74, 0.72))


def _fear(pen: _Pen) -> None:
    for x in (0.32, 0.68):
        pen.disc(x, 0.43, 0.14, _WHITE)
        pen.disc(x, 0.43, 0.055)
    pen.line((0.17, 0.25), (0.36, 0.16))
    pen.line((0.83, 0.25), (0.64, 0.16))
    pen.line((0.26, 0.78), (0.38, 0.68), (0.5, 0.76), (0.62, 0.68), (0.74, 0.78))


def _surprise(pen: _Pen) -> None:
    pen.eyes(0.42, 0.075)
    pen.arc(0.33, 0.25, 0.1, 0.07, 190, 350)
    pen.arc(0.67, 0.25, 0.1, 0.07, 190, 350)
    pen.arc(0.5, 0.72, 0.12, 0.15, 0, 360, fill=True)


def _neutral(pen: _Pen) -> None:
    pen.eyes()
    pen.line((0.3, 0.7), (0.7, 0.7))


def _contempt(pen: _Pen) -> None:
    pen.line((0.23, 0.42), (0.43, 0.42))
    pen.line((0.57, 0.38), (0.77, 0.34))
    pen.disc(0.35, 0.47, 0.055)
    pen.disc(0.68, 0.44, 0.055)
    pen.line((0.32, 0.72), (0.55, 0.71), (0.74, 0.6))


def _unsure(pen: _Pen) -> None:
    pen.eyes()
    pen.line((0.28, 0.3), (0.42, 0.3))
    pen.line((0.58, 0.24), (0.74, 0.2))
    pen.line((0.28, 0.7), (0.4, 0.65), (0.52, 0.72), (0.64, 0.65), (0.74, 0.7))


def _other(pen: _Pen) -> None:
    pen.eyes()


_FACES = {
    "angry": _angry,
    "contempt": _contempt,
    "disgust": _disgust,
    "fear": _fear,
    "happy": _happy,
    "neutral": _neutral,
    "sad": _sad,
    "surprise": _surprise,
    "unsure": _unsure,
}
