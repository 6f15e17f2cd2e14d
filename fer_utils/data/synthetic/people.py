"""Who is drawn and how: tables of expressions, identities and scenes.

Everything about a face is one row of named float32 numbers, so a picture is a pure
function of its row: whatever the order or the size of the batch, the same row gives the
same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

__all__ = ["ACTION_UNITS", "EXPRESSIONS", "IDENTITY", "OCCLUSIONS", "SCENE", "Rows"]

Rows = dict[str, np.ndarray]  # name -> float32 (N,)

# Facial action units that the drawing knows (Ekman & Friesen, Facial Action Coding
# System).
ACTION_UNITS = {
    "au1": "inner brow raised",
    "au2": "outer brow raised",
    "au4": "brows lowered and drawn together",
    "au5": "upper lids raised",
    "au6": "cheeks raised",
    "au7": "lids tightened",
    "au9": "nose wrinkled",
    "au10": "upper lip raised",
    "au12": "lip corners pulled up",
    "au15": "lip corners pulled down",
    "au16": "lower lip lowered",
    "au17": "chin raised",
    "au20": "lips stretched",
    "au23": "lips tightened",
    "au25": "lips parted",
    "au26": "jaw dropped",
    "au43": "eyes closed",
}

# Emotion -> action unit -> (chance that it takes part, its strength at full intensity).
# The combinations follow EMFACS (Friesen & Ekman 1983) and its usual variants; the
# chances and strengths were set by eye.
EXPRESSIONS = {
    "angry": {
        "au4": (0.9, 1.0),
        "au5": (0.4, 0.5),
        "au7": (0.7, 0.8),
        "au9": (0.15, 0.4),
        "au10": (0.25, 0.6),
        "au15": (0.2, 0.4),
        "au17": (0.35, 0.5),
        "au23": (0.6, 0.9),
        "au25": (0.3, 0.8),
        "au26": (0.15, 0.6),
    },
    "disgust": {
        "au4": (0.5, 0.6),
        "au6": (0.3, 0.5),
        "au7": (0.6, 0.8),
        "au9": (0.9, 1.0),
        "au10": (0.7, 1.0),
        "au15": (0.4, 0.6),
        "au16": (0.3, 0.7),
        "au17": (0.4, 0.6),
        "au25": (0.4, 0.5),
    },
    "fear": {
        "au1": (0.9, 1.0),
        "au2": (0.5, 0.6),
        "au4": (0.7, 0.6),
        "au5": (0.8, 1.0),
        "au7": (0.3, 0.4),
        "au20": (0.75, 1.0),
        "au25": (0.7, 0.8),
        "au26": (0.45, 0.5),
    },
    "happy": {
        "au6": (0.75, 1.0),
        "au7": (0.2, 0.3),
        "au12": (1.0, 1.0),
        "au25": (0.65, 0.9),
        "au26": (0.25, 0.5),
    },
    "sad": {
        "au1": (0.85, 1.0),
        "au4": (0.6, 0.5),
        "au7": (0.2, 0.4),
        "au15": (0.85, 1.0),
        "au17": (0.5, 0.7),
        "au25": (0.15, 0.3),
        "au43": (0.25, 0.6),
    },
    "surprise": {
        "au1": (0.9, 1.0),
        "au2": (0.95, 1.0),
        "au5": (0.75, 0.8),
        "au25": (0.8, 0.8),
        "au26": (0.85, 1.0),
    },
    "neutral": {},
}
# The eighth expression of FER+ and AffectNet shows on one side of the mouth only. It
# stands apart, so that the seven classes keep their pictures, byte for byte.
DIMPLER = {"au14": "one lip corner tightened and pulled in"}
CONTEMPT = {
    "au4": (0.15, 0.3),
    "au7": (0.3, 0.4),
    "au12": (0.25, 0.2),
    "au14": (0.97, 1.0),
    "au17": (0.2, 0.4),
}
_ALL_UNITS, ALL_EXPRESSIONS = (
    ACTION_UNITS | DIMPLER,
    EXPRESSIONS | {"contempt": CONTEMPT},
)
# How often a face also shows an action unit that its expression does not ask for.
_STRAY_CHANCE, _STRAY_STRENGTH = 0.05, 0.4

OCCLUSIONS = ("none", "glasses", "hand", "watermark")
_OCCLUSION_CHANCES = (0.76, 0.11, 0.07, 0.06)


class Range(NamedTuple):
    """Evenly spread from low to high."""

    low: float
    high: float

    def draw(self, rng, n):
        return self.low + (self.high - self.low) * rng.random(n)


class Bell(NamedTuple):
    """Normally spread, cut at two and a half deviations."""

    mean: float
    deviation: float

    def draw(self, rng, n):
        return self.mean + self.deviation * rng.standard_normal(n).clip(-2.5, 2.5)


class Sometimes(NamedTuple):
    """Zero, or with a chance something from low to high."""

    chance: float
    low: float
    high: float

    def draw(self, rng, n):
        present = rng.random(n) < self.chance
        return present * (self.low + (self.high - self.low) * rng.random(n))


# Lengths in face units: a face is about 1.7 wide and 2.4 high, v points down, the
# origin is its middle. Tones are in [0, 1], black to white.
IDENTITY = {
    "face_width": Range(0.74, 0.98),
    "face_height": Range(1.12, 1.32),
    "jaw_taper": Range(-0.02, 0.32),
    "skin": Range(0.42, 0.88),
    "hair": Range(0.04, 0.55),
    "hair_line": Range(-0.98, -0.6),
    "hair_curve": Range(-0.15, 0.55),
    "hair_tilt": Bell(0.0, 0.14),
    "hair_volume": Range(0.03, 0.2),
    "hair_sides": Range(-0.5, 0.3),
    "hair_long": Sometimes(0.4, 0.3, 1.6),
    "hair_bald": Sometimes(0.09, 1.0, 1.0),
    "eye_distance": Range(0.33, 0.43),
    "eye_width": Range(0.17, 0.235),
    "eye_open": Range(0.07, 0.12),
    "eye_height": Range(-0.17, -0.06),
    "eye_slant": Bell(0.0, 0.025),
    "iris": Range(0.05, 0.4),
    "brow_gap": Range(0.21, 0.32),
    "brow_thick": Range(0.03, 0.065),
    "brow_arch": Range(0.0, 0.09),
    "brow_slope": Bell(0.0, 0.025),
    "nose_length": Range(0.36, 0.5),
    "nose_width": Range(0.11, 0.18),
    "mouth_height": Range(0.58, 0.72),
    "mouth_width": Range(0.25, 0.36),
    "mouth_rest": Bell(0.0, 0.022),
    "lip_upper": Range(0.025, 0.06),
    "lip_lower": Range(0.035, 0.08),
    "lip_tone": Range(0.45, 0.82),
    "beard": Sometimes(0.14, 0.25, 0.85),
    "moustache": Sometimes(0.1, 0.4, 0.9),
    "wrinkles": Range(0.15, 1.0),
}

# Angles in radians, image lengths in pixels.
SCENE = {
    "roll": Bell(0.0, 0.13),
    "yaw": Bell(0.0, 0.32),
    "pitch": Bell(0.0, 0.26),
    "size": Range(19.0, 25.5),
    "centre_x": Bell(23.5, 1.6),
    "centre_y": Bell(22.0, 1.5),
    "gaze_x": Bell(0.0, 0.03),
    "gaze_y": Bell(0.0, 0.012),
    "mouth_skew": Bell(0.0, 0.05),
    "background": Range(0.02, 0.95),
    "background_x": Bell(0.0, 0.22),
    "background_y": Bell(0.0, 0.22),
    "background_edge": Range(-0.5, 1.5),
    "background_step": Bell(0.0, 0.16),
    "clothes": Range(0.05, 0.95),
    "light_angle": Range(0.0, 6.2832),
    "light": Range(0.0, 0.6),
    "contrast": Range(0.75, 1.3),
    "brightness": Bell(0.0, 0.08),
    "blur": Range(0.0, 0.26),
    "noise": Range(0.003, 0.022),
    "grain": Range(0.0, 1.0),
    "cover_x": Range(-1.0, 1.0),
    "cover_y": Range(0.0, 1.0),
    "cover_angle": Range(-1.0, 1.0),
    "cover_tone": Range(0.0, 1.0),
    "cover_kind": Range(0.0, 1.0),
}


def draw_table(table: Mapping, n: int, rng: np.random.Generator) -> Rows:
    """Return n rows of a table such as `IDENTITY`: name -> float32 (n,)."""
    return {name: law.draw(rng, n).astype(np.float32) for name, law in table.items()}


def middle(table: Mapping) -> Rows:
    """Return one row, the middle of every `Range` and `Bell`, nothing optional."""
    means = {Range: lambda r: sum(r) / 2, Bell: lambda b: b.mean}
    return {
        name: np.float32([means.get(type(law), lambda _: 0.0)(law)])
        for name, law in table.items()
    }


def draw_action_units(emotions: np.ndarray, rng: np.random.Generator) -> Rows:
    """Return action unit strengths in [0, 1] for each face's true expression.

    Args:
        emotions: str (N,), keys of `EXPRESSIONS`, or "contempt".
        rng: where chance comes from.

    Returns:
        "au1", "au2", … -> float32 (N,): the expression's units, each present by chance,
        scaled by one intensity per face; now and then a stray unit, as when talking.
    """
    n = len(emotions)
    intensity = 0.4 + 0.75 * rng.beta(1.6, 1.2, n)
    rows = {}
    for unit in ACTION_UNITS:
        chosen = _chosen(unit, emotions, rng) * intensity
        chosen *= 0.65 + 0.5 * rng.random(n)
        stray = (rng.random(n) < _STRAY_CHANCE) * _STRAY_STRENGTH * rng.random(n)
        rows[unit] = np.maximum(chosen, stray).clip(0, 1).astype(np.float32)
    for unit in DIMPLER:
        aside = rng.spawn(1)[0]  # takes nothing from the chance of what comes after
        chosen = _chosen(unit, emotions, aside) * (0.4 + 0.6 * intensity)
        rows[unit] = chosen.clip(0, 1).astype(np.float32)
    return rows


def _chosen(unit: str, emotions: np.ndarray, rng) -> np.ndarray:
    """Return a unit's strength where it takes part by chance, else 0: float (N,)."""
    recipe = [units.get(unit, (0.0, 0.0)) for units in ALL_EXPRESSIONS.values()]
    chance, strength = np.array(recipe).T[:, _codes(emotions)]
    return (rng.random(len(emotions)) < chance) * strength


def prototype(emotions: np.ndarray, intensity: np.ndarray) -> Rows:
    """Return each expression's likely action units at an intensity, without chance."""
    rows = {}
    for unit in _ALL_UNITS:
        recipe = [units.get(unit, (0.0, 0.0)) for units in ALL_EXPRESSIONS.values()]
        full = np.array(
            [strength if chance >= 0.5 else 0.0 for chance, strength in recipe]
        )
        rows[unit] = (full[_codes(emotions)] * intensity).astype(np.float32)
    return rows


def draw_occlusions(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return positions in `OCCLUSIONS`, int (n,)."""
    return rng.choice(len(OCCLUSIONS), n, p=_OCCLUSION_CHANCES)


def _codes(emotions: np.ndarray) -> np.ndarray:
    code = {emotion: i for i, emotion in enumerate(ALL_EXPRESSIONS)}
    return np.array([code[e] for e in emotions], np.int64)
