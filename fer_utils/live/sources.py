"""Where frames come from: pictures, video files, cameras, the screen, memory.

A source is an iterator of `Frame` and a context manager. It knows `fps`, `count` and
`size` as far as they can be known, and whether it is `live`: a live source goes on
whether or not anybody looks, so `threaded` drops its stale frames; a file waits, and
loses none. Nothing is recorded.
"""

from __future__ import annotations

import contextlib
import glob
import math
import os
import re
import sys
import time
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from fer_utils.errors import DataError, ParameterError
from fer_utils.live.frames import Frame, Source
from fer_utils.live.reading_ahead import Threaded, threaded

__all__ = [
    "Frame",
    "ImageFiles",
    "InMemory",
    "Screen",
    "Source",
    "Threaded",
    "VideoFile",
    "Webcam",
    "image_files",
    "in_memory",
    "threaded",
]

IMAGE_ENDINGS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# OpenCV gives up at a damaged place; asked again, it goes on behind it.
_READS_PAST_DAMAGE = 64
_CAMERA_PATIENCE = 3.0  # seconds
_CONVERT = "ffmpeg -i IN -c:v libx264 OUT.mp4"


class ImageFiles(Source):
    """Picture files in order; made by `image_files`.

    Attributes:
        files: tuple of Path; a frame's index is its place in it.
    """

    def __init__(self, files: Sequence[Path], fps: float | None, skip_bad: bool):
        self.files = tuple(files)
        self.fps, self.count, self.name = fps, len(self.files), str(self.files[0])
        self._skip_bad, self._place, self._held = skip_bad, 0, None
        self._held = self._read()
        if self._held is None:
            raise DataError(
                f"none of the {self.count} picture files could be read, the first is "
                f"{self.files[0]}. Check that they are whole."
            )
        self.size = _size(self._held.image)

    def _read(self) -> Frame | None:
        held, self._held = self._held, None
        while held is None and self._place < len(self.files):
            index, self._place = self._place, self._place + 1
            image = self._load(self.files[index])
            if image is not None:
                held = Frame(index, index / (self.fps or 1.0), image)
        return held

    def _load(self, path: Path) -> np.ndarray | None:
        try:
            return read_image(path)
        except DataError as error:
            if not self._skip_bad:
                raise
            warnings.warn(f"left out: {error}", UserWarning, stacklevel=2)
            return None


def image_files(
    path: str | Path | Iterable[str | Path],
    fps: float | None = None,
    skip_bad: bool = False,
) -> ImageFiles:
    """Return a source of picture files.

    Args:
        path: one picture, a folder of them (not its subfolders; sorted so that 2 comes
            before 10), or several of either.
        fps: frames per second when the pictures are a film's; None for single pictures,
            which then count one second each.
        skip_bad: warn about a file that is no readable picture instead of raising.

    Returns:
        ImageFiles, a source; turned upright as their camera noted (EXIF).

    Raises:
        DataError: nothing is there, or a file is no readable picture.
        ParameterError: fps is not a positive number.

    Example:
        >>> image_files("holiday/", skip_bad=True)              # doctest: +SKIP
    """
    paths = [path] if isinstance(path, (str, os.PathLike)) else list(path)
    files = [file for one in paths for file in _pictures(Path(one))]
    if not files:
        raise DataError(
            "no picture files were given. Pass a picture, a folder of pictures or a "
            "list of them."
        )
    return ImageFiles(files, None if fps is None else _checked_fps(fps), skip_bad)


def read_image(path: str | Path) -> np.ndarray:
    """Return one picture file as uint8 (H, W, 3), BGR, upright.

    Raises:
        DataError: the file is missing, empty or no picture that OpenCV can read.
    """
    import cv2

    path = _existing(Path(path), "picture")
    # Not cv2.imread: on Windows it cannot open a name with accents.
    content = np.fromfile(path, np.uint8)
    try:
        with quiet_opencv():
            image = cv2.imdecode(content, cv2.IMREAD_COLOR)
    except cv2.error:  # larger than OpenCV allows
        image = None
    if image is None:
        raise DataError(
            f"{path}: no picture could be read ({content.size} bytes). Expected one of "
            f"{', '.join(IMAGE_ENDINGS)}, whole."
        )
    return image


