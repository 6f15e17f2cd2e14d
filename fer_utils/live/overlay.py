"""Draw what the pipeline found on a frame: box, label, score bars, fps, notice.

Words and icons are drawn once and kept; on a frame they are only copied, which is what
keeps one face under a millisecond. Everything is laid out as rectangles first, and a
rectangle that does not fit into the frame is not drawn at all.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.errors import FerError, ParameterError
from fer_utils.live import lettering
from fer_utils.live.icons import icon

__all__ = ["NOTICE", "colour_bgr", "draw"]

NOTICE = (
    "Perceived expressions, not what somebody feels. For yourself only: may not be "
    "used to infer emotions at work or in education (EU AI Act, Art. 5(1)(f))."
)
# What is left of it on frames too small for all of it.
_SHORT_NOTICES = (
    "Perceived expressions. Not for work or education (EU AI Act, Art. 5(1)(f)).",
    "Perceived expressions, for yourself only",
    "Perceived expressions",
)

# BGR
_DARK, _LIGHT, _TRACK, _DIM = (26, 22, 20), (250, 250, 250), (78, 72, 70), 185
_UNSURE = (200, 200, 200)
# For words that labels.py does not know, by position; Wong's palette again.
_SPARE = ((178, 114, 0), (0, 94, 213), (115, 158, 0), (167, 121, 204), (66, 228, 240))
_PANEL_OPACITY = 0.82


class Rect(NamedTuple):
    """Pixels from (left, top), included, to (right, bottom), excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        return (self.right - self.left) * (self.bottom - self.top)

    def shared(self, other: Rect) -> int:
        """Return how many pixels both cover."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0, across) * max(0, down)

    def meets(self, other: Rect) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass
class _Page:
    """The new image and what is already taken on it."""

    image: np.ndarray  # (H, W, 3) uint8 BGR
    size: int  # font size in pixels
    taken: list[Rect]

    def inside(self, rect: Rect) -> bool:
        height, width = self.image.shape[:2]
        return (
            rect.left >= 0
            and rect.top >= 0
            and rect.right <= width
            and rect.bottom <= height
        )

    def leaves_room(self, rect: Rect, share: int) -> bool:
        """Tell whether the rectangle is at most 1/share of the frame."""
        height, width = self.image.shape[:2]
        return share * rect.area <= height * width

    def paste(self, patch: np.ndarray, rect: Rect) -> None:
        self.image[rect.top : rect.bottom, rect.left : rect.right] = patch
        self.taken.append(rect)

    def view(self, rect: Rect) -> np.ndarray:
        return self.image[rect.top : rect.bottom, rect.left : rect.right]


def draw(
    image: np.ndarray,
    result,
    classes: Sequence[str],
    *,
    bars: bool = True,
    fps: float | None = None,
    notice: bool = False,
) -> np.ndarray:
    """Return a copy of the frame with the result drawn on it.

    Args:
        image: BGR uint8 (H, W, 3), any size from 1 x 1.
        result: what `Pipeline.process` returned; only `result.faces` is read.
        classes: class names in label order, one per probability.
        bars: for every face where there is room, a panel with one bar per class.
        fps: shown in the upper right corner, when given.
        notice: write `NOTICE` along the lower edge.

    Returns:
        uint8 (H, W, 3), a new array.

    Raises:
        ParameterError: not such an image, or probabilities that do not fit `classes`.

    Example:
        >>> from types import SimpleNamespace
        >>> draw(np.zeros((32, 32, 3), np.uint8), SimpleNamespace(faces=()), ()).shape
        (32, 32, 3)
    """
    _check(image, result, classes)
    page = _Page(np.array(image, order="C"), _font_size(image), [])
    faces = _visible(result.faces, image.shape)
    for face, rect in reversed(faces):
        _draw_box(page, rect, _face_colour(face, classes))
    if notice:
        _draw_notice(page)
    if fps is not None:
        _draw_fps(page, fps)
    rects = [rect for _, rect in faces]
    tags = []
    for position, (face, rect) in enumerate(faces):
        others = rects[:position] + rects[position + 1 :]
        tags.append(_draw_tag(page, face, rect, others, classes))
    if bars and classes:
        _draw_panels(page, faces, tags, tuple(classes))
    return page.image


def colour_bgr(label: str, position: int = 0) -> tuple[int, int, int]:
    """Return the class's colour of every figure, as OpenCV wants it.

    Args:
        label: a class name; an unknown one gets a colour by its position.
        position: its place in the classes.

    Example:
        >>> colour_bgr("happy")
        (66, 228, 240)
    """
    try:
        text = fer_labels.colour(label)
    except FerError:
        return _SPARE[position % len(_SPARE)]
    red, green, blue = (int(text[i : i + 2], 16) for i in (1, 3, 5))
    return blue, green, red


def _check(image, result, classes) -> None:
    if (
        not isinstance(image, np.ndarray)
        or image.dtype != np.uint8
        or image.ndim != 3
        or image.shape[2] != 3
        or 0 in image.shape
    ):
        received = f"{getattr(image, 'dtype', type(image).__name__)}"
        raise ParameterError(
            "draw: expected a BGR image, uint8 (H, W, 3), received "
            f"{received} {getattr(image, 'shape', '')}. A grey image becomes one with "
            "cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)."
        )
    for face in result.faces:
        if len(face.probs) != len(classes):
            raise ParameterError(
                f"draw: face {face.id} has {len(face.probs)} probabilities, but there "
                f"are {len(classes)} classes ({', '.join(classes)}). Pass the classes "
                "of the model that made the result."
            )


def _font_size(image: np.ndarray) -> int:
    """Grow slowly with the frame: 9 on a thumbnail, 13 at 360 lines, 19 at 720."""
    return max(9, round(0.7 * math.sqrt(min(image.shape[:2]))))


def _visible(faces, shape) -> list[tuple[object, Rect]]:
    """Return the faces that meet the frame, with their clipped box, largest first."""
    height, width = shape[:2]
    found = []
    for face in faces:
        box = np.asarray(face.box_xyxy, float)
        if not np.isfinite(box).all():
            continue
        left, right = np.clip(np.round(box[[0, 2]]), 0, width).astype(int).tolist()
        top, bottom = np.clip(np.round(box[[1, 3]]), 0, height).astype(int).tolist()
        if right > left and bottom > top:
            found.append((face, Rect(left, top, right, bottom)))
    return sorted(found, key=lambda pair: -pair[1].area)


def _face_colour(face, classes) -> tuple[int, int, int]:
    if face.unsure or face.label == "unsure":
        return _UNSURE
    known = face.label in classes
    return colour_bgr(face.label, list(classes).index(face.label) if known else 0)


# The box


def _draw_box(page: _Page, rect: Rect, colour) -> None:
    """Draw a coloured line between two dark ones, seen on any ground."""
    import cv2

    line = max(1, round(page.size / 7))
    # At the frame's edge the line moves inwards, so that all of it is seen.
    height, width = page.image.shape[:2]
    begin = (max(rect.left, line), max(rect.top, line))
    end = (min(rect.right, width - line) - 1, min(rect.bottom, height - line) - 1)
    if end[0] < begin[0] or end[1] < begin[1]:
        begin, end = rect[:2], (rect.right - 1, rect.bottom - 1)
    cv2.rectangle(page.image, begin, end, _DARK, line + 2)
    cv2.rectangle(page.image, begin, end, colour, line)


# The tag: icon and label


def _draw_tag(page: _Page, face, rect: Rect, others: list[Rect], classes) -> Rect:
    """Place the longest text that fits without covering another tag or face.

    Returns where it is; the face's own box when there was no place.
    """
    colour = _face_colour(face, classes)
    name = "unsure" if face.unsure else face.label
    for text in _tag_texts(face, name):
        patch = _tag(text, name, colour, page.size)
        obstacles = page.taken + others if text else page.taken
        spot = _first_free(page, _around(page, rect, patch.shape), obstacles)
        if spot is not None and page.leaves_room(spot, 3):
            page.paste(patch, spot)
            return spot
    return rect


def _tag_texts(face, name: str) -> tuple[str, ...]:
    if name == "unsure" or not len(face.probs):
        return name, ""
    return f"{name} {_percent(max(_clean(face.probs)))}", name, ""


def _around(page: _Page, rect: Rect, shape) -> Iterator[Rect]:
    """Yield places for a tag: above, below, inside above, inside below."""
    height, width = shape[:2]
    left = max(0, min(rect.left, page.image.shape[1] - width))
    for top in (
        rect.top - height,
        rect.bottom,
        rect.top,
        rect.bottom - height,
    ):
        yield Rect(left, top, left + width, top + height)


@functools.lru_cache(maxsize=2048)
def _tag(text: str, name: str, colour, size: int) -> np.ndarray:
    """Return icon and text on the class's colour: BGR uint8."""
    pad = max(1, size // 6)
    side = lettering.line_height(size)
    width = side + 2 * pad
    if text:
        width += lettering.text_width(text, size) + 2 * pad
    patch = np.empty((side + 2 * pad, width, 3), np.uint8)
    patch[:] = colour
    _blend(patch[pad : pad + side, pad : pad + side], icon(name, side))
    if text:
        _write(patch, text, size, side + 2 * pad, pad, _ink_on(colour))
    return patch


# The panel: one bar per class


class _Panel(NamedTuple):
    """Everything of a panel but the bars, and where the bars go."""

    template: np.ndarray
    bar_left: int
    bar_width: int
    rows: tuple[tuple[int, int], ...]  # top and bottom of each bar


def _draw_panels(page: _Page, faces, tags, classes: tuple[str, ...]) -> None:
    height, width = _panel(classes, page.size, -1).template.shape[:2]
    boxes = [rect for _, rect in faces]
    for number, (face, rect) in enumerate(faces):
        spots = _beside(page, rect, tags[number], height, width)
        spot = _first_free(page, spots, page.taken + boxes)
        if spot is None and number == 0 and _is_small(page, height, width):
            # A face that fills the frame: its own skin is the only place left.
            corners = sorted(_corners(page, height, width), key=rect.shared)
            spot = _first_free(page, corners, page.taken + boxes[1:])
        if spot is not None:
            _draw_panel(page, spot, _clean(face.probs), classes)


def _draw_panel(page: _Page, spot: Rect, probs: list[float], classes) -> None:
    import cv2

    top = max(range(len(probs)), key=probs.__getitem__)
    panel = _panel(classes, page.size, top)
    view = page.view(spot)
    cv2.addWeighted(
        panel.template, _PANEL_OPACITY, view, 1 - _PANEL_OPACITY, 0, dst=view
    )
    left, right = panel.bar_left, panel.bar_left + panel.bar_width
    for position, (begin, end) in enumerate(panel.rows):
        view[begin:end, left:right] = _TRACK
        filled = left + round(probs[position] * panel.bar_width)
        view[begin:end, left:filled] = colour_bgr(classes[position], position)
        text = _figures(round(100 * probs[position]), page.size, position == top)
        below = begin - (text.shape[0] - (end - begin)) // 2
        place = view[below : below + text.shape[0], -text.shape[1] :]
        np.maximum(place, text, out=place)
    page.taken.append(spot)


@functools.lru_cache(maxsize=256)
def _panel(classes: tuple[str, ...], size: int, top: int) -> _Panel:
    pad, line = max(2, size // 4), lettering.line_height(size)
    names = [_shown(name, i) for i, name in enumerate(classes)]
    bar_left = 4 * pad + max(lettering.text_width(name, size) for name in names)
    bar_width = max(8, round(4.2 * size))
    width = bar_left + bar_width + _figures(100, size, False).shape[1]
    template = np.empty((len(classes) * line + 2 * pad, width, 3), np.uint8)
    template[:] = _DARK
    rows = []
    for i, name in enumerate(names):
        y = pad + i * line
        grey = _LIGHT if i == top else (_DIM,) * 3
        _write(template, name, size, 2 * pad, y, grey)
        rows.append((y + max(1, line // 4), y + line - line // 4))
    return _Panel(template, bar_left, bar_width, tuple(rows))


@functools.lru_cache(maxsize=1024)
def _figures(percent: int, size: int, top: bool) -> np.ndarray:
    """Return "87", right-aligned under "100", light on black: uint8 (h, w, 3)."""
    ink = lettering.mask(str(percent), size)
    pad = max(2, size // 4)
    width = lettering.text_width("100", size) + 3 * pad
    page = np.zeros((ink.shape[0], width), np.uint8)
    page[:, -2 * pad - ink.shape[1] : -2 * pad] = ink if top else ink * (_DIM / 255)
    return np.repeat(page[..., None], 3, axis=2)


def _shown(name: str, position: int) -> str:
    return name if lettering.drawable(name) else f"class {position}"


def _beside(page: _Page, rect: Rect, tag: Rect, height, width) -> Iterator[Rect]:
    """Yield places for a panel: right, left, below and above of box and tag."""
    gap = max(2, page.size // 3)
    frame_height, frame_width = page.image.shape[:2]
    top = max(0, min(rect.top, frame_height - height))
    rights = (rect.right, max(rect.right, tag.right))
    lefts = (rect.left, min(rect.left, tag.left))
    for left in (*(r + gap for r in rights), *(x - gap - width for x in lefts)):
        yield Rect(left, top, left + width, top + height)
    left = max(0, min(rect.left, frame_width - width))
    # Below and above, past the tag's own line.
    skip = gap + lettering.line_height(page.size) + 2 * max(1, page.size // 6)
    for top in (rect.bottom + gap, rect.bottom + skip, rect.top - skip - height):
        yield Rect(left, top, left + width, top + height)


def _corners(page: _Page, height: int, width: int) -> Iterator[Rect]:
    frame_height, frame_width = page.image.shape[:2]
    gap = max(2, page.size // 3)
    bottoms = {frame_height - gap, height + gap}
    # Just above what lies along the lower edge: the notice, or a tag.
    bottoms |= {r.top - gap for r in page.taken if r.bottom >= frame_height - gap}
    for bottom in sorted(bottoms, reverse=True):
        for right in (gap + width, frame_width - gap):
            yield Rect(right - width, bottom - height, right, bottom)


def _is_small(page: _Page, height: int, width: int) -> bool:
    frame_height, frame_width = page.image.shape[:2]
    return height <= 0.7 * frame_height and width <= 0.5 * frame_width


# The frame's own: fps and notice


def _draw_fps(page: _Page, fps: float) -> None:
    number = f"{fps:.0f}" if fps >= 10 or not math.isfinite(fps) else f"{fps:.1f}"
    text, pad = f"{number} fps", max(2, page.size // 4)
    height = lettering.line_height(page.size) + 2 * pad
    width = lettering.text_width(text, page.size) + 2 * pad
    right = page.image.shape[1]
    spot = Rect(right - width, 0, right, height)
    if page.inside(spot) and page.leaves_room(spot, 8):
        page.paste(_sign((text,), page.size, width), spot)


def _draw_notice(page: _Page) -> None:
    """Write the longest notice that covers at most a quarter of the frame's height."""
    height, width = page.image.shape[:2]
    size = max(9, round(0.8 * page.size))
    for text in (NOTICE, *_SHORT_NOTICES):
        lines = _wrapped(text, size, width)
        if lines and 4 * _sign_height(len(lines), size) <= height:
            patch = _sign(lines, size, width)
            page.paste(patch, Rect(0, height - len(patch), width, height))
            return


@functools.lru_cache(maxsize=64)
def _wrapped(text: str, size: int, width: int) -> tuple[str, ...]:
    """Return the text in lines that fit the width; none when a word does not."""
    room = width - 2 * max(2, size // 4)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and lettering.text_width(longer, size) <= room:
            lines[-1] = longer
        elif lettering.text_width(word, size) <= room:
            lines.append(word)
        else:
            return ()
    return tuple(lines)


def _sign_height(num_lines: int, size: int) -> int:
    return num_lines * lettering.line_height(size) + 2 * max(2, size // 4)


@functools.lru_cache(maxsize=256)
def _sign(lines: tuple[str, ...], size: int, width: int) -> np.ndarray:
    """Return light lines on dark: BGR uint8 (h, width, 3)."""
    pad = max(2, size // 4)
    patch = np.empty((_sign_height(len(lines), size), width, 3), np.uint8)
    patch[:] = _DARK
    for i, text in enumerate(lines):
        y = pad + i * lettering.line_height(size)
        _write(patch, text, size, pad, y, _LIGHT)
    return patch


# Small helpers


def _first_free(page: _Page, spots: Iterable[Rect], obstacles) -> Rect | None:
    for spot in spots:
        if page.inside(spot) and not _meets_any(spot, obstacles):
            return spot
    return None


def _meets_any(rect: Rect, others: Iterable[Rect]) -> bool:
    return any(rect.meets(other) for other in others)


def _clean(probs) -> list[float]:
    """Return plain numbers in [0, 1]; what is not a number counts as 0."""
    return np.clip(np.nan_to_num(np.asarray(probs, float)), 0, 1).tolist()


def _percent(share: float) -> str:
    return f"{round(100 * share)} %"


def _ink_on(colour) -> tuple[int, int, int]:
    blue, green, red = colour
    return _DARK if 0.114 * blue + 0.587 * green + 0.299 * red > 95 else _LIGHT


def _write(patch, text: str, size: int, left: int, top: int, ink) -> None:
    """Write text on a patch that is drawn once (not on a frame: this is slow)."""
    mask = lettering.mask(text, size)
    height, width = mask.shape
    part = patch[top : top + height, left : left + width]
    colour = np.broadcast_to(np.uint8(ink), part.shape)
    _blend(part, np.dstack([colour, mask[: part.shape[0], : part.shape[1]]]))


def _blend(part: np.ndarray, bgra: np.ndarray) -> None:
    share = bgra[..., 3:] / np.float32(255)
    part[:] = np.round(part * (1 - share) + bgra[..., :3] * share).astype(np.uint8)
