"""The checks of lesson 04: transfer learning."""

from __future__ import annotations

import numpy as np

from fer_utils.course.exercise import exercise, require
from fer_utils.course.exercises.expect import function
from fer_utils.course.exercises.statements import judged

_GRID = (
    "Not answered yet. Begin with 48: halve it five times, and write each step down."
)
_MEMORY = (
    "Not answered yet. Begin with one face: how many numbers are in it, and how many "
    "bytes is one number?"
)
_FINE_TUNE = (
    "Not answered yet. Begin with `backbone.trainable = True`. Which layers must be "
    "switched off again after it?"
)
_PLAN = (
    "Not answered yet. Begin with the number of epochs in which only the head learns: "
    "`freeze_backbone_epochs=…`."
)
_RESTRICT = "Not answered yet. Begin with `probs[:, columns]`: what do its rows sum to?"
_FAIR = (
    "Not answered yet. Begin with the table: which of its columns change although the "
    "network is the same?"
)


@exercise(
    "q04_1",
    title="What is left of the face?",
    kind="predict",
    minutes=5,
    points=1,
    start=_GRID,
)
def q04_1(answer):
    """Check the side of MobileNet's last grid: {48: …, 96: …, 224: …}."""
    sides = (48, 96, 224)
    require(
        isinstance(answer, dict) and set(answer) == set(sides),
        f"Expected a dict with the keys 48, 96 and 224, received {answer!r}.",
    )
    given = [answer[side] for side in sides]
    require(not any(value in (..., None) for value in given), _GRID)
    require(
        all(isinstance(v, (int, float)) and v > 0 for v in given),
        f"Expected a number of cells for each side, received {given}.",
    )
    right = [side // 2**5 for side in sides]
    if given == right:
        return None
    if given == [value**2 for value in right]:
        return (
            f"{given}: that counts all cells of the grid. Asked is how many there are "
            "along one side."
        )
    if given == [side // 2**4 for side in sides]:
        return f"{given}: one halving is missing. Count them again: there are five."
    if given == [side / 2**5 for side in sides]:
        return (
            f"{given}: a grid has whole cells. What becomes of the third cell where "
            "three cells are taken in steps of two?"
        )
    if given[1:] == right[1:] and given[0] > right[0]:
        return (
            f"For 48 you wrote {given[0]}. 96 and 224 fit. Where a side is odd, the "
            "step of two leaves its last cell without a partner: it is dropped, not "
            "rounded up."
        )
    if given == [side // 5 for side in sides]:
        return (
            f"{given}: that divides by five. Halving five times is another "
            "thing: the side is halved, and the result again."
        )
    wrong = next(s for s, v, r in zip(sides, given, right, strict=True) if v != r)
    return (
        f"For {wrong} you wrote {answer[wrong]}. Write the steps in a row: {wrong}, "
        f"{wrong // 2}, {wrong // 4}, … five arrows in all."
    )


@exercise(
    "q04_2",
    title="What does a large input cost?",
    kind="predict",
    minutes=5,
    points=1,
    start=_MEMORY,
)
def q04_2(answer):
    """Check (megabytes of one batch, how many times the numbers of a small face)."""
    require(
        isinstance(answer, (tuple, list)) and len(answer) == 2,
        f"Expected two numbers (megabytes, times), received {answer!r}.",
    )
    require(not any(value in (..., None) for value in answer), _MEMORY)
    megabytes, times = (float(value) for value in answer)
    values = 224 * 224 * 3
    exact = 32 * values * 4 / 1e6
    slips = {
        1: None,
        1e6 / 2**20: None,  # counted in MiB
        1 / 32: "that is one face. A batch has 32.",
        1 / 4: "that counts the numbers. How many bytes has one float32?",
        1 / 3: "grey is repeated into three channels before the first layer.",
        2: "that would be 64-bit numbers. How many bytes has one float32?",
        1e-3: "that is gigabytes. Asked are megabytes: millions of bytes.",
        1e3: "that is kilobytes. Asked are megabytes: millions of bytes.",
        1e6: "that is bytes. Asked are megabytes: millions of bytes.",
    }
    for factor, hint in slips.items():
        if np.isclose(megabytes, factor * exact, rtol=0.02):
            require(hint is None, f"{megabytes:,.6g} MB: {hint}")
            break
    else:
        return (
            f"{megabytes:,.6g} MB does not fit. Multiply: faces x height x width x "
            "channels x bytes of one number, then divide by a million."
        )
    if np.isclose(times, values / 48**2, rtol=0.02):
        return None
    if np.isclose(times, 224**2 / 48**2, rtol=0.02):
        return (
            f"The megabytes are right. {times:.3g} times: that compares pixels. The "
            "small face is grey, the large one has three numbers in each pixel."
        )
    if np.isclose(times, 224 / 48, rtol=0.02):
        return (
            f"The megabytes are right. {times:.3g} times: that compares the sides. "
            "Faces have a height and a width."
        )
    return (
        f"The megabytes are right. {times:.3g} times does not fit: divide the numbers "
        "in one large face by the numbers in one small, grey one."
    )


@exercise(
    "q04_3",
    title="Unfreeze, but keep the statistics",
    kind="implement",
    minutes=10,
    points=3,
    start=_FINE_TUNE,
)
def q04_3(answer):
    """Check a function that prepares a model with a frozen backbone for fine-tuning."""
    function(answer, "prepare_fine_tuning(model)")
    model, convolution, norms, head = _transfer_model()
    backbone = model.get_layer("backbone")
    before = model.get_weights()
    answer(model)
    require(backbone.trainable or convolution.trainable, _still_frozen(head))
    require(
        convolution.trainable_weights,
        "The convolutions of the backbone do not learn. Did a loop switch off more "
        "than the batch norm layers?",
    )
    require(head.trainable_weights, "The head does not learn any more. It should.")
    learning = sum(bool(norm.trainable) for norm in norms)
    require(
        learning < len(norms),
        f"All {learning} batch norm layers learn: they would replace the statistics of "
        "a million photographs by those of a few faces. `backbone.trainable = True` "
        "also reaches every layer inside, whatever was set before it.",
    )
    require(
        learning == 0,
        f"{learning} of {len(norms)} batch norm layers still learn. Do their *names* "
        "tell which layers they are, or their type?",
    )
    require(
        all(map(np.array_equal, before, model.get_weights())),
        "The weights themselves have changed. Only the switches `trainable` should.",
    )
    return None


@exercise(
    "q04_4",
    title="Two phases, two rates",
    kind="modify",
    minutes=8,
    points=2,
    start=_PLAN,
)
def q04_4(answer):
    """Check a TrainConfig: the head first, then everything at a smaller rate."""
    from fer_utils.training import TrainConfig

    require(
        isinstance(answer, TrainConfig),
        f"Expected a training.TrainConfig(…), received {type(answer).__name__}.",
    )
    frozen, epochs = answer.freeze_backbone_epochs, answer.epochs
    require(
        frozen > 0,
        "freeze_backbone_epochs=0: everything learns from the first step, and the "
        "random head's wild corrections run through the whole backbone.",
    )
    require(
        frozen < epochs,
        f"freeze_backbone_epochs={frozen} of epochs={epochs}: the second phase never "
        "comes. The backbone would stay as ImageNet left it.",
    )
    head, everything = answer.learning_rate, answer.fine_tune_learning_rate
    everything = everything or head / 10
    require(
        head >= 1e-4,
        f"learning_rate={head:g}: with so small a rate the new head hardly leaves its "
        f"random start in {frozen} epoch(s). It has nothing to lose: be bolder.",
    )
    require(
        head <= 0.1,
        f"learning_rate={head:g}: Adam moves every weight by about this much in each "
        "step. The head would jump about instead of settling.",
    )
    require(
        everything <= head / 10 * 1.0001,
        f"fine_tune_learning_rate={everything:g} against learning_rate={head:g}: the "
        "second phase should take much smaller steps, a tenth of the first or less.",
    )
    require(
        everything >= head / 10_000,
        f"fine_tune_learning_rate={everything:g}: so small that the second phase "
        "changes nothing. Keep it within a ten-thousandth of the first.",
    )
    return None


@exercise(
    "q04_5",
    title="Answer with four labels only",
    kind="implement",
    minutes=10,
    points=3,
    start=_RESTRICT,
)
def q04_5(answer):
    """Check a function (probs (N, K), columns (k,)) -> probabilities (N, k)."""
    function(answer, "restrict(probs, columns)")
    rng = np.random.default_rng(4)
    probs = rng.dirichlet(np.ones(7), 20)  # (N, K), rows sum to one
    columns = [5, 0, 3]  # an order of its own
    before = probs.copy()
    result = answer(probs, columns)
    require(result is not None and result is not ..., _RESTRICT)
    require(
        np.array_equal(probs, before),
        "Your function changed the probabilities that it was given. Somebody may need "
        "them again: divide into a new array, not with `/=` on the old one.",
    )
    result = np.asarray(result, float)
    require(
        result.shape == (20, 3),
        f"From 20 faces and 3 columns came the shape {result.shape}. Expected one row "
        "for each face and one column for each label that is still allowed.",
    )
    sums = result.sum(1)
    require(
        not np.isclose(sums.sum(), 1),
        "All 20 rows *together* sum to one: you divided by one sum for all. "
        "Which argument of `sum` keeps the rows apart?",
    )
    require(
        np.allclose(sums, 1),
        f"The rows sum to {sums.min():.3f} … {sums.max():.3f}. Probabilities over the "
        "labels that are left must sum to one in *each* row.",
    )
    ratio = before[:, columns]
    ratio = ratio / ratio.sum(1, keepdims=True)
    require(
        not np.allclose(np.sort(result, 1), np.sort(ratio, 1))
        or np.allclose(result, ratio),
        "The numbers are right, but not in the order that `columns` asked for "
        f"({columns}).",
    )
    require(
        np.allclose(result, ratio),
        "The rows sum to one, but the ratios are not those of before. If one label was "
        "twice as probable as another, it should still be.",
    )
    return _check_nothing_left(answer)


@exercise(
    "q04_6",
    title="Is four emotions better recognition?",
    kind="interpret",
    minutes=8,
    points=2,
    start=_FAIR,
)
def q04_6(answer):
    """Check which statements about seven and four labels were chosen."""
    return judged(
        answer,
        "BC",
        chosen={
            "A": "Both rows come from one network. Did it learn anything between them?",
            "D": "How much of the higher number would a program get that never looks "
            "at the face? And are the two asked about the same faces?",
        },
        missing={
            "B": "Compare the column of the majority guess in the two rows.",
            "C": "Compare the number of faces in the two rows. Which are gone?",
        },
    )


def _transfer_model():
    """Return a small model with a frozen backbone, and layers of it to look at."""
    from fer_utils.backend import keras, layers

    pixels = keras.Input((8, 8, 3))
    x, norms = pixels, []
    for name in ("conv_1_bn", "scale", "bn_last"):  # names that do not all say it
        convolution = layers.Conv2D(4, 3, padding="same")
        norms.append(layers.BatchNormalization(name=name))
        x = norms[-1](convolution(x))
    backbone = keras.Model(pixels, x, name="backbone")
    backbone.trainable = False
    outside = keras.Input((8, 8, 3))
    head = layers.Dense(7, name="logits")
    y = head(layers.GlobalAveragePooling2D()(backbone(outside)))
    return keras.Model(outside, y), convolution, norms, head


def _still_frozen(head) -> str:
    learning = "only the head learns" if head.trainable else "nothing learns"
    return (
        f"After your function {learning}: the backbone is still frozen. It has a "
        "switch of its own, `trainable`."
    )


def _check_nothing_left(restrict) -> str | None:
    """Check a face whose whole probability lies on labels that are not allowed."""
    with np.errstate(all="ignore"):
        rows = np.asarray(
            restrict(np.array([[0.0, 0.0, 1.0], [0.6, 0.2, 0.2]]), [0, 1])
        )
    require(
        np.isfinite(rows).all(),
        "For the row [0, 0, 1] and the columns [0, 1] nothing is left to divide by, "
        f"and your function gives {rows[0].tolist()}. See the task for it.",
    )
    require(
        np.allclose(rows[0], 0.5),
        f"Where nothing is left, your function gives {rows[0].tolist()}. The task asks "
        "for equal shares that sum to one.",
    )
    require(
        np.allclose(rows[1], [0.75, 0.25]),
        "The row with nothing left is right now, but it disturbs the other rows. "
        "Treat each row by itself.",
    )
    return None
