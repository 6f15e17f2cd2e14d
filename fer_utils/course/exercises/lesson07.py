"""Checks of lesson 07: whose face is in test, and what chance can do to a number.

A hint says what was received and which property fails, never the answer.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fer_utils.course.exercise import exercise, require
from fer_utils.course.exercises.expect import function, number

__all__: list[str] = []

# --- 7.1 split by subject -------------------------------------------------------------

_SPLIT_START = (
    "Not answered yet. Begin with the people: make an array of who there is, each once."
)


@exercise(
    "q07_1",
    title="Split by person",
    kind="modify",
    minutes=12,
    points=2,
    start=_SPLIT_START,
)
def split_by_person(answer):
    """Check a function (subjects, seed) -> (train, test), positions of images."""
    rng = np.random.default_rng(7)
    names = np.array([f"S{n:03d}" for n in range(40)])
    subjects = np.sort(rng.choice(names, 300))
    train, test = _parts(answer, subjects, 0)
    both = np.intersect1d(train, test)
    require(not len(both), f"{len(both)} images are in train and in test.")
    people = len(np.unique(subjects))
    shared = len(np.intersect1d(subjects[train], subjects[test]))
    require(
        not shared,
        f"{shared} of {people} people have images on both sides. What does the "
        "permutation deal out: images, or what has to stay together?",
    )
    lost = len(subjects) - len(train) - len(test)
    require(
        not lost, f"{lost} of {len(subjects)} images are in neither part: none is lost."
    )
    share = len(np.unique(subjects[test])) / people
    require(
        0.15 <= share <= 0.35,
        f"{share:.0%} of the people are in test: expected about a quarter.",
    )
    again, other = _parts(answer, subjects, 0)[1], _parts(answer, subjects, 1)[1]
    require(
        np.array_equal(np.sort(test), np.sort(again)),
        "Two calls with the same seed give two splits: nobody could repeat your study.",
    )
    require(
        set(test) != set(other),
        "Another seed gives the same split: the first or last people in the list are "
        "always the ones tested. Are they like the others?",
    )
    shuffled = rng.permutation(subjects)
    train, test = _parts(answer, shuffled, 0)
    require(
        not len(np.intersect1d(shuffled[train], shuffled[test])),
        "When the images of a person do not stand next to each other in the list, the "
        "person lands on both sides.",
    )


def _parts(answer, subjects, seed):
    """Return train and test as int positions; a pair of masks is welcome, too."""
    result = function(answer, "split(subjects, seed)")(subjects.copy(), seed)
    require(result is not None and result is not ..., _SPLIT_START)
    require(
        isinstance(result, (tuple, list)) and len(result) == 2,
        f"Expected two arrays, (train, test); received {type(result).__name__}.",
    )
    parts = [np.asarray(part) for part in result]
    for part in parts:
        if part.dtype == bool:
            require(len(part) == len(subjects), "A mask has one entry per image.")
        require(
            part.ndim == 1 and part.dtype.kind in "iub" and len(part) > 0,
            "Expected the positions of images, int arrays that are not empty; received "
            f"{part.dtype} of shape {part.shape}.",
        )
    return [np.flatnonzero(part) if part.dtype == bool else part for part in parts]


# --- 7.2 a bootstrap interval ---------------------------------------------------------

_INTERVAL_START = (
    "Not answered yet. Begin with one resample: draw as many images as there are, with "
    "replacement, and take their accuracy."
)
_TRUE_SHARE, _IMAGES = 0.7, 400


@exercise(
    "q07_2",
    title="Write a bootstrap interval",
    kind="implement",
    minutes=12,
    points=3,
    start=_INTERVAL_START,
)
def bootstrap_interval(answer):
    """Check a function (right, n_bootstrap, seed) -> (low, high)."""
    answer = function(answer, "bootstrap(right, n_bootstrap, seed)")

    def ends(right, seed=0, n_bootstrap=2000):
        result = answer(right.copy(), n_bootstrap, seed)
        require(result is not None and result is not ..., _INTERVAL_START)
        require(np.shape(result) == (2,), f"Expected (low, high); received {result!r}.")
        return float(result[0]), float(result[1])

    # Few resamples tell seeds apart: with 2000 of them the ends often coincide.
    right = np.arange(_IMAGES) < _TRUE_SHARE * _IMAGES
    low, high = ends(right)
    require(
        high <= 1 + 1e-9 or low <= 1,
        f"({low:.3g}, {high:.3g}): expected shares between 0 and 1, not percent.",
    )
    require(low <= high, f"({low:.3g}, {high:.3g}): the lower end comes first.")
    _width(low, high)
    require(
        low < _TRUE_SHARE < high,
        f"({low:.3f}, {high:.3f}) does not hold the accuracy itself, {_TRUE_SHARE}.",
    )
    require(
        len({ends(right, 0, 40) for _ in range(5)}) == 1,
        "Two calls with the same seed give two intervals: use the seed.",
    )
    require(
        len({ends(right, seed, 40) for seed in range(5)}) > 1,
        "Every seed gives exactly the same interval: is anything drawn? A formula is "
        "fine for an accuracy; the bootstrap also works where there is none.",
    )
    sure = ends(np.ones(20, bool))
    require(
        np.allclose(sure, 1),
        f"20 right answers of 20 gave {sure}: what can be drawn from these?",
    )


def _width(low: float, high: float) -> None:
    """Compare the width with what the normal approximation leads to expect."""
    ratio = (high - low) / (2 * 1.96 * np.sqrt(_TRUE_SHARE * 0.3 / _IMAGES))
    told = f"For {_IMAGES} images with {_TRUE_SHARE:.0%} right: ({low:.3f}, {high:.3f})"
    require(
        ratio > 0.05,
        f"{told}, no width. Does each resample hold the very same images? Then they "
        "are drawn without replacement.",
    )
    require(
        ratio < 4,
        f"{told}, almost everything. This is how single answers vary (0 or 1); asked "
        "is how their mean varies from resample to resample.",
    )
    require(
        ratio > 0.9,
        f"{told}, too narrow. Which percentiles leave 95 % of the resamples between "
        "them, and does every resample have as many images as the test set?",
    )
    require(
        ratio < 1.1,
        f"{told}, too wide. Which percentiles leave 95 % of the resamples between "
        "them, and does every resample have as many images as the test set?",
    )


# --- 7.3 are two models told apart? ---------------------------------------------------

_COMPARE_START = (
    "Not answered yet. Begin with case 1: on how many images is exactly one of the two "
    "right, and how would a fair coin share them out?"
)


@exercise(
    "q07_3",
    title="Are two models told apart?",
    kind="interpret",
    minutes=10,
    points=2,
    start=_COMPARE_START,
)
def models_told_apart(answer, cases=None):
    """Compare verdicts "A", "B" or "open" with the exact McNemar test at 5 %."""
    require(
        cases is not None, "Pass cases=cases, the table above, as the given cell does."
    )
    expected = _verdicts(cases)
    require(
        isinstance(answer, Mapping) and {str(c) for c in answer} == set(expected),
        f"Expected a dict with a verdict for each of {', '.join(expected)}; received "
        f"{answer!r}.",
    )
    given = {str(case): verdict for case, verdict in answer.items()}
    open_ones = [case for case, verdict in given.items() if verdict in (..., None, "")]
    require(len(open_ones) < len(given), _COMPARE_START)
    require(not open_ones, f"Cases without a verdict: {', '.join(open_ones)}.")
    for case, verdict in given.items():
        require(
            verdict in ("A", "B", "open"),
            f'Case {case}: {verdict!r} is no verdict. Allowed: "A", "B", "open".',
        )
    _usual_mistakes(given, expected, cases)
    right = sum(given[case] == expected[case] for case in expected)
    require(
        right == len(expected),
        f"{right} of {len(expected)} fit. For each case compare 'only A right' with "
        "'only B right': would a fair coin, thrown that often, often be so uneven?",
    )


def _verdicts(cases) -> dict[str, str]:
    from scipy.stats import binomtest

    verdicts = {}
    for case, row in cases.iterrows():
        a, b = int(row["only A right"]), int(row["only B right"])
        apart = binomtest(a, a + b).pvalue < 0.05
        verdicts[str(case)] = ("A" if a > b else "B") if apart else "open"
    return verdicts


def _usual_mistakes(given, expected, cases) -> None:
    higher = {
        str(case): "A" if row["only A right"] > row["only B right"] else "B"
        for case, row in cases.iterrows()
    }
    require(
        given != higher,
        "You name the model with the higher accuracy every time. Would the same images "
        "really rule out chance in all cases?",
    )
    require(
        set(given.values()) != {"open"},
        "You leave every case open. Overlapping intervals do not mean equal models: "
        "both saw the same images. Which images tell two models apart?",
    )
    flipped = [c for c in given if given[c] != "open" and given[c] != higher[c]]
    require(
        not flipped,
        f"Case {', '.join(flipped)}: the model you name is right less often.",
    )
    same = cases.duplicated(["images", "A", "B"], keep=False)
    twins = [str(case) for case in cases.index[same]]
    require(
        len({given[c] for c in twins}) == len({expected[c] for c in twins}),
        f"Cases {' and '.join(twins)} have the same accuracies on as many images, and "
        "you give them the same verdict. Two columns differ: what do they say?",
    )


# --- 7.4 the luckiest of many ---------------------------------------------------------


@exercise(
    "q07_4",
    title="How lucky is the best of 100?",
    kind="predict",
    minutes=5,
    points=1,
    start="Not answered yet. Begin with a guess: set `lead` to a number of points.",
)
def luck_of_the_best(answer, accuracy=0.7, images=1000, candidates=100):
    """Accept what the best of equal candidates is ahead, from a simulation."""
    lead = number(answer, "the lead in points")
    chance = 100 * np.sqrt(accuracy * (1 - accuracy) / images)
    rng = np.random.default_rng(7)
    best = rng.binomial(images, accuracy, (2000, candidates)).max(1)
    expected = 100 * (best.mean() / images - accuracy)
    require(
        lead < 40,
        f"{lead:g} looks like an accuracy. Asked are points above the true "
        f"{accuracy:.0%}.",
    )
    require(
        lead > 0,
        f"Received {lead:g}. The candidates are equal, but each is tried on a sample "
        "of images, and somebody in a crowd is lucky. You report the luckiest.",
    )
    require(
        lead >= 0.1,
        f"Received {lead:g}. One point is one hundredth of the accuracy: is this "
        "number in points?",
    )
    require(
        lead > 0.72 * expected,
        f"{lead:g} points: too little. A single candidate is already off by "
        f"{chance:.1f} points on a usual draw of images. You take the best of "
        f"{candidates}.",
    )
    require(
        lead < 1.35 * expected,
        f"{lead:g} points: too much. A single candidate is off by {chance:.1f} points "
        f"on a usual draw of images. How far out does the luckiest of {candidates} "
        "normal numbers lie, counted in such steps?",
    )


# --- 7.5 the expected calibration error -----------------------------------------------

_ECE_START = (
    "Not answered yet. Begin with the confidence of every answer (its largest "
    "probability) and whether it is right; then sort them into bins."
)


@exercise(
    "q07_5",
    title="Write the calibration error",
    kind="implement",
    minutes=15,
    points=3,
    start=_ECE_START,
)
def calibration_error(answer):
    """Check a function (probs, labels, n_bins) -> ECE in [0, 1]."""
    answer = function(answer, "ece(probs, labels, n_bins)")

    def ece(probs, labels):
        value = answer(np.array(probs), np.array(labels), 15)
        require(value is not None and value is not ..., _ECE_START)
        value = number(value, "the calibration error")
        require(
            not np.isnan(value),
            "The result is not a number. A bin without images has no mean: what should "
            "it count?",
        )
        return value

    _confidence_is_of_the_answer(ece)
    for right, (probs, labels, slips) in _ece_cases().items():
        value = ece(probs, labels)
        for slip, hint in slips:
            require(abs(value - slip) > 1e-6, f"Received {value:.3g}. {hint}")
        require(
            abs(value - right) < 1e-6,
            f"{len(labels)} answers, sure of {_listed(probs)}, right in "
            f"{np.mean(np.argmax(probs, 1) == labels):.0%}: received {value:.3g}. "
            "Compute it by hand: gap per bin, times the bin's share of the images.",
        )
    _random_probs(ece)


def _listed(probs) -> str:
    sure = np.unique(np.max(probs, 1)).round(2)
    return " and ".join(f"{s:g}" for s in sure)


def _ece_cases() -> dict:
    """Return {ECE: (probs, labels, usual slips)} of small cases with a known answer."""
    one, zero = [1.0, 0.0], [0.0, 1.0]
    opposite = [[0.62, 0.38]] * 10 + [[0.92, 0.08]] * 10
    unequal = [[0.62, 0.38]] * 90 + [[0.92, 0.08]] * 10
    few = [0] * 56 + [1] * 34 + [1] * 10  # 62.2 % right in the first bin, none after
    first, second = abs(0.62 - 56 / 90), 0.92
    edge = "Answers with a probability of exactly 1 seem to be in no bin."
    mean = "Bins of 90 and of 10 images count alike: weight each by its images."
    return {
        0.5: ([one, one, zero, zero], [0, 1, 0, 1], ((0.0, edge), (50.0, _PERCENT))),
        0.35: (
            opposite,
            [0] * 10 + [0] * 6 + [1] * 4,
            (
                (0.03, _CANCEL),
                (-0.03, "A distance has no sign, and no gap is negative."),
            ),
        ),
        0.9 * first + 0.1 * second: (
            unequal,
            few,
            (((first + second) / 2, mean), ((first + second) / 15, mean)),
        ),
    }


_PERCENT = "Expected a number between 0 and 1, not percent."
_CANCEL = (
    "In one bin the answers are not sure enough, in the other too sure, and the two "
    "cancelled out. They must not: when do you take the absolute value?"
)


def _random_answers():
    """Return the probabilities and labels of 400 answers among five classes."""
    rng = np.random.default_rng(7)
    return rng.dirichlet(np.full(5, 0.6), 400), rng.integers(0, 5, 400)


def _confidence_is_of_the_answer(ece) -> None:
    probs, labels = _random_answers()
    of_label = probs[np.arange(len(labels)), labels]
    gaps = of_label - (probs.argmax(1) == labels)
    bins = np.ceil(of_label * 15).astype(int)
    slip = np.abs(np.bincount(bins, gaps)).sum() / len(labels)
    require(
        abs(ece(probs, labels) - slip) > 1e-6,
        "You use the probability of the label. Confidence is the probability of what "
        "the model answers, right or wrong.",
    )


def _random_probs(ece) -> None:
    from fer_utils.evaluation import reliability

    probs, labels = _random_answers()
    value, expected = ece(probs, labels), reliability(probs, labels).ece
    require(
        abs(value - expected) < 1e-4,
        f"For {len(labels)} random answers among five classes the result is "
        f"{value:.4f}, off by {abs(value - expected):.4f}. Are there 15 bins, all "
        "equally wide, from 0 to 1?",
    )
