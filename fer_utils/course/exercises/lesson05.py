"""The checks of lesson 05: what the model gets wrong, and whose mistake it is."""

from __future__ import annotations

import numpy as np

from fer_utils.course.exercise import exercise, require
from fer_utils.course.exercises.expect import function, number
from fer_utils.course.exercises.statements import judged

_PAIR = (
    "Not answered yet. Begin with two expressions that share a brow or a mouth "
    "(lesson 01), and write both names down: (“…”, “…”)."
)
_MACRO = (
    "Not answered yet. Begin with one class: count its faces that were found, and the "
    "faces that were called so wrongly."
)
_SUREST = (
    "Not answered yet. Begin with the guess, `probs.argmax(1)`: where does it differ "
    "from the label?"
)
_FIVE = (
    "Not answered yet. Begin with the faces above: write down the number of one whose "
    "label you would not have given."
)
_LIMIT = (
    "Not answered yet. Begin with a limit of 0.5: what share is answered, and how much "
    "of it is right?"
)
_DELETED = (
    "Not answered yet. Begin with the table: how many of the deleted labels were wrong?"
)

# Pairs that are this near the top cannot be told apart with some hundred faces.
_TOP_PAIRS = 3
_WANTED_ACCURACY = 0.9


@exercise(
    "q05_1",
    title="Which two will be confused most?",
    kind="predict",
    minutes=5,
    points=1,
    start=_PAIR,
)
def q05_1(answer, report):
    """Check a pair of class names against the confusions of a report."""
    from fer_utils.evaluation import confusable_pairs

    require(
        isinstance(answer, (tuple, list, set)) and len(answer) == 2,
        f"Expected two class names, received {answer!r}.",
    )
    require(not any(name in (..., None) for name in answer), _PAIR)
    names = [_canonical(name) for name in answer]
    unknown = [name for name in names if name not in report.classes]
    require(
        not unknown,
        f"{', '.join(unknown)}: not a label of this model. It knows "
        f"{', '.join(report.classes)}.",
    )
    require(
        names[0] != names[1],
        f"{names[0]} twice: a face that is called by its own label is no confusion. "
        "Name two different labels.",
    )
    ranking = [{p.first, p.second} for p in confusable_pairs(report, k=100)]
    if set(names) in ranking[:_TOP_PAIRS]:
        return None
    if set(names) not in ranking:
        return (
            f"{names[0]} and {names[1]}: the model never took one for the other. Look "
            "for a pair whose faces move the same parts, and not for opposites."
        )
    return (
        f"{names[0]} and {names[1]} come as number {ranking.index(set(names)) + 1} of "
        f"{len(ranking)} confused pairs. Draw the confusion matrix of `report`, and "
        "add what lies on both sides of its diagonal."
    )


@exercise(
    "q05_2",
    title="Write macro-F1",
    kind="implement",
    minutes=12,
    points=3,
    start=_MACRO,
)
def q05_2(answer):
    """Compare a function (labels (N,), predicted (N,)) -> float with scikit-learn."""
    from sklearn.metrics import f1_score

    function(answer, "macro_f1(labels, predicted)")
    used = getattr(getattr(answer, "__code__", None), "co_names", ())
    require(
        not {"f1_score", "classification_report"} & set(used),
        "That is scikit-learn's own function: it is right, and it is what this check "
        "compares with. Write yours with NumPy alone.",
    )
    rng = np.random.default_rng(5)
    for kind in ("even", "uneven", "never predicted", "absent"):
        labels, predicted = _two_lists(kind, rng)
        value = _score(answer(labels.copy(), predicted.copy()))
        expected = f1_score(labels, predicted, average="macro", zero_division=0)
        if not np.isclose(value, expected, atol=1e-9):
            return _about_f1(value, labels, predicted, kind)
    perfect = _score(answer(np.array([0, 1]), np.array([0, 1])))
    require(
        np.isclose(perfect, 1),
        f"Two faces, both right, gave {perfect:.3g}. A perfect answer scores 1.",
    )
    return None


