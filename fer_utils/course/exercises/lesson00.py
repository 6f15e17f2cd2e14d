"""The checks of lesson 00: what a label is, and what a model's sentence is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_utils.course.exercise import exercise, require
from fer_utils.course.exercises.expect import function, number
from fer_utils.course.exercises.statements import judged

_SENTENCE = (
    "Not answered yet. Begin with one question: who wrote the labels that the model "
    "learned from, and what did this person look at?"
)
_ONE_WORD = (
    "Not answered yet. Begin with the faces above: which word stands there most often, "
    "and above how many of them?"
)
_AGREEMENT = (
    "Not answered yet. Begin with one face: when do two words count as the same word?"
)
_WHICH = (
    "Not answered yet. Begin with `np.flatnonzero(confidence >= 0.9)`: of which faces "
    "is the model sure? Which of them does it call by another word than the label?"
)
_PICTURE = (
    "Not answered yet. Begin with `np.full((48, 48), 128, np.uint8)`, look at the "
    "bars, then give some of its rows another grey: 0 is black, 255 white."
)
_NO = (
    "Not answered yet. Begin with two questions for each letter: who cannot say no "
    "here, and what is decided about this person?"
)

_SURE = 0.9
_SURE_OF_NOTHING = 0.6  # the model of real photos doubts pictures of nothing
_NEAR_SHARE = 0.1  # how well 40 faces tell a share
_LIKE_A_FACE = 0.9  # the correlation from which a picture is taken for that face


@exercise(
    "q00_1",
    title="What does “happy, 90 %” say?",
    kind="interpret",
    minutes=4,
    points=1,
    start=_SENTENCE,
)
def q00_1(answer):
    """Check which statements about a prediction were chosen."""
    return judged(
        answer,
        "BD",
        chosen={
            "A": "Did anybody ask the pictured people? Think of what the person who "
            "wrote the labels had in front of them.",
            "C": "How many people labelled a face of this data set, and from where in "
            "the world were they?",
        },
        missing={
            "B": "The model learned from labels. What, then, is it able to foretell?",
            "D": "Is 90 % the same as always? And who says that a label is beyond "
            "doubt?",
        },
    )


@exercise(
    "q00_2",
    title="One word for every face",
    kind="predict",
    minutes=5,
    points=1,
    start=_ONE_WORD,
)
def q00_2(answer, labels):
    """Check an estimate of the share of the most frequent label in labels (N,)."""
    share = number(answer, "the share of faces that get the right word, 0 to 1")
    require(
        share <= 1,
        f"{share:g}: a share lies between 0 and 1. A quarter of the faces is 0.25.",
    )
    counts = np.bincount(labels)
    least, most = 1 / np.count_nonzero(counts), counts.max() / counts.sum()
    require(
        abs(share - least) > 0.005 or abs(most - least) < 0.01,
        f"{share:.3f} is what a blind draw gets, each word equally often. This model "
        "says one word only, and picks the best one. Are all words equally frequent?",
    )
    require(
        share > least - 0.005,
        f"{share:.3f} cannot be: even if all {np.count_nonzero(counts)} words were "
        "equally frequent, one word for all would be right more often.",
    )
    if abs(share - most) <= _NEAR_SHARE:
        return None
    way = "more" if share > most else "less"
    return (
        f"{share:.2f} is {way} than it is. Count the most frequent word among the "
        "faces above and divide by how many there are. If you did: so few faces may "
        "mislead; count those of the whole test set."
    )


@exercise(
    "q00_3",
    title="How often do you agree?",
    kind="implement",
    minutes=8,
    points=2,
    start=_AGREEMENT,
)
def q00_3(answer):
    """Check a function (words, words) -> share of places with the same word."""
    agreement = function(answer, "agreement(mine, theirs)")
    rng = np.random.default_rng(3)
    words = ["happy", "sad", "fear"]
    mine, theirs = (rng.choice(words, 20).tolist() for _ in range(2))
    same = [a == b for a, b in zip(mine, theirs, strict=True)]
    value = _share(agreement(list(mine), list(theirs)))
    if not np.isclose(value, np.mean(same)):
        return _about_agreement(value, mine, theirs, same)
    require(
        np.isclose(_share(agreement(["sad"] * 4, ["sad"] * 4)), 1),
        "Four times sad, four times sad: that is full agreement, 1. Yours gave "
        f"{agreement(['sad'] * 4, ['sad'] * 4)!r}.",
    )
    written = agreement(["Happy", "sad "], ["happy", "SAD"])
    require(
        np.isclose(_share(written), 1),
        f"['Happy', 'sad '] and ['happy', 'SAD'] gave {written!r}. People type "
        "capitals and blanks: which methods of a str take care of both?",
    )
    return _check_lengths(agreement)


def _share(value) -> float:
    require(
        value is not None and value is not ...,
        "Your function gave nothing back. `print` shows a value, `return` hands it on.",
    )
    require(
        not isinstance(value, (bool, np.bool_)),
        f"Your function gave {value!r}: whether the lists are the same as a whole. "
        "Asked is in what share of the places they are.",
    )
    return number(value, "the share of faces with the same word")


def _about_agreement(value: float, mine, theirs, same: Sequence[bool]) -> str:
    """Say which property fails, from what the number looks like."""
    a, b = set(mine), set(theirs)
    slips = (
        (sum(same), "That counts the faces. A share also asks out of how many."),
        (100 * np.mean(same), "That is in per cent. A share lies between 0 and 1."),
        (1 - np.mean(same), "That is how often the two differ."),
        (
            len(a & b) / len(a | b),
            "That asks which words occur anywhere in both lists. The first word "
            "belongs to the first face, the second to the second.",
        ),
    )
    for slip, hint in slips:
        if np.isclose(value, slip):
            return f"{value:g}. {hint}"
    return (
        f"Two lists of {len(mine)} words gave {value:g}. Try it on two faces by hand: "
        "['happy', 'sad'] and ['happy', 'fear']."
    )


def _check_lengths(agreement) -> str | None:
    """Check that lists of two lengths are refused, not cut."""
    try:
        value = agreement(["happy", "sad"], ["happy"])
    except ValueError:
        return None
    except Exception as error:
        return (
            f"Two words and one word: asked is a ValueError, yours raised "
            f"{type(error).__name__} ({error}). Compare the lengths first."
        )
    return (
        f"Two words and one word gave {value!r}. Somebody forgot a face, and nobody "
        "would notice. `zip` stops at the shorter list: raise a ValueError."
    )


@exercise(
    "q00_4",
    title="Sure, and wrong",
    kind="modify",
    minutes=6,
    points=2,
    start=_WHICH,
)
def q00_4(answer, probs, faces):
    """Check the position of a face that the model is sure of and calls otherwise."""
    require(
        np.ndim(answer) == 0 or np.size(answer) == 1,
        f"Expected the number of one face, received {np.size(answer)} values. Choose "
        "one of them.",
    )
    which = np.asarray(answer).reshape(-1)[0]
    require(
        np.asarray(which).dtype.kind in "iu" and 0 <= which < len(probs),
        f"Expected a whole number from 0 to {len(probs) - 1}, received {answer!r}.",
    )
    guess, confidence = int(probs[which].argmax()), float(probs[which].max())
    said, label = faces.classes[guess], faces.classes[faces.labels[which]]
    require(
        said != label,
        f"Face {which}: the model says {said}, and the data set says so, too. Asked is "
        "one where the two differ.",
    )
    require(
        confidence >= _SURE,
        f"Face {which}: label {label}, the model says {said}. They differ, but it is "
        f"only {confidence:.0%} sure. Asked is a face with {_SURE:.0%} or more.",
    )
    return None


@exercise(
    "q00_5",
    title="Sure of nothing",
    kind="modify",
    minutes=8,
    points=2,
    start=_PICTURE,
)
def q00_5(answer, model, faces):
    """Check a picture (H, W) uint8 without a face that the model is sure of."""
    from fer_utils.evaluation import predict

    picture = np.asarray(answer)
    size = faces.pixels.shape[1:3]
    require(
        picture.shape == size,
        f"Expected a picture of the shape {size}, received {picture.shape}.",
    )
    require(
        picture.dtype == np.uint8,
        f"Expected whole grey values from 0 to 255, `np.uint8`; received "
        f"{picture.dtype} from {picture.min():g} to {picture.max():g}.",
    )
    twin = _most_like(picture, faces)
    require(
        twin is None,
        f"That is nearly test face {twin}. Asked is a picture *without* a face: edges, "
        "bars, blocks, a drawing of a thing.",
    )
    probs = predict(model, picture[None])[0]
    said, confidence = faces.classes[int(probs.argmax())], float(probs.max())
    require(
        picture.min() < picture.max() or confidence >= _SURE_OF_NOTHING,
        f"One grey everywhere: the model says {said}, {confidence:.0%}. What does it "
        "look for in a face? Give it an edge between light and dark.",
    )
    require(
        confidence >= _SURE_OF_NOTHING,
        f"The model says {said}, {confidence:.0%} sure: asked is "
        f"{_SURE_OF_NOTHING:.0%}. Move your edges, turn them, make them longer or "
        "stronger.",
    )
    return None


def _most_like(picture, faces) -> int | None:
    """Return the position of the face that a picture, or its mirror, nearly is."""
    is_face = faces.facts.get("is_face", np.ones(len(faces), bool))
    rows = _standard(faces.pixels.reshape(len(faces), -1))
    for one in (picture, picture[:, ::-1]):
        likeness = rows @ _standard(one.reshape(1, -1))[0] / rows.shape[1]
        likeness[~is_face] = 0  # the sample data have pictures of nothing, too
        if likeness.max() > _LIKE_A_FACE:
            return int(likeness.argmax())
    return None


def _standard(rows) -> np.ndarray:
    """Return rows with mean 0 and standard deviation 1; 0 where nothing varies."""
    rows = rows.astype(np.float32)
    rows = rows - rows.mean(1, keepdims=True)
    return rows / np.maximum(rows.std(1, keepdims=True), 1e-6)


@exercise(
    "q00_6",
    title="What would you say no to?",
    kind="interpret",
    minutes=6,
    points=2,
    start=_NO,
)
def q00_6(answer):
    """Check which uses were chosen to say no to."""
    return judged(
        answer,
        "ACE",
        chosen={
            "B": "Who is in the picture, what were they told, and what happens to "
            "those who would rather not?",
            "D": "Is anything decided about a person here? Does the report claim more "
            "than was measured?",
        },
        missing={
            "A": "Read *The law* in lesson 00 once more. For which two places is it "
            "written, and does a good intention change the place?",
            "C": "What is decided about the people in these films, and could one of "
            "them refuse?",
            "E": "What does the app claim to know? Compare it with the sentence of "
            "exercise 0.1. And who agreed?",
        },
    )
