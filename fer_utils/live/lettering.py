"""Text as small cached masks: Pillow draws a word once, frames only copy it.

Matplotlib's DejaVu Sans is used when it is installed (Latin, Greek, Cyrillic, …), else
the font inside Pillow. A character that the font lacks is left out rather than shown as
an empty box.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import numpy as np

__all__ = ["line_height", "mask", "text_width"]


@functools.lru_cache(maxsize=4096)
def mask(text: str, size: int) -> np.ndarray:
    """Return one line of text as a mask.

    Args:
        text: any words; line breaks become spaces.
        size: font size in pixels, at least 1.

    Returns:
        uint8 (line_height(size), text_width(text, size)), 255 where there is ink;
        read-only because it is shared.
    """
    from PIL import Image, ImageDraw

    shown = drawable(" ".join(text.split()))
    page = Image.new("L", (_advance(shown, size), line_height(size)), 0)
    ImageDraw.Draw(page).text((0, 0), shown, fill=255, font=_font(size))
    pixels = np.array(page)
    pixels.flags.writeable = False
    return pixels


def text_width(text: str, size: int) -> int:
    """Return how many pixels wide a line of text is, at least 1."""
    return mask(text, size).shape[1]


@functools.cache
def line_height(size: int) -> int:
    """Return the pixels from the top of the highest to the foot of the lowest letter.

    Example:
        >>> line_height(13) >= 13
        True
    """
    return sum(_font(size).getmetrics())


@functools.lru_cache(maxsize=1024)
def drawable(text: str) -> str:
    """Return the text without the characters that the font cannot draw."""
    return "".join(c for c in text if c == " " or _has(c)).strip()


def _advance(text: str, size: int) -> int:
    return max(1, round(_font(size).getlength(text)))


@functools.cache
def _has(character: str) -> bool:
    font = _font(24)
    # A private character: every font draws its "missing" box for it.
    missing = font.getmask("\U0010fffd")
    found = font.getmask(character)
    return (found.size, bytes(found)) != (missing.size, bytes(missing))


@functools.cache
def _font(size: int):
    from PIL import ImageFont

    path = _dejavu()
    return ImageFont.truetype(path, size) if path else ImageFont.load_default(size)


@functools.cache
def _dejavu() -> str | None:
    # Only its file is wanted: find_spec does not import matplotlib.
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or not spec.origin:
        return None
    path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return str(path) if path.is_file() else None
