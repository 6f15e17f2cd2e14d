"""Draw grey faces from rows of numbers, a batch at a time, with numpy alone.

Every shape is a soft mask from a signed distance, in face units, times the pixels per
unit: one pixel of antialiasing at any size. Large shapes cover the whole image, small
ones only a window around them, which is what makes it fast. Pixels meet only + - * /
sqrt and clip, so that the bytes do not depend on a processor's sine or exponential.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fer_utils.data.synthetic import covers
from fer_utils.data.synthetic.people import Rows
from fer_utils.data.synthetic.shapes import (
    AXIS,
    SIDE,
    bump,
    face_coordinates,
    paint,
    soft,
)

__all__ = ["render"]

# A few dozen images: one float32 layer of them fits a core's second-level cache.
_CHUNK = 48
# White noise is cut out of one pool, at a place that each row names.
_GRAIN = np.random.default_rng(0).standard_normal(1 << 18, np.float32)


def render(rows: Rows, chunk: int = _CHUNK) -> np.ndarray:
    """Draw one picture per row.

    Args:
        rows: every name of `IDENTITY`, `SCENE` and `ACTION_UNITS`, and "occlusion" and
            "non_face", each (N,).
        chunk: how many to draw at once; changes the speed, never a byte.

    Returns:
        uint8 (N, 48, 48).
    """
    n = len(rows["size"])
    pixels = np.empty((n, SIDE, SIDE), np.uint8)
    for begin in range(0, n, chunk):
        part = slice(begin, begin + chunk)
        pixels[part] = _render({name: column[part] for name, column in rows.items()})
    return pixels


def _render(rows: Rows) -> np.ndarray:
    p = SimpleNamespace(**{name: c[:, None, None] for name, c in rows.items()})
    _prepare(p)
    image = _head(p)
    _nose(image, p)
    _eyes_and_brows(image, p)
    _mouth(image, p)
    covers.draw_glasses(image, p, rows["occlusion"])
    covers.draw_hands(image, p, rows["occlusion"])
    covers.draw_non_faces(image, p, rows["non_face"])
    _photograph(image, p)
    covers.draw_watermarks(image, p, rows["occlusion"])
    return (image * 255 + 0.5).clip(0, 255).astype(np.uint8)


def _prepare(p) -> None:
    """Add what several parts need: the pose's sines, where turned features are."""
    p.cos, p.sin = (
        f(p.roll.astype(float)).astype(np.float32) for f in (np.cos, np.sin)
    )
    p.light_x, p.light_y = (
        p.light * f(p.light_angle.astype(float)).astype(np.float32)
        for f in (np.cos, np.sin)
    )
    # Turning the head moves what stands out, the more the further it stands out.
    p.eyes_u, p.eyes_v = 0.2 * p.yaw, p.eye_height + 0.16 * p.pitch
    p.nose_u = 0.34 * p.yaw
    p.nose_v = p.eye_height + p.nose_length + 0.3 * p.pitch - 0.06 * p.au9
    p.mouth_u, p.mouth_v = 0.25 * p.yaw, p.mouth_height + 0.2 * p.pitch


