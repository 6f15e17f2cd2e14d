import numpy as np
import pytest

from fer_utils import labels
from fer_utils.data.synthetic import (
    ACTION_UNITS,
    EXPRESSIONS,
    NOTICE,
    OCCLUSIONS,
    draw_faces,
    drawing,
    synthetic,
)
from fer_utils.errors import ParameterError

CLASSES = labels.FER2013.classes


@pytest.fixture(scope="module")
def faces():
    return synthetic(1000, seed=4)


@pytest.mark.parametrize(
    ("n", "parts"),
    [
        (1, (1, 0, 0)),  # one image can only train
        (2, (2, 0, 0)),  # too few for three splits
        (3, (1, 1, 1)),  # the first size with every split
        (8, (6, 1, 1)),  # what the tests of other rooms use
        (100, (80, 10, 10)),
        (1001, (801, 100, 100)),  # not divisible
    ],
)
def test_any_size_is_drawn_and_split_like_fer2013(n, parts):
    faces = synthetic(n)
    assert faces.pixels.shape == (n, 48, 48)
    assert faces.pixels.dtype == np.uint8
    assert tuple(len(faces.part(s)) for s in ("train", "val", "test")) == parts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n=0: expected a whole number, at least 1"),
        ({"n": -3}, "n=-3"),
        ({"n": 2.5}, "n=2.5"),
        ({"n": True}, "n=True"),
        ({"n": "100"}, "n='100'"),
        ({"n": 5, "seed": -1}, "seed=-1: expected a whole number, at least 0"),
    ],
)
def test_a_wrong_size_or_seed_is_refused(arguments, message):
    with pytest.raises(ParameterError, match=message):
        synthetic(**arguments)


def test_the_set_says_what_it_is(faces):
    assert faces.name == "synthetic"
    assert faces.notice == NOTICE == "synthetic sample data"
    assert faces.classes == CLASSES
    assert "seed 4" in faces.source
    assert len(np.unique(faces.rows)) == len(faces)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_faces():
    first, again, other = synthetic(60, 1), synthetic(60, 1), synthetic(60, 2)
    assert first.content_hash == again.content_hash
    for name, column in first.facts.items():
        assert np.array_equal(column, again.facts[name]), name
    assert (first.pixels != other.pixels).any(axis=(1, 2)).mean() > 0.9


@pytest.mark.parametrize("chunk", [1, 7, 48, 1000])
def test_the_bytes_do_not_depend_on_the_chunk_size(chunk, monkeypatch):
    expected = synthetic(50).pixels
    original = drawing.render
    monkeypatch.setattr(
        "fer_utils.data.synthetic.sampling.render", lambda rows: original(rows, chunk)
    )
    assert np.array_equal(synthetic(50).pixels, expected)


def test_classes_are_as_imbalanced_as_in_fer2013(faces):
    share = np.bincount(faces.labels, minlength=7) / len(faces)
    fer2013 = np.array([3995, 436, 4097, 7215, 4830, 3171, 4965]) / 28709
    assert np.abs(share - fer2013).max() < 0.02
    assert share.argmax() == CLASSES.index("happy")
    assert share.argmin() == CLASSES.index("disgust")


def test_every_class_is_in_every_split_of_a_thousand_images(faces):
    for split, counts in faces.counts().items():
        assert min(counts.values()) >= 3, split


def test_every_split_has_wrong_labels_and_images_without_a_face(faces):
    wrong, is_face = faces.facts["label_is_wrong"], faces.facts["is_face"]
    for split in ("train", "val", "test"):
        inside = faces.split == split
        assert 0.03 < wrong[inside].mean() < 0.1, split
        assert 0.005 < (~is_face[inside]).mean() < 0.03, split


def test_the_facts_agree_with_each_other(faces):
    facts = faces.facts
    truth, is_face = facts["true_labels"], facts["is_face"]
    assert np.array_equal(truth == -1, ~is_face)
    assert np.array_equal(facts["label_is_wrong"], is_face & (truth != faces.labels))
    assert set(facts["occlusion"]) == set(OCCLUSIONS)
    assert set(facts["occlusion"][~is_face]) == {"none"}
    for name, kind in {
        "true_labels": "i",
        "identity": "i",
        "duplicate_of": "i",
    }.items():
        assert facts[name].dtype.kind == kind, name


def test_wrong_labels_are_mostly_look_alikes():
    faces = synthetic(2000)
    wrong = faces.facts["label_is_wrong"]
    pairs = list(
        zip(faces.labels[wrong], faces.facts["true_labels"][wrong], strict=True)
    )
    index = CLASSES.index
    like = [(index(a), index(b)) for a, b in [("sad", "neutral"), ("fear", "surprise")]]
    unlike = [(index(a), index(b)) for a, b in [("sad", "happy"), ("fear", "happy")]]
    assert sum(p in like for p in pairs) > 3 * sum(p in unlike for p in pairs)


