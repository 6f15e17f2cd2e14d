"""The checks of lesson 02: what networks are made of, and what their curves say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fer_utils.course.exercise import exercise, require
from fer_utils.course.exercises.expect import function, number

_PARAMETERS = (
    "Not answered yet. Begin with one filter: how many weights has a 3 x 3 kernel on "
    "one grey image, and what comes on top?"
)
_MISSED = (
    "Not answered yet. Begin with the counts: of which labels has the network seen few "
    "faces, and which of them look like a more frequent one?"
)
_CONVOLVE = (
    "Not answered yet. Begin with `np.pad`: the image with a border of zeros. Which "
    "part of it lies under one weight of the kernel?"
)
_CURVES = "Not answered yet. Begin with the dashed curves: which of them rises at all?"

_AS_LOW = 0.05  # recalls that are this near cannot be told apart with so few faces
_DIAGNOSES = ("by heart", "too small steps", "stopped too early", "too large steps")


@exercise(
    "q02_1",
    title="Where do the parameters sit?",
    kind="predict",
    minutes=6,
    points=1,
    start=_PARAMETERS,
)
def q02_1(answer, model):
    """Check (parameters of the first convolution, of the first dense layer)."""
    from fer_utils.backend import layers

    require(
        isinstance(answer, (tuple, list)) and len(answer) == 2,
        f"Expected two numbers (convolution, dense), received {answer!r}.",
    )
    require(not any(value in (..., None) for value in answer), _PARAMETERS)
    conv, dense = (number(value, "a count of parameters") for value in answer)
    of_type = {
        kind: next(x for x in model.layers if isinstance(x, kind))
        for kind in (layers.Conv2D, layers.Dense)
    }
    hint = _about_convolution(conv, of_type[layers.Conv2D])
    return hint or _about_dense(dense, of_type[layers.Dense], model.input_shape[1])


def _about_convolution(value: float, layer) -> str | None:
    weights, filters = int(np.prod(layer.kernel.shape)), layer.filters
    slips = {
        weights: "that is the weights. Each filter adds one number of its own.",
        weights + 1: "one bias for all: each filter has one of its own.",
        weights // filters: "that is one filter. There are more.",
        weights // filters + 1: "that is one filter with its bias. There are more.",
        3 * weights + filters: "that is for three colours. The face is grey.",
        48 * 48 * weights: "that counts the *computing*. The same kernel is used at "
        "every place, and stored once.",
    }
    if value == layer.count_params():
        return None
    why = slips.get(
        int(value),
        "multiply: height x width of the kernel x channels in, "
        "one bias more, and all that for each filter.",
    )
    return f"The first convolution: {value:,.0f}. In words: {why}"


def _about_dense(value: float, layer, side: int) -> str | None:
    inputs, outputs = layer.kernel.shape
    channels = inputs // (side // 8) ** 2
    slips = {
        inputs * outputs: "that is the weights. Each output adds a bias.",
        inputs * outputs + 1: "one bias for all: each output has one of its own.",
        (channels + 1) * outputs: "that takes one place. In how many places does the "
        "last grid have its channels?",
        (side**2 * channels + 1) * outputs: "that is the size of the face. It was "
        "halved three times before.",
        ((side // 4) ** 2 * channels + 1)
        * outputs: "one halving is missing. There are "
        "three, one after each convolution.",
        ((side // 8) * channels + 1) * outputs: "that takes one side of the last grid. "
        "It has a height and a width.",
    }
    if value == layer.count_params():
        return None
    why = slips.get(
        int(value),
        "how many numbers come in (height x width x channels of "
        "the last grid)? Each output weighs them all, and has a bias.",
    )
    return f"The convolution is right. The dense layer: {value:,.0f}. In words: {why}"


@exercise(
    "q02_2",
    title="Which class will be confused most?",
    kind="predict",
    minutes=5,
    points=1,
    start=_MISSED,
)
def q02_2(answer, report):
    """Check the label of which a report finds the smallest share."""
    from fer_utils import labels
    from fer_utils.errors import ParameterError

    recall = report.table()["recall"]
    require(
        isinstance(answer, str),
        f"Expected one label as a word, received {answer!r}.",
    )
    try:
        name = labels.canonical(answer.strip())
    except ParameterError:
        name = answer
    require(
        name in recall,
        f"{answer!r}: not a label of this network. It knows {', '.join(recall.index)}.",
    )
    require(
        name != recall.idxmax(),
        f"{name}: of all labels this is the one that is found *best*. What makes a "
        "label hard: look-alikes, weak expressions, few examples?",
    )
    if recall[name] <= recall.min() + _AS_LOW:
        return None
    below = int((recall < recall[name]).sum())
    return (
        f"{name}: {below} of {len(recall)} labels are found less often. What happens "
        "to a label with few training faces whose look-alike has many?"
    )


@exercise(
    "q02_3",
    title="Slide a kernel over a face",
    kind="implement",
    minutes=12,
    points=3,
    start=_CONVOLVE,
)
def q02_3(answer):
    """Check a function (image (H, W) uint8, kernel (h, w)) -> (H, W) numbers."""
    convolve = function(answer, "convolve(image, kernel)")
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (9, 12), np.uint8)
    for size in ((3, 3), (1, 1), (3, 5)):
        kernel = rng.normal(size=size).round(2)
        before = image.copy()
        value = convolve(image, kernel)
        require(
            value is not None and value is not ...,
            "Your function gave nothing back; `return` hands a value on. Begin with "
            "`np.pad`: the image with a border of zeros.",
        )
        require(
            np.array_equal(image, before),
            "Your function changed the image that it was given. Work on a copy.",
        )
        hint = _about_convolved(np.asarray(value), image, kernel)
        if hint:
            return hint
    return None


def _convolved(image, kernel, mode: str = "constant") -> np.ndarray:
    """Return what is asked, (H, W); other modes of `np.pad` are usual mistakes."""
    around = [(side // 2, side // 2) for side in kernel.shape]
    padded = np.pad(image.astype(float), around, mode=mode)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
    return np.einsum("hwij,ij->hw", windows, kernel)


def _about_convolved(value, image, kernel) -> str | None:
    """Say which property fails, from what the result looks like."""
    size = " x ".join(map(str, kernel.shape))
    require(
        value.shape == image.shape,
        f"An image {image.shape} and a {size} kernel gave the shape {value.shape}. As "
        "many rows and columns must come out: give the image a border first.",
    )
    if np.allclose(value, _convolved(image, kernel)):
        return None
    slips = (
        (
            _convolved(image, kernel[::-1, ::-1]),
            "the kernel was turned round. Its upper "
            "left weight belongs to the pixel at the upper left.",
        ),
        (
            _convolved(image, kernel, "wrap"),
            "at the edge the other side of the image "
            "comes in. Outside, every pixel counts as 0.",
        ),
        (
            _convolved(image, kernel, "edge"),
            "at the edge the last pixel is repeated. Outside, every pixel counts as 0.",
        ),
    )
    for slip, why in slips:
        if np.allclose(value, slip):
            return f"With a {size} kernel: {why}"
    require(
        value.dtype.kind == "f",
        f"The result is {value.dtype}, so numbers were cut or ran over: 200 + 100 is "
        "44 in `uint8`. Turn the image into floats first.",
    )
    inner = tuple(slice(side // 2, -(side // 2) or None) for side in kernel.shape)
    if np.allclose(value[inner], _convolved(image, kernel)[inner]):
        return (
            f"With a {size} kernel the inside is right, the edge is not. See the task."
        )
    return (
        f"With a {size} kernel the numbers do not fit, not even inside. Try one by "
        "hand: an image that is 0 but for a single 1 in its middle."
    )


@exercise("q02_4", title="Add a residual block", kind="modify", minutes=15, points=3)
def q02_4(answer, small_network, deep):
    """Check a residual block, and that the network built of it is small enough."""
    block = function(answer, "residual_block(x, filters)")
    hint = _about_block(block)
    if hint:
        return hint
    from fer_utils.backend import layers

    shape, num_classes = deep.input_shape[1:], deep.output_shape[-1]
    small = small_network(shape, num_classes)
    require(
        small.output_shape == deep.output_shape,
        f"The block is right. The network gives {small.output_shape}, the deep one "
        f"{deep.output_shape}.",
    )
    require(
        any(isinstance(layer, layers.Add) for layer in small.layers),
        "The block is right, but the network has none of it: `widths` is empty. Name "
        "the filters of at least one block.",
    )
    mine, allowed = small.count_params(), deep.count_params() // 2
    require(
        mine <= allowed,
        f"The block is right. The network has {mine:,} parameters, and {allowed:,} are "
        "allowed. A 3 x 3 convolution from n to n channels has about 9 n² of them: "
        "what does halving n do?",
    )
    return None


def _about_block(block) -> str | None:
    """Say what a block does with its input when its convolutions give nothing."""
    from fer_utils.backend import keras, layers

    model = _block_model(block, 4, 4)
    wide = [
        layer
        for layer in model.layers
        if isinstance(layer, layers.Conv2D) and max(layer.kernel_size) > 1
    ]
    require(
        len(wide) >= 2,
        f"There are {len(wide)} convolutions that look at neighbours. The way through "
        "has two of them.",
    )
    for layer in wide:
        layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    x = np.random.default_rng(0).uniform(0.1, 1, (2, 8, 8, 4)).astype("float32")
    y = keras.ops.convert_to_numpy(model(x, training=False))
    require(
        np.abs(y).max() > 1e-6,
        "When the two convolutions give 0, your block gives 0: its input is lost on "
        "the way. It must go past them as well, and be added.",
    )
    require(
        np.allclose(x, y, rtol=0.01, atol=0.01),
        "4 channels in, 4 out, and the two convolutions give 0: what comes out is not "
        "the input. Nothing to make equal here, so let it pass as it is.",
    )
    _block_model(block, 4, 6)
    return None


def _block_model(block, channels: int, filters: int):
    """Return a block as a model, (8, 8, channels) -> (8, 8, filters), or hint."""
    from fer_utils.backend import keras

    x = keras.Input((8, 8, channels))
    try:
        y = block(x, filters)
    except ValueError as error:
        require(
            channels == filters,
            f"{channels} channels in, {filters} out: the two ways cannot be added "
            "(ValueError). What in the task makes their channels equal?",
        )
        raise error
    require(
        y is not None and y is not ...,
        "Your block gave nothing back. `return` hands the sum on.",
    )
    require(
        y.shape[1:] == (8, 8, filters),
        f"(8, 8, {channels}) in, filters={filters}: out came {tuple(y.shape[1:])}. The "
        "two ways are *added*, which keeps the size; side by side they have more "
        "channels.",
    )
    return keras.Model(x, y)


@exercise(
    "q02_5",
    title="What is wrong with these trainings?",
    kind="interpret",
    minutes=8,
    points=2,
    start=_CURVES,
)
def q02_5(answer, histories: Mapping[str, Mapping]):
    """Check a diagnosis for each history {"accuracy": […], "val_accuracy": […]}."""
    require(
        isinstance(answer, Mapping) and set(answer) == set(histories),
        f"Expected a diagnosis for each of {', '.join(histories)}, "
        f"received {answer!r}.",
    )
    require(not any(v in (..., None) for v in answer.values()), _CURVES)
    truth = _diagnoses(histories)
    for letter, history in histories.items():
        said = str(answer[letter]).strip().lower()
        require(
            said in _DIAGNOSES,
            f"{letter}: {answer[letter]!r} is not one of the diagnoses: "
            f"{', '.join(_DIAGNOSES)}.",
        )
        if said != truth[letter]:
            return f"{letter}: you wrote “{said}”. {_evidence(said, history)}"
    return None


def _diagnoses(histories: Mapping[str, Mapping]) -> dict[str, str]:
    """Return what was done to each of three trainings, by what it did to the curves."""
    train = {k: np.asarray(h["accuracy"]) for k, h in histories.items()}
    ends = {k: h["accuracy"][-1] - h["val_accuracy"][-1] for k, h in histories.items()}
    flattest = min(train, key=lambda k: train[k][-1] - train[k][0])
    widest = max(ends, key=ends.get)
    made = dict.fromkeys(histories, "stopped too early")
    return made | {flattest: "too small steps", widest: "by heart"}


def _evidence(said: str, history: Mapping) -> str:
    """Point at what in the curves speaks against a diagnosis."""
    train, val = history["accuracy"], history["val_accuracy"]
    from_to = f"train goes from {train[0]:.0%} to {train[-1]:.0%}"
    return {
        "by heart": f"Who knows images by heart is nearly always right on them: here "
        f"{from_to}.",
        "too small steps": f"With too small steps hardly anything happens: here "
        f"{from_to}.",
        "stopped too early": f"Then both curves rise to the end: here {from_to}, and "
        f"val from {val[0]:.0%} to {val[-1]:.0%}. Would more epochs help val?",
        "too large steps": f"Then the curves jump up and down: here {from_to}. Does it "
        "jump?",
    }[said]