def _head(p) -> np.ndarray:
    """Draw background, hair, neck and skin: float32 (B, 48, 48)."""
    y, x = AXIS[None, :, None], AXIS[None, None, :]
    u, v = face_coordinates(p, y, x)
    beyond_edge = np.clip(x - SIDE * p.background_edge, 0, 1)
    image = (
        p.background
        + p.background_step * beyond_edge
        + p.background_x * (x / 24 - 1)
        + p.background_y * (y / 24 - 1)
    )
    side = np.abs(u)
    below, v_squared = np.maximum(v, 0), v * v

    # Long hair, neck, clothes
    lengths = np.where(v > 0, 0.5 * p.hair_long + 0.6, p.face_height + p.hair_volume)
    around = side / (p.face_width + 0.08 + p.hair_volume)
    around *= around
    around *= around  # squarer than an ellipse
    long_hair = (1 - around - v_squared / (lengths * lengths)) * 0.35
    paint(image, soft(long_hair, p) * (p.hair_long > 0), p.hair)
    paint(image, soft(np.minimum(0.48 - side, v), p), 0.8 * p.skin)
    paint(image, soft(v - 1.28 - 0.15 * (side - 0.5), p), p.clothes)
    # Ears
    ear = (side - p.face_width) ** 2 * 60 + (v - p.eyes_v - 0.14) ** 2 * 18
    paint(image, soft(0.12 * (1 - ear), p), 0.85 * p.skin)

    # Skin: an ellipse whose lower half tapers to the chin and follows the jaw
    height = p.face_height + np.where(v > 0, 0.14 * p.au26, 0)
    width = p.face_width * (1 - p.jaw_taper * below * below)
    across = u / np.maximum(width, 0.2)
    radius = np.sqrt(across * across + v_squared / (height * height))
    inside = soft((1 - radius) * p.face_width, p)
    roundness = 1.06 - 0.26 * radius * radius
    lit = p.skin * (roundness + 0.34 * (p.light_x * across + p.light_y * v))
    paint(image, inside, lit)
    _beard(image, p, inside, u, v)
    _cheeks_and_forehead(image, p, u, v)
    _hair(image, p, u, v, side)
    return image


def _beard(image, p, inside, u, v) -> None:
    away = (u - p.mouth_u) ** 2 * 4 + (v - p.mouth_v) ** 2 * 9
    region = np.clip((v - p.mouth_v + 0.34 + 0.5 * u * u) * 5, 0, 1)
    region *= inside * np.clip(away, 0, 1)
    paint(image, region * p.beard * 0.8, p.hair * 0.8 + 0.1)


def _cheeks_and_forehead(image, p, u, v) -> None:
    u = u - p.eyes_u
    cheek = (np.abs(u) - 0.5) ** 2 * 14 + (v - p.eyes_v - 0.4 + 0.06 * p.au6) ** 2 * 20
    image += bump(cheek) * (0.05 + 0.14 * np.maximum(p.au6, 0.6 * p.au12)) * p.skin
    # Raised brows fold the forehead
    height = v - p.eyes_v + 0.62
    folds = bump(height * height * 400) + bump((height + 0.12) ** 2 * 400)
    strength = (0.2 + p.wrinkles) * np.maximum(p.au1, p.au2) * 0.2
    image -= folds * np.clip(1.6 - 3.4 * np.abs(u), 0, 1) * strength * p.skin


def _hair(image, p, u, v, side) -> None:
    line = p.hair_line + 0.1 * p.pitch + p.hair_tilt * u + p.hair_curve * u * u
    width, height = p.face_width + 0.6 * p.hair_volume, p.face_height + p.hair_volume
    crown = 1 - np.sqrt((u / width) ** 2 + (v / height) ** 2)
    sides = np.minimum(side - p.face_width + 0.09, p.hair_sides - v)
    front = np.maximum(line - v, sides) - 2 * p.hair_bald
    mask = soft(np.minimum(front, crown * 0.9), p)
    paint(image, mask, p.hair * (1.15 - 0.35 * (v + 1)) + 0.03)


class _Window:
    """A rectangle of every image, around a feature, to draw on and put back."""

    def __init__(self, image, p, u, v, height, width):
        x = p.centre_x + p.size * (p.cos * u - p.sin * v)
        y = p.centre_y + p.size * (p.sin * u + p.cos * v)
        top = np.rint(y[:, 0, 0] - height / 2).clip(0, SIDE - height).astype(int)
        left = np.rint(x[:, 0, 0] - width / 2).clip(0, SIDE - width).astype(int)
        views = sliding_window_view(image, (height, width), (1, 2), writeable=True)
        self._views, self._at = views, (np.arange(len(image)), top, left)
        self.pixels = views[self._at]
        rows = top.astype(np.float32)[:, None, None] + AXIS[None, :height, None]
        columns = left.astype(np.float32)[:, None, None] + AXIS[None, None, :width]
        self.u, self.v = face_coordinates(p, rows, columns)

    def put_back(self) -> None:
        self._views[self._at] = self.pixels


