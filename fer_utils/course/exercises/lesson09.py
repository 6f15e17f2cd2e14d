"""The checks of lesson 09: bytes, rulers, calibration, and honest sentences."""

from __future__ import annotations

import numpy as np

from fer_utils.course.exercise import exercise, require
from fer_utils.course.exercises.expect import function, number
from fer_utils.course.exercises.statements import judged

_BYTES = "Not answered yet. Begin with one weight: how many bytes are 32 bits?"
_RULER = (
    "Not answered yet. Begin with the step: which number shall become 127, and how "
    "far is one mark from the next then?"
)
_WEIGHTS = 1_200_000
_BETTER = 0.9


@exercise(
    "q09_1",
    title="How large will the file be?",
    kind="predict",
    minutes=4,
    points=1,
    start=_BYTES,
)
def q09_1(answer):
    """Check (MB as float32, as float16, as int8) of 1.2 million weights."""
    require(
        isinstance(answer, (tuple, list)) and len(answer) == 3,
        f"Expected three numbers, received {answer!r}.",
    )
    require(not any(value in (..., None) for value in answer), _BYTES)
    values = [number(value, "megabytes") for value in answer]
    truth = [_WEIGHTS * bits / 8 / 1e6 for bits in (32, 16, 8)]
    if np.allclose(values, truth, rtol=0.03):
        return None
    require(
        not np.allclose(values, np.array(truth) * 8, rtol=0.03),
        f"{values}: these are mega*bits*. How many bits are a byte?",
    )
    require(
        not np.allclose(values, np.array(truth) * 1e6, rtol=0.03),
        f"{values}: these are bytes. A megabyte is a million of them.",
    )
    require(
        not np.allclose(values[::-1], truth, rtol=0.03),
        f"{values}: the right numbers, in the other order.",
    )
    for name, bits, value, right in zip(
        ("float32", "float16", "int8"), (32, 16, 8), values, truth, strict=True
    ):
        require(
            np.isclose(value, right, rtol=0.03),
            f"{name}: {value:g} MB. Each of the {_WEIGHTS:,} weights has {bits} bits.",
        )
    return None


@exercise(
    "q09_2",
    title="Make a ruler",
    kind="implement",
    minutes=12,
    points=3,
    start=_RULER,
)
def q09_2(answer):
    """Check a function floats -> (int8 numbers, step)."""
    quantise = function(answer, "quantise(x)")
    rng = np.random.default_rng(9)
    for x in (
        np.array([0.0, 1.0, -0.5, 0.25]),
        np.array([-3.0, 0.0, 1.0]),  # the largest is negative
        rng.normal(0, 0.04, (3, 3, 4, 8)),
    ):
        q, step = _ruled(quantise, x)
        hint = _about_ruler(x, q, step)
        if hint:
            return hint
    with np.errstate(all="ignore"):
        q, step = _ruled(quantise, np.zeros(5))
    require(
        np.isfinite(step) and step > 0 and not q.any(),
        f"For an array of zeros your step is {step!r} and q is {q.tolist()}. Nothing "
        "must be divided by zero: any positive step will do.",
    )
    return None


def _ruled(quantise, x: np.ndarray):
    """Call the function on a copy, and return its two parts after a check of kinds."""
    result = quantise(x.copy())
    require(result is not None and result is not ..., _RULER)
    require(
        isinstance(result, (tuple, list)) and len(result) == 2,
        f"Expected (q, step), received {type(result).__name__}.",
    )
    q, step = np.asarray(result[0]), number(result[1], "the step")
    require(
        q.shape == x.shape, f"q has the shape {q.shape}, expected that of x: {x.shape}."
    )
    require(
        q.dtype == np.int8,
        f"q is {q.dtype}. Eight bits are wanted: `.astype(np.int8)`, after rounding.",
    )
    return q, step


def _about_ruler(x, q, step) -> str | None:
    """Say which property fails, from what the numbers look like."""
    largest, back = np.abs(x).max(), q.astype(float) * step
    require(step > 0, f"The step is {step:g}: it should be positive.")
    error = np.abs(back - x).max() / step
    if error > 2:
        return (
            f"A number is off by {error:.0f} steps: it ran over the end of the ruler, "
            "which has 127 marks to each side. Is the step made from the largest "
            "*absolute* value?"
        )
    top = int(np.abs(q.astype(int)).max())
    if top != 127:
        return (
            f"The largest absolute value, {largest:g}, became {top}. It should sit on "
            "the last mark, 127."
        )
    if error > 0.5 + 1e-6:
        return (
            f"A number is off by {error:.2f} steps; half a step is the most. A cast to "
            "integers cuts off: what does the nearest mark ask for? (And does `step` "
            "belong to `q`?)"
        )
    return None


@exercise(
    "q09_3",
    title="Where does the ruler end?",
    kind="modify",
    minutes=10,
    points=2,
)
def q09_3(answer, calibration, others, error):
    """Check the end of a ruler by the squared error on other faces."""
    end = number(answer, "where the ruler ends")
    require(end > 0, f"The ruler ends at {end:g}: it starts at 0 and needs a length.")
    largest = float(np.max(calibration))
    share = error(end, others) / error(largest, others)
    if share <= _BETTER:
        return None
    if np.isclose(end, largest):
        return (
            "That is the largest value: the marks are spread over a tail that hardly "
            "any value reaches. Look at the curve: where is it lowest?"
        )
    if end > largest:
        return (
            f"{end:.3g} is beyond the largest value, {largest:.3g}: marks are wasted "
            "where nothing is."
        )
    cut = float(np.mean(calibration > end))
    if share > 1:
        return (
            f"The error is {share:.2f} times that of the largest value. {cut:.1%} of "
            "the values lie beyond your ruler and are cut: too many."
        )
    return (
        f"The error is {share:.2f} times that of the largest value, asked is at most "
        f"{_BETTER}. You are on the way; {cut:.2%} of the values are cut."
    )


@exercise(
    "q09_4",
    title="What may be printed?",
    kind="interpret",
    minutes=8,
    points=2,
)
def q09_4(answer):
    """Check which sentences about a measurement were chosen."""
    return judged(
        answer,
        "BC",
        chosen={
            "A": "Which number of the one is compared with which number of the other?",
            "D": "What are the test faces for, and when may one look at them?",
            "E": "Was the *file* measured? Rounding changed it.",
            "F": "Thirty-two faces go in together. When does the first one get its "
            "result?",
        },
        missing={
            "B": "Same number of both, in turns, warmed up, threads named: what is "
            "missing in it?",
            "C": "Both were measured, on the same faces. Is there a reason to hide it?",
        },
    )
