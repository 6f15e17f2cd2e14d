"""Faces keep their identity from frame to frame, by the overlap of their boxes.

Between detections a face moves on with its last velocity. An alpha-beta filter (the
Kalman filter of constant velocity in its steady state) gives position and velocity from
the detections, so that a box neither trembles nor trails.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fer_utils.errors import ParameterError

__all__ = ["Track", "Tracker", "match", "overlaps"]

# How much of the difference to the detection goes into the box, and into the velocity.
_ALPHA, _BETA = 0.7, 0.3
_COAST = 0.25  # seconds after the last detection that a face keeps moving
_FORGET = 0.5  # seconds after the last detection that a missed face is forgotten


def overlaps(boxes_a: np.ndarray, boxes_b: np.ndarray) -> np.ndarray:
    """Return the overlap of every two boxes, their intersection over their union.

    Args:
        boxes_a: float (n, 4) xyxy.
        boxes_b: float (m, 4) xyxy.

    Returns:
        float (n, m) in [0, 1]; 0 for empty boxes.

    Example:
        >>> overlaps([(0, 0, 10, 10)], [(0, 0, 10, 5), (10, 0, 20, 10)]).tolist()
        [[0.5, 0.0]]
    """
    a = np.asarray(boxes_a, float).reshape(-1, 1, 4)
    b = np.asarray(boxes_b, float).reshape(1, -1, 4)
    corners = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = corners.clip(0).prod(-1)
    union = _areas(a) + _areas(b) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def match(boxes_a, boxes_b, min_overlap: float = 0.1) -> list[int | None]:
    """Return which box of the second list is which of the first.

    Together the pairs have the largest overlap that is possible.

    Args:
        boxes_a: float (n, 4) xyxy.
        boxes_b: float (m, 4) xyxy.
        min_overlap: float in (0, 1]; boxes that overlap less are not the same face.

    Returns:
        For each box of `boxes_a` its place in `boxes_b`, or None.

    Example:
        >>> match([(0, 0, 9, 9), (50, 0, 59, 9)], [(51, 0, 60, 9)])
        [None, 0]
    """
    from scipy.optimize import linear_sum_assignment

    shared = overlaps(boxes_a, boxes_b)
    shared[shared < min_overlap] = 0
    found: list[int | None] = [None] * len(shared)
    for a, b in zip(*linear_sum_assignment(shared, maximize=True), strict=True):
        if shared[a, b]:
            found[a] = int(b)
    return found


@dataclass(eq=False)
class Track:
    """One face over time.

    Attributes:
        id: int, from 1; never given to another face.
        box_xyxy: float32 (4,), where the face is at `seconds`.
        score: float in [0, 1], of its last detection.
        velocity: float32 (2,), of the middle of the box, in pixels per second.
        seconds: float, the time that the box belongs to.
        seen: float, the time of its last detection.
        missed: int, detections in a row that did not find it.
    """

    id: int
    box_xyxy: np.ndarray
    score: float
    seconds: float
    seen: float
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2, np.float32))
    missed: int = 0

    def move(self, seconds: float) -> None:
        """Bring the box to a later time; a face that is not found stands still."""
        end = min(seconds, self.seen + _COAST)
        if end > self.seconds:
            step = self.velocity * np.float32(end - self.seconds)
            self.box_xyxy = self.box_xyxy + np.tile(step, 2)
        self.seconds = max(seconds, self.seconds)

    def correct(self, box_xyxy: np.ndarray, score: float) -> None:
        """Take a detection at the time of the box into position and velocity."""
        difference = box_xyxy - self.box_xyxy
        elapsed = self.seconds - self.seen
        if elapsed > 0:
            middle = (difference[:2] + difference[2:]) / 2
            self.velocity = self.velocity + np.float32(_BETA / elapsed) * middle
        self.box_xyxy = self.box_xyxy + np.float32(_ALPHA) * difference
        self.seen, self.score, self.missed = self.seconds, float(score), 0


class Tracker:
    """The faces in view, each with its identity.

    Args:
        forget_after: int, a face is forgotten when so many detections in a row miss it,
            or one does half a second after it was last found.
        min_overlap: float in (0, 1], of a face's expected box with its detection. Both
            are enlarged before, the more the longer ago the face was found.

    Raises:
        ParameterError: an argument is out of range.

    Example:
        >>> tracker = Tracker()
        >>> for left in (0, 2, 4):
        ...     tracks = tracker.update([(left, 0, left + 20, 20)], [0.9], left / 25)
        >>> [track.id for track in tracks]
        [1]
    """

    def __init__(self, forget_after: int = 5, min_overlap: float = 0.1):
        if forget_after < 1:
            raise ParameterError(f"forget_after={forget_after}: expected at least 1.")
        if not 0 < min_overlap <= 1:
            raise ParameterError(f"min_overlap={min_overlap}: expected one in (0, 1].")
        self.forget_after, self.min_overlap = forget_after, min_overlap
        self.tracks: list[Track] = []
        self.surprise = 0.0
        self._next_id = 1

    def reset(self) -> None:
        """Forget all faces; their ids are not given again."""
        self.tracks = []

    def move(self, seconds: float) -> list[Track]:
        """Return the faces as they are expected at a time without a detection."""
        for track in self.tracks:
            track.move(seconds)
        return self.tracks

    def update(self, boxes_xyxy, scores, seconds: float) -> list[Track]:
        """Take the detections of a frame in and return the faces.

        Sets `surprise`: how badly the expected boxes met the detections, 0 (all of them
        as expected, no face came or went) to 1.

        Args:
            boxes_xyxy: float (n, 4).
            scores: float (n,).
            seconds: float, the time of the frame.

        Returns:
            The tracks in the order of their ids.
        """
        boxes = np.asarray(boxes_xyxy, np.float32).reshape(-1, 4)
        found = self._match(boxes, seconds)
        new = sorted(set(range(len(boxes))) - set(found))
        self.surprise = 1.0 if new or None in found else 0.0
        for track, place in zip(self.tracks, found, strict=True):
            if place is None:
                track.missed += 1
            else:
                shared = overlaps(track.box_xyxy, boxes[place]).item()
                self.surprise = max(self.surprise, 1 - shared)
                track.correct(boxes[place], scores[place])
        self.tracks = [t for t in self.tracks if not self._gone(t, seconds)]
        for place in new:
            self._begin(boxes[place], float(scores[place]), seconds)
        return self.tracks

    def _match(self, boxes: np.ndarray, seconds: float) -> list[int | None]:
        """Return the place of each track's detection."""
        tracks = self.move(seconds)
        longest = max((seconds - track.seen for track in tracks), default=0)
        expected = np.array([t.box_xyxy for t in tracks], float).reshape(-1, 4)
        return match(
            _enlarged(expected, min(longest, 1)),
            _enlarged(boxes, min(longest, 1)),
            self.min_overlap,
        )

    def _gone(self, track: Track, seconds: float) -> bool:
        return track.missed >= self.forget_after or (
            track.missed > 0 and seconds - track.seen > _FORGET
        )

    def _begin(self, box_xyxy: np.ndarray, score: float, seconds: float) -> None:
        track = Track(self._next_id, box_xyxy.copy(), score, seconds, seconds)
        self.tracks.append(track)
        self._next_id += 1


def _enlarged(boxes: np.ndarray, part: float) -> np.ndarray:
    """Return (n, 4) boxes whose sides are longer by a part of them."""
    grow = (boxes[:, 2:] - boxes[:, :2]) * (part / 2)
    return np.hstack([boxes[:, :2] - grow, boxes[:, 2:] + grow])


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[..., 2:] - boxes[..., :2]).clip(0).prod(-1)
