"""From ten votes to labels and targets, by the rules of the FER+ paper.

Barsoum et al. 2016 (arXiv:1608.01041). A vote that stands alone is taken for a slip and
removed first. *Majority*: one word holds more than half of the votes that are left.
*Shares*: the most voted words, few of them, that together hold most of the votes; the
network is trained towards these shares, or towards one label drawn from them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data.faceset import SPLITS, FaceSet
from fer_utils.data.ferplus import VOTE_COLUMNS

__all__ = ["from_votes", "majority", "majority_counts", "shares"]

EMOTIONS = len(fer_labels.FERPLUS)
UNKNOWN, NO_FACE = EMOTIONS, EMOTIONS + 1
_SLIP = 1  # a word that one annotator alone chose
# Words are taken, most voted first, until they hold this share of the votes …
_ENOUGH = 0.75
# … or are this many; together they must hold more than half.
_MOST_WORDS, _LEAST = 3, 0.5


def majority(votes: np.ndarray) -> np.ndarray:
    """Return the column that holds more than half of the votes, slips removed.

    Args:
        votes: int (N, 10), columns as in `VOTE_COLUMNS`.

    Returns:
        int64 (N,), positions in `VOTE_COLUMNS`; -1 where no word has a majority.

    Example:
        >>> majority(np.array([[6, 4, 0, 0, 0, 0, 0, 0, 0, 0],
        ...                    [5, 5, 0, 0, 0, 0, 0, 0, 0, 0]]))
        array([ 0, -1])
    """
    left = _without_slips(votes)
    strict = 2 * left.max(axis=1, initial=0) > left.sum(axis=1)
    return np.where(strict, left.argmax(axis=1), -1)


def shares(votes: np.ndarray) -> np.ndarray:
    """Return the distribution over the eight emotions that a face is trained towards.

    Args:
        votes: int (N, 10), columns as in `VOTE_COLUMNS`.

    Returns:
        float32 (N, 8); rows sum to one, or are all zero where the votes are no use:
        "unknown" or "no face" come first, or people are of too many minds.

    Example:
        >>> shares(np.array([[6, 3, 1, 0, 0, 0, 0, 0, 0, 0]]))[0, :3].round(2).tolist()
        [0.67, 0.33, 0.0]
    """
    left = _without_slips(votes)
    # Many faces have the same votes: each pattern is worked out once.
    patterns, of_face = np.unique(left, axis=0, return_inverse=True)
    found = [_shares_of(pattern) for pattern in patterns]
    return np.array(found, np.float32).reshape(-1, EMOTIONS)[of_face.reshape(-1)]


def _without_slips(votes: np.ndarray) -> np.ndarray:
    votes = np.asarray(votes, np.int64).reshape(-1, len(VOTE_COLUMNS))
    return np.where(votes > _SLIP, votes, 0)


def _shares_of(votes: np.ndarray) -> np.ndarray:
    """Return float (8,) of one row of votes without slips."""
    total, kept = votes.sum(), np.zeros(EMOTIONS)
    for level in sorted({int(v) for v in votes if v}, reverse=True):
        if kept.sum() >= _ENOUGH * total or (kept > 0).sum() >= _MOST_WORDS:
            break
        tied = votes == level  # words with as many votes stand or fall together
        kept[tied[:EMOTIONS]] = level
        if tied[EMOTIONS:].any():  # from here on people saw no expression
            break
    words = (kept > 0).sum()
    if kept.sum() <= _LEAST * total or not 0 < words <= _MOST_WORDS:
        return np.zeros(EMOTIONS)
    return kept / kept.sum()


def from_votes(faces: FaceSet, soft: bool, name: str) -> FaceSet:
    """Return the faces whose votes give a label, in the eight classes of FER+.

    Val and test are the faces with a strict majority, whatever the training is on, so
    that all kinds of targets meet the same test.

    Args:
        faces: with `votes` (N, 10) in the columns of `VOTE_COLUMNS`.
        soft: train on the shares (`targets`) of all faces that have them; otherwise on
            the majority's label alone.
        name: of the new set.

    Returns:
        FaceSet in FER+'s classes; with `soft` the label of a training face is the
        largest share, the first of equals.
    """
    labels = majority(faces.votes)
    keep = (labels >= 0) & (labels < EMOTIONS)
    targets = None
    if soft:
        found, train = shares(faces.votes), faces.split == "train"
        targets = np.where(train[:, None], found, np.eye(EMOTIONS)[labels % EMOTIONS])
        labels = np.where(train, found.argmax(axis=1), labels)
        keep = np.where(train, found.any(axis=1), keep)
    keep = np.flatnonzero(keep)
    return replace(
        faces.take(keep),
        labels=labels[keep],
        classes=fer_labels.FERPLUS.classes,
        targets=None if targets is None else targets[keep].astype(np.float32),
        name=name,
        source=f"{faces.source}; {len(faces) - len(keep):,} faces without usable votes "
        "left out",
    )


def majority_counts(faces: FaceSet) -> dict[str, dict[str, int]]:
    """Return how many faces of each split have a strict majority for what.

    Args:
        faces: with `votes`, all of them: before any is left out.

    Returns:
        {"train": {"neutral": …, …, "unknown": …, "no face": …, "no majority": …}, …}.
    """
    columns = (*VOTE_COLUMNS, "no majority")
    found, table = majority(faces.votes), {}
    for split in SPLITS:
        here = found[faces.split == split]
        counts = np.bincount(here % len(columns), minlength=len(columns))
        table[split] = dict(zip(columns, counts.tolist(), strict=True))
    return table
