"""The split by image finds the person, the split by subject does not."""

import numpy as np
import pytest

from fer_utils.data import FaceSet
from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation import leakage_demo


def alike(people=20, frames=4, notice=""):
    """Return frames that show who it is clearly and the (random) label not at all."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(people), frames)
    looks = rng.integers(0, 250, (people, 6, 6))[who]
    pixels = (looks + rng.integers(0, 5, (len(who), 6, 6))).astype(np.uint8)
    labels = rng.integers(2, size=people)[who]
    split = ["test"] * len(who)
    return FaceSet(
        pixels,
        labels,
        split,
        ("happy", "sad"),
        "tiny",
        facts={"subject": who},
        notice=notice,
    )


def test_a_label_that_follows_the_person_is_found_only_by_leaking():
    demo = leakage_demo(alike())
    assert demo.by_image == demo.same_subject == 1
    assert demo.by_subject < 0.75
    assert (demo.n, demo.subjects) == (80, 20)
    assert demo.by_image == leakage_demo(alike()).by_image


@pytest.mark.parametrize(
    ("faces", "k", "error"),
    [
        (alike(2, 4), 3, ParameterError),  # fewer subjects than folds
        (alike(20, 4), 2, ParameterError),
        (alike(0, 4), 3, ParameterError),
    ],
)
def test_too_few_subjects_are_an_error(faces, k, error):
    with pytest.raises(error, match="folds="):
        leakage_demo(faces, k=k)


def test_faces_of_unknown_people_are_an_error(answers):
    faces = FaceSet(
        np.zeros((4, 2, 2), np.uint8), [0] * 4, ["test"] * 4, ("sad", "joy")
    )
    with pytest.raises(DataError, match="does not say who is seen"):
        leakage_demo(faces)


def test_the_figure_says_both_numbers_and_the_notice():
    demo = leakage_demo(alike(notice="synthetic sample data"))
    ax = demo.plot()
    texts = [t.get_text() for t in ax.texts]
    assert "100.0%" in texts and "synthetic sample data" in ax.get_xlabel()
    assert "split at random" in demo.alt_text() and demo.to_dict()["by_image"] == 1