def _nose(image, p) -> None:
    window = _Window(image, p, p.nose_u * 0.7, p.nose_v - 0.16, 22, 18)
    pixels, v = window.pixels, window.v - p.nose_v
    # The bridge leans with the turn of the head
    lean = (p.nose_u - p.eyes_u) / p.nose_length
    u = window.u - p.nose_u - lean * np.minimum(v, 0)
    width = p.nose_width * (1 + 0.18 * p.au9 + 0.1 * p.au12)
    along = np.clip(-v / p.nose_length, 0, 1)
    flank = (np.abs(u) - width * (1 - 0.62 * along)) ** 2 * 130
    side = 1 - 0.8 * np.sign(u) * np.clip(p.light_x + 0.3 * p.yaw, -1, 1)
    on_bridge = np.clip(1 - 4 * np.maximum(v, 0), 0, 1) * (1 - 0.75 * along)
    pixels -= bump(flank) * on_bridge * side * 0.17 * p.skin
    pixels += bump(u * u * 160 + (v + 0.06) ** 2 * 30) * 0.12 * p.skin
    nostril = (np.abs(u) - 0.55 * width) ** 2 * 260 + (v - 0.05) ** 2 * 700
    paint(pixels, bump(nostril * 0.6) * 0.85, 0.28 * p.skin)
    under = bump(u * u / (width * width) + (v - 0.06) ** 2 * 260)
    pixels -= under * 0.14 * p.skin
    # A wrinkled nose: three folds across the bridge and one beside each wing
    height = (v + 0.68 * p.nose_length) * 11
    folds = bump((height - np.rint(height).clip(-1, 1)) ** 2 * 9)
    across = np.clip(1.5 - np.abs(u) * 7, 0, 1)
    pixels -= folds * across * p.au9 * (0.5 + 0.3 * p.wrinkles) * 0.55 * p.skin
    window.put_back()


def _eyes_and_brows(image, p) -> None:
    for side in (-1, 1):
        far = np.clip(1 - 0.3 * side * p.yaw, 0.6, 1.25)
        eye_u = p.eyes_u + side * p.eye_distance * np.sqrt(far)
        window = _Window(image, p, eye_u, p.eyes_v - 0.17, 24, 23)
        u, v = (window.u - eye_u) * side / far, window.v - p.eyes_v  # u points outwards
        _eye(window.pixels, p, u, v + p.eye_slant * u / 0.2, side)
        _brow(window.pixels, p, u, v)
        window.put_back()


def _eye(pixels, p, u, v, side) -> None:
    span = 1 - u * u / (p.eye_width * p.eye_width)
    arch = np.maximum(span, 0)
    closing = np.clip(1 - 0.42 * p.au6 - 0.36 * p.au7 - 0.3 * p.au9 - p.au43, 0.04, 1)
    upper = p.eye_open * (1 + 1.05 * p.au5) * closing * (1 - 0.25 * p.au4)
    lower = p.eye_open * 0.62 * closing * (1 + 0.25 * p.au5)
    # Socket, the fold under a raised cheek, then the ball
    pixels -= bump(u * u * 9 + (v + 0.05) ** 2 * 16) * 0.13 * p.skin
    pouch = v - 0.13 + 0.03 * p.au6 - 0.7 * u * u
    depth = 0.08 * p.wrinkles + 0.34 * p.au6 + 0.2 * p.au7
    pixels -= bump(pouch * pouch * 700) * np.clip(span + 0.3, 0, 1) * depth * p.skin
    top, bottom = v + upper * arch, lower * arch - v
    visible = soft(np.minimum(top, bottom), p) * (span > 0)
    paint(pixels, visible, 0.5 + 0.42 * p.skin)
    gaze_u, gaze_v = side * (p.gaze_x + 0.04 * p.yaw), p.gaze_y - 0.01
    away = np.sqrt((u - gaze_u) ** 2 + (v - gaze_v) ** 2)
    paint(pixels, visible * soft(0.088 - away, p), p.iris * (0.45 + 6 * away))
    # Lashes and lid lines
    lash = soft(0.026 - np.abs(top), p) * np.clip(span * 3 + 0.4, 0, 1)
    paint(pixels, lash * 0.85, 0.18 * p.skin)
    rim = soft(0.008 - np.abs(bottom), p) * np.clip(span * 3, 0, 1)
    paint(pixels, rim * 0.5, 0.4 * p.skin)


