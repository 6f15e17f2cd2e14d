"""Decode many small image files, strictly: a damaged one is named, never filled in."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from fer_utils.data.reading import Bad, Reading
from fer_utils.errors import DataError

__all__ = ["grey_image", "read_images"]


def read_images(
    files: Sequence[str],
    read_bytes: Callable[[str], bytes],
    identify: Callable[[str], tuple[int, int, int]],
    side: int,
    name: str,
) -> Reading:
    """Read square grey images of one size.

    Args:
        files: relative paths, in the order the images shall have.
        read_bytes: returns a file's content.
        identify: returns (label, split code, row) of a path; raises ValueError with the
            reason if it has none.
        side: height and width in pixels that every image must have.
        name: the source's name, for messages.

    Returns:
        Reading, pixels (N, side, side) uint8; bad files listed.

    Raises:
        DataError: Pillow, which decodes the images, is not installed.
    """
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        raise DataError(
            f"{name}: reading image files needs Pillow (pip install pillow)."
        ) from error

    def one(file: str):
        try:
            return (*identify(file), grey_image(read_bytes(file), side))
        except ValueError as error:
            return Bad(file, str(error))

    # Decoding releases the GIL; more threads than cores hide slow disks.
    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as pool:
        results = list(pool.map(one, files))
    good = [r for r in results if not isinstance(r, Bad)]
    bad = tuple(r for r in results if isinstance(r, Bad))
    labels, split, rows, pixels = zip(*good, strict=True) if good else ((),) * 4
    return Reading(
        np.array(pixels, np.uint8).reshape(-1, side, side),
        np.array(labels, np.int64),
        np.array(split, np.int8),
        np.array(rows, np.int64),
        bad,
        noun="file",
    )


def grey_image(content: bytes, side: int) -> np.ndarray:
    """Decode one image to uint8 (side, side); a colour image becomes its luma.

    Raises:
        ValueError: it is no image, is cut off, or has another size.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            size = image.size
            pixels = np.asarray(image.convert("L")) if size == (side, side) else None
    except Exception as error:  # Pillow's decoders raise many kinds on damaged files
        why = _why(error, content)
        raise ValueError(f"expected an image, received {why}") from None
    if pixels is None:
        raise ValueError(
            f"expected {side} x {side} pixels, received {size[0]} x {size[1]}"
        )
    return pixels


def _why(error: Exception, content: bytes) -> str:
    if not content:
        return "an empty file"
    if "cannot identify" in str(error):
        return "something else or a damaged file"
    return f"a damaged one ({error})"
