"""Frames in, labelled faces out: the one pipeline behind every front end.

    frame BGR uint8 (H, W, 3) -> detect -> follow -> crop -> predict (one batch)
        -> smooth over time -> Result

A label is a *perceived expression label*. Nothing is kept of a frame but its numbers.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from fer_utils.errors import ParameterError
from fer_utils.live.detectors import Detector, check_image
from fer_utils.live.detectors import detector as build_detector
from fer_utils.live.frames import Frame
from fer_utils.live.pacing import pace
from fer_utils.live.predictor import Predictor
from fer_utils.live.smoothing import Smoother
from fer_utils.live.tracking import Track, Tracker

__all__ = ["Face", "Pipeline", "Result"]


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a frame.

    Attributes:
        id: int, from 1, the same as long as the face is in view.
        box_xyxy: float32 (4,), in pixels, within the frame.
        score: float in [0, 1], how sure the detector was when it last found the face.
        probs: float32 (K,), smoothed over time, in label order.
        label: str, the class with the largest probability.
        unsure: bool, that probability is below the pipeline's threshold: show "unsure".
    """

    id: int
    box_xyxy: np.ndarray
    score: float
    probs: np.ndarray
    label: str
    unsure: bool


@dataclass(frozen=True, eq=False)
class Result:
    """What the pipeline says about one frame.

    Attributes:
        index: int, of the frame.
        seconds: float, of the frame.
        faces: tuple of Face in the order of their ids; empty where there is none.
        timings_ms: "detect", "track", "predict" (with the crops), "smooth" and "total".
    """

    index: int
    seconds: float
    faces: tuple[Face, ...]
    timings_ms: dict[str, float]


