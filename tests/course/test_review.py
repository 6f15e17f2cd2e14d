"""Decisions about a model's mistakes: the log, undo, agreement, what they change."""

import csv
import os
import threading
from dataclasses import replace

import numpy as np
import pytest

from fer_utils import data
from fer_utils.course import review
from fer_utils.course.review import VERDICTS, Decision, ReviewLog, read_decisions
from fer_utils.data import FaceSet
from fer_utils.errors import DataError, ParameterError


def small_faces():
    """Return twelve faces in three classes, a third in each split."""
    pixels = np.random.default_rng(0).integers(0, 255, (12, 16, 16))
    split = np.repeat(["train", "val", "test"], 4)
    classes = ("happy", "sad", "fear")
    return FaceSet(pixels.astype(np.uint8), np.arange(12) % 3, split, classes)


def decided(reviewer, verdicts, name="faces"):
    return [
        Decision("", reviewer, name, row, "", "", verdict)
        for row, verdict in enumerate(verdicts)
    ]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reviews" / "review.csv"


def add(log, row, verdict="label wrong", name="faces"):
    log.add(name, row, "sad", "happy", verdict)


def test_a_log_without_decisions_makes_no_file(path):
    log = ReviewLog(path, "A")
    assert (len(log), log.decisions(), log.undo()) == (0, [], None)
    assert not path.exists()


def test_decisions_are_there_after_a_restart(path):
    add(ReviewLog(path, "A"), 3, "not a face")
    add(ReviewLog(path, "A"), 5)
    again = ReviewLog(path, "A")
    assert again.verdicts("faces") == {3: "not a face", 5: "label wrong"}
    assert again.verdicts("other") == {}


def test_undo_adds_a_line_and_takes_none_away(path):
    log = ReviewLog(path, "A")
    add(log, 3)
    before = path.read_bytes()
    assert log.undo().row == 3
    assert path.read_bytes().startswith(before)
    assert len(path.read_text().splitlines()) == 3  # columns, decision, undo
    assert ReviewLog(path, "A").verdicts("faces") == {}


def test_undo_reaches_back_over_a_restart_and_stops_at_the_start(path):
    for row in (1, 2):
        add(ReviewLog(path, "A"), row)
    log = ReviewLog(path, "A")
    assert [log.undo().row, log.undo().row, log.undo()] == [2, 1, None]
    assert read_decisions(path) == []


def test_undo_of_a_second_thought_brings_the_first_back(path):
    log = ReviewLog(path, "A")
    add(log, 1, "label wrong")
    add(log, 1, "ambiguous")
    assert log.verdicts("faces") == {1: "ambiguous"}
    log.undo()
    assert log.verdicts("faces") == {1: "label wrong"}
    assert ReviewLog(path, "A").verdicts("faces") == {1: "label wrong"}


def test_undo_leaves_the_other_reviewer_alone(path):
    first, second = ReviewLog(path, "A"), ReviewLog(path, "B")
    add(first, 1)
    add(second, 1, "ambiguous")
    first.undo()
    assert [(d.reviewer, d.verdict) for d in read_decisions(path)] == [
        ("B", "ambiguous")
    ]


def test_the_log_is_a_csv_that_says_who_when_and_what(path):
    add(ReviewLog(path, '  Ada,  "A" '), 7, "ambiguous")
    with open(path, newline="") as file:
        (row,) = csv.DictReader(file)
    assert row.pop("time").endswith("+00:00")
    assert row == {
        "reviewer": 'Ada, "A"',
        "data": "faces",
        "row": "7",
        "label": "sad",
        "predicted": "happy",
        "verdict": "ambiguous",
    }
    assert ReviewLog(path, '  Ada,  "A" ').verdicts("faces") == {7: "ambiguous"}


@pytest.mark.parametrize("kept", [1, 5, 30])
def test_a_line_that_was_cut_off_costs_only_itself(path, kept):
    log = ReviewLog(path, "A")
    add(log, 1)
    whole = path.read_bytes()
    add(log, 2)
    path.write_bytes(path.read_bytes()[: len(whole) + kept])
    with pytest.warns(UserWarning, match="line 3"):
        log = ReviewLog(path, "A")
    add(log, 4)
    with pytest.warns(UserWarning, match="line 3"):
        assert ReviewLog(path, "A").verdicts("faces").keys() == {1, 4}


def test_another_csv_is_refused_and_left_as_it_is(path):
    path.parent.mkdir()
    path.write_text("name,mark\nA,1\n")
    with pytest.raises(DataError, match="another file name"):
        ReviewLog(path, "A")
    assert path.read_text() == "name,mark\nA,1\n"


