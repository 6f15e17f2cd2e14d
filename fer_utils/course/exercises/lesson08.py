"""The checks of lesson 08: votes, fair turns, and what a confusion matrix hides."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fer_utils.course.exercise import exercise, require
from fer_utils.course.exercises.expect import function
from fer_utils.course.exercises.statements import judged
from fer_utils.data.ferplus import VOTE_COLUMNS
from fer_utils.data.ferplus_faces import EMOTIONS, majority

_WINNERS = (
    "Not answered yet. Begin with A: how many votes are left when single ones are "
    "dropped, and how many are more than half of them?"
)
_MAJORITY = (
    "Not answered yet. Begin with one row: which of its votes are slips, and what is "
    "the sum of the others?"
)
_TURNS = (
    "Not answered yet. Begin with `np.unique(labels)`: the classes take turns. Which "
    "faces may be drawn at a turn?"
)


@exercise(
    "q08_1",
    title="Who wins the vote?",
    kind="predict",
    minutes=6,
    points=1,
    start=_WINNERS,
)
def q08_1(answer, votes):
    """Check {letter: label or None} against a table of votes (letters x words)."""
    require(
        isinstance(answer, Mapping) and set(answer) == set(votes.index),
        f"Expected a label, or None, for each of {', '.join(votes.index)}; received "
        f"{answer!r}.",
    )
    require(not any(value is ... for value in answer.values()), _WINNERS)
    truth = majority(votes.to_numpy())
    for letter, row, column in zip(votes.index, votes.to_numpy(), truth, strict=True):
        said = answer[letter]
        said = None if said is None else str(said).strip().lower()
        require(
            said is None or said in VOTE_COLUMNS,
            f"{letter}: {answer[letter]!r} is no word of the table. Write None where "
            "there is no label.",
        )
        right = VOTE_COLUMNS[column] if 0 <= column < EMOTIONS else None
        if said != right:
            return f"{letter}: {_about_winner(row, column, said)}"
    return None


def _about_winner(row: np.ndarray, column: int, said: str | None) -> str:
    left = np.where(row > 1, row, 0)
    if said in VOTE_COLUMNS[EMOTIONS:]:
        return f"*{said}* may win the vote, but it is no expression to learn."
    if said is None:
        return (
            f"you wrote None. {left.sum()} votes are left after the slips. Does a word "
            "hold more than half of *these*?"
        )
    if column >= EMOTIONS:
        return (
            f"you wrote {said}. Look at the last two columns: they take part in the "
            "vote."
        )
    held = left[VOTE_COLUMNS.index(said)]
    if 2 * held == left.sum():
        return f"{said} holds {held} of {left.sum()}. Is that *more* than half?"
    return (
        f"{said} holds {held} of {left.sum()}. To have the most votes is not to have "
        "more than half of them."
    )


@exercise(
    "q08_2",
    title="Write the majority",
    kind="implement",
    minutes=12,
    points=3,
    start=_MAJORITY,
)
def q08_2(answer):
    """Check a function votes (N, 10) -> column of the label or -1, (N,)."""
    rule = function(answer, "majority(votes)")
    votes = np.concatenate([_ROWS, _random_votes()])
    before = votes.copy()
    found = rule(votes)
    require(found is not None and found is not ..., _MAJORITY)
    require(
        np.array_equal(votes, before),
        "Your function changed the votes that it was given. `np.where(votes > 1, "
        "votes, 0)` makes a new array.",
    )
    found = np.asarray(found)
    require(
        found.shape == (len(votes),),
        f"{len(votes)} rows of votes, and the answer has the shape {found.shape}. Each "
        "row gets one number.",
    )
    require(
        found.dtype.kind in "iuf",
        f"Expected positions, whole numbers; received {found.dtype}.",
    )
    truth = majority(votes)
    truth = np.where(truth < EMOTIONS, truth, -1)
    wrong = np.flatnonzero(found != truth)
    return _about_rule(votes[wrong[0]], found[wrong[0]]) if len(wrong) else None


# The plain cases first, so that the first mistake says most.
_ROWS = np.array(
    [
        [0, 9, 0, 0, 0, 0, 0, 0, 0, 0],
        [6, 4, 0, 0, 0, 0, 0, 0, 0, 0],
        [4, 3, 3, 0, 0, 0, 0, 0, 0, 0],
        [5, 5, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 4, 1, 1, 1, 2, 1, 0, 0],
        [2, 0, 0, 0, 0, 0, 0, 0, 0, 8],
        [0, 0, 3, 2, 0, 0, 0, 0, 5, 0],
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    ]
)


def _random_votes() -> np.ndarray:
    chances = [0.3, 0.2, 0.1, 0.1, 0.08, 0.06, 0.05, 0.05, 0.03, 0.03]
    return np.random.default_rng(8).multinomial(10, chances, 60)


def _about_rule(row: np.ndarray, said) -> str:
    """Say which part of the rule a row speaks of that was judged wrongly."""
    left, shown = np.where(row > 1, row, 0), f"The row {row.tolist()}: you say {said}."
    top = int(left.argmax())
    if not left.any():
        return f"{shown} Every vote stands alone: nothing is left, so no label."
    if top >= EMOTIONS and 2 * left.max() > left.sum():
        if 0 <= said < EMOTIONS:
            return (
                f"{shown} The last two columns were cut off too early: they take part "
                "in the vote, and one of them wins it here."
            )
        return f"{shown} Its winner is in the last two columns, so it has no label: -1."
    if 2 * left.max() == left.sum():
        return f"{shown} The largest count is just half. Asked is *more* than half."
    if 2 * left.max() < left.sum():
        rest = "the last two columns take part in the sum, too; "
        rest = rest if row[EMOTIONS:].any() else ""
        return f"{shown} Nobody holds more than half of what is left: {rest}so -1."
    if 2 * left.max() <= row.sum():
        return (
            f"{shown} Drop the votes that stand alone *before* you count how many "
            "there are."
        )
    return f"{shown} Column {top} holds {left.max()} of {left.sum()} votes."


@exercise(
    "q08_3",
    title="Fair turns",
    kind="implement",
    minutes=12,
    points=3,
    start=_TURNS,
)
def q08_3(answer):
    """Check a function (labels, n, rng) -> n positions, each class equally often."""
    balanced = function(answer, "balanced(labels, n, rng)")
    labels = np.array([4] * 40 + [0] * 9 + [2] * 3)  # 1 and 3 do not occur
    for n in (12, 90, 3, 100):
        chosen = balanced(labels.copy(), n, np.random.default_rng(n))
        require(chosen is not None and chosen is not ..., _TURNS)
        chosen = np.asarray(chosen)
        require(
            chosen.ndim == 1 and chosen.dtype.kind in "iu",
            f"Expected positions, whole numbers in a row; received {chosen.dtype} of "
            f"the shape {chosen.shape}.",
        )
        require(
            len(chosen) == n,
            f"Asked for {n} positions among {len(labels)} faces, received "
            f"{len(chosen)}. Rare faces may be repeated.",
        )
        require(
            chosen.min() >= 0 and chosen.max() < len(labels),
            f"Positions go from 0 to {len(labels) - 1}; received {chosen.min()} to "
            f"{chosen.max()}. Labels are not positions.",
        )
        hint = _about_turns(labels, chosen, n)
        if hint:
            return hint
    again = [balanced(labels, 12, np.random.default_rng(seed)) for seed in (1, 2)]
    require(
        not np.array_equal(*again),
        "Two generators with different seeds give the same positions. Draw with `rng`.",
    )
    return None


def _about_turns(labels, chosen, n: int) -> str | None:
    counts = {int(k): int((labels[chosen] == k).sum()) for k in np.unique(labels)}
    if max(counts.values()) - min(counts.values()) > 1:
        return (
            f"Of {n} positions the classes get {counts}. Fair on average is not "
            "enough: they should differ by one at most."
        )
    if n >= 90 and len(np.unique(chosen[labels[chosen] == 4])) < 10:
        return (
            "Of the 40 faces of the frequent class only few were ever drawn. Draw from "
            "all of a class's faces."
        )
    return None


@exercise(
    "q08_4",
    title="What the picture hides",
    kind="interpret",
    minutes=8,
    points=2,
)
def q08_4(answer):
    """Check which statements about a confusion matrix were chosen."""
    return judged(
        answer,
        "ADE",
        chosen={
            "B": "How often does it *say* contempt? That is a column, not a row.",
            "C": "How many faces are there in all? What is one of them?",
        },
        missing={
            "A": "Read along the row of contempt.",
            "D": "How many faces of contempt are there? What is one of them?",
            "E": "Compare the two diagonal shares, and look at how many faces each is "
            "about.",
        },
    )