@exercise(
    "q05_3",
    title="Find the surest mistakes",
    kind="implement",
    minutes=8,
    points=2,
    start=_SUREST,
)
def q05_3(answer):
    """Check a function (probs (N, K), labels (N,), k) -> positions, surest first."""
    function(answer, "surest_mistakes(probs, labels, k)")
    rng = np.random.default_rng(6)
    probs = rng.dirichlet(np.ones(4), 40)  # (N, K)
    labels = np.where(rng.random(40) < 0.5, probs.argmax(1), rng.integers(0, 4, 40))
    found = _positions(answer(probs.copy(), labels.copy(), 6))
    guess, confidence = probs.argmax(1), probs.max(1)
    mistakes = np.flatnonzero(guess != labels)
    require(
        len(found) <= 6, f"Asked for k=6 mistakes, your function gave {len(found)}."
    )
    expected = mistakes[np.argsort(-confidence[mistakes])]
    within = np.argsort(-confidence[mistakes])[:6]
    require(
        not np.array_equal(found, within),
        f"{found.tolist()} are places *in the list of mistakes*. Asked are places in "
        "the whole set: somebody will look these faces up in `probs` and `labels`.",
    )
    right = int((guess[found] == labels[found]).sum())
    require(
        right == 0,
        f"{right} of the {len(found)} faces were called by their label. Those are "
        "sure, but no mistakes.",
    )
    require(
        not np.array_equal(found, expected[::-1][:6]),
        "These are the mistakes that the model was *least* sure of. Which way does "
        "argsort sort?",
    )
    require(
        np.array_equal(np.sort(found), np.sort(expected[:6])),
        "All are mistakes, but not the surest ones. Sure of what? Take the probability "
        "of the label that the model *gave*.",
    )
    require(
        np.array_equal(found, expected[:6]),
        "The right faces, but not in order: the surest mistake comes first.",
    )
    return _check_few(answer)


@exercise(
    "q05_4",
    title="Find five wrong labels",
    kind="interpret",
    minutes=15,
    points=3,
    start=_FIVE,
)
def q05_4(answer, faces):
    """Check five positions in a set that knows which labels are wrong."""
    require(
        "label_is_wrong" in faces.facts,
        f"Nobody has written down which labels of {faces.name} are wrong: this check "
        'cannot judge. Run the notebook with data_name = "synthetic", and review real '
        "faces with a second person (the review in lesson 05).",
    )
    require(
        not any(value in (..., None) for value in np.atleast_1d(answer).tolist()), _FIVE
    )
    five = _positions(answer)
    require(
        len(five) == 5 and len(set(five.tolist())) == 5,
        f"Expected five different numbers, received {len(five)} of which "
        f"{len(set(five.tolist()))} are different.",
    )
    require(
        five.min() >= 0 and five.max() < len(faces),
        f"Expected numbers from 0 to {len(faces) - 1}, received {five.min()} to "
        f"{five.max()}. The number of a face stands above it.",
    )
    blank = int((~faces.facts["is_face"][five]).sum())
    wrong = int(faces.facts["label_is_wrong"][five].sum())
    require(
        blank == 0,
        f"{blank} of your five show no face at all. That is a fault, too, but of the "
        "picture: no label would be right. Look for faces under a wrong name.",
    )
    if wrong == 5:
        return None
    if wrong == 0:
        return (
            "None of your five labels is wrong. Look at the brows and the mouth "
            "before you read the label, and say a label of your own first."
        )
    return (
        f"{wrong} of your five labels are wrong, {5 - wrong} not. Some of them the "
        "model itself gets wrong: cover its answer, judge the face, then compare."
    )


@exercise(
    "q05_5",
    title='Let the model say "I am not sure"',
    kind="modify",
    minutes=10,
    points=2,
    start=_LIMIT,
)
def q05_5(answer, probs, labels):
    """Check a limit of confidence, chosen on val, for nine right answers in ten."""
    limit = number(answer, "the limit")
    require(
        0 <= limit <= 1,
        f"Expected a confidence between 0 and 1, received {limit:g}. 90 % is 0.9.",
    )
    confidence, right = probs.max(1), probs.argmax(1) == labels
    answered = confidence >= limit
    require(
        answered.any(),
        f"With the limit {limit:g} the model never answers. Nothing is wrong then, and "
        "nothing is of use.",
    )
    accuracy = float(right[answered].mean())
    require(
        accuracy >= _WANTED_ACCURACY,
        f"With the limit {limit:g}, {accuracy:.1%} of the answers are right. Asked are "
        "nine in ten: be stricter.",
    )
    most = _largest_share(confidence, right)
    share = float(answered.mean())
    require(
        share >= most - 0.03,
        f"With the limit {limit:g}, {accuracy:.1%} of the answers are right, but only "
        f"{share:.0%} of the faces get one. Some more could, with nine in ten still "
        "right: try limits in smaller steps.",
    )
    return None


