"""`ImageFiles`: pixels that stay on disk until somebody looks at them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np

from fer_utils.data.reading import Bad
from fer_utils.errors import DataError, ParameterError

__all__ = ["ImageFiles", "blocks", "rows_of"]

# More than this is never read at once unless `load` asks for it.
MOST_BYTES = 2**30
_SIDES = (8, 1024)
_AT_ONCE = 4  # images per task of a thread: fewer hand-overs, still spread evenly


class ImageFiles:
    """Image files that look like one array of pixels, and are read when indexed.

    `files[i]`, `files[10:20]`, `files[[3, 1]]` and `files[mask]` are arrays; `view`
    is another `ImageFiles` and reads nothing. An image of another size is resized, of
    another colour converted. JPEG files are decoded at half, a quarter or an eighth of
    their size where that is still enough, which is several times faster.

    Args:
        root: the folder that holds the files.
        names: paths relative to `root`, with "/".
        side: height and width in pixels, 8 to 1024.
        colour: RGB, or else grey.
        boxes: int (N, 4), left, top, width and height of the part to show, in pixels
            of the file; None shows the whole image.

    Attributes:
        shape: (N, side, side), (N, side, side, 1) or (N, side, side, 3).
        dtype: uint8.

    Raises:
        ParameterError: the side is out of range.
        DataError: boxes do not fit the names.

    Example:
        >>> import tempfile, PIL.Image
        >>> folder = tempfile.mkdtemp()
        >>> PIL.Image.new("L", (96, 96), 7).save(f"{folder}/a.png")
        >>> files = ImageFiles(folder, ["a.png"], side=48, colour=False)
        >>> files.shape, int(files[0].mean())
        ((1, 48, 48), 7)
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        root: str | os.PathLike,
        names: Sequence[str],
        side: int = 96,
        colour: bool = True,
        boxes: np.ndarray | None = None,
    ):
        low, high = _SIDES
        if type(side) is not int or not low <= side <= high:
            raise ParameterError(
                f"side={side!r}: expected a whole number of pixels, {low} to {high}."
            )
        self.root, self.side, self.colour = Path(root), side, bool(colour)
        # Text objects, not numpy's text: views share them, and long names cost nothing.
        self._names = np.array([*names, None], dtype=object)[:-1]
        self._boxes = None if boxes is None else np.asarray(boxes, np.int32)
        self._index = np.arange(len(self._names))
        self._channel_axis = self.colour
        if self._boxes is not None and self._boxes.shape != (len(self._names), 4):
            raise DataError(
                f"boxes: expected ({len(self._names)}, 4) numbers, one box per image, "
                f"received {self._boxes.shape}."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """As an array's."""
        channels = (3 if self.colour else 1,) if self._channel_axis else ()
        return (len(self._index), self.side, self.side, *channels)

    @property
    def ndim(self) -> int:
        """As an array's."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """How much memory all the images would take."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def names(self) -> list[str]:
        """The relative path of each image."""
        return self._names[self._index].tolist()

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"ImageFiles({self.root}: {self.shape} uint8, read when needed)"

    def __getitem__(self, key) -> np.ndarray:
        picked = self._index[key]
        if np.ndim(picked) == 0:
            return self._read(np.array([picked]))[0]
        self._refuse_if_large(len(picked))
        return self._read(picked)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        self._refuse_if_large(len(self))
        return self.load() if dtype is None else self.load().astype(dtype)

    def view(self, index: np.ndarray) -> ImageFiles:
        """Return some of the images, still unread, in a given order.

        Args:
            index: int (M,) positions.
        """
        return self._changed(_index=self._index[index])

    def with_channel_axis(self) -> ImageFiles:
        """Return the same images as (N, side, side, C), still unread."""
        return self._changed(_channel_axis=True)

    def load(self) -> np.ndarray:
        """Read all the images into memory, however much that is."""
        return self._read(self._index)

    def damaged(self) -> tuple[Bad, ...]:
        """Read every image once; return the unreadable ones with the reason."""

        def problem(position: int) -> Bad | None:
            try:
                self._decode(position)
            except DataError as error:
                return Bad(str(self._names[position]), str(error))
            return None

        found = _threads().map(problem, self._index.tolist())
        return tuple(bad for bad in found if bad)

    def fingerprint(self) -> bytes:
        """Return a hash over names, file sizes, boxes, side and colour; 32 bytes.

        No pixel is read: 290,000 files take seconds. A file that is edited without
        changing its size is not noticed.

        Raises:
            DataError: a file is not there.
        """
        digest = hashlib.sha256(f"{self.side} {self.colour}\n".encode())
        for name in self.names:
            digest.update(f"{name}\t{self._size(name)}\n".encode())
        if self._boxes is not None:
            digest.update(self._boxes[self._index].tobytes())
        return digest.digest()

    def _changed(self, **attributes) -> ImageFiles:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, **attributes)
        return other

    def _size(self, name: str) -> int:
        try:
            return os.stat(self.root / name).st_size
        except OSError as error:
            raise DataError(_unreadable(self.root / name, error)) from None

    def _refuse_if_large(self, count: int) -> None:
        size = count * int(np.prod(self.shape[1:]))
        if size > MOST_BYTES:
            raise DataError(
                f"{count:,} images from {self.root} would take {size / 1e9:.1f} GB of "
                "memory. Read a part (pixels[:1000]), take a sample (faces.sample), or "
                "call pixels.load() if you have the memory."
            )

    def _read(self, positions: np.ndarray) -> np.ndarray:
        pixels = np.empty((len(positions), *self.shape[1:]), np.uint8)

        def some(start: int) -> None:
            for place in range(start, min(start + _AT_ONCE, len(positions))):
                image = self._decode(positions[place])
                pixels[place] = image.reshape(self.shape[1:])

        # Decoding releases the GIL: the threads use all cores.
        for _ in _threads().map(some, range(0, len(positions), _AT_ONCE)):
            pass
        return pixels

    def _decode(self, position: int) -> np.ndarray:
        path = self.root / self._names[position]
        box = None if self._boxes is None else self._boxes[position].tolist()
        try:
            return _pixels(path, self.side, "RGB" if self.colour else "L", box)
        except Exception as error:  # Pillow's decoders raise many kinds
            raise DataError(_unreadable(path, error)) from None


