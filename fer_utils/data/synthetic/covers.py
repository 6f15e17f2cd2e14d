"""What hides a face: glasses, hands, watermarks; and images without a face."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fer_utils.data.synthetic.people import OCCLUSIONS
from fer_utils.data.synthetic.shapes import AXIS, SIDE, face_coordinates, soft

__all__ = [
    "NON_FACES",
    "draw_glasses",
    "draw_hands",
    "draw_non_faces",
    "draw_watermarks",
]

# 0 in the column "non_face" is a face; the others follow.
NON_FACES = ("face", "texture", "text", "blank", "scenery")

# The space and the capital letters, five rows of three bits each, top row first.
_LETTERS = (
    "00000 25755 65656 34443 65556 74647 74644 34553 55755 72227 11152 55655 44447 "
    "57755 65555 25552 65644 25563 65655 34216 72222 55557 55552 55775 55255 55222 "
    "71247"
)
_GLYPHS = np.array(
    [
        [[int(row) >> 2 & 1, int(row) >> 1 & 1, int(row) & 1, 0] for row in letter]
        for letter in _LETTERS.split()
    ],
    np.float32,
)  # (27, 5, 4), the last column is the gap between letters
# Text is cut out of this one at a random place: no chance word can turn up in a lesson.
_WORDS = "STOCK PHOTO SAMPLE PREVIEW ONLY FREE IMAGE BANK MODEL FACES COPY "
_SPELLING = np.array([max(0, ord(letter) - 64) for letter in _WORDS * 8])
_SMOOTH = np.random.default_rng(1).random((64, 64), np.float32)


def _rows_of(p, index):
    """Return the parameters of some pictures."""
    return SimpleNamespace(**{name: value[index] for name, value in vars(p).items()})


def draw_glasses(image, p, occlusion) -> None:
    """Draw frames around the eyes, one in four with dark lenses, in place."""
    index = np.flatnonzero(occlusion == OCCLUSIONS.index("glasses"))
    if not len(index):
        return
    p = _rows_of(p, index)
    u, v = face_coordinates(p, AXIS[None, :, None], AXIS[None, None, :])
    u, v = u - p.eyes_u, v - p.eyes_v - 0.02
    side = np.abs(u)
    squareness = 0.5 + p.cover_tone  # a rounder or a squarer lens
    a, b = (side - p.eye_distance) / (0.27 + 0.05 * p.cover_y), v / 0.23
    radius = np.sqrt(a * a + b * b) * (1 - 0.16 * squareness * np.abs(a * b).clip(0, 1))
    edge = (1 - radius) * 0.23
    picture = image[index]
    dark = soft(edge, p) * np.where(p.cover_kind < 0.25, 0.88, 0.06)
    tone = 0.08 + 0.3 * (p.cover_tone > 0.8)
    picture += dark * (0.1 - picture)
    shine = np.clip(1 - 60 * (u - v * 0.8 - 0.1 * p.cover_x) ** 2, 0, 1)
    picture += shine * soft(edge, p) * 0.12
    bridge = np.minimum(p.eye_distance - 0.24 - side, 0.025 - np.abs(v + 0.06))
    arm = np.minimum(side - p.eye_distance - 0.24, 0.02 - np.abs(v + 0.05))
    arm = np.minimum(arm, p.face_width - side)
    frame = np.maximum(np.maximum(0.028 - np.abs(edge), bridge), arm)
    picture += soft(frame, p) * 0.92 * (tone - picture)
    image[index] = picture


def draw_hands(image, p, occlusion) -> None:
    """Draw a hand with four fingers over mouth, cheek or eye, in place."""
    index = np.flatnonzero(occlusion == OCCLUSIONS.index("hand"))
    if not len(index):
        return
    p = _rows_of(p, index)
    u, v = face_coordinates(p, AXIS[None, :, None], AXIS[None, None, :])
    angle = 0.9 * p.cover_angle.astype(float) + 0.5 * p.cover_x
    cos, sin = (f(angle).astype(np.float32) for f in (np.cos, np.sin))
    u, v = u - 0.6 * p.cover_x, v - 0.1 - 0.7 * p.cover_y
    across, along = cos * u + sin * v, cos * v - sin * u  # fingers point to -along
    finger = np.rint(across / 0.23 - 0.5).clip(-2, 1) + 0.5
    off = across - 0.23 * finger
    beyond = np.maximum(-along - 0.34 + 0.07 * finger * finger, 0)
    distance = 0.105 - np.sqrt(off * off + beyond * beyond)
    palm = np.minimum(0.46 - np.abs(across), np.minimum(along - 0.2, 1.1 - along))
    hand = np.maximum(np.minimum(distance, 0.3 - along), palm)
    picture = image[index]
    tone = p.skin * (0.84 + 0.22 * p.cover_tone)
    ridge = 1 - 3.2 * off * off * 14 * np.clip(0.4 - along, 0, 1)
    picture += soft(hand + 0.03, p) * (0.35 * p.skin - picture)
    picture += soft(hand, p) * (tone * ridge.clip(0.55, 1) - picture)
    image[index] = picture


def draw_watermarks(image, p, occlusion) -> None:
    """Write a word over the picture, nearly white or black, in place."""
    index = np.flatnonzero(occlusion == OCCLUSIONS.index("watermark"))
    if not len(index):
        return
    p = _rows_of(p, index)
    word = _lines_of_text(p, 1, 9)  # (M, 6, 36)
    top = (p.cover_y[:, 0, 0] * 41).astype(int)
    left = ((p.cover_x[:, 0, 0] + 1) * 6).astype(int)
    views = sliding_window_view(image, word.shape[1:], (1, 2), writeable=True)
    at = (index, top, left)
    tone = np.where(p.cover_tone > 0.3, 0.96, 0.04)
    patch = views[at]
    views[at] = patch + word * (0.6 + 0.35 * p.cover_kind) * (tone - patch)


def draw_non_faces(image, p, kind) -> None:
    """Replace pictures by textures, text, blanks or blurred scenery, in place."""
    makers = (_texture, _text, _blank, _scenery)
    for number, maker in enumerate(makers, 1):
        index = np.flatnonzero(kind == number)
        if len(index):
            image[index] = maker(_rows_of(p, index))


def _texture(p):
    fine, coarse = _smooth_noise(p, 12), _smooth_noise(p, 5)
    return 0.15 + 0.5 * p.cover_y * coarse + 0.5 * fine


def _scenery(p):
    y = AXIS[:, None] / SIDE
    horizon = 0.3 + 0.4 * p.cover_y + 0.25 * (_smooth_noise(p, 4) - 0.5)
    ground = np.clip((y - horizon) * 6, 0, 1)
    sky = 0.55 + 0.4 * p.cover_tone - 0.3 * y
    return sky + ground * (0.6 * _smooth_noise(p, 8) - sky)


def _blank(p):
    return p.background + 0.03 * AXIS / SIDE + np.zeros((1, SIDE, 1), np.float32)


def _text(p):
    page = np.zeros((len(p.size), SIDE, SIDE), np.float32)
    page[:, 3:45, 2:46] = _lines_of_text(p, 7, 11)
    paper = np.where(p.cover_tone > 0.25, 0.85, 0.15)
    return paper + page * (0.8 - 2 * 0.8 * (paper > 0.5) * 0.9)


def _lines_of_text(p, lines, letters):
    """Return capitals as ink in [0, 1]: float32 (M, 6 * lines, 4 * letters)."""
    place = (p.grain[:, 0, 0] * (len(_SPELLING) - lines * letters)).astype(int)
    spelled = sliding_window_view(_SPELLING, lines * letters)[place]
    ink = _GLYPHS[spelled].reshape(-1, lines, letters, 5, 4).transpose(0, 1, 3, 2, 4)
    ink = np.pad(ink, ((0, 0), (0, 0), (0, 1), (0, 0), (0, 0)))
    return ink.reshape(-1, 6 * lines, 4 * letters)


def _smooth_noise(p, cells):
    """Return noise in [0, 1] of cells x cells patches: float32 (M, 48, 48)."""
    corner = (p.grain[:, 0, 0] * 4096 * (64 - cells)).astype(int)
    rows, columns = corner // 4096, corner % (64 - cells)
    grid = sliding_window_view(_SMOOTH, (cells + 1, cells + 1))[rows, columns]
    place = AXIS * cells / SIDE
    low = place.astype(int)
    weight = place - low
    weight = weight * weight * (3 - 2 * weight)
    grid = grid[:, low] * (1 - weight)[:, None] + grid[:, low + 1] * weight[:, None]
    return grid[:, :, low] * (1 - weight) + grid[:, :, low + 1] * weight
