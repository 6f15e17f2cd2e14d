"""Make a whole set: labels in FER2013's proportions, splits, and planted faults."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data.faceset import SPLITS, FaceSet
from fer_utils.data.synthetic import people
from fer_utils.data.synthetic.covers import NON_FACES
from fer_utils.data.synthetic.drawing import render
from fer_utils.errors import ParameterError, did_you_mean

__all__ = ["NOTICE", "draw_faces", "draw_random_rows", "synthetic"]

NOTICE = "synthetic sample data"
CLASSES = fer_labels.FER2013.classes

# FER2013's Training images per class and its images per split.
_CLASS_COUNTS = {
    "angry": 3995,
    "disgust": 436,
    "fear": 4097,
    "happy": 7215,
    "sad": 4830,
    "surprise": 3171,
    "neutral": 4965,
}
_SPLIT_COUNTS = (28709, 3589, 3589)
_WRONG_LABEL_RATE = 0.06
_NON_FACE_RATE = 0.015
# Of val and test, the part that is a copy of a training image (FER2013's test: 8 %).
_COPY_RATES = {"val": 0.04, "test": 0.06}
# Given label -> what a wrongly labelled face may truly show: mostly what it resembles.
RESEMBLES = {
    "angry": ("disgust", "disgust", "sad", "neutral"),
    "disgust": ("angry",),
    "fear": ("surprise", "surprise", "sad"),
    "happy": ("neutral", "surprise", "disgust"),
    "sad": ("neutral", "neutral", "fear", "angry"),
    "surprise": ("fear", "fear", "happy"),
    "neutral": ("sad", "sad", "angry", "happy"),
}
_RESEMBLING_RATE = 0.85


def synthetic(n: int = 6000, seed: int = 0) -> FaceSet:
    """Draw a set of sample faces with FER2013's imbalance, splits and faults.

    About 6 % of the labels are wrong, mostly by a look-alike expression, 1.5 % of the
    images show no face, and 4 % of val and 6 % of test copy a training image, exactly
    or nearly. Each image may carry glasses, a hand or a watermark. `facts` keeps the
    truth:

    - "true_labels": int64, the expression drawn; -1 without a face.
    - "is_face": bool.
    - "label_is_wrong": bool, a face whose label is not the expression drawn.
    - "occlusion": str, one of `OCCLUSIONS`.
    - "identity": int64, who was drawn; about four pictures each, in any split.
    - "duplicate_of": int64, the `rows` entry of the image that this one copies; -1 for
      none.

    Args:
        n: how many images, at least 1. From 1,000 on every class has at least three
            images in every split; below 3 some split is empty.
        seed: int, at least 0; the same n and seed give the same set.

    Returns:
        FaceSet of uint8 (n, 48, 48), FER2013's classes, `notice` "synthetic sample
        data".

    Raises:
        ParameterError: n is below 1 or not an integer, or the seed is negative.

    Example:
        >>> synthetic(100)
        FaceSet(synthetic: 100 faces 48x48, 7 classes, train 80, val 10, test 10)
    """
    check_whole("n", n, 1)
    check_whole("seed", seed, 0)
    plan, looks, planted = (np.random.default_rng([seed, i]) for i in range(3))
    split, labels = _split_and_labels(n, plan)
    non_face, truth = _plant_faults(split, labels, plan)
    rows, identity = draw_rows(np.array(CLASSES)[truth], looks)
    rows["non_face"] = non_face
    rows["occlusion"][non_face > 0] = people.OCCLUSIONS.index("none")
    copied = _choose_copies(split, labels, truth, non_face, planted)
    pixels = _copy(render(rows), copied, planted)
    original = np.where(copied >= 0, copied, np.arange(n))
    truth = np.where(non_face > 0, -1, truth)[original]
    facts = {
        "true_labels": truth,
        "is_face": truth >= 0,
        "label_is_wrong": (truth >= 0) & (truth != labels),
        "occlusion": np.array(people.OCCLUSIONS)[rows["occlusion"][original]],
        "identity": identity[original],
        "duplicate_of": copied,
    }
    source = f"drawn by fer_utils.data.synthetic from facial action units, seed {seed}"
    return FaceSet(
        pixels, labels, split, CLASSES, "synthetic", source, facts=facts, notice=NOTICE
    )


def draw_faces(
    emotions: Sequence[str], intensity: float = 1.0, seed: int = 0, **changes
) -> np.ndarray:
    """Draw one person once per emotion, from the front, in even light.

    Args:
        emotions: class names or aliases, also "contempt"; one picture each.
        intensity: number or (N,) in [0, 1], how strongly the expression shows.
        seed: int, at least 0, who is drawn.
        **changes: any number of the drawing by name, a number or (N,): an action unit
            such as `au12=0.5`, an identity such as `beard=0.8` or a scene such as
            `roll=0.2` (radians); and `occlusion`, one of `OCCLUSIONS`.

    Returns:
        uint8 (N, 48, 48).

    Raises:
        ParameterError: unknown emotion, parameter or occlusion.

    Example:
        >>> draw_faces(["happy", "sad"], intensity=0.8, seed=3, yaw=0.5).shape
        (2, 48, 48)
    """
    check_whole("seed", seed, 0)
    names = [fer_labels.canonical(emotion) for emotion in emotions]
    n = len(names)
    intensity = _numbers("intensity", intensity, n)
    if n and not 0 <= intensity.min() <= intensity.max() <= 1:
        raise ParameterError(
            f"intensity={intensity.tolist()}: expected values in [0, 1]."
        )
    rng = np.random.default_rng([seed, 3])
    one = people.draw_table(people.IDENTITY, 1, rng)
    one |= people.middle(people.SCENE) | {"light": np.float32([0.25])}
    one |= {"contrast": np.float32([1.0]), "noise": np.float32([0.008])}
    rows = {name: np.repeat(value, n) for name, value in one.items()}
    rows |= people.prototype(np.array(names), intensity)
    rows |= {"occlusion": np.zeros(n, int), "non_face": np.zeros(n, int)}
    for name, value in changes.items():
        rows[name] = _changed(name, value, rows, n)
    return render(rows)


def draw_random_rows(n: int, seed: int) -> people.Rows:
    """Return rows for `drawing.render`: random people, expressions and scenes."""
    rng = np.random.default_rng(seed)
    rows, _ = draw_rows(np.array(CLASSES)[rng.integers(0, len(CLASSES), n)], rng)
    return rows | {"non_face": np.zeros(n, int)}


def check_whole(name: str, value: object, least: int) -> None:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ParameterError(
            f"{name}={value!r}: expected a whole number, at least {least}."
            + (" Leave n out for the usual 6,000 faces." if name == "n" else "")
        )


def _changed(name: str, value, rows: people.Rows, n: int) -> np.ndarray:
    known = [key for key in rows if key != "non_face"]
    if name not in known:
        raise ParameterError(f"unknown parameter {name!r}." + did_you_mean(name, known))
    if name == "occlusion":
        values = np.broadcast_to(value, n)
        unknown = set(values.tolist()) - set(people.OCCLUSIONS)
        if unknown:
            wrong = sorted(unknown, key=str)[0]
            raise ParameterError(
                f"unknown occlusion {wrong!r}." + did_you_mean(wrong, people.OCCLUSIONS)
            )
        return np.array([people.OCCLUSIONS.index(v) for v in values], int)
    return _numbers(name, value, n)


def _numbers(name: str, value, n: int) -> np.ndarray:
    try:
        numbers = np.broadcast_to(np.asarray(value, np.float32), n)
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        raise ParameterError(
            f"{name}={value!r}: expected a number, or {n} numbers, one per picture."
        )
    return numbers


def apportion(total: int, weights, least: int = 0) -> np.ndarray:
    """Share a total out by weight in whole numbers, each at least `least`."""
    weights = np.asarray(weights, float)
    least = min(least, total // len(weights))
    exact = np.maximum((total * weights / weights.sum()), least)
    shares = np.floor(exact).astype(int)
    # Largest remainders first; what the minimum gave too much comes from the largest
    # share.
    for i in np.argsort(shares - exact, kind="stable")[: max(0, total - shares.sum())]:
        shares[i] += 1
    shares[shares.argmax()] += total - shares.sum()
    return shares


def _split_and_labels(n: int, rng) -> tuple[np.ndarray, np.ndarray]:
    sizes = apportion(n, _SPLIT_COUNTS, least=1)
    weights = [_CLASS_COUNTS[c] for c in CLASSES]
    labels = [
        np.repeat(np.arange(len(CLASSES)), apportion(size, weights, min(3, size // 20)))
        for size in sizes
    ]
    order = rng.permutation(n)
    return np.repeat(SPLITS, sizes)[order], np.concatenate(labels)[order]


def _plant_faults(split, labels, rng) -> tuple[np.ndarray, np.ndarray]:
    """Return what each image shows instead of a face (0: a face), and the truth."""
    non_face, truth = np.zeros(len(labels), int), labels.copy()
    for part in SPLITS:
        members = rng.permutation(np.flatnonzero(split == part))
        wrong, blank = (
            round(rate * len(members)) for rate in (_WRONG_LABEL_RATE, _NON_FACE_RATE)
        )
        for i in members[:wrong]:
            truth[i] = _mistaken(CLASSES[labels[i]], rng)
        kinds = rng.integers(1, len(NON_FACES), blank)
        non_face[members[wrong : wrong + blank]] = kinds
    return non_face, truth


def _mistaken(label: str, rng) -> int:
    others = tuple(c for c in CLASSES if c != label)
    pool = RESEMBLES[label] if rng.random() < _RESEMBLING_RATE else others
    return CLASSES.index(pool[rng.integers(len(pool))])


def draw_rows(emotions: np.ndarray, rng) -> tuple[people.Rows, np.ndarray]:
    """Return rows for `drawing.render` but "non_face", and who each one shows."""
    n = len(emotions)
    crowd = people.draw_table(people.IDENTITY, -(-n // 4), rng)
    identity = rng.integers(0, len(crowd["skin"]), n)
    rows = {name: column[identity] for name, column in crowd.items()}
    rows |= people.draw_table(people.SCENE, n, rng)
    rows |= people.draw_action_units(emotions, rng)
    rows["occlusion"] = people.draw_occlusions(n, rng)
    return rows, identity


def _choose_copies(split, labels, truth, non_face, rng) -> np.ndarray:
    """Return the training image that each image is to copy, or -1.

    A copy keeps its own label. One in eight takes a picture of that expression which is
    labelled otherwise in train, as happens in FER2013.
    """
    copied = np.full(len(labels), -1)
    clean = (non_face == 0) & (truth == labels)
    train = (split == "train") & (non_face == 0)
    for part, rate in _COPY_RATES.items():
        members = np.flatnonzero((split == part) & clean)
        size = round(rate * (split == part).sum())
        for i in rng.choice(members, min(size, len(members)), replace=False):
            same = train & (truth == labels[i])
            conflicting = same & ~clean
            use = (
                conflicting
                if rng.random() < 0.125 and conflicting.any()
                else same & clean
            )
            if use.any():
                copied[i] = rng.choice(np.flatnonzero(use))
    return copied


def _copy(pixels: np.ndarray, copied: np.ndarray, rng) -> np.ndarray:
    """Put the copies in: half of them exact, half with another exposure and grain."""
    index = np.flatnonzero(copied >= 0)
    pixels[index] = pixels[copied[index]]
    near = index[rng.random(len(index)) < 0.5]
    shape = (len(near), 1, 1)
    gain, offset = 0.8 + 0.15 * rng.random(shape), 5 + 25 * rng.random(shape)
    grain = rng.integers(-2, 3, (len(near), *pixels.shape[1:]))
    changed = pixels[near] * gain + offset + grain
    pixels[near] = np.rint(changed).clip(0, 255).astype(np.uint8)
    return pixels
