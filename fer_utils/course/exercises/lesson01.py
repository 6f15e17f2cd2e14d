"""The checks of lesson 01: what is in the data, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fer_utils.course.exercise import exercise, require
from fer_utils.course.exercises.expect import function, number
from fer_utils.course.exercises.statements import judged

_LAZY = (
    "Not answered yet. Begin with the faces of `test`: how many of them carry the word "
    "that the program always says?"
)
_MUSCLES = (
    "Not answered yet. Begin with the letter you are surest of: make the face "
    "yourself, and name it."
)
_TWINS = (
    "Not answered yet. Begin with one picture: what does `picture.tobytes()` give, and "
    "when do two pictures give the same?"
)
_COLUMN = (
    "Not answered yet. Begin with the table: which two studies have the same test "
    "faces?"
)

_NEAR = 0.0101  # what arithmetic on a phone is good for
_BUDGET, _WANTED = 60, 30


@exercise(
    "q01_1",
    title="A lazy guess, two numbers",
    kind="predict",
    minutes=5,
    points=1,
    start=_LAZY,
)
def q01_1(answer, faces):
    """Check (accuracy, balanced accuracy) of the majority guess on two labels."""
    require(
        isinstance(answer, (tuple, list)) and len(answer) == 2,
        f"Expected two numbers (accuracy, balanced), received {answer!r}.",
    )
    require(not any(value in (..., None) for value in answer), _LAZY)
    accuracy, balanced = (number(v, "a share from 0 to 1") for v in answer)
    require(
        max(accuracy, balanced) <= 1,
        f"{max(accuracy, balanced):g}: a share lies between 0 and 1. Half is 0.5.",
    )
    train, test = (faces.counts()[part] for part in ("train", "test"))
    lazy = max(train, key=train.get)
    right = test[lazy] / sum(test.values())
    if abs(accuracy - right) > _NEAR:
        return _about_lazy_accuracy(accuracy, balanced, right, faces.num_classes)
    require(
        abs(balanced - right) > _NEAR,
        f"The accuracy is right. {balanced:.3f} again for the balanced one: that "
        "counts *faces* alike. Balanced counts *labels* alike, the rare as much as the "
        "other.",
    )
    require(
        not np.isclose(balanced, 1 / 7, atol=_NEAR),
        f"The accuracy is right. {balanced:.3f} is for seven labels. How many are "
        "left?",
    )
    require(
        abs(balanced - 1 / faces.num_classes) <= _NEAR,
        f"The accuracy is right. {balanced:.3f}: of each label, what share of its "
        "faces does the program find? Take the mean of these shares.",
    )
    return None


def _about_lazy_accuracy(accuracy, balanced, right, num_classes) -> str:
    if abs(balanced - right) <= _NEAR and abs(accuracy - 1 / num_classes) <= _NEAR:
        return (
            f"{accuracy:.3f} and {balanced:.3f}: both numbers occur, in the other "
            "order. Which of them counts every *face* alike?"
        )
    if np.isclose(accuracy, 1 / 7, atol=_NEAR):
        return f"{accuracy:.3f} is a blind draw among seven labels. Two are left."
    if abs(accuracy - (1 - right)) <= _NEAR:
        return f"{accuracy:.3f} is how often the program is *wrong*."
    return (
        f"An accuracy of {accuracy:.3f} does not fit. Divide the `test` faces that "
        "carry the more frequent word by all `test` faces of the two labels."
    )


@exercise(
    "q01_2",
    title="Read the muscles",
    kind="interpret",
    minutes=6,
    points=1,
    start=_MUSCLES,
)
def q01_2(answer, riddles: Mapping[str, Sequence[str]]):
    """Check a label for each list of action units."""
    from fer_utils.data.synthetic import ACTION_UNITS, EXPRESSIONS

    require(
        isinstance(answer, Mapping) and set(answer) == set(riddles),
        f"Expected a label for each of {', '.join(riddles)}, received {answer!r}.",
    )
    require(not any(v in (..., None) for v in answer.values()), _MUSCLES)
    for letter, units in riddles.items():
        name = str(answer[letter]).strip().lower()
        require(
            name in EXPRESSIONS and name != "neutral",
            f"{letter}: {answer[letter]!r} is not one of the six words of the task.",
        )
        chances = {u: EXPRESSIONS[name].get(u, (0, 0))[0] for u in units}
        rarest = min(chances, key=chances.get)
        require(
            name == _most_likely(units, EXPRESSIONS),
            f"{letter}: you wrote {name}. Look at *{ACTION_UNITS[rarest]}* once more: "
            f"it takes part in {chances[rarest]:.0%} of the {name} faces. In which "
            "expression is it at home, together with the rest?",
        )
    return None


def _most_likely(units: Sequence[str], expressions: Mapping[str, Mapping]) -> str:
    """Return the expression in which these units, and no others, are likeliest."""

    def likelihood(name: str) -> float:
        known = {unit: chance for unit, (chance, _) in expressions[name].items()}
        there = np.prod([known.get(unit, 0.01) for unit in units])
        return there * np.prod([1 - c for u, c in known.items() if u not in units])

    return max((n for n in expressions if n != "neutral"), key=likelihood)


@exercise(
    "q01_3",
    title="Find the twins",
    kind="implement",
    minutes=12,
    points=3,
    start=_TWINS,
)
def q01_3(answer):
    """Check a function (train (N, H, W), test (M, H, W)) -> bool (M,)."""
    twins = function(answer, "twins(train, test)")
    rng = np.random.default_rng(1)
    train = rng.integers(0, 200, (9, 6, 5), np.uint8)
    fresh = rng.integers(0, 200, (2, 6, 5), np.uint8)
    test = np.stack([train[4], fresh[0], train[0], train[4], fresh[1]])
    truth = np.array([True, False, True, True, False])
    mask = _mask(twins(train.copy(), test.copy()), len(test))
    if not np.array_equal(mask, truth):
        return _about_twins(mask, truth)
    decoys = np.stack([train[2][::-1], train[3].ravel()[::-1].reshape(6, 5)])
    require(
        not _mask(twins(train.copy(), decoys), 2).any(),
        "A picture turned upside down, with the same grey values in other places, was "
        "taken for a twin. A mean, a sum or a sorted list forgets *where* a value was.",
    )
    near = np.stack([train[1] + 1, train[5]])
    require(
        not _mask(twins(train.copy(), near), 2)[0],
        "A copy that is one grey value brighter was taken for a twin. Asked is pixel "
        "for pixel.",
    )
    empty = _mask(twins(train[:0], test.copy()), len(test))
    require(
        not empty.any(),
        "With no train picture at all nothing can be a twin; yours finds some.",
    )
    return None


def _mask(value, length: int) -> np.ndarray:
    """Return a mask of a length, or hint at what came in its place."""
    require(
        value is not None and value is not ...,
        "Your function gave nothing back; `return` hands a value on. Begin with one "
        "picture: what does `picture.tobytes()` give?",
    )
    if isinstance(value, (set, Mapping)):
        value = list(value)
    mask = np.asarray(value)
    require(
        mask.size == 0 or mask.dtype == bool,
        f"Expected true or false for each test picture, received {mask.dtype} "
        f"{mask.tolist()!r:.60}. Positions? Then ask of each picture whether it is "
        "one.",
    )
    require(
        mask.shape == (length,),
        f"{length} test pictures, and the answer has the shape {mask.shape}. Each test "
        "picture gets one true or false, in its order.",
    )
    return mask.astype(bool)


def _about_twins(mask, truth) -> str:
    if np.array_equal(mask, ~truth):
        return "True and false are the wrong way round: *true* is for a twin."
    if mask.any() and not mask[~truth].any():
        return (
            f"{mask.sum()} of {truth.sum()} twins found. A test picture may have its "
            "twin at any place in train, and two test pictures may share one."
        )
    if not mask.any():
        return (
            "No twin was found, and there are some, at other places in train than in "
            "test. Compare each test picture with *all* of train."
        )
    return (
        f"{(mask & ~truth).sum()} pictures without a twin were called twins. A single "
        "equal pixel is not enough: which comparison asks for all of them?"
    )


@exercise(
    "q01_4", title="Sixty pictures to look at", kind="modify", minutes=12, points=2
)
def q01_4(answer, faces):
    """Check at most 60 positions of which at least 30 show no face."""
    chosen = np.asarray(answer)
    require(
        chosen.ndim == 1 and chosen.dtype.kind in "iu",
        f"Expected positions, whole numbers in a row; received {chosen.dtype} of the "
        f"shape {chosen.shape}. `np.argsort` or `np.flatnonzero` give positions.",
    )
    require(
        len(np.unique(chosen)) <= _BUDGET,
        f"{len(np.unique(chosen))} pictures: you have time for {_BUDGET}.",
    )
    require(
        len(np.unique(chosen)) == len(chosen),
        f"{len(chosen) - len(np.unique(chosen))} pictures are chosen twice. That "
        "wastes your time; where the lists overlap, take the next ones.",
    )
    require(
        not len(chosen) or 0 <= chosen.min() <= chosen.max() < len(faces),
        f"Positions go from 0 to {len(faces) - 1}.",
    )
    no_face = ~faces.facts["is_face"]
    hits = int(no_face[chosen].sum())
    require(
        hits < _WANTED or hits < len(chosen),
        f"{hits} of {len(chosen)}, every one right: was it `facts` that chose them? "
        "Photos come without. Choose by what can be computed from the pixels.",
    )
    if hits >= _WANTED:
        return None
    kind = _missing_kind(
        faces.pixels[no_face], np.isin(np.flatnonzero(no_face), chosen)
    )
    return f"{hits} of your {len(chosen)} pictures show no face. {kind}"


def _missing_kind(pixels, found) -> str:
    """Say which kind of no-face a choice misses: the smooth or the rough ones."""
    roughness = np.abs(np.diff(pixels.astype(float), axis=2)).mean((1, 2))
    middle = np.median(roughness)
    smooth, rough = found[roughness <= middle].mean(), found[roughness > middle].mean()
    if smooth > 2 * rough:
        return (
            "You find those in which little happens. Another kind is nearly absent: "
            "what would be the contrary of smooth?"
        )
    if rough > 2 * smooth:
        return (
            "You find those in which much happens everywhere. Another kind is nearly "
            "absent: what would be the contrary of rough?"
        )
    return (
        "Draw what you chose: what do the faces among them have that the others lack? "
        "Sort by it, and look at both ends."
    )


@exercise(
    "q01_5",
    title="Which numbers may stand in one column?",
    kind="interpret",
    minutes=8,
    points=2,
    start=_COLUMN,
)
def q01_5(answer):
    """Check which statements about four studies were chosen."""
    return judged(
        answer,
        "BC",
        chosen={
            "A": "What did P's network have that Q's had not? Is it a strength of the "
            "network to have seen an exam question before?",
            "D": "Compare the last column of S with that of P. How much of the "
            "difference would a program get that does not look?",
            "E": "Think of ten dice, of which only the highest is reported. A seed "
            "says how to repeat the throw, not how many throws there were.",
        },
        missing={
            "B": "From which parts does Q drop pictures? Is `test` one of them?",
            "C": "Look at the column *of them in P's train*, in the row of R.",
        },
    )
