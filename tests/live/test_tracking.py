"""Faces keep their identity; probabilities are calm in time; searches when needed."""

import numpy as np
import pytest

from fer_utils.errors import ParameterError
from fer_utils.live.pacing import AsNeeded, EveryKth, pace
from fer_utils.live.smoothing import Smoother
from fer_utils.live.tracking import Tracker, match, overlaps

LEFT, RIGHT = (0, 0, 10, 10), (100, 0, 110, 10)


@pytest.mark.parametrize(
    ("boxes_a", "boxes_b", "expected"),
    [
        ([], [], []),  # no face in either frame
        ([], [LEFT], []),  # the first face
        ([LEFT], [], [None]),  # face lost
        ([LEFT], [(1, 0, 11, 10)], [0]),  # small move keeps the identity
        ([LEFT], [RIGHT], [None]),  # too far
        ([LEFT, RIGHT], [RIGHT, LEFT], [1, 0]),  # the order does not matter
        ([LEFT, RIGHT], [(101, 0, 111, 10)], [None, 0]),  # one of two lost
        ([LEFT], [(4, 0, 14, 10), (1, 0, 11, 10)], [1]),  # the nearer of two
        # the best for both together: the second's own best is the first's only one
        ([(0, 0, 10, 10), (5, 0, 15, 10)], [(3, 0, 13, 10), (9, 0, 19, 10)], [0, 1]),
        ([(5, 5, 5, 5)], [(5, 5, 5, 5)], [None]),  # empty boxes overlap with nothing
    ],
)
def test_faces_keep_their_identity_by_overlap(boxes_a, boxes_b, expected):
    assert match(boxes_a, boxes_b) == expected


@pytest.mark.parametrize(
    ("box_a", "box_b", "expected"),
    [
        (LEFT, LEFT, 1),
        (LEFT, RIGHT, 0),
        (LEFT, (10, 0, 20, 10), 0),  # they touch
        (LEFT, (0, 0, 10, 5), 0.5),
        (LEFT, (5, 5, 15, 15), 25 / 175),
        (LEFT, (3, 3, 3, 9), 0),  # an empty box
    ],
)
def test_the_overlap_is_intersection_over_union(box_a, box_b, expected):
    assert overlaps([box_a], [box_b]).item() == pytest.approx(expected)
    assert overlaps([box_b], [box_a]).item() == pytest.approx(expected)