@exercise(
    "q05_6",
    title="A cleaner test set, a better model?",
    kind="interpret",
    minutes=8,
    points=2,
    start=_DELETED,
)
def q05_6(answer):
    """Check which statements about the deleted test faces were chosen."""
    return judged(
        answer,
        "BD",
        chosen={
            "A": "What was changed between the two rows: the model, or the questions "
            "that it was asked?",
            "C": "Compare the number of deleted labels with the number of those that "
            "are known to be wrong.",
        },
        missing={
            "B": "What was right about the label, and wrong about the model, in some "
            "of the deleted faces?",
            "D": "By what rule were the faces picked? What does this rule have to do "
            "with the way accuracy is counted?",
        },
    )


def _canonical(name) -> str:
    from fer_utils.errors import ParameterError
    from fer_utils.labels import canonical

    try:
        return canonical(name)
    except ParameterError:
        return str(name)


def _score(value) -> float:
    """Return a macro-F1 as float, or hint at what it is instead."""
    require(value is not None and value is not ..., _MACRO)
    value = number(value, "the macro-F1")
    require(
        not np.isnan(value),
        "The result is not a number (nan): somewhere 0 was divided by 0. What should "
        "the F1 of a class be that was never found?",
    )
    return value


def _two_lists(kind: str, rng) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and predictions (N,) with a difficulty."""
    weights = [0.7, 0.2, 0.1] if kind == "uneven" else [1 / 3] * 3
    labels = np.r_[0, 1, 2, rng.choice(3, 60, p=weights)]
    predicted = np.where(rng.random(63) < 0.6, labels, rng.integers(0, 3, 63))
    if kind == "never predicted":
        predicted[predicted == 2] = 0
    if kind == "absent":  # numbers 0 … 4, but nobody is called or labelled 1 or 3
        labels, predicted = 2 * labels, 2 * predicted
    return labels, predicted


def _about_f1(value: float, labels, predicted, kind: str) -> str:
    """Say which property fails, from what the number looks like."""
    from sklearn.metrics import f1_score, precision_recall_fscore_support

    def averaged(how):
        return f1_score(labels, predicted, average=how, zero_division=0)

    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predicted, zero_division=0
    )
    p, r = precision.mean(), recall.mean()
    slips = (
        (
            averaged("micro"),
            "That is the accuracy: each *face* counts alike. In macro-F1 each *class* "
            "does.",
        ),
        (
            averaged("weighted"),
            "That weighs each class by its number of faces. In a macro average a rare "
            "class counts as much as a frequent one.",
        ),
        (p, "That is the mean precision. F1 also asks how many faces were found."),
        (r, "That is the mean recall. F1 also asks how many calls were right."),
        (
            2 * p * r / (p + r),
            "That is the F1 of the mean precision and the mean recall. Take the F1 of "
            "each class first, and the mean last.",
        ),
        (
            f1.sum() / 5 if kind == "absent" else -1,
            "A class that nobody was labelled and nobody was called drags the mean "
            "down. Which classes occur at all?",
        ),
        (
            f1[f1 > 0].mean(),
            "A class that is there, but was never found, is left out. Its F1 is 0, and "
            "it counts.",
        ),
    )
    for slip, hint in slips:
        if np.isclose(value, slip, atol=1e-9):
            return f"{value:.3f}. {hint}"
    return (
        f"On {len(labels)} random labels ({kind}) yours is {value:.3f}, which is not "
        "the mean over the classes of 2PR / (P + R). Test one class by hand: "
        "labels [0, 0, 1], predicted [0, 1, 1]."
    )


def _positions(value) -> np.ndarray:
    require(value is not None and value is not ..., _SUREST)
    found = np.atleast_1d(np.asarray(value))
    whole = found.ndim == 1 and (found.size == 0 or found.dtype.kind in "iu")
    require(whole, f"Expected positions, whole numbers in one row, received {value!r}.")
    return found.astype(int)


def _check_few(answer) -> str | None:
    """Check fewer mistakes than asked for."""
    probs = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    found = _positions(answer(probs, np.array([0, 0, 0]), 5))
    require(
        found.tolist() == [1],
        "Three faces, one mistake, asked for five: your function gave "
        f"{found.tolist()}. Give fewer where there are fewer.",
    )
    return None


def _largest_share(confidence, right) -> float:
    """Return the largest share that can be answered with the wanted accuracy."""
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(accuracy >= _WANTED_ACCURACY)
    return (enough[-1] + 1) / len(order) if len(enough) else 0.0