def test_copies_leak_from_train_and_the_kit_finds_them(faces):
    copied = faces.facts["duplicate_of"]
    index = np.flatnonzero(copied >= 0)
    assert set(faces.split[index]) == {"val", "test"}
    assert set(faces.split[copied[index]]) == {"train"}
    difference = np.abs(faces.pixels[index].astype(int) - faces.pixels[copied[index]])
    exact = (difference == 0).all(axis=(1, 2))
    assert 0 < exact.sum() < len(index)
    found = np.flatnonzero(faces.duplicates().groups[index] >= 0)
    assert np.array_equal(found, np.flatnonzero(exact))
    near = faces.duplicates(near=True).groups
    assert (near[index] == near[copied[index]]).mean() > 0.7
    for fact in ("identity", "true_labels", "occlusion"):
        column = faces.facts[fact]
        assert np.array_equal(column[index], column[copied[index]]), fact


def test_pictures_that_are_no_copies_differ(faces):
    others = faces.take(faces.facts["duplicate_of"] < 0)
    assert len(others.duplicates()) == 0


def test_faces_use_the_grey_range_and_vary(faces):
    pixels = faces.pixels[faces.facts["is_face"]].astype(float)
    assert pixels.std(axis=(1, 2)).min() > 3
    assert 80 < pixels.mean() < 170
    assert pixels.mean(axis=(1, 2)).std() > 15


def test_every_expression_names_known_action_units():
    assert set(EXPRESSIONS) == set(CLASSES)
    for units in EXPRESSIONS.values():
        assert set(units) <= set(ACTION_UNITS)
        for chance, strength in units.values():
            assert 0 < chance <= 1 and 0 < strength <= 1


def test_one_person_shows_seven_different_expressions():
    pictures = draw_faces(CLASSES, seed=2)
    assert pictures.shape == (7, 48, 48) and pictures.dtype == np.uint8
    assert len(np.unique(pictures.reshape(7, -1), axis=0)) == 7
    # The same person: hair and background stay, in the top rows.
    assert np.array_equal(pictures[0, :4], pictures[3, :4])


def test_no_expression_is_left_at_intensity_zero():
    pictures = draw_faces(["happy", "neutral"], intensity=0)
    assert np.array_equal(pictures[0], pictures[1])


def test_a_stronger_expression_is_further_from_neutral():
    weak, strong, neutral = draw_faces(
        ["surprise", "surprise", "neutral"], intensity=[0.3, 1, 1]
    ).astype(int)
    assert np.abs(strong - neutral).sum() > 1.3 * np.abs(weak - neutral).sum()


@pytest.mark.parametrize(
    "change",
    [
        {"au12": 1.0},  # an action unit
        {"beard": 0.8},  # who it is
        {"roll": 0.3},  # how the head is held
        {"occlusion": "glasses"},
        {"occlusion": "hand"},
        {"occlusion": "watermark"},
    ],
)
def test_a_named_change_shows(change):
    plain = draw_faces(["neutral"]).astype(int)
    assert np.abs(draw_faces(["neutral"], **change) - plain).sum() > 2000


def test_a_change_may_differ_from_picture_to_picture():
    pictures = draw_faces(["sad"] * 3, roll=[0, 0.3, 0])
    assert np.array_equal(pictures[0], pictures[2])
    assert not np.array_equal(pictures[0], pictures[1])


def test_no_emotions_give_no_pictures():
    assert draw_faces([]).shape == (0, 48, 48)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"emotions": ["hapy"]}, "unknown emotion label 'hapy'. Did you mean 'happy'"),
        ({"emotions": ["sad"], "intensity": 1.5}, "1.5.*: expected values in"),
        ({"emotions": ["sad"], "intensity": "big"}, "intensity='big': expected a num"),
        ({"emotions": ["sad"], "roll": float("nan")}, "roll=nan: expected a number"),
        ({"emotions": ["sad"] * 3, "roll": [0, 1]}, "or 3 numbers, one per picture"),
        ({"emotions": ["sad"], "bread": 1}, "'bread'. Did you mean 'beard'"),
        ({"emotions": ["sad"], "occlusion": "hands"}, "Did you mean 'hand'"),
        ({"emotions": ["sad"], "seed": None}, "seed=None: expected"),
    ],
)
def test_a_wrong_name_gets_a_suggestion(arguments, message):
    with pytest.raises(ParameterError, match=message):
        draw_faces(**arguments)
