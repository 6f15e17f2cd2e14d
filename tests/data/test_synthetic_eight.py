"""Drawn faces with votes: eight classes, ten annotators, as in FER+."""

import numpy as np
import pytest

from fer_utils.data.synthetic import draw_faces, synthetic
from fer_utils.data.synthetic.eight import ANNOTATORS, CLASSES, voted_faces
from fer_utils.errors import ParameterError


@pytest.mark.parametrize("n", [1, 2, 8, 400])
def test_every_face_has_ten_votes(n):
    faces = voted_faces(n, seed=0)
    assert len(faces) == n
    assert faces.votes.shape == (n, len(CLASSES) + 2)
    assert (faces.votes.sum(axis=1) == ANNOTATORS).all()
    assert faces.notice == "synthetic sample data"


def test_the_same_seed_draws_the_same_set_and_another_one_does_not():
    first, again, other = (voted_faces(60, seed) for seed in (3, 3, 4))
    assert first.content_hash == again.content_hash != other.content_hash
    assert np.array_equal(first.votes, again.votes)


def test_most_votes_go_to_what_was_drawn_but_not_all():
    faces = voted_faces(800, seed=0)
    real = faces.facts["is_face"]
    emotions = faces.votes[:, : len(CLASSES)]
    assert (emotions.argmax(1) == faces.labels)[real].mean() > 0.9
    majority = (emotions.max(1) > ANNOTATORS / 2)[real].mean()
    assert 0.7 < majority < 0.95  # some faces divide people
    assert (faces.votes[~real].argmax(1) == len(CLASSES) + 1).mean() > 0.9


def test_every_class_is_in_every_split_of_the_usual_size():
    counts = voted_faces(6000, seed=0).counts()
    assert min(min(part.values()) for part in counts.values()) >= 15
    assert counts["train"]["contempt"] < counts["train"]["neutral"] / 5


def test_contempt_differs_from_neutral_around_the_mouth_only():
    neutral, contempt = draw_faces(["neutral", "contempt"], noise=0.0).astype(int)
    changed = np.abs(neutral - contempt) > 2
    assert changed.any()
    assert not changed[:24].any()  # eyes, brows and nose are as they were


def test_the_seven_classes_are_drawn_as_ever():
    assert synthetic(500).content_hash.startswith("ddf1b782c12435aa")


@pytest.mark.parametrize(("n", "seed"), [(0, 0), (2.5, 0), (8, -1)])
def test_senseless_sizes_and_seeds_are_refused(n, seed):
    with pytest.raises(ParameterError, match="expected a whole number"):
        voted_faces(n, seed)
