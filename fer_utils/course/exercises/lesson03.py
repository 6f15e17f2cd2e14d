"""The checks of lesson 03: augmentation, learning rates, schedules, mixup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from fer_utils.course.exercise import exercise, require
from fer_utils.course.exercises.expect import function, number
from fer_utils.course.exercises.statements import judged

_TRUE = (
    "Not answered yet. Begin with one question for each letter: would a person give "
    "the changed face the same label, and will such faces come?"
)
_RATES = (
    "Not answered yet. Begin with the middle one, 0.001: it is the rate of the study."
)
_SCHEDULE = (
    "Not answered yet. Begin with the warm-up: at which share of `peak` is the rate "
    "half way through it?"
)
_MIXUP = (
    "Not answered yet. Begin with one face: `share * face + (1 - share) * partner`, as "
    "floats."
)

_OUTCOMES = ("hardly moved", "fallen", "exploded")
_POINTS = 20
_NEAR_FIRST = 5  # points of recall that some dozens of faces cannot tell apart


@exercise(
    "q03_1",
    title="Is the label still true?",
    kind="interpret",
    minutes=6,
    points=1,
    start=_TRUE,
)
def q03_1(answer):
    """Check which changes of a face were chosen."""
    return judged(
        answer,
        "ACD",
        chosen={
            "B": "Would anybody show the network such a face later? What does it have "
            "to learn for it, and what for?",
            "E": "In which part of a face do fear and surprise differ? If it is gone "
            "in *every* face, what is the label still about?",
            "F": "What is `val` for? Compare two networks that were measured on two "
            "different draws of it.",
        },
        missing={
            "A": "Does a mirrored face show another expression? Would you notice that "
            "it was mirrored?",
            "C": "How straight do people hold their heads before a camera?",
            "D": "Does the light in the room change what a face shows?",
        },
    )


@exercise(
    "q03_2",
    title="Too small, right, too large",
    kind="predict",
    minutes=5,
    points=1,
    start=_RATES,
)
def q03_2(answer, losses: Mapping[float, list[float]]):
    """Check an outcome for each learning rate against the losses of its epochs."""
    require(
        isinstance(answer, Mapping) and set(answer) == set(losses),
        "Expected an outcome for each of the rates "
        f"{', '.join(f'{r:g}' for r in losses)}, received {answer!r}.",
    )
    require(not any(v in (..., None) for v in answer.values()), _RATES)
    usual = losses[min(losses)][0]  # nothing has moved at the smallest rate
    for rate, values in losses.items():
        said = str(answer[rate]).strip().lower()
        require(
            said in _OUTCOMES,
            f"{rate:g}: {answer[rate]!r} is not one of {', '.join(_OUTCOMES)}.",
        )
        if said != _outcome(values[-1], usual):
            return f"{rate:g}: you wrote “{said}”. {_about_rate(said, rate)}"
    return None


def _outcome(last: float, start: float) -> str:
    if not np.isfinite(last) or last > 2 * start:
        return "exploded"
    return "fallen" if last < 0.9 * start else "hardly moved"


def _about_rate(said: str, rate: float) -> str:
    """Ask what a step of this size does to a weight (most are a few hundredths)."""
    return {
        "hardly moved": "Adam moves every weight by about the rate in each step. "
        f"Compare {rate:g} with a weight, which is a few hundredths, over two hundred "
        "steps.",
        "fallen": "Adam moves every weight by about the rate in each step: is "
        f"{rate:g} a small correction of a weight of a few hundredths, none at all, or "
        "the end of it?",
        "exploded": f"For that, the steps must throw the weights far off. Is {rate:g} "
        "far for a weight of a few hundredths?",
    }[said]


@exercise(
    "q03_3",
    title="Make it harder, and show what breaks",
    kind="modify",
    minutes=12,
    points=3,
)
def q03_3(answer, falls):
    """Check (recipe of one step, label); falls(recipe) -> (points, points by label)."""
    from fer_utils.training import Recipe

    require(
        isinstance(answer, (tuple, list)) and len(answer) == 2,
        f"Expected a recipe and a label, received {answer!r}.",
    )
    recipe, label = answer
    require(
        isinstance(recipe, Recipe),
        f"Expected a training.Recipe(…), received {type(recipe).__name__}.",
    )
    steps = [name for name, amount in asdict(recipe).items() if amount]
    require(
        len(steps) == 1,
        f"Your recipe has {len(steps)} steps ({', '.join(steps) or 'none'}). With one "
        "single step you know which one did it.",
    )
    points, by_label = falls(recipe)
    require(
        points >= _POINTS,
        f"{steps[0]}={asdict(recipe)[steps[0]]}: it costs {points:.1f} points, asked "
        f"are {_POINTS}. {_about_step(steps[0])}",
    )
    require(
        label is not ... and label is not None,
        f"Hard enough: {points:.1f} points. And which label breaks first? Read the "
        "second thing that `falls` returns.",
    )
    name = str(label).strip().lower()
    require(
        name in by_label,
        f"{label!r} is not among the labels that are counted: "
        f"{', '.join(by_label.index)}.",
    )
    before = int((by_label > by_label[name] + _NEAR_FIRST).sum())
    require(
        before == 0,
        f"Hard enough: {points:.1f} points. But {name} loses {by_label[name]:.0f} "
        f"points of recall, and {before} labels lose more. Sort them by what they "
        "*lost*, not by what is left.",
    )
    return None


def _about_step(step: str) -> str:
    if step in ("flip", "contrast", "erasing"):
        return (
            "This step cannot be made hard enough for this network. What does it mind "
            "more: other grey values, or parts of the face in other places?"
        )
    return "Turn it up."


@exercise(
    "q03_4",
    title="Write a schedule",
    kind="implement",
    minutes=12,
    points=3,
    start=_SCHEDULE,
)
def q03_4(answer):
    """Check a function (step, steps, warmup, peak) -> learning rate."""
    rate = function(answer, "rate(step, steps, warmup, peak)")
    steps, warmup, peak = 110, 10, 0.004
    require(rate(55, steps, warmup, peak) is not None, _SCHEDULE)
    rates = [number(rate(s, steps, warmup, peak), "a rate") for s in range(steps + 1)]
    hint = _about_warmup(rates[: warmup + 1], peak) or _about_fall(rates[warmup:], peak)
    if hint:
        return hint
    try:
        first = number(rate(0, 50, 0, 1.0), "a rate")
    except ZeroDivisionError:
        return (
            "With warmup=0 your function divides by zero. Which of its lines need not "
            "run when there is no warm-up?"
        )
    require(
        np.isclose(first, 1),
        f"Without warm-up, step 0 gives {first:g} times the peak. It starts at the "
        "peak.",
    )
    return None


def _about_warmup(rates, peak: float) -> str | None:
    warmup, shares = len(rates) - 1, np.array(rates) / peak
    require(
        not np.allclose(np.array(rates), np.linspace(0, 1, warmup + 1)),
        f"The warm-up ends at 1, whatever `peak` is ({peak:g} here).",
    )
    require(
        shares[0] < 0.5,
        f"Step 0 of a warm-up of {warmup} steps gives {shares[0]:.2f} times the peak. "
        "Where does the straight line begin?",
    )
    require(
        np.isclose(shares[-1], 1),
        f"The last step of the warm-up gives {shares[-1]:.2f} times the peak: it "
        "should have just arrived there. From which step does your cosine count?",
    )
    require(
        np.allclose(np.diff(shares), 1 / warmup),
        "The warm-up is no straight line from 0 to the peak: its steps are not equal.",
    )
    return None


def _about_fall(rates, peak: float) -> str | None:
    """Say what is not half a cosine wave from the peak to zero."""
    shares, done = np.array(rates) / peak, np.linspace(0, 1, len(rates))
    if np.allclose(shares, (1 + np.cos(np.pi * done)) / 2, atol=1e-6):
        return None
    if np.allclose(shares, 1 - done, atol=0.02):
        return "It falls on a straight line. Asked is slow, fast, slow: a cosine."
    if np.allclose(shares, np.cos(np.pi * done / 2), atol=0.02):
        return (
            "That is a quarter of a wave: it falls fastest at the very end. Half a "
            "wave slows down again; where does it end, and how must it be lifted?"
        )
    if shares.min() < -1e-9:
        return (
            f"The rate becomes negative ({shares.min():.2f} times the peak). A cosine "
            "goes from 1 to -1: lift it and halve it."
        )
    if np.diff(shares).max() > 1e-9:
        return (
            "After the warm-up the rate *rises* again somewhere. How far does the "
            "argument of a cosine go in half a wave, and in which unit?"
        )
    return (
        f"At the end the rate is {shares[-1]:.2f} times the peak, half way down "
        f"{shares[len(shares) // 2]:.2f}. Which share of the way *after* the warm-up "
        "is done at a step?"
    )


@exercise(
    "q03_5",
    title="Mix two faces",
    kind="implement",
    minutes=12,
    points=3,
    start=_MIXUP,
)
def q03_5(answer):
    """Check a function (images, targets, shares, order) -> (images, targets)."""
    mixup = function(answer, "mixup(images, targets, shares, order)")
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (5, 4, 6), np.uint8)
    targets = np.eye(3)[[0, 1, 2, 0, 1]]
    shares, order = np.array([1.0, 0.75, 0.5, 0.2, 0.0]), np.array([3, 2, 4, 1, 0])
    given = images, targets, shares, order
    before = [array.copy() for array in given]
    result = mixup(*given)
    require(result is not None and result is not ..., _MIXUP)
    require(
        all(map(np.array_equal, given, before)),
        "Your function changed what it was given. Make new arrays: `x = x * share` "
        "does, `x *= share` does not.",
    )
    require(
        isinstance(result, (tuple, list)) and len(result) == 2,
        f"Expected mixed images and mixed targets, received {type(result).__name__}.",
    )
    mixed, asked = map(np.asarray, result)
    for name, array, like in (("images", mixed, images), ("targets", asked, targets)):
        require(
            array.shape == like.shape,
            f"The {name} came with the shape {array.shape}, expected {like.shape}.",
        )
    require(
        mixed.dtype.kind == "f",
        f"The mixed images are {mixed.dtype}: parts of grey values were cut off, or "
        "ran over. Turn them into floats before you mix.",
    )
    return _about_mixed(mixed, images, shares, order, targets, asked)


def _mixed(values, shares, order) -> np.ndarray:
    own = shares.reshape(-1, *[1] * (values.ndim - 1))
    return own * values + (1 - own) * values[order]


def _about_mixed(mixed, images, shares, order, targets, asked) -> str | None:
    """Say which property fails, from what the result looks like."""
    floats = images.astype(float)
    if np.allclose(mixed, _mixed(floats, 1 - shares, order)):
        return (
            "A face with a share of 1 should stay as it is; yours becomes its partner. "
            "Which of the two does `shares` belong to?"
        )
    if np.allclose(mixed, _mixed(floats, np.full(5, shares.mean()), order)) or (
        np.allclose(mixed, _mixed(floats, np.full(5, shares[0]), order))
    ):
        return "All faces are mixed with one share. Each has a share of its own."
    if not np.allclose(mixed, _mixed(floats, shares, order)):
        return (
            "The mixed images do not fit. Take the second face alone: 0.75 of itself "
            "and 0.25 of the face at its place in `order`."
        )
    if np.allclose(asked, targets):
        return (
            "The images are right, the targets are still those of before. A face that "
            "is half another must ask for half the other label."
        )
    if not np.allclose(asked.sum(1), 1):
        return (
            "The images are right. The mixed targets do not sum to one in each row: "
            f"{asked.sum(1).round(2).tolist()}. Both parts need their share."
        )
    if not np.allclose(asked, _mixed(targets, shares, order)):
        return (
            "The images are right. The targets are mixed with another share or another "
            "partner than the images."
        )
    return None
