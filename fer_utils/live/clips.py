"""Clips made by code, with the truth of every frame: for tests, lessons, benchmarks.

Faces move smoothly over a textured background and show one expression after another.
They are the kit's drawn sample faces, or real pictures given as arrays. YuNet finds
both; Haar finds about half of the drawn ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_utils.errors import ParameterError

__all__ = ["ClipTruth", "face_clip"]

NOTICE = "synthetic sample data"
SEGMENTS = (("happy", 2.0), ("neutral", 1.0), ("surprise", 2.0))
_ENDINGS = {".mp4": "mp4v", ".avi": "MJPG"}
_FEATHER = 0.06  # of a face's side: soft edges, as a cut-out has none in nature


@dataclass(frozen=True, eq=False)
class ClipTruth:
    """What a clip shows.

    Attributes:
        path: Path of the clip.
        size: (width, height) in pixels.
        fps: float.
        boxes_xyxy: one float32 (n, 4) per frame, where the n face pictures were put,
            whole pictures from hair to chin; n is 0 where no face is shown.
        labels: one tuple of n expression labels per frame; face i keeps its place.
        segments: ((label or None, first frame, frame after the last), …) of face 0.
        notice: "synthetic sample data" for drawn faces, "" for given ones.
    """

    path: Path
    size: tuple[int, int]
    fps: float
    boxes_xyxy: tuple[np.ndarray, ...]
    labels: tuple[tuple[str, ...], ...]
    segments: tuple[tuple[str | None, int, int], ...]
    notice: str = ""

    @property
    def seconds(self) -> np.ndarray:
        """The time of every frame, float64 (N,)."""
        return np.arange(len(self.labels)) / self.fps


def face_clip(
    path: str | Path,
    size: tuple[int, int] = (640, 360),
    fps: float = 25,
    segments: Sequence[tuple[str | None, float]] = SEGMENTS,
    faces: int = 1,
    seed: int = 0,
    pictures: Mapping[str, np.ndarray] | None = None,
    face_height: int | None = None,
    motion: float = 1.0,
) -> ClipTruth:
    """Write a clip of moving faces, and return what it shows.

    Face 0 shows the segments as given; face 1 begins with the second one, and so on, so
    that several faces differ.

    Args:
        path: where to, ending in .mp4 or .avi; missing folders are made.
        size: (width, height) in pixels, even for .mp4.
        fps: frames per second, a whole number for .avi.
        segments: (expression label, seconds) one after another; None for a label shows
            no face.
        faces: how many faces are shown at once, at least 0.
        seed: int, at least 0: who is drawn or which pictures are taken, the paths and
            the background.
        pictures: label -> uint8 (n, H, W) or (n, H, W, 3) BGR, real faces instead of
            drawn ones; face i shows picture (i + seed) modulo n of each label.
        face_height: side of a face's square in pixels; half the height by default,
            less when many must fit.
        motion: from 0 (faces stand) to 1 (they roam over all of their place).

    Returns:
        ClipTruth.

    Raises:
        ParameterError: a value is out of range, or a label has no picture.
        DataError: the file cannot be written.

    Example:
        >>> truth = face_clip("clip.mp4", segments=[("happy", 1.0)])  # doctest: +SKIP
        >>> truth.boxes_xyxy[0].shape                                 # doctest: +SKIP
        (1, 4)
    """
    plan = _plan(segments, fps)  # one label or None per frame
    _check(path, size, fps, faces, motion)
    width, height = size
    places = _places(faces, width, height)  # (faces, 4)
    side = _side(places, face_height, height, width)
    boxes = _boxes(places, side, len(plan), fps, motion, seed)  # (N, faces, 4)
    shown = [_later(plan, face, segments, fps) for face in range(faces)]
    looks = _looks({n for row in shown for n in row if n}, faces, seed, pictures, side)
    truth = ClipTruth(
        Path(path),
        (width, height),
        float(fps),
        *_truth(boxes, shown, len(plan)),
        _runs(plan),
        NOTICE if pictures is None else "",
    )
    _write(truth, _background(width, height, seed), boxes, shown, looks)
    return truth


def _check(path, size, fps, faces, motion) -> None:
    ending = Path(path).suffix.lower()
    if ending not in _ENDINGS:
        raise ParameterError(
            f"path={str(path)!r}: expected a name that ends in {' or '.join(_ENDINGS)}."
        )
    if min(size) < 16 or (ending == ".mp4" and any(side % 2 for side in size)):
        raise ParameterError(
            f"size={tuple(size)}: expected (width, height), each at least 16, and even "
            "for .mp4 (an .avi may be odd)."
        )
    if ending == ".avi" and fps != round(fps):
        raise ParameterError(f"fps={fps!r}: expected a whole number for .avi.")
    if isinstance(faces, bool) or not isinstance(faces, int) or faces < 0:
        raise ParameterError(f"faces={faces!r}: expected a whole number, at least 0.")
    if not 0 <= motion <= 1:
        raise ParameterError(f"motion={motion!r}: expected a number in [0, 1].")


def _plan(segments, fps) -> list[str | None]:
    if not 0 < fps <= 1000:
        raise ParameterError(f"fps={fps!r}: expected above 0 and at most 1000.")
    from fer_utils.labels import canonical

    plan: list[str | None] = []
    end = 0.0
    for label, seconds in segments:
        if not seconds > 0:
            raise ParameterError(f"segment {label!r}: expected more than 0 seconds.")
        end += seconds
        label = None if label is None else canonical(label)
        plan += [label] * (round(end * fps) - len(plan))
    if not plan:
        raise ParameterError(
            f"segments={list(segments)!r}: expected (label, seconds) pairs that last "
            "at least one frame."
        )
    return plan


def _later(plan, face, segments, fps) -> list[str | None]:
    """Return the plan of a face, which begins with its own segment."""
    first = sum(s for _, s in segments[: face % len(segments)])
    begin = min(round(first * fps), len(plan))
    return plan[begin:] + plan[:begin]


def _places(faces: int, width: int, height: int) -> np.ndarray:
    """Divide the frame into one cell per face: float (faces, 4), xyxy."""
    if faces == 0:
        return np.zeros((0, 4))
    columns = min(faces, max(1, round(np.sqrt(faces * width / height))))
    rows = -(-faces // columns)
    across = np.linspace(0, width, columns + 1)
    down = np.linspace(0, height, rows + 1)
    cells = [
        (across[i % columns], down[i // columns])
        + (across[i % columns + 1], down[i // columns + 1])
        for i in range(faces)
    ]
    return np.array(cells)


def _side(places, face_height, height, width) -> int:
    if len(places) == 0:
        return 0
    room = int((places[:, 2:] - places[:, :2]).min())
    side = min(height // 2, round(0.8 * room)) if face_height is None else face_height
    if not 8 <= side <= min(height, width):
        raise ParameterError(
            f"face_height={side}: expected 8 to {min(height, width)} pixels for "
            f"{len(places)} faces in {width}x{height}. Take a larger frame or fewer "
            "faces."
        )
    return int(side)


def _boxes(places, side, frames, fps, motion, seed) -> np.ndarray:
    """Return whole-pixel boxes, int (frames, faces, 4): slow waves in each cell."""
    rng = np.random.default_rng([seed, 1])
    n = len(places)
    turns, starts = rng.uniform(0.08, 0.2, (2, n, 2))  # turns per second
    angle = 2 * np.pi * (np.arange(frames)[:, None, None] / fps * turns + starts * 5)
    low, high = places[:, :2], places[:, 2:] - side
    # A face larger than its cell stays in its middle.
    reach = np.maximum(high - low, 0) / 2 * motion
    corner = np.rint((low + high) / 2 + reach * np.sin(angle)).astype(int)
    corner = np.maximum(corner, 0)
    if n:
        corner = np.minimum(corner, np.array(places[:, 2:].max(0) - side, int))
    return np.concatenate([corner, corner + side], axis=-1)


def _looks(labels, faces, seed, pictures, side) -> dict[tuple[int, str], np.ndarray]:
    """Return uint8 (side, side, 3) for every face and label."""
    import cv2

    if pictures is None:
        looks = _drawn(sorted(labels), faces, seed)
    else:
        looks = _given(sorted(labels), faces, seed, pictures)
    bigger = {}
    for key, picture in looks.items():
        picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
        grey = picture.ndim == 2
        bigger[key] = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if grey else picture
    return bigger


def _drawn(labels, faces, seed) -> dict[tuple[int, str], np.ndarray]:
    from fer_utils.data.synthetic import draw_faces  # only here: clips are for tests

    looks = {}
    for face in range(faces):
        drawn = draw_faces(labels, seed=seed + face) if labels else ()
        looks |= {(face, n): p for n, p in zip(labels, drawn, strict=True)}
    return looks


def _given(labels, faces, seed, pictures) -> dict[tuple[int, str], np.ndarray]:
    from fer_utils.labels import canonical

    known = {canonical(name): np.asarray(p) for name, p in pictures.items()}
    for name in labels:
        some = known.get(name, np.zeros(0))
        right = some.ndim == 3 or (some.ndim == 4 and some.shape[3] in (1, 3))
        if not right or some.dtype != np.uint8 or some.size == 0:
            raise ParameterError(
                f"pictures[{name!r}]: expected uint8 (n, H, W) or (n, H, W, 3) with n "
                f"at least 1, received {some.dtype} {some.shape}."
            )
    known = {n: p[..., 0] if p.shape[3:] == (1,) else p for n, p in known.items()}
    return {
        (face, name): known[name][(face + seed) % len(known[name])]
        for face in range(faces)
        for name in labels
    }


def _truth(boxes, shown, frames):
    places, labels = [], []
    for i in range(frames):
        there = [face for face, row in enumerate(shown) if row[i]]
        places.append(boxes[i, there].astype(np.float32).reshape(-1, 4))
        labels.append(tuple(shown[face][i] for face in there))
    return tuple(places), tuple(labels)


def _runs(plan) -> tuple[tuple[str | None, int, int], ...]:
    cuts = [i for i in range(1, len(plan)) if plan[i] != plan[i - 1]]
    starts = [0, *cuts]
    ends = [*cuts, len(plan)]
    return tuple((plan[a], a, b) for a, b in zip(starts, ends, strict=True))


def _background(width: int, height: int, seed: int) -> np.ndarray:
    """Return soft blue-grey texture, uint8 (height, width, 3), where no face hides."""
    import cv2

    rng = np.random.default_rng([seed, 2])
    image = np.zeros((height, width, 3), np.float32)
    for cells, strength in ((3, 40), (9, 25), (40, 10)):
        shape = (max(2, cells * height // width + 1), cells + 1, 3)
        waves = rng.uniform(-1, 1, shape).astype(np.float32)
        waves = cv2.resize(waves, (width, height), interpolation=cv2.INTER_CUBIC)
        image += strength * waves
    return (image + (125, 110, 95)).clip(0, 255).astype(np.uint8)


def _mask(side: int) -> np.ndarray:
    """Return 1 inside and a soft edge, float32 (side, side, 1)."""
    edge = np.minimum(np.arange(side), np.arange(side)[::-1]) + 1.0
    edge = np.clip(edge / max(1.0, _FEATHER * side), 0, 1).astype(np.float32)
    return (edge[:, None] * edge)[..., None]


def _write(truth: ClipTruth, background, boxes, shown, looks) -> None:
    import cv2

    from fer_utils.errors import DataError

    truth.path.parent.mkdir(parents=True, exist_ok=True)
    code = _ENDINGS[truth.path.suffix.lower()]
    # For .avi OpenCV's own writer: FFmpeg's cuts an odd row or column off.
    how = cv2.CAP_OPENCV_MJPEG if code == "MJPG" else cv2.CAP_ANY
    fourcc = cv2.VideoWriter_fourcc(*code)
    writer = cv2.VideoWriter(str(truth.path), how, fourcc, truth.fps, truth.size)
    if not writer.isOpened():
        raise DataError(f"{truth.path}: cannot be written. Choose another place.")
    side = next(iter(looks.values())).shape[0] if looks else 1
    mask = _mask(side)
    for i in range(len(truth.labels)):
        image = background.copy()
        for face, row in enumerate(shown):
            if row[i]:
                _paste(image, boxes[i, face], looks[face, row[i]], mask)
        writer.write(image)
    writer.release()


def _paste(image, box, look, mask) -> None:
    left, top, right, bottom = box
    place = image[top:bottom, left:right]
    place[:] = (place + mask * (look.astype(np.float32) - place) + 0.5).astype(np.uint8)