@pytest.mark.skipif(os.name == "nt", reason="a folder can be opened there")
def test_what_cannot_be_written_was_not_decided(tmp_path):
    log = ReviewLog(tmp_path / "review.csv", "A")
    log.path.mkdir()
    with pytest.raises(DataError, match="could not be written"):
        add(log, 1)
    assert log.verdicts("faces") == {}


@pytest.mark.parametrize("name", ["", "  \n"])
def test_a_reviewer_needs_a_name(path, name):
    with pytest.raises(ParameterError, match="initials"):
        ReviewLog(path, name)


def test_an_unknown_verdict_is_refused(path):
    with pytest.raises(ParameterError, match="Did you mean 'label wrong'"):
        add(ReviewLog(path, "A"), 1, "label is wrong")
    assert not path.exists()


# --- two reviewers --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "observed", "kappa"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3], 1, 1),  # perfect
        ([0, 0, 1, 1], [0, 1, 0, 1], 0.5, 0),  # what chance gives
        ([0, 1], [1, 0], 0, -1),  # never
        ([0, 0], [0, 0], 1, np.nan),  # one verdict for all: nothing to correct for
        ([0, 1, 1], [0, 1], 1, 1),  # the third face was seen by one of them only
    ],
)
def test_agreement_is_cohens_kappa(first, second, observed, kappa):
    both = [
        d
        for name, said in (("A", first), ("B", second))
        for d in decided(name, [VERDICTS[i] for i in said])
    ]
    result = review.agreement(both)
    assert (result.first, result.second) == ("A", "B")
    assert result.observed == observed
    assert result.kappa == pytest.approx(kappa, nan_ok=True)
    assert result.table.sum() == result.n == min(len(first), len(second))
    assert f"{result.n} faces" in result.summary()


def test_kappa_by_hand():
    # 10 faces, alike in 7; by chance 0.5 x 0.6 + 0.5 x 0.4 = 0.5: (0.7 - 0.5) / 0.5.
    first = [VERDICTS[i] for i in (0, 0, 0, 0, 0, 1, 1, 1, 1, 1)]
    second = [VERDICTS[i] for i in (0, 0, 0, 0, 1, 1, 1, 1, 0, 0)]
    result = review.agreement(decided("A", first) + decided("B", second))
    assert result.kappa == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("decisions", "words"),
    [
        ([], "received no decisions"),
        (decided("A", ["ambiguous"]), "received A"),
        (
            decided("A", ["ambiguous"]) + decided("B", ["ambiguous"], "other"),
            "no face in common",
        ),
    ],
)
def test_agreement_says_what_it_misses(decisions, words):
    with pytest.raises(DataError, match=words):
        review.agreement(decisions)


def test_agreement_of_three_names_the_two():
    three = [d for who in "ABC" for d in decided(who, ["ambiguous", "model wrong"])]
    result = review.agreement(three, "C", "B")
    assert (result.first, result.second) == ("C", "B")
    with pytest.raises(DataError, match="no decision by 'D'"):
        review.agreement(three, "D")


# --- what the decisions change --------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "dropped"),
    [
        ([["label wrong"]], 1),
        ([["not a face"]], 1),
        ([["model wrong"]], 0),
        ([["ambiguous"]], 0),
        ([["label wrong"], ["not a face"]], 1),  # both see a fault
        ([["label wrong"], ["model wrong"]], 0),  # they do not agree: it stays
        ([["model wrong", "label wrong"]], 1),  # a second thought counts
    ],
)
def test_a_face_is_dropped_when_all_who_judged_it_flagged_it(verdicts, dropped):
    faces = small_faces()
    decisions = [
        Decision("", f"reviewer {i}", faces.name, 0, "", "", verdict)
        for i, said in enumerate(verdicts)
        for verdict in said
    ]
    assert len(faces) - len(review.without_flagged(faces, decisions)) == dropped


def test_only_training_faces_of_the_same_set_are_dropped():
    faces = small_faces()
    everything = decided("A", ["label wrong"] * len(faces), faces.name)
    left = review.without_flagged(faces, everything)
    assert set(left.split) == {"val", "test"}
    assert len(review.without_flagged(faces, decided("A", ["label wrong"], "x"))) == 12
    both = review.without_flagged(faces, everything, parts=("train", "val"))
    assert set(both.split) == {"test"}


def test_the_planted_truth_scores_itself_perfectly():
    faces = data.load("synthetic", n=300).train
    known = review.planted_decisions(faces)
    result = review.score(known, faces)
    faulty = faces.facts["label_is_wrong"] | ~faces.facts["is_face"]
    assert result.n == len(faces)
    assert result.planted == result.found == result.flagged == faulty.sum() > 3
    left = review.without_flagged(faces, known)
    assert not left.facts["label_is_wrong"].any()
    assert left.facts["is_face"].all()