class VideoFile(Source):
    """Every frame of a video file with the file's own times; turned upright.

    Args:
        path: a video in any format that OpenCV can read.

    Attributes:
        fps: float, as the file says; None if it does not say anything sensible.
        count: int, the frames that the file claims to have; None if it does not say.

    Frames behind a damaged place are still read, with their own times. A file that has
    fewer frames than it claims (cut off, damaged) ends with a warning.

    Raises:
        DataError: the file is missing, empty, cut off, no video, or has no frames.

    Example:
        >>> with VideoFile("clip.mp4") as video:                # doctest: +SKIP
        ...     for frame in video:
        ...         print(frame.index, frame.seconds, frame.image.shape)
    """

    def __init__(self, path: str | Path):
        import cv2

        self.path = _existing(Path(path), "video")
        self.name, self._index, self._seconds = str(self.path), 0, -1.0
        with quiet_opencv():
            self._capture = cv2.VideoCapture(self.name)
            self._held = self._decode() if self._capture.isOpened() else None
        if self._held is None:
            self._capture.release()
            raise DataError(_why_no_video(self.path))
        self.fps = _sensible_fps(self._capture.get(cv2.CAP_PROP_FPS))
        self.count = _sensible_count(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.size = _size(self._held.image)

    def _read(self) -> Frame | None:
        frame, self._held = self._held, None
        if frame is None:
            frame = self._decode()
        if frame is None and self.count is not None and self._index < self.count:
            warnings.warn(
                f"{self.name}: the file says {self.count} frames, {self._index} could "
                "be read. It was cut, or is damaged.",
                UserWarning,
                stacklevel=3,
            )
        return frame

    def _decode(self) -> Frame | None:
        for _ in range(_READS_PAST_DAMAGE):
            good, image = self._capture.read()
            if good:
                frame = Frame(self._index, self._clock(), image)
                self._index, self._seconds = self._index + 1, frame.seconds
                return frame
        return None

    def _clock(self) -> float:
        """Return the seconds of the frame just read; they never run backwards."""
        import cv2

        seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if self._index and not seconds > self._seconds:
            seconds = self._seconds + 1 / (self.fps or 25.0)
        return max(seconds, 0.0)

    def _release(self) -> None:
        self._held = None
        self._capture.release()


class Webcam(Source):
    """A camera of the machine that runs Python.

    Args:
        number: which camera, 0 for the first.
        size: (width, height) to ask the camera for; it may give another.

    Raises:
        DataError: there is no such camera, or it gives no picture or stops to.
        ParameterError: number is no whole number, at least 0.

    Example:
        >>> with Webcam() as camera:                            # doctest: +SKIP
        ...     print(camera.size)
    """

    live = True

    def __init__(self, number: int = 0, size: tuple[int, int] | None = None):
        import cv2

        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise ParameterError(
                f"number={number!r}: expected a whole number, 0 for the first camera."
            )
        self.name, self._index, self._start = f"camera {number}", 0, 0.0
        with quiet_opencv():
            self._capture = cv2.VideoCapture(number)
        if size is not None and self._capture.isOpened():
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        image = self._look() if self._capture.isOpened() else None
        if image is None:
            opened = self._capture.isOpened()
            self._capture.release()
            raise DataError(_why_no_camera(number, opened))
        self.size = _size(image)
        self.fps = _sensible_fps(self._capture.get(cv2.CAP_PROP_FPS))

    def _read(self) -> Frame:
        image = self._look()
        if image is None:
            raise DataError(
                f"{self.name} stopped giving pictures after {self._index} frames. Was "
                "it unplugged, or taken by another program?"
            )
        now = time.monotonic()
        self._start = self._start or now
        index, self._index = self._index, self._index + 1
        return Frame(index, now - self._start, image)

    def _look(self) -> np.ndarray | None:
        """Return a picture; a camera that wakes up may need a few tries."""
        deadline = time.monotonic() + _CAMERA_PATIENCE
        with quiet_opencv():
            while True:
                good, image = self._capture.read()
                if good or time.monotonic() > deadline:
                    return image if good else None
                time.sleep(0.02)

    def _release(self) -> None:
        self._capture.release()


class Screen(Source):
    """What the screen shows.

    Args:
        region: (left, top, width, height) in screen coordinates; None for the whole
            first screen.
        fps: frames per second at most.

    Raises:
        DataError: there is no screen, or the package `mss` is missing.
        ParameterError: the region is not on the screen, or fps is not positive.

    Example:
        >>> with Screen(region=(0, 0, 640, 360)) as screen:     # doctest: +SKIP
        ...     frame = next(screen)
    """

    live, name = True, "screen"

    def __init__(
        self, region: tuple[int, int, int, int] | None = None, fps: float = 30.0
    ):
        self.fps, self._grabber = _checked_fps(fps), _screen_grabber()
        self._index, self._start, self._due = 0, 0.0, 0.0
        try:
            self._area = _screen_area(region, self._grabber.monitors)
            self.size = _size(self._grab())
        except Exception:
            self._grabber.close()
            raise

    def _read(self) -> Frame:
        time.sleep(max(0.0, self._due - time.monotonic()))
        image, now = self._grab(), time.monotonic()
        self._start = self._start or now
        # A late frame does not make the next ones hurry.
        self._due = max((self._due or now) + 1 / self.fps, now)
        index, self._index = self._index, self._index + 1
        return Frame(index, now - self._start, image)

    def _grab(self) -> np.ndarray:
        from mss.exception import ScreenShotError

        try:
            shot = self._grabber.grab(self._area)
        except ScreenShotError as error:
            raise DataError(f"the screen could not be read: {error}") from error
        return np.ascontiguousarray(np.asarray(shot)[..., :3])  # BGRA -> BGR

    def _release(self) -> None:
        self._grabber.close()


class InMemory(Source):
    """Pictures that are already here; made by `in_memory`."""

    name = "pictures in memory"

    def __init__(self, images: Sequence[np.ndarray], fps: float | None):
        self._images, self._index = images, 0
        self.fps, self.count = fps, len(images)
        self.size = _size(_as_bgr(images[0], 0)) if len(images) else (0, 0)

    def _read(self) -> Frame | None:
        index = self._index
        if index >= len(self._images):
            return None
        self._index += 1
        image = _as_bgr(self._images[index], index)
        return Frame(index, index / (self.fps or 1.0), image)

    def _release(self) -> None:
        self._images = ()


def in_memory(images: Sequence[np.ndarray], fps: float | None = 25.0) -> InMemory:
    """Return a source of pictures that are already in memory.

    Args:
        images: sequence of uint8 (H, W, 3) BGR, or (H, W) or (H, W, 1) grey; or one
            array of them.
        fps: frames per second; None for single pictures, one second each.

    Returns:
        InMemory, a source.

    Raises:
        ParameterError: an image has another shape or type, or fps is not positive.

    Example:
        >>> frames = in_memory(np.zeros((3, 8, 10, 3), np.uint8), fps=2)
        >>> [(frame.index, frame.seconds) for frame in frames], frames.size
        ([(0, 0.0), (1, 0.5), (2, 1.0)], (10, 8))
    """
    return InMemory(images, None if fps is None else _checked_fps(fps))


@contextlib.contextmanager
def quiet_opencv():
    """Keep OpenCV's own messages off the screen; ours say what to do."""
    import cv2

    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _size(image: np.ndarray) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


def _existing(path: Path, noun: str) -> Path:
    if path.is_dir():
        raise DataError(
            f"{path} is a folder, expected one {noun} file. "
            "live.image_files reads a folder of pictures."
        )
    if not path.is_file():
        raise DataError(f"{path}: no such file (looked from {Path.cwd()}).")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror}.") from error
    if empty:
        raise DataError(
            f"{path}: the file is empty (0 bytes). Copy or record it again."
        )
    return path


