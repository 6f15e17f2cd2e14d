"""Drawn faces of eight expressions with the votes of ten drawn annotators, as FER+ has.

Nobody voted: a face whose muscles move little gets its votes spread, one that shows its
expression clearly gets them on one word. That is what makes the two kinds of targets
differ, here as in FER+ (Barsoum et al. 2016, arXiv:1608.01041).
"""

from __future__ import annotations

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data.faceset import SPLITS, FaceSet
from fer_utils.data.synthetic import people
from fer_utils.data.synthetic.covers import NON_FACES
from fer_utils.data.synthetic.drawing import render
from fer_utils.data.synthetic.sampling import (
    NOTICE,
    RESEMBLES,
    apportion,
    check_whole,
    draw_rows,
)

__all__ = ["voted_faces"]

CLASSES = fer_labels.FERPLUS.classes
ANNOTATORS = 10
# In FER+'s order: its imbalance, but enough of the rare ones to be measured.
_CLASS_WEIGHTS = (30, 24, 13, 12, 10, 4, 4, 3)
_SPLIT_WEIGHTS = (8, 1, 1)
_NON_FACE_RATE = 0.015
_CONTEMPT_RESEMBLES = ("neutral", "neutral", "happy", "disgust")
# Of the votes that do not go to the expression drawn: to what it resembles, to any
# other word, to "unknown".
_DOUBT = (0.8, 0.14, 0.06)


def voted_faces(n: int, seed: int) -> FaceSet:
    """Draw faces with votes; every face is there, also those nobody agrees on.

    Args:
        n: how many images, at least 1.
        seed: int, at least 0; the same n and seed give the same set.

    Returns:
        FaceSet in FER+'s classes; `labels` are the expressions drawn, `votes` uint8
        (n, 10) as in `VOTE_COLUMNS`, `facts["is_face"]` bool and `facts["identity"]`.

    Raises:
        ParameterError: n is below 1 or not an integer, or the seed is negative.
    """
    check_whole("n", n, 1)
    check_whole("seed", seed, 0)
    plan, looks, crowd = (np.random.default_rng([seed, 8, i]) for i in range(3))
    split, labels = _split_and_labels(n, plan)
    rows, identity = draw_rows(np.array(CLASSES)[labels], looks)
    blank = plan.random(n) < _NON_FACE_RATE
    rows["non_face"] = np.where(blank, plan.integers(1, len(NON_FACES), n), 0)
    rows["occlusion"][blank] = people.OCCLUSIONS.index("none")
    votes = _votes(_opinions(labels, blank, _clarity(labels, rows)), crowd)
    return FaceSet(
        render(rows),
        labels,
        split,
        CLASSES,
        "synthetic-eight",
        f"drawn by fer_utils.data.synthetic, with drawn votes, seed {seed}",
        votes=votes,
        facts={"is_face": ~blank, "identity": identity},
        notice=NOTICE,
    )


def _split_and_labels(n: int, rng) -> tuple[np.ndarray, np.ndarray]:
    sizes = apportion(n, _SPLIT_WEIGHTS, least=1)
    labels = [
        np.repeat(np.arange(len(CLASSES)), apportion(size, _CLASS_WEIGHTS, size // 40))
        for size in sizes
    ]
    order = rng.permutation(n)
    return np.repeat(SPLITS, sizes)[order], np.concatenate(labels)[order]


def _clarity(labels: np.ndarray, rows: people.Rows) -> np.ndarray:
    """Return how much of its expression each face shows, float (N,) in [0, 1]."""
    shown = np.empty(len(labels))
    for label, name in enumerate(CLASSES):
        members = labels == label
        recipe = people.ALL_EXPRESSIONS[name]
        if not recipe:  # neutral is clear when nothing moves
            moved = np.max([rows[u][members] for u in people.ACTION_UNITS], axis=0)
            shown[members] = 1 - moved
            continue
        full = sum(chance * strength for chance, strength in recipe.values())
        shown[members] = sum(rows[unit][members] for unit in recipe) / full
    return shown.clip(0, 1)


def _opinions(labels, blank, clarity) -> np.ndarray:
    """Return the chance of each vote for each face: float (N, 10), rows sum to one."""
    emotions = len(CLASSES)
    like = np.zeros((emotions, emotions))
    for label, name in enumerate(CLASSES):
        for other in (RESEMBLES | {"contempt": _CONTEMPT_RESEMBLES})[name]:
            like[label, CLASSES.index(other)] += 1
    like /= like.sum(axis=1, keepdims=True)
    sure = 0.25 + 0.65 * clarity[:, None]  # (N, 1)
    chance = np.zeros((len(labels), emotions + 2))
    chance[:, :emotions] = sure * np.eye(emotions)[labels]
    doubt = (1 - sure) * np.array(_DOUBT)  # (N, 3)
    chance[:, :emotions] += doubt[:, :1] * like[labels] + doubt[:, 1:2] / emotions
    chance[:, emotions] = doubt[:, 2]
    chance[blank] = [0.02] * emotions + [0.14, 0.7]
    return chance / chance.sum(axis=1, keepdims=True)


def _votes(chance: np.ndarray, rng) -> np.ndarray:
    return rng.multinomial(ANNOTATORS, chance).astype(np.uint8)
