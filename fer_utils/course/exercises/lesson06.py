"""Checks of lesson 06: boxes that overlap, labels that stay calm, use that is allowed.

A hint says what was received and which property fails, never the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from fer_utils.course.exercise import exercise, require
from fer_utils.course.exercises.expect import function, number

__all__: list[str] = []

# --- 6.1 the overlap of two boxes -----------------------------------------------------

_IOU_START = (
    "Not answered yet. Begin with the rectangle that both boxes share: where does it "
    "start on the left, and where does it end on the right?"
)
# What a usual slip gives for (10, 10, 20, 20) and (10, 15, 30, 25), and what to say.
_IOU_SLIPS = (
    (50, "This is the size of the shared rectangle in pixels. Divide it by the union."),
    (
        50 / 300,
        "The shared rectangle is counted twice in what you divide by: it lies in both "
        "boxes. How large is the area that they cover together?",
    ),
    (
        50 / 100,
        "You divide by the area of one box. The union is what the two cover together.",
    ),
    (
        50 / 200,
        "You divide by the area of one box, the larger. The union is what the two "
        "cover together.",
    ),
    (
        300 / 850,
        "The last two numbers of a box are its right and bottom edge, not its width "
        "and height.",
    ),
    (
        66 / 286,
        "A side is one pixel too long: x2 is the edge where the box ends, so its width "
        "is x2 - x1.",
    ),
)


@exercise(
    "q06_1",
    title="Write the overlap of two boxes",
    kind="implement",
    minutes=12,
    points=3,
    start=_IOU_START,
)
def overlap_of_two_boxes(answer):
    """Compare a function (box_a, box_b) -> float with intersection over union."""
    answer = function(answer, "overlap(box_a, box_b)")

    def iou(a, b):
        value = answer(a, b)
        require(value is not None and value is not ..., _IOU_START)
        return number(value, "the overlap")

    a, b = (10, 10, 20, 20), (10, 15, 30, 25)
    value = iou(a, b)
    for slip, hint in _IOU_SLIPS:
        require(abs(value - slip) > 1e-6, f"{a} and {b} gave {value:.3g}. {hint}")
    _boxes_apart(iou)
    _empty_boxes(iou)
    _random_boxes(iou)


def _boxes_apart(iou) -> None:
    for b in ((40, 40, 50, 50), (40, 10, 50, 20)):
        value = iou((10, 10, 20, 20), b)
        require(
            abs(value) < 1e-9,
            f"(10, 10, 20, 20) and {b} have no pixel in common, and gave {value:.3g}. "
            "What are the width and the height of 'the shared rectangle' there?",
        )


def _empty_boxes(iou) -> None:
    hint = "An empty box covers nothing, so there is nothing to divide by: say 0 then."
    try:
        value = iou((5, 5, 5, 5), (5, 5, 5, 5))
    except ZeroDivisionError:
        value = math.nan
    require(not math.isnan(value) and abs(value) < 1e-9, hint)


def _random_boxes(iou) -> None:
    from fer_utils.live.tracking import overlaps

    corners = np.random.default_rng(6).integers(0, 60, (60, 2, 2, 2))
    boxes = np.sort(corners, axis=2).reshape(60, 2, 4).astype(float)  # (60, 2, xyxy)
    for a, b in boxes:
        value, expected = iou(a, b), overlaps(a, b).item()
        require(
            abs(value - expected) < 1e-6,
            f"{a.astype(int).tolist()} and {b.astype(int).tolist()} gave {value:.3g}, "
            f"which is {abs(value - expected):.3g} away from their intersection over "
            "union. Draw the two boxes on paper and compute it by hand.",
        )


# --- 6.2 how late is a smoothed label? ------------------------------------------------


@exercise(
    "q06_2",
    title="How late is a smoothed label?",
    kind="predict",
    minutes=5,
    points=1,
    start="Not answered yet. Begin with a guess: set `delay` to a number of seconds.",
)
def delay_of_a_smoothed_label(answer, time_constant=0.6):
    """Accept a delay near time_constant x ln 2, when old and new weigh the same."""
    delay = number(answer, "the delay in seconds")
    require(delay < 30, f"{delay:g} is a long time. The answer is meant in seconds.")
    require(
        delay > 0.02,
        f"Received {delay:g} s. One frame after the change, most of the average still "
        "comes from earlier frames: it remembers. So the label cannot change at once.",
    )
    old = math.exp(-delay / time_constant)
    if abs(delay - time_constant) < 0.02:
        return (
            f"{delay:g} s is when the old frames' share has faded to 1/e, about "
            f"{old:.0%}. Does the old label need to fade that far before the other "
            "one is ahead?"
        )
    late = delay / (time_constant * math.log(2))
    require(
        late < 1.3,
        f"Too late: after {delay:g} s the old expression is only {old:.0%} of the "
        "average. The largest probability decides: who has it by then?",
    )
    require(
        late > 0.7,
        f"Too early: after {delay:g} s the old expression is still {old:.0%} of the "
        "average. The largest probability decides: who has it by then?",
    )
    return None


# --- 6.3 smoothing that does not depend on the frame rate -----------------------------

_SMOOTH_START = (
    "Not answered yet. Begin with the last frame: compute the age of every frame in "
    "seconds, then its weight, then the weighted mean."
)


@exercise(
    "q06_3",
    title="Smooth by seconds, not by frames",
    kind="implement",
    minutes=15,
    points=3,
    start=_SMOOTH_START,
)
def smooth_by_seconds(answer):
    """Check a function (probs, seconds, time_constant) -> smoothed probs (N, K)."""
    answer = function(answer, "smooth(probs, seconds, time_constant)")

    def smooth(probs, seconds, time_constant):
        result = answer(probs.copy(), seconds.copy(), time_constant)
        require(result is not None and result is not ..., _SMOOTH_START)
        result = np.asarray(result, float)
        require(
            result.shape == probs.shape,
            f"Expected one row per frame, shape {probs.shape}; received shape "
            f"{result.shape}.",
        )
        return result

    rng = np.random.default_rng(6)
    probs, seconds = rng.dirichlet(np.ones(3), 40), np.arange(40) / 10
    _stays_a_distribution(smooth, probs, seconds)
    _does_not_look_ahead(smooth, probs, seconds)
    _averages_at_all(smooth, probs, seconds)
    _same_at_any_frame_rate(smooth)
    _forgets(smooth)
    _newest_weighs_most(smooth)
    _zero_does_not_smooth(smooth, probs, seconds)
    _irregular_times(smooth, probs)


def _stays_a_distribution(smooth, probs, seconds) -> None:
    sums = smooth(probs, seconds, 0.6).sum(1)
    worst = sums[np.abs(sums - 1).argmax()]
    require(
        abs(worst - 1) < 1e-4,
        f"The probabilities of a frame add up to {worst:.3g}, not to 1. A weighted "
        "mean is divided by the sum of its weights.",
    )


def _does_not_look_ahead(smooth, probs, seconds) -> None:
    other = probs.copy()
    other[25:] = other[25:, ::-1]
    change = np.abs(smooth(probs, seconds, 0.6) - smooth(other, seconds, 0.6))[:25]
    require(
        change.max() < 1e-9,
        "When later frames change, earlier rows change, too: your average looks into "
        "the future. A camera has only the frames up to now.",
    )


def _averages_at_all(smooth, probs, seconds) -> None:
    result = smooth(probs, seconds, 0.6)
    require(
        np.abs(result - probs).max() > 1e-6,
        "The rows come back as they went in: nothing was averaged.",
    )


def _forgets(smooth) -> None:
    probs = np.array([[1.0, 0.0]] * 20 + [[0.0, 1.0]])
    seconds = np.append(np.arange(20) / 10, 60.0)
    kept = smooth(probs, seconds, 0.6)[-1, 0]
    require(
        kept < 0.02,
        f"After a minute without a frame the old expression still has {kept:.2f} of "
        "the average. How old are those frames, and what do they weigh by then?",
    )


def _same_at_any_frame_rate(smooth) -> None:
    shares = {}
    for fps in (10, 40):
        seconds = np.arange(4 * fps + 1) / fps
        new = (seconds >= 3 - 1e-9).astype(float)  # the change comes at 3 s
        result = smooth(np.stack([1 - new, new], 1), seconds, 0.6)
        shares[fps] = result[round(3.5 * fps), 1]
    slow, fast = shares[10], shares[40]
    require(
        abs(slow - fast) < 0.12,
        f"Half a second after a change the new expression has {slow:.2f} of the "
        f"average at 10 frames per second, but {fast:.2f} at 40. Do the weights depend "
        "on how many frames ago, or on how many seconds ago?",
    )


def _newest_weighs_most(smooth) -> None:
    new = smooth(np.eye(2), np.array([0.0, 0.1]), 0.6)[1, 1]
    require(
        new > 0.5,
        f"Of two frames the newer one weighs {new:.2f} of the sum: less than the "
        "older. Every frame begins with weight 1 and fades from then on, also the "
        "very first.",
    )


def _zero_does_not_smooth(smooth, probs, seconds) -> None:
    try:
        with np.errstate(all="ignore"):
            result = smooth(probs, seconds, 0)
    except ZeroDivisionError:
        result = np.full(probs.shape, np.nan)
    require(
        np.allclose(result, probs),
        "With time_constant=0 nothing may be smoothed: each row as it is (and no "
        "division by 0).",
    )


def _irregular_times(smooth, probs) -> None:
    from fer_utils.live.smoothing import Smoother

    seconds = np.random.default_rng(7).exponential(0.2, len(probs)).cumsum()
    for time_constant in (0.2, 2.0):
        kit = Smoother(time_constant)
        expected = [kit.update(1, p, s) for p, s in zip(probs, seconds, strict=True)]
        off = np.abs(smooth(probs, seconds, time_constant) - expected).max()
        require(
            off < 1e-4,
            f"With frames at irregular times and time_constant={time_constant} a "
            f"probability is {off:.2g} away from the weighted mean. A frame that is "
            "time_constant seconds old weighs 1/e; twice as old, 1/e of that.",
        )


# --- 6.4 a threshold for "unsure" -----------------------------------------------------


@exercise(
    "q06_4",
    title='When should it say "unsure"?',
    kind="modify",
    minutes=8,
    points=2,
    start="Not answered yet. Begin with a row of the table: set `unsure_below` to it.",
)
def threshold_for_unsure(answer, confidence=(), right=(), target=0.9):
    """Accept a threshold that reaches the target and keeps most labels that it can."""
    confidence, right = np.asarray(confidence), np.asarray(right, bool)
    require(
        len(confidence) > 0,
        "Pass confidence=… and right=… of the val images, as the given cell does.",
    )
    below = number(answer, "a probability")
    require(
        0 <= below <= 1,
        f"Received {below:g}: a threshold for a probability lies between 0 and 1.",
    )
    kept = confidence >= below
    require(kept.any(), f"At {below:g} no face keeps its label: all are unsure.")
    share, correct = kept.mean(), right[kept].mean()
    require(
        correct >= target,
        f"At {below:g} a label is written for {share:.0%} of the faces, and "
        f"{correct:.1%} of those labels are right: not yet {target:.0%}. Which way "
        "does that share move with the threshold?",
    )
    require(
        share >= _largest_share(confidence, right, target) - 0.03,
        f"At {below:g} {correct:.1%} of the labels are right, which is enough, but "
        f"only {share:.0%} of the faces get one. There is a threshold that is still "
        "right often enough and keeps more of them.",
    )


def _largest_share(confidence, right, target) -> float:
    """Return the largest share of faces whose labels are right often enough."""
    order = np.argsort(-confidence, kind="stable")
    counts = np.arange(1, len(order) + 1)
    enough = np.cumsum(right[order]) / counts >= target
    return float(counts[enough].max() / len(order)) if enough.any() else 0.0


# --- 6.5 is this use allowed? ---------------------------------------------------------

_VERDICTS = ("prohibited", "excepted", "not covered")
# Regulation (EU) 2024/1689, Article 5(1)(f): place, purpose, and the two exceptions.
_USES = {
    "A": ("prohibited", "Where does it happen, and whose emotions are inferred?"),
    "B": (
        "prohibited",
        "Looking for work belongs to the area of the workplace. Does either exception "
        "apply?",
    ),
    "C": (
        "prohibited",
        "Read the exceptions again: medical or safety reasons. Is agreement one of "
        "them? (Can an employee really say no?)",
    ),
    "D": ("excepted", "It is a workplace. For which reason is it used, and only so?"),
    "E": (
        "not covered",
        "Customers look at a poster. Are they at work, or in education? (Other rules "
        "apply: other articles of the Act, and data protection.)",
    ),
    "F": (
        "not covered",
        "Who is seen, and where? Nobody is watched at work or in school here.",
    ),
}


@exercise(
    "q06_5",
    title="Is this use allowed?",
    kind="interpret",
    minutes=10,
    points=2,
    start="Not answered yet. Begin with A: put one of the three verdicts behind it.",
)
def allowed_by_article_5(answer):
    """Compare six verdicts with Article 5(1)(f) of the AI Act."""
    letters = ", ".join(_USES)
    require(
        isinstance(answer, Mapping) and set(answer) == set(_USES),
        f"Expected a dict with a verdict for each of {letters}; received {answer!r}.",
    )
    open_ones = [letter for letter in _USES if answer[letter] in (..., None, "")]
    require(
        len(open_ones) < len(_USES),
        "Not answered yet. Begin with A: put one of the three verdicts behind it.",
    )
    require(not open_ones, f"Still open: {', '.join(open_ones)}.")
    for letter, verdict in answer.items():
        require(
            verdict in _VERDICTS,
            f"{letter}: {verdict!r} is no verdict. Allowed: {', '.join(_VERDICTS)}.",
        )
    wrong = [letter for letter, (right, _) in _USES.items() if answer[letter] != right]
    if not wrong:
        return None
    right = len(_USES) - len(wrong)
    return f"{right} of {len(_USES)} fit. Think about {wrong[0]}: {_USES[wrong[0]][1]}"
