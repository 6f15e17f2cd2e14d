"""Where results go: an mp4, a csv, a jsonl, a window.

Every sink is a context manager with `write(result, image)`. A file sink writes to
`NAME.partial.ending` and renames it on a clean close, so that a file of the asked name
is always whole. After an error or Ctrl-C the partial file is closed properly, kept, and
named in a warning.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fer_utils.errors import DataError, ParameterError
from fer_utils.live.timelines import Timeline, timeline

__all__ = [
    "Csv",
    "Jsonl",
    "Mp4",
    "Timeline",
    "Window",
    "csv_columns",
    "timeline",
]

_LONGEST_GAP = 10.0  # seconds that `keep_time` fills with the picture before
_FACE_COLUMNS = ("face", "x1", "y1", "x2", "y2", "score", "label", "unsure")
_HAS_WINDOWS = "import cv2; cv2.namedWindow('?'); cv2.destroyAllWindows()"


class _FileSink:
    """Opens `NAME.partial.ending`; a clean close renames it to the asked name."""

    endings: tuple[str, ...] = ()

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if self.path.suffix.lower() not in self.endings:
            raise ParameterError(
                f"path={str(path)!r}: expected a name that ends in "
                f"{' or '.join(self.endings)}."
            )
        self.partial = self.path.with_suffix(f".partial{self.path.suffix}")
        self.frames, self._closed = 0, False
        try:
            if self.path.is_dir():
                raise IsADirectoryError(None, "it is a folder")
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.partial.unlink(missing_ok=True)
            self._open()
        except OSError as error:
            raise DataError(
                f"{self.path}: cannot be written: {error.strerror}. Choose another "
                "place."
            ) from error

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace) -> None:
        self.close(whole=kind is None)

    def close(self, whole: bool = True) -> None:
        """Finish the file; a second time does nothing.

        Args:
            whole: give the file its name; False leaves it under `.partial`.
        """
        if self._closed:
            return
        self._closed = True
        self._finish()
        if whole and self._worth_keeping():
            os.replace(self.partial, self.path)
        elif not whole and self.partial.exists():
            warnings.warn(
                f"stopped after {self.frames} frames: what was written is in "
                f"{self.partial}; {self.path} was left alone.",
                UserWarning,
                stacklevel=3,
            )

    def write(self, result, image: np.ndarray | None = None) -> None:
        """Write one frame.

        Args:
            result: Result of that frame.
            image: uint8 (H, W, 3), BGR, with the overlay or without.
        """
        if self._closed:
            raise ParameterError(f"{self.path} is closed: write inside `with`.")
        self._write(result, image)
        self.frames += 1

    def _worth_keeping(self) -> bool:
        return True

    def _open(self) -> None:
        raise NotImplementedError

    def _write(self, result, image) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        raise NotImplementedError


class Mp4(_FileSink):
    """An mp4 video of the written pictures (MPEG-4 part 2, plays in VLC and mpv).

    Sizes that are odd grow by one column or row, copied from the edge: the format knows
    even ones only. Without a single frame there is no file, and a warning.

    Args:
        path: ends in .mp4.
        fps: frames per second, above 0 and at most 1000.
        size: (width, height) of every picture to come.
        keep_time: for live sources, whose pace varies: a picture is repeated or left
            out so that the video keeps the source's clock. False writes each picture
            once.

    Raises:
        DataError: the file cannot be written.
        ParameterError: another ending, fps or size; or `write` with another size.

    Example:
        >>> with Mp4("out.mp4", fps=25, size=(640, 360)) as out:  # doctest: +SKIP
        ...     out.write(result, image)
    """

    endings = (".mp4",)

    def __init__(
        self,
        path: str | Path,
        fps: float,
        size: tuple[int, int],
        keep_time: bool = False,
    ):
        number = isinstance(fps, (int, float)) and not isinstance(fps, bool)
        if not number or not 0 < fps <= 1000:
            raise ParameterError(
                f"fps={fps!r}: expected frames per second, above 0 and at most 1000. A "
                "source without a pace of its own (fps None) needs one given, say 25."
            )
        width, height = (int(side) for side in size)
        if width < 1 or height < 1:
            raise ParameterError(
                f"size={tuple(size)}: expected (width, height) in pixels, each at "
                "least 1."
            )
        self.fps, self.size, self._keep_time = float(fps), (width, height), keep_time
        self._pictures, self._start, self._last = 0, 0.0, None
        super().__init__(path)

    def _open(self) -> None:
        import cv2

        from fer_utils.live.sources import quiet_opencv

        even = tuple(side + side % 2 for side in self.size)
        code = cv2.VideoWriter_fourcc(*"mp4v")
        with quiet_opencv():
            self._writer = cv2.VideoWriter(str(self.partial), code, self.fps, even)
        if not self._writer.isOpened():
            self.partial.unlink(missing_ok=True)
            raise DataError(
                f"{self.path}: OpenCV cannot write a video of {self.size[0]}x"
                f"{self.size[1]} at {self.fps:g} fps here. Is the folder writable, "
                "the disk not full and the size not huge?"
            )

    def _write(self, result, image) -> None:
        if image.shape != (self.size[1], self.size[0], 3) or image.dtype != np.uint8:
            raise ParameterError(
                f"{self.path}: expected uint8 {(self.size[1], self.size[0], 3)}, "
                f"received {image.dtype} {image.shape}. A video has one size."
            )
        image = _evened(image)
        for _ in range(self._missing(result.seconds)):
            self._put(image if self._last is None else self._last)
        if not self._keep_time or self._pictures <= self._slot(result.seconds):
            self._put(image)
        self._last = image if self._keep_time else None

    def _missing(self, seconds: float) -> int:
        """Return how many pictures must be repeated before this one's time."""
        if not self._keep_time:
            return 0
        if self._pictures == 0:
            self._start = seconds
        late = self._slot(seconds) - self._pictures
        longest = round(_LONGEST_GAP * self.fps)
        if late > longest:  # the machine slept: go on from here
            self._start += (late - longest) / self.fps
        return max(0, min(late, longest))

    def _slot(self, seconds: float) -> int:
        return round((seconds - self._start) * self.fps)

    def _put(self, image) -> None:
        self._writer.write(image)
        self._pictures += 1

    def _finish(self) -> None:
        self._writer.release()

    def _worth_keeping(self) -> bool:
        if self._pictures:
            self._check_whole()
            return True
        self.partial.unlink(missing_ok=True)
        warnings.warn(
            f"{self.path} was not written: there was no frame.",
            UserWarning,
            stacklevel=4,
        )
        return False

    def _check_whole(self) -> None:
        """Raise if the disk did not take every picture: OpenCV does not tell."""
        import cv2

        from fer_utils.live.sources import quiet_opencv

        with quiet_opencv():
            written = cv2.VideoCapture(str(self.partial))
            count = int(written.get(cv2.CAP_PROP_FRAME_COUNT))
            written.release()
        if count != self._pictures:
            raise DataError(
                f"{self.path}: {self._pictures} pictures were written, {count} are in "
                f"the file. Is the disk full? What there is was left in {self.partial}."
            )


