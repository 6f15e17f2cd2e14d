"""From votes to labels and targets: the rules of the FER+ paper, row by row."""

import os
from pathlib import Path

import numpy as np
import pytest

from fer_utils import data
from fer_utils.data.ferplus_faces import (
    EMOTIONS,
    from_votes,
    majority,
    majority_counts,
    shares,
)
from fer_utils.data.synthetic.eight import voted_faces
from fer_utils.errors import DataError, ParameterError

DATA_DIR = os.environ.get("FER_DATA_DIR", "nowhere")  # before a test's own is set
NAMES = data.VOTE_COLUMNS


def row(**votes):
    """Return votes (1, 10) by name; "no_face" for the last column."""
    named = {k.replace("_", " "): v for k, v in votes.items()}
    return np.array([[named.get(name, 0) for name in NAMES]])


@pytest.mark.parametrize(
    ("votes", "word"),
    [
        (row(), None),  # nobody voted
        (row(happy=1), None),  # one vote is a slip
        (row(happy=2), "happy"),
        (row(happy=10), "happy"),
        (row(happy=5, sad=5), None),  # half is not more than half
        (row(happy=5, sad=4, fear=1), "happy"),  # the slip does not count
        (row(happy=4, sad=3, fear=3), None),
        (row(happy=3, sad=1, fear=1, angry=1), "happy"),  # three slips
        (row(unknown=6, sad=4), "unknown"),
        (row(no_face=8, sad=2), "no face"),
    ],
)
def test_a_majority_holds_more_than_half_of_what_is_no_slip(votes, word):
    found = majority(votes)[0]
    assert (None if found < 0 else NAMES[found]) == word


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        (row(), {}),
        (row(happy=1, sad=1, fear=1), {}),  # nothing but slips
        (row(happy=10), {"happy": 1}),
        (row(happy=6, sad=4), {"happy": 0.6, "sad": 0.4}),
        (row(happy=6, sad=3, fear=1), {"happy": 2 / 3, "sad": 1 / 3}),  # a slip
        (row(happy=8, sad=2), {"happy": 1}),  # eight of ten are enough
        (row(happy=5, sad=3, unknown=2), {"happy": 0.625, "sad": 0.375}),
        (row(unknown=6, sad=4), {}),  # most see no expression
        (row(happy=4, unknown=4, sad=2), {}),  # what is left holds under half
        (row(happy=5, no_face=5), {}),  # equals stand or fall together
        (row(happy=4, sad=3, fear=3), {"happy": 0.4, "sad": 0.3, "fear": 0.3}),
        (row(happy=3, sad=3, fear=2, angry=2), {}),  # four words are too many
    ],
)
def test_shares_are_of_few_words_that_hold_most_of_the_votes(votes, expected):
    found = shares(votes)[0]
    wanted = [expected.get(name, 0) for name in NAMES[:EMOTIONS]]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_shares_of_any_votes_sum_to_one_or_are_empty():
    votes = np.random.default_rng(0).multinomial(10, [0.1] * 10, 500)
    found = shares(votes)
    sums = found.sum(axis=1)
    assert (np.isclose(sums, 1) | (sums == 0)).all()
    assert ((found > 0).sum(axis=1) <= 3).all()
    # A face with an emotion's majority always has shares, and agrees with them.
    clear = majority(votes)
    clear_emotion = (clear >= 0) & (clear < EMOTIONS)
    assert (found[clear_emotion].argmax(1) == clear[clear_emotion]).all()
    assert (sums[clear_emotion] > 0).all()


@pytest.mark.parametrize("n", [1, 8, 300])
def test_all_kinds_of_targets_meet_the_same_val_and_test(n):
    faces = voted_faces(n, seed=0)
    hard, soft = (from_votes(faces, kind, "x") for kind in (False, True))
    for part in ("val", "test"):
        one, other = hard.part(part), soft.part(part)
        assert np.array_equal(one.rows, other.rows)
        assert np.array_equal(one.labels, other.labels)
        assert np.array_equal(other.targets.argmax(1), other.labels)
        assert (other.targets.max(axis=1, initial=1) == 1).all()
    assert set(hard.train.rows) <= set(soft.train.rows)
    assert hard.targets is None


def test_every_face_is_counted_once():
    faces = voted_faces(300, seed=1)
    counts = majority_counts(faces)
    assert sum(sum(part.values()) for part in counts.values()) == 300
    hard = from_votes(faces, False, "x")
    assert {k: v for k, v in counts["train"].items() if k in hard.classes} == (
        hard.counts()["train"]
    )


@pytest.mark.parametrize("name", ["synthetic-eight", "synthetic-eight-soft"])
def test_drawn_faces_with_votes_load_by_name(name):
    faces = data.load(name, n=200, seed=3)
    assert faces.name == name and faces.num_classes == 8
    assert (faces.targets is not None) == name.endswith("soft")
    assert "without usable votes left out" in faces.source
    assert len(data.voted(name, n=200, seed=3)) == 200


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("synthetic-eight", {"m": 3}, "takes no option 'm'. Known: n, seed"),
        ("synthetic-eight", {"path": "x"}, "is drawn, not read"),
        ("ferplus", {"seed": 3}, "ferplus takes no option 'seed'"),
        ("affectnet", {"sides": 3}, "Did you mean 'side'"),
        ("fer2013+", {}, "unknown data set ''"),
        ("fer2013+ck84", {}, "unknown data set 'ck84'. Did you mean 'ck48'"),
        ("synthetic+ck48", {"n": 3}, "a mix takes no path and no options"),
    ],
)
def test_a_wrong_option_or_name_is_refused(name, options, message):
    with pytest.raises(ParameterError, match=message):
        data.load(name, **options)


def test_votes_of_a_set_without_votes_are_refused():
    with pytest.raises(ParameterError, match="'fer2013' has no votes"):
        data.voted("fer2013")


@pytest.mark.realdata
def test_the_real_votes_give_the_counts_that_data_check_prints(monkeypatch):
    monkeypatch.setenv("FER_DATA_DIR", DATA_DIR)
    try:
        counts = data.majority_counts(data.voted("ferplus"))
    except DataError:
        pytest.skip("needs FER2013 as csv and fer2013new.csv")
    emotions = data.VOTE_COLUMNS[:EMOTIONS]
    kept = {s: sum(found[e] for e in emotions) for s, found in counts.items()}
    assert kept == {"train": 25060, "val": 3199, "test": 3153}
    soft = data.load("ferplus-soft")
    assert len(soft.train) == 27956
    remarks = " ".join(data.check("ferplus").remarks)
    assert "train: 25,060 strict majorities" in remarks


@pytest.mark.realdata
@pytest.mark.parametrize("of", ["folder", "votes"])
def test_a_path_to_the_folder_or_to_the_votes_is_enough(of):
    votes = Path(DATA_DIR) / "fer2013new.csv"
    if not votes.is_file():
        pytest.skip("needs FER2013 as csv and fer2013new.csv")
    path = votes.parent if of == "folder" else votes
    assert len(data.load("ferplus", path=path).test) == 3153
