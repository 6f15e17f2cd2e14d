"""No subject is in two parts, whatever the sizes."""

from dataclasses import replace

import numpy as np
import pytest

from fer_utils.data import FaceSet, load, subject_folds, subjects_of
from fer_utils.errors import DataError, ParameterError

CLASSES = ("angry", "happy", "sad")


def people(n, subjects, seed=0, fact="subject"):
    rng = np.random.default_rng(seed)
    who = np.concatenate([np.arange(subjects), rng.integers(subjects, size=n)])[:n]
    return FaceSet(
        rng.integers(0, 256, (n, 4, 4), np.uint8),
        rng.integers(3, size=n),
        ["test"] * n,
        CLASSES,
        name="tiny",
        facts={fact: np.array([f"S{i:03d}" for i in who]) if n else np.array([])},
    )


ONE_EACH = replace(people(3, 3), labels=np.arange(3))


def seen(faces, split):
    return set(subjects_of(faces.part(split)).tolist())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("n", "subjects", "k"), [(30, 3, 3), (60, 7, 5), (90, 40, 10)])
def test_no_subject_is_in_two_parts_of_any_fold(n, subjects, k, seed):
    faces = people(n, subjects, seed)
    folds = subject_folds(faces, k, seed)
    assert len(folds) == k
    for fold in folds:
        parts = [seen(fold, split) for split in ("train", "val", "test")]
        assert all(parts)
        assert sum(map(len, parts)) == len(set.union(*parts)) == subjects
    for split in ("val", "test"):  # each image once
        times = sum((fold.split == split).astype(int) for fold in folds)
        assert set(times) == {1}


def test_the_same_seed_gives_the_same_folds_and_another_does_not():
    faces = people(60, 12)
    first, again, other = (
        [fold.split_hash for fold in subject_folds(faces, 4, seed)]
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_the_parts_are_alike_in_their_classes():
    faces = load("synthetic", n=700)
    shares = np.bincount(faces.labels) / len(faces)
    for fold in subject_folds(faces, 5):
        found = np.bincount(fold.test.labels, minlength=7) / len(fold.test)
        assert np.abs(found - shares).max() < 0.06


@pytest.mark.parametrize(
    ("faces", "k", "error", "message"),
    [
        (people(0, 1), 3, ParameterError, "folds=3: expected 3 .* to 0"),  # no image
        (people(1, 1), 3, ParameterError, "to 1, the number of tiny's subjects"),
        (people(8, 2), 2, ParameterError, "folds=2: expected 3"),  # no train left
        (people(30, 5), 6, ParameterError, "folds=6: expected 3 .* to 5"),
        (ONE_EACH, 3, DataError, "tiny cannot be cut in 3 parts"),
        (people(9, 3, fact="age"), 3, DataError, "does not say who is seen"),
    ],
)
def test_what_cannot_be_cut_says_why(faces, k, error, message):
    with pytest.raises(error, match=message):
        subject_folds(faces, k)


def test_the_subjects_protocol_is_the_first_fold():
    faces = people(60, 12)
    assert faces.resplit("subjects", 3).split_hash == (
        subject_folds(faces, 10, 3)[0].split_hash
    )
    few = people(60, 4).resplit("subjects")  # fewer than ten people: fewer parts
    assert not seen(few, "train") & seen(few, "test")


def test_a_pooled_split_of_known_subjects_warns():
    faces = people(300, 12)
    with pytest.warns(UserWarning, match="one person in train and in test"):
        faces.resplit("pooled")