class _TextSink(_FileSink):
    """A file of text, written line by line."""

    def __init__(self, path: str | Path, classes: Sequence[str]):
        self.classes = tuple(classes)
        columns = csv_columns(self.classes)
        if not self.classes or len(set(columns)) < len(columns):
            raise ParameterError(
                f"classes={self.classes!r}: expected different class names, at least "
                f"one, none of them among {', '.join(csv_columns(()))}."
            )
        super().__init__(path)

    def _open(self) -> None:
        self._file = self.partial.open("w", encoding="utf-8", newline="")

    def _finish(self) -> None:
        self._file.close()

    def _probs(self, face) -> list[float]:
        if len(face.probs) != len(self.classes):
            raise ParameterError(
                f"{self.path}: {len(self.classes)} classes were given, a face has "
                f"{len(face.probs)} probabilities. Pass the model's class_names."
            )
        return [round(float(p), 6) for p in face.probs]


class Csv(_TextSink):
    """One row per face and frame; a frame without a face is a row with empty cells.

    Columns: frame, seconds, face (its number), x1, y1, x2, y2 (its box in pixels),
    score (the detector's), label, unsure (0 or 1), then every class's probability.

    Args:
        path: ends in .csv.
        classes: the model's class names in order.

    Raises:
        DataError: the file cannot be written.
        ParameterError: another ending, or class names that do not fit.

    Example:
        >>> with Csv("out.csv", model.class_names) as out:      # doctest: +SKIP
        ...     out.write(result)
    """

    endings = (".csv",)

    def _open(self) -> None:
        super()._open()
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(csv_columns(self.classes))

    def _write(self, result, image) -> None:
        when = [result.index, round(float(result.seconds), 6)]
        for face in result.faces:
            about = [face.id, *_box(face), _score(face), face.label, int(face.unsure)]
            self._rows.writerow(when + about + self._probs(face))
        if not result.faces:
            width = len(_FACE_COLUMNS) + len(self.classes)
            self._rows.writerow(when + [""] * width)