def test_a_review_that_flags_all_finds_all_and_says_how_many_it_flagged():
    faces = data.load("synthetic", n=300).train.take(np.arange(50))
    rows = faces.rows.tolist()
    all_flagged = [
        Decision("", "A", faces.name, r, "", "", "label wrong") for r in rows
    ]
    result = review.score(all_flagged, faces)
    assert result.flagged == result.n == 50
    assert result.found == result.planted < 50
    assert "flagged 50" in result.summary()


def test_faces_that_do_not_know_their_faults_cannot_score_a_review():
    with pytest.raises(DataError, match="compare two reviewers"):
        review.score([], small_faces())


# --- the widget -----------------------------------------------------------------------


class Answers:
    """A model that Grad-CAM cannot look into: the widget must do without."""


@pytest.fixture
def widget(path, monkeypatch):
    return make_widget(path)


def make_widget(path, faces=None, **options):
    from fer_utils.course import review_widget

    faces = small_faces() if faces is None else faces
    probs = np.full((len(faces), 3), 0.1, np.float32)
    probs[np.arange(len(faces)), (faces.labels + 1) % 3] = 0.8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(review_widget, "_heat_of", lambda model, faces: None)
        options = {"reviewer": "A", "probs": probs, "k": 5} | options
        return review_widget.ReviewWidget(Answers(), faces, path, **options)


def press(widget, name):
    buttons = {**widget._buttons, "undo": widget._undo, "skip": widget._skip}
    buttons[name].click()


def test_a_button_decides_and_the_next_face_comes(widget, path):
    press(widget, "label wrong")
    press(widget, "ambiguous")
    assert widget.position == 2
    assert [d.verdict for d in read_decisions(path)] == ["label wrong", "ambiguous"]
    assert "2 decided" in widget._heading.value
    assert widget._progress.value == 2


def test_undo_goes_back_to_the_face(widget, path):
    press(widget, "skip")
    press(widget, "label wrong")
    press(widget, "undo")
    assert widget.position == 1
    assert read_decisions(path) == []
    assert widget._undo.disabled


def test_the_review_goes_on_where_it_was(widget, path):
    for verdict in ("model wrong", "ambiguous"):
        press(widget, verdict)
    again = make_widget(path)
    assert again.position == 2
    assert "2 of 5" in again._message.value
    assert make_widget(path, reviewer="B").position == 0


def test_all_decided_is_said_and_a_second_thought_is_possible(widget):
    for _ in range(5):
        press(widget, "ambiguous")
    assert "All are decided" in widget._heading.value
    press(widget, "model wrong")
    assert list(widget._verdicts.values()).count("model wrong") == 1


def test_a_decision_that_cannot_be_written_is_said_and_the_face_stays(widget, path):
    path.mkdir(parents=True)
    press(widget, "ambiguous")
    assert widget.position == 0
    assert "could not be written" in widget._message.value


def test_no_mistakes_means_nothing_to_press(path):
    empty = make_widget(path, index=[])
    assert "No mistakes" in empty._heading.value
    assert all(button.disabled for button in empty._buttons.values())
    empty.decide("ambiguous")
    empty.step(1)
    assert not path.exists()


def test_the_answer_of_the_model_can_be_hidden(widget):
    assert "the model answers" in widget._pictures.value
    assert "80%" in widget._bars.value
    widget._hide.value = True
    assert "the model answers" not in widget._pictures.value
    assert "80%" not in widget._bars.value
    press(widget, "skip")
    assert "80%" not in widget._bars.value
    widget._hide.value = False
    assert "80%" in widget._bars.value


def test_votes_are_shown_where_there_are_some(path):
    faces = small_faces()
    votes = np.zeros((len(faces), 3))
    votes[:, 1] = 7
    assert "sad 7" in make_widget(path, replace(faces, votes=votes))._bars.value
    assert "votes" not in make_widget(path)._bars.value


def test_names_in_the_picture_are_words_and_not_markup(path):
    widget = make_widget(path)
    widget._say("<script>alert(1)</script>")
    assert "<script>" not in widget._message.value


def test_clicks_on_two_threads_write_whole_lines(widget, path):
    threads = [
        threading.Thread(target=widget.decide, args=("ambiguous",)) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({d.row for d in read_decisions(path)}) == 5


def test_positions_outside_the_set_are_refused(path):
    with pytest.raises(ParameterError, match="from 0 to 11"):
        make_widget(path, index=[12])