def rows_of(pixels, index: np.ndarray):
    """Return some images of an array (read) or of `ImageFiles` (still unread).

    Args:
        pixels: np.ndarray or ImageFiles, (N, …).
        index: int (M,).
    """
    return pixels.view(index) if isinstance(pixels, ImageFiles) else pixels[index]


def blocks(pixels, size: int) -> Iterator[np.ndarray]:
    """Yield all images: an array whole, `ImageFiles` in blocks, one read ahead.

    Args:
        pixels: np.ndarray or ImageFiles, (N, …).
        size: images per block of `ImageFiles`, at least 1.
    """
    if not isinstance(pixels, ImageFiles):
        yield pixels
        return
    starts = range(0, len(pixels), size) or (0,)
    with ThreadPoolExecutor(1) as ahead:
        following = ahead.submit(pixels.__getitem__, slice(0, size))
        for start in starts:
            block = following.result()
            if start != starts[-1]:
                part = slice(start + size, start + 2 * size)
                following = ahead.submit(pixels.__getitem__, part)
            yield block


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """Return the threads that decode, shared: a reader per caller would be too many."""
    return ThreadPoolExecutor(min(32, 2 + (os.cpu_count() or 1)), "fer-images")


def _pixels(path: Path, side: int, mode: str, box: list[int] | None) -> np.ndarray:
    """Decode one image to uint8 (side, side) or (side, side, 3)."""
    from PIL import Image

    with Image.open(path) as image:
        width, height = image.size
        left, top, right, bottom = _inside(box, width, height)
        # How large the whole image must be for the shown part to have `side` pixels.
        enough = (
            -(-side * width // (right - left)),
            -(-side * height // (bottom - top)),
        )
        image.draft(mode, enough)  # of a JPEG; nothing else has smaller versions
        across, down = image.size[0] / width, image.size[1] / height
        if image.mode != mode:
            image = image.convert(mode)
        part = (left * across, top * down, right * across, bottom * down)
        if part != (0, 0, side, side) or image.size != (side, side):
            image = image.resize((side, side), Image.Resampling.BILINEAR, part)
        return np.asarray(image)


def _inside(box: list[int] | None, width: int, height: int):
    """Return (left, top, right, bottom) of the box's part within the image."""
    if box is None:
        return 0, 0, width, height
    left, top = max(0, box[0]), max(0, box[1])
    right, bottom = min(width, box[0] + box[2]), min(height, box[1] + box[3])
    if right <= left or bottom <= top:
        raise ValueError(f"the face box {box} is outside the {width} x {height} image")
    return left, top, right, bottom


def _unreadable(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path} is not there. Copy it again, or leave it out of the lists."
    if isinstance(error, ImportError):
        return "reading image files needs Pillow (pip install pillow)."
    why = str(error)
    if path.is_file() and not path.stat().st_size:
        why = "the file is empty"
    elif "cannot identify" in why:
        why = "this is no image, or a damaged one"
    return f"{path}: expected an image: {why}. Copy it again or remove it."