class Pipeline:
    """Find, follow and label the faces of frame after frame.

    Args:
        model: keras.Model or what else `Predictor` takes, or a `Predictor`.
        detector: a name ("yunet", "haar", "ssd", "center", "none") or a `Detector`.
        every: "auto" searches for faces as often as they move and predicts in every
            frame; an int k searches and predicts in every k-th frame only and holds the
            result until the next.
        smooth: float, seconds after which a frame's weight in the probabilities has
            faded to 1/e; 0 does not smooth.
        unsure_below: float in [0, 1], a face with no larger probability is `unsure`.
        max_faces: int, the most faces in one call of the model; more take several.

    Attributes:
        classes: tuple of str, the class names in label order.
        detector: the `Detector`.
        predictor: the `Predictor`.

    Raises:
        ParameterError: an argument is unknown or out of range.

    Example:
        >>> from fer_utils import models
        >>> model = models.build("compact", filters=(4,))
        >>> pipeline = Pipeline(model, detector="center")
        >>> result = pipeline.process(Frame(0, 0.0, np.zeros((360, 640, 3), np.uint8)))
        >>> [face.box_xyxy.tolist() for face in result.faces]
        [[208.0, 68.0, 432.0, 292.0]]
    """

    def __init__(
        self,
        model,
        detector: str | Detector = "yunet",
        every: int | str = "auto",
        smooth: float = 0.6,
        unsure_below: float = 0.4,
        max_faces: int = 8,
    ):
        if not 0 <= unsure_below <= 1:
            raise ParameterError(
                f"unsure_below={unsure_below}: expected a probability in [0, 1]."
            )
        self._pace = pace(every)
        self._smoother, self._tracker = Smoother(smooth), Tracker()
        self.unsure_below = unsure_below
        self.predictor = (
            model if isinstance(model, Predictor) else Predictor(model, max_faces)
        )
        self.classes = self.predictor.classes
        self.detector = _as_detector(detector)
        self._faces: tuple[Face, ...] = ()
        self._seconds = -np.inf

    def reset(self) -> None:
        """Forget all faces, for a new clip; their ids are not given again."""
        self._tracker.reset()
        self._smoother.keep(())
        self._pace.reset()
        self._faces, self._seconds = (), -np.inf

    def process(self, frame: Frame) -> Result:
        """Say what faces a frame shows.

        Args:
            frame: the frame after the one before; an earlier time begins a new clip.

        Returns:
            Result; its faces are an empty tuple where there is none.

        Raises:
            DataError: the frame holds no BGR image.
        """
        clock = _Clock()
        check_image(frame.image)
        if frame.seconds < self._seconds or self._pace.new_scene(frame.image):
            self.reset()
        self._seconds = frame.seconds
        due = self._pace.due(frame.seconds)
        if due or not self._pace.holds:
            self._faces = self._look(frame, due, clock)
        return Result(frame.index, frame.seconds, self._faces, clock.timings_ms())

    def run(self, source: Iterable[Frame]) -> Iterator[tuple[Frame, Result]]:
        """Process a source, frame by frame.

        Args:
            source: an iterable of Frame. Of one without a pace (a folder of pictures)
                every frame is searched and labelled for itself.

        Yields:
            (frame, result) in the order of the source.
        """
        self.reset()
        pictures = getattr(source, "fps", 0) is None and not _is_live(source)
        for frame in source:
            if pictures:
                self.reset()
            yield frame, self.process(frame)

    def _look(self, frame: Frame, due: bool, clock: _Clock) -> tuple[Face, ...]:
        """Return the faces of a frame that is not skipped."""
        if due:
            found = self.detector.detect(frame.image)
            clock.stop("detect")
            tracks = self._tracker.update(found.boxes_xyxy, found.scores, frame.seconds)
            self._pace.found(frame.seconds, self._tracker.surprise)
        else:
            tracks = self._tracker.move(frame.seconds)
        tracks, boxes = _in_view(tracks, frame.image.shape)
        clock.stop("track")
        probs = self.predictor.probs(frame.image, [t.box_xyxy for t in tracks])
        clock.stop("predict")
        self._smoother.keep(track.id for track in self._tracker.tracks)
        faces = tuple(map(self._face, tracks, boxes, probs))
        clock.stop("smooth")
        return faces

    def _face(self, track: Track, box_xyxy: np.ndarray, probs: np.ndarray) -> Face:
        smooth = self._smoother.update(track.id, probs, track.seconds)
        best = int(smooth.argmax())
        unsure = bool(smooth[best] < self.unsure_below)
        label = self.classes[best]
        return Face(track.id, box_xyxy, track.score, smooth, label, unsure)


class _Clock:
    """Milliseconds of each step."""

    def __init__(self):
        self._start = self._last = time.perf_counter()
        self._ms = dict.fromkeys(("detect", "track", "predict", "smooth"), 0.0)

    def stop(self, step: str) -> None:
        now = time.perf_counter()
        self._ms[step] = 1000 * (now - self._last)
        self._last = now

    def timings_ms(self) -> dict[str, float]:
        return {**self._ms, "total": 1000 * (time.perf_counter() - self._start)}


def _in_view(tracks: list[Track], shape) -> tuple[list[Track], list[np.ndarray]]:
    """Return the tracks that are in the frame, and the parts of their boxes inside."""
    height, width = shape[:2]
    limits = np.array([width, height, width, height], np.float32)
    inside = [np.clip(track.box_xyxy, 0, limits) for track in tracks]
    seen = [box[2] - box[0] >= 1 and box[3] - box[1] >= 1 for box in inside]
    kept = [i for i, visible in enumerate(seen) if visible]
    return [tracks[i] for i in kept], [inside[i] for i in kept]


def _as_detector(wanted: str | Detector) -> Detector:
    if isinstance(wanted, str):
        return build_detector(wanted)
    if isinstance(wanted, Detector):
        return wanted
    raise ParameterError(
        f"detector={wanted!r}: expected a name ('yunet', 'haar', 'ssd', 'center', "
        "'none') or an object with detect(image)."
    )


def _is_live(source) -> bool:
    return bool(getattr(source, "live", False))