class Jsonl(_TextSink):
    """One JSON object per frame, with a list of its faces.

    Args:
        path: ends in .jsonl.
        classes: the model's class names in order.

    Raises:
        DataError: the file cannot be written.
        ParameterError: another ending, or class names that do not fit.

    Example:
        >>> with Jsonl("out.jsonl", model.class_names) as out:  # doctest: +SKIP
        ...     out.write(result)
    """

    endings = (".jsonl",)

    def _write(self, result, image) -> None:
        faces = [
            {
                "face": face.id,
                "box_xyxy": _box(face),
                "score": _score(face),
                "label": face.label,
                "unsure": bool(face.unsure),
                "probs": dict(zip(self.classes, self._probs(face), strict=True)),
            }
            for face in result.faces
        ]
        seconds = round(float(result.seconds), 6)
        line = {"frame": result.index, "seconds": seconds, "faces": faces}
        self._file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


class Window:
    """A window that shows the pictures; q, Escape or its close button ends it.

    Args:
        title: its title.

    Attributes:
        closed: bool, the viewer has had enough: stop the loop.

    Raises:
        DataError: there is no display, or this OpenCV has no windows.

    Example:
        >>> with Window("Expressions") as window:               # doctest: +SKIP
        ...     for frame, result in pipeline.run(source):
        ...         window.write(result, frame.image)
        ...         if window.closed:
        ...             break
    """

    def __init__(self, title: str = "fer"):
        import cv2

        _check_display()
        self.title, self.closed = title, False
        # GUI_NORMAL: without the tool bar of Qt
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        try:
            cv2.namedWindow(title, flags)
        except cv2.error as error:
            raise DataError(_NO_WINDOW.format(why="this OpenCV has none")) from error
        self._sized = False

    def write(self, result, image: np.ndarray) -> None:
        """Show one picture, uint8 (H, W, 3) BGR, and listen for a key."""
        import cv2

        if self._sized and not self._visible():  # `imshow` would open it again
            self.close()
        if self.closed:
            return
        if not self._sized:
            self._sized = True
            cv2.resizeWindow(self.title, image.shape[1], image.shape[0])
        cv2.imshow(self.title, image)
        pressed = cv2.waitKey(1) & 0xFF
        if pressed in (27, ord("q")) or not self._visible():
            self.close()

    def close(self) -> None:
        """Close the window; a second time does nothing."""
        import cv2

        if not self.closed:
            self.closed = True
            if self._visible():
                cv2.destroyWindow(self.title)
                cv2.waitKey(1)  # lets the system take it away

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def _visible(self) -> bool:
        import cv2

        try:
            return cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:
            return False


def csv_columns(classes: Sequence[str]) -> list[str]:
    """Return the header of a `Csv`.

    Example:
        >>> csv_columns(["happy"])[:3], csv_columns(["happy"])[-2:]
        (['frame', 'seconds', 'face'], ['unsure', 'happy'])
    """
    return ["frame", "seconds", *_FACE_COLUMNS, *classes]


def _box(face) -> list[float]:
    return [round(float(v), 2) for v in face.box_xyxy]


def _score(face) -> float:
    return round(float(face.score), 4)


def _evened(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    return np.ascontiguousarray(image)


_NO_WINDOW = (
    "no window can be shown: {why}. Write a file instead (fer: --out out.mp4), or in a "
    "notebook use live.BrowserCamera."
)


def _check_display() -> None:
    """Raise before OpenCV does worse: on Linux it ends Python without a display."""
    if not sys.platform.startswith("linux"):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        why = "there is no display (DISPLAY is not set)"
        raise DataError(_NO_WINDOW.format(why=why))
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _HAS_WINDOWS], capture_output=True, timeout=30
        )
        works = tried.returncode == 0
    except subprocess.TimeoutExpired:
        works = False
    if not works:
        shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        why = f"the display {shown!r} cannot be reached, or this OpenCV has no windows"
        raise DataError(_NO_WINDOW.format(why=why))