def _brow(pixels, p, u, v) -> None:
    reach = p.eye_width * 1.25
    t = (u + 0.06 * p.au4) / reach  # -1 at the inner end, 1 at the outer one
    inner, outer = 0.5 - 0.5 * t, 0.5 + 0.5 * t
    height = p.brow_gap + p.brow_arch * (1 - t * t) + p.brow_slope * t
    height += 0.29 * p.au1 * inner * inner + 0.22 * p.au2 * outer
    height -= p.au4 * (0.23 * inner + 0.05 * outer) + 0.05 * p.au9 + 0.02 * p.au6
    thick = p.brow_thick * np.sqrt(np.maximum(1.05 - 0.9 * outer, 0))
    ends = (1.04 - np.abs(t)) * reach
    brow = np.minimum(thick - np.abs(v + height), ends)
    paint(pixels, soft(brow, p) * 0.88, np.minimum(p.hair, 0.55 * p.skin))
    # Lowered brows fold the skin between them
    fold = (u + p.eye_distance - 0.075) ** 2 * 900
    near = bump((v + p.brow_gap - 0.03) ** 2 * 22)
    pixels -= bump(fold) * near * p.au4 * (0.3 + 0.4 * p.wrinkles) * 0.45 * p.skin


def _mouth(image, p) -> None:
    window = _Window(image, p, p.mouth_u, p.mouth_v + 0.06, 30, 34)
    v, u = window.v - p.mouth_v, window.u - p.mouth_u
    u = u * (1 + 0.25 * p.yaw * u)
    _smile_folds(window.pixels, p, u, v)
    stretch = 0.42 * p.au12 + 0.4 * p.au20 - 0.12 * p.au23 - 0.2 * p.au26 * (1 - p.au20)
    width = p.mouth_width * (1 + stretch - 0.08 * p.au17)
    q = u * u / (width * width)
    # The line between the lips, v as a function of u
    corners = p.mouth_rest - 0.23 * p.au12 + 0.18 * p.au15 + 0.04 * p.au20
    line = corners * np.minimum(q, 1.4) + p.mouth_skew * u
    line += 0.03 * p.au12 - 0.05 * p.au17 - 0.05 * p.au10 - 0.03 * p.au9
    line -= _one_sided(window.pixels, p, u / width, v)
    _moustache(window.pixels, p, u, v - line)
    _lips(window.pixels, p, u, v - line, q, width, corners)
    window.put_back()


def _one_sided(pixels, p, t, v) -> np.ndarray:
    """Dimple one corner of the mouth; return how far the line rises on that side.

    `t` is 1 at the corner. The side is the one to which the mouth leans anyway.
    """
    t = np.where(p.mouth_skew > 0, -t, t)
    dimple = (t - 1.28) ** 2 * 16 + (v + 0.1) ** 2 * 14
    pixels -= bump(dimple) * p.au14 * (0.34 + 0.2 * p.wrinkles) * p.skin
    outer = np.clip(t, 0, 1.3)
    return 0.2 * p.au14 * outer * outer