def box_at(x, y=50, side=40):
    return (x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def ids(tracker):
    return [track.id for track in tracker.tracks]


def test_ids_are_never_used_again():
    tracker = Tracker(forget_after=1)
    tracker.update([box_at(50), box_at(200)], [1, 1], 0.0)
    assert ids(tracker) == [1, 2]
    tracker.update([], [], 0.1)
    assert ids(tracker) == []
    tracker.update([box_at(50)], [1], 0.2)
    assert ids(tracker) == [3]
    tracker.reset()
    tracker.update([box_at(50)], [1], 0.3)
    assert ids(tracker) == [4]


def test_two_faces_that_pass_each_other_keep_their_ids():
    tracker = Tracker()
    for step in range(60):
        left, right = 50 + 5 * step, 350 - 5 * step
        boxes = [box_at(left, 50), box_at(right, 75)]
        order = [0, 1] if step % 2 else [1, 0]  # a detector knows no order
        tracker.update([boxes[i] for i in order], [1, 1], step / 25)
    assert ids(tracker) == [1, 2]
    middles = {t.id: t.box_xyxy[[0, 2]].mean() for t in tracker.tracks}
    first = 1 if middles[1] > middles[2] else 2
    assert middles[first] == pytest.approx(345, abs=5)
    assert middles[3 - first] == pytest.approx(55, abs=5)
    assert first == 2  # at step 0 the right one came first, so id 2 began at the left


@pytest.mark.parametrize(
    ("misses", "seconds_each", "kept"),
    [
        (0, 0.04, True),
        (4, 0.04, True),
        (5, 0.04, False),  # the fifth in a row
        (1, 0.6, False),  # one, but half a second later
    ],
)
def test_a_face_is_forgotten_after_some_missed_detections(misses, seconds_each, kept):
    tracker = Tracker(forget_after=5)
    tracker.update([box_at(50)], [1], 0.0)
    for miss in range(misses):
        tracker.update([], [], (miss + 1) * seconds_each)
    assert bool(tracker.tracks) is kept


def test_a_face_found_again_in_time_begins_to_count_anew():
    tracker = Tracker(forget_after=2)
    for step in range(20):  # every second detection misses it
        tracker.update(*(([], []) if step % 2 else ([box_at(50)], [1])), step / 25)
    assert ids(tracker) == [1]


def test_a_fast_face_is_followed_between_detections():
    """600 pixels a second, searched every fifth of a second: 120 pixels per search."""
    tracker, errors = Tracker(), []
    for frame in range(50):
        seconds, x = frame / 25, 50 + 24 * frame
        if frame % 5 == 0 or frame < 5:
            tracker.update([box_at(x, side=100)], [0.9], seconds)
        else:
            tracker.move(seconds)
        errors.append(abs(tracker.tracks[0].box_xyxy[[0, 2]].mean() - x))
    assert ids(tracker) == [1]
    assert max(errors[25:]) < 15  # standing still it would be 96


def test_a_face_that_is_not_found_does_not_run_away():
    tracker = Tracker()
    for frame in range(10):
        tracker.update([box_at(50 + 10 * frame)], [1], frame / 25)
    before = tracker.tracks[0].box_xyxy[0]
    tracker.move(10.0)
    assert 0 < tracker.tracks[0].box_xyxy[0] - before < 250 * 0.3


def test_a_trembling_detection_makes_a_calmer_box():
    rng = np.random.default_rng(0)
    tracker, seen, shown = Tracker(), [], []
    for frame in range(200):
        box = np.array(box_at(50)) + rng.normal(0, 2, 4)
        tracker.update([box], [1], frame / 25)
        seen.append(box)
        shown.append(tracker.tracks[0].box_xyxy)
    assert np.std(shown[20:]) < np.std(seen[20:])
    steps = [np.abs(np.diff(boxes[20:], axis=0)).mean() for boxes in (seen, shown)]
    assert steps[1] < 0.85 * steps[0]


@pytest.mark.parametrize(
    ("boxes", "low", "high"),
    [
        ([box_at(50)], 0, 0.01),  # as expected
        ([box_at(54)], 0.1, 0.3),  # a small move
        ([box_at(75)], 0.5, 0.9),  # a jump
        ([], 1, 1),  # it went
        ([box_at(50), box_at(200)], 1, 1),  # one came
    ],
)
def test_the_surprise_says_how_badly_faces_were_expected(boxes, low, high):
    tracker = Tracker()
    tracker.update([box_at(50)], [1], 0.0)
    tracker.update(boxes, [1] * len(boxes), 0.04)
    assert low <= tracker.surprise <= high


@pytest.mark.parametrize(
    "options", [{"forget_after": 0}, {"min_overlap": 0}, {"min_overlap": 1.5}]
)
def test_a_tracker_refuses_bad_options(options):
    with pytest.raises(ParameterError, match=next(iter(options))):
        Tracker(**options)


# Smoothing

HAPPY, SAD = np.array([1, 0]), np.array([0, 1])


@pytest.mark.parametrize("fps", [5, 10, 25, 100])
def test_smoothing_is_in_seconds_whatever_the_frame_rate(fps):
    smoother = Smoother(0.5)
    for frame in range(4 * fps):
        smoother.update(1, HAPPY, frame / fps)
    for frame in range(fps + 1):  # one second of another expression: two time constants
        probs = smoother.update(1, SAD, 4 + frame / fps)
    assert probs[0] == pytest.approx(np.exp(-2), abs=0.05)
    assert probs.sum() == pytest.approx(1, abs=1e-6)
    assert probs.dtype == np.float32


def test_the_first_frames_are_their_plain_mean():
    smoother = Smoother(1e6)
    updates = [smoother.update(1, p, 0.0) for p in (HAPPY, SAD, SAD)]
    np.testing.assert_allclose(updates, [[1, 0], [0.5, 0.5], [1 / 3, 2 / 3]], atol=1e-6)


def test_no_smoothing_gives_back_what_came():
    smoother = Smoother(0)
    for probs in (HAPPY, SAD, HAPPY):
        np.testing.assert_array_equal(smoother.update(1, probs, 0.0), probs)


def test_faces_do_not_mix_and_are_forgotten():
    smoother = Smoother(1)
    smoother.update(1, HAPPY, 0.0)
    np.testing.assert_array_equal(smoother.update(2, SAD, 0.0), SAD)
    smoother.keep([2])
    np.testing.assert_array_equal(smoother.update(1, SAD, 0.1), SAD)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_smoothing_refuses_what_is_no_time(seconds):
    with pytest.raises(ParameterError, match="smooth="):
        Smoother(seconds)


# Pacing


def searches(rhythm, surprises, fps=25):
    """Return at which frames a rhythm searches; `surprises` maps frames to surprise."""
    due = []
    for frame in range(50):
        if rhythm.due(frame / fps):
            due.append(frame)
            rhythm.found(frame / fps, surprises.get(frame, 0.0))
    return due


@pytest.mark.parametrize(
    ("every", "expected"),
    [(1, list(range(50))), (15, [0, 15, 30, 45]), (100, [0])],
)
def test_every_kth_frame_is_searched(every, expected):
    rhythm = pace(every)
    assert isinstance(rhythm, EveryKth)
    assert rhythm.holds
    assert searches(rhythm, {}) == expected


def test_calm_faces_are_searched_ever_more_seldom_but_within_a_fifth_of_a_second():
    due = searches(pace("auto"), {0: 1.0})
    assert due[:5] == [0, 1, 3, 7, 12]
    assert set(np.diff(due[3:])) == {5}


def test_a_surprise_brings_the_next_search_at_once():
    due = searches(pace("auto"), {0: 1.0, 12: 1.0})
    assert due[due.index(12) :][:4] == [12, 13, 15, 19]


def test_moving_faces_are_searched_in_every_frame():
    assert searches(pace("auto"), dict.fromkeys(range(50), 0.5)) == list(range(50))


def test_a_slow_source_is_searched_in_every_frame():
    assert searches(pace("auto"), {}, fps=4) == list(range(50))


def flat(grey, shape=(36, 64)):
    return np.full((*shape, 3), grey, np.uint8)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (flat(100), flat(100), False),
        (flat(100), flat(120), False),  # the light changes
        (flat(100), flat(160), True),
        (flat(100), flat(100, (64, 36)), True),  # another size is another clip
        (flat(0, (1, 1)), flat(255, (1, 1)), True),
    ],
)
def test_a_cut_is_noticed(before, after, expected):
    rhythm = AsNeeded()
    assert rhythm.new_scene(before) is False  # the first frame is no change
    assert bool(rhythm.new_scene(after)) is expected


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "often", None])
def test_a_rhythm_that_is_none_is_refused(every):
    with pytest.raises(ParameterError, match="every=.*'auto'"):
        pace(every)
