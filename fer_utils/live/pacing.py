"""When to search a frame for faces: every k-th frame, or as often as needed."""

from __future__ import annotations

import cv2
import numpy as np

from fer_utils.errors import ParameterError

__all__ = ["AsNeeded", "EveryKth", "pace"]

_LONGEST = 0.2  # seconds between two searches; a new face waits no longer
_SURPRISE = 0.3  # a box that overlaps the expected one by less than 70 %
_CUT = 30  # grey levels that two thumbnails differ by when the scene changes
_THUMBNAIL = (32, 18)


class EveryKth:
    """Search every k-th frame and hold what was found until the next.

    Args:
        every: int, at least 1.
    """

    holds = True

    def __init__(self, every: int):
        self.every = every
        self.reset()

    def reset(self) -> None:
        """Search the next frame."""
        self._left = 0

    def new_scene(self, image: np.ndarray) -> bool:
        """Say no: what was found is held, whatever happens."""
        return False

    def due(self, seconds: float) -> bool:
        """Say whether to search this frame; asked once for each."""
        due = self._left == 0
        self._left = self.every - 1 if due else self._left - 1
        return due

    def found(self, seconds: float, surprise: float) -> None:
        """Hear how badly the faces were expected; does not change k."""


class AsNeeded:
    """Search often while faces move, come and go, seldom while they stand still.

    The pause between searches doubles while detections are where they were expected, up
    to 0.2 s, and falls back to none at a surprise. It depends on the frames alone,
    never on the speed of the machine: a clip gives the same result everywhere.
    """

    holds = False

    def __init__(self):
        self._thumbnail, self._shape = None, None
        self.reset()

    def reset(self) -> None:
        """Search the next frame."""
        self._pause, self._left, self._last = 0, 0, None

    def new_scene(self, image: np.ndarray) -> bool:
        """Say whether this frame shows something else than the one before."""
        before, shape = self._thumbnail, self._shape
        self._thumbnail, self._shape = _thumbnail(image), image.shape
        if before is None or shape != image.shape:
            return before is not None
        return cv2.norm(before, self._thumbnail, cv2.NORM_L1) > _CUT * before.size

    def due(self, seconds: float) -> bool:
        """Say whether to search this frame; asked once for each."""
        waited = None if self._last is None else seconds - self._last
        # Half a millisecond: times of frames are rounded.
        due = self._left == 0 or waited is None or waited >= _LONGEST - 5e-4
        self._left -= not due
        return due

    def found(self, seconds: float, surprise: float) -> None:
        """Hear how badly the faces were expected, 0 to 1, at a frame that was due."""
        self._pause = 0 if surprise > _SURPRISE else min(2 * self._pause + 1, 1000)
        self._left, self._last = self._pause, seconds


def _thumbnail(image: np.ndarray) -> np.ndarray:
    """Return uint8 (18, 32, 3), the mean colours of some of the pixels."""
    height, width = image.shape[:2]
    some = image[:: max(height // 90, 1), :: max(width // 160, 1)]
    some = np.ascontiguousarray(some)
    return cv2.resize(some, _THUMBNAIL, interpolation=cv2.INTER_AREA)


def pace(every: int | str) -> EveryKth | AsNeeded:
    """Return when to search for faces.

    Args:
        every: "auto", or int k at least 1.

    Raises:
        ParameterError: it is neither.
    """
    if every == "auto":
        return AsNeeded()
    if isinstance(every, int) and not isinstance(every, bool) and every >= 1:
        return EveryKth(every)
    raise ParameterError(
        f"every={every!r}: expected 'auto', or a whole number of frames, at least 1 "
        "(15: search and predict in every 15th frame and hold the result until then)."
    )