def _lips(pixels, p, u, below, q, width, corners) -> None:
    """Paint lips, gap and teeth; `below` is how far a pixel is under the mouth line."""
    up = 0.012 + 0.05 * p.au25 + 0.08 * p.au10 * np.clip(p.au25 + 0.3, 0, 1)
    down = 0.012 + 0.13 * p.au25 + 0.32 * p.au26 + 0.1 * p.au16
    thin = 1 - 0.6 * p.au23 - 0.25 * p.au12 - 0.3 * p.au20
    upper_lip = p.lip_upper * thin * (1 + 0.3 * p.au10)
    lower_lip = p.lip_lower * thin * (1 + 0.4 * p.au17 + 0.3 * p.au16)
    # A dropped jaw rounds the opening
    arch = np.maximum(1 - q, 0)
    arch += p.au26 * (np.sqrt(arch) - arch)
    # Where the outline is steep, a vertical gap overstates the distance
    steepness = 2 * (down + np.abs(corners)) / (width * width) * u
    level = 1 / np.sqrt(1 + steepness * steepness)
    ends = width - np.abs(u)

    outer = np.minimum(
        below + (up + upper_lip) * arch, (down + lower_lip) * arch - below
    )
    paint(pixels, soft(np.minimum(outer * level, ends), p), p.skin * p.lip_tone)
    inner = np.minimum(below + up * arch, down * arch - below)
    gap = soft(np.minimum(inner * level, ends + 0.02), p)
    paint(pixels, gap * 0.95, 0.16 * p.skin)
    # Teeth hang from the upper lip, the more the wider the lips are drawn
    bared = np.maximum(p.au12, np.maximum(p.au20, p.au10)) * p.au25
    length = np.minimum(0.16 * bared + 0.04 * p.au26, 0.8 * (up + down))
    teeth = np.minimum(below + up * arch, length * np.sqrt(arch) - below - up * arch)
    paint(pixels, gap * soft(teeth - 0.01, p) * (length > 0.015), 0.62 + 0.3 * p.skin)
    # Shadow under the lower lip; a raised chin dimples
    shadow = (down + lower_lip + 0.055 - below) ** 2 * 420 + u * u * 12
    pixels -= bump(shadow) * (0.14 + 0.3 * p.au17) * p.skin


def _smile_folds(pixels, p, u, v) -> None:
    """Draw the folds from the wings of the nose around the corners of the mouth."""
    strength = np.maximum(np.maximum(0.75 * p.au12, 0.8 * p.au10), 0.6 * p.au9)
    strength = 0.05 * p.wrinkles + strength * (0.6 + 0.4 * p.wrinkles)
    bend = 0.19 + 0.06 * p.au12 + 0.62 * (v + 0.32) - 0.42 * (v + 0.32) ** 2
    line = (np.abs(u) - bend) ** 2 * 520
    extent = np.clip(1.5 - np.abs(v + 0.12) * 5, 0, 1)
    pixels -= bump(line) * extent * strength * 0.42 * p.skin


def _moustache(pixels, p, u, above) -> None:
    strip = np.minimum(
        0.055 - np.abs(above + 0.11 + 0.3 * u * u), p.mouth_width - np.abs(u)
    )
    paint(pixels, soft(strip, p) * p.moustache, p.hair * 0.9 + 0.05)


def _photograph(image, p) -> None:
    """Light, expose, blur and add grain, in place."""
    across, down = (AXIS - 23.5) / 24, (AXIS - 23.5)[:, None] / 24
    image *= 1 + 0.55 * (p.light_x * across + p.light_y * down)
    image -= 0.5
    image *= p.contrast
    image += 0.5 + p.brightness
    for axis in (1, 2):
        _blur(image, p.blur, axis)
    starts = (p.grain[:, 0, 0] * (len(_GRAIN) - SIDE * SIDE)).astype(int)
    grain = sliding_window_view(_GRAIN, SIDE * SIDE)[starts].reshape(-1, SIDE, SIDE)
    image += p.noise * grain


def _blur(image, weight, axis) -> None:
    """Blend every pixel with its two neighbours along an axis, in place."""
    moved = np.swapaxes(image, 1, axis)
    middle = moved[:, 1:-1]
    change = moved[:, :-2] + moved[:, 2:]
    change -= 2 * middle
    middle += weight * change