def _pictures(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = [p for p in path.iterdir() if p.suffix.lower() in IMAGE_ENDINGS]
    found = [p for p in found if p.is_file() and not p.name.startswith(".")]
    if not found:
        raise DataError(
            f"{path}: no pictures in this folder (subfolders are not searched). Looked "
            f"for {', '.join(IMAGE_ENDINGS)}."
        )
    return sorted(found, key=_natural)


def _natural(path: Path) -> list:
    """Return a sort key that puts frame2 before frame10."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(p), p) if p.isdecimal() else (-1, p) for p in parts]


def _as_bgr(image: np.ndarray, index: int) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[..., None]
    good = image.ndim == 3 and image.shape[2] in (1, 3) and image.size > 0
    if not good or image.dtype != np.uint8:
        raise ParameterError(
            f"image {index}: expected uint8 (H, W, 3) BGR or (H, W) grey, received "
            f"{image.dtype} {image.shape}."
        )
    return np.repeat(image, 3, -1) if image.shape[2] == 1 else image


def _checked_fps(fps: float) -> float:
    number = isinstance(fps, (int, float)) and not isinstance(fps, bool)
    if not number or not math.isfinite(fps) or fps <= 0:
        raise ParameterError(
            f"fps={fps!r}: expected a positive number, frames per second."
        )
    return float(fps)


def _sensible_fps(fps: float) -> float | None:
    # Files without a fixed pace often claim 1000, the ticks of their clock.
    return float(fps) if math.isfinite(fps) and 0 < fps < 1000 else None


def _sensible_count(count: float) -> int | None:
    return int(count) if math.isfinite(count) and 0 < count < 1e9 else None


def _why_no_video(path: Path) -> str:
    boxes = _mp4_boxes(path)
    if "ftyp" in boxes and "moov" not in boxes:
        return (
            f"{path}: an mp4 whose index (moov) is missing: the recording or the copy "
            "was cut off. Copy it again, or record again and let the program finish."
        )
    if boxes[:1] == ["ftyp"]:
        return (
            f"{path}: an mp4 in which no frame can be decoded: it holds no video, no "
            f"frames, or a format that this OpenCV does not know. Try: {_CONVERT}"
        )
    return (
        f"{path}: not a video that OpenCV can read ({path.stat().st_size:,} bytes). "
        f"Is it whole? If a player shows it, convert it: {_CONVERT}"
    )


def _mp4_boxes(path: Path, most: int = 64) -> list[str]:
    """Return the names of an mp4's outer boxes as far as they can be followed."""
    names, size, place = [], path.stat().st_size, 0
    with path.open("rb") as file:
        while place + 8 <= size and len(names) < most:
            file.seek(place)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            names.append(head[4:8].decode("latin-1"))
            if length < 8:
                break
            place += length
    return names


def _why_no_camera(number: int, opened: bool) -> str:
    found = "gives no pictures" if opened else "was not found"
    listed = ""
    if sys.platform.startswith("linux"):
        devices = sorted(glob.glob("/dev/video*"))
        listed = f" Cameras here: {', '.join(devices) or 'none'}."
    return (
        f"camera {number} {found}.{listed} Is it plugged in, free (no other program "
        "shows it) and allowed in the system's privacy settings? In a notebook on "
        "another machine, use live.BrowserCamera, which takes your browser's camera."
    )


def _screen_grabber():
    try:
        import mss
        from mss.exception import ScreenShotError
    except ImportError as error:
        raise DataError(
            "the screen is read with the package mss, which is not installed. "
            "Install it: pip install mss"
        ) from error
    try:
        return mss.mss() if not hasattr(mss, "MSS") else mss.MSS()
    except (ScreenShotError, OSError) as error:
        raise DataError(
            f"no screen can be read: {error}. On a machine without one (a server, "
            "ssh, a JupyterHub) pass a video file, or use live.BrowserCamera."
        ) from error


def _screen_area(region, monitors) -> dict[str, int]:
    whole = monitors[0]
    if region is None:
        return dict(monitors[1] if len(monitors) > 1 else whole)
    names = ("left", "top", "width", "height")
    try:
        area = dict(zip(names, (int(v) for v in region), strict=True))
    except (TypeError, ValueError):
        area = dict.fromkeys(names, 0)
    across = whole["left"], whole["left"] + whole["width"]
    down = whole["top"], whole["top"] + whole["height"]
    inside = across[0] <= area["left"] < area["left"] + area["width"] <= across[1]
    inside &= down[0] <= area["top"] < area["top"] + area["height"] <= down[1]
    if not inside:
        raise ParameterError(
            f"region={region!r}: expected (left, top, width, height) on the screen, "
            f"which reaches from {across[0]}, {down[0]} to {across[1]}, {down[1]}."
        )
    return area
