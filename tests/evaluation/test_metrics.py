import json
import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation import Report, evaluate
from fer_utils.evaluation.metrics import (
    _bootstrap,
    _image_features,
    _resampled_metrics,
)


def sklearn_values(probs, labels):
    predicted = probs.argmax(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes that are predicted but absent
        return {
            "accuracy": sk.accuracy_score(labels, predicted),
            "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted),
            "macro_f1": sk.f1_score(
                labels, predicted, average="macro", zero_division=0
            ),
        }


@pytest.mark.parametrize(
    ("n", "k", "drop"),
    [
        (1, 7, None),  # one image
        (2, 2, None),  # two classes
        (60, 7, None),
        (60, 7, 1),  # no image of class 1, though it is predicted
        (5, 7, None),  # most classes absent
    ],
)
def test_every_metric_is_the_one_of_scikit_learn(answers, classes, n, k, drop):
    probs, labels = answers(n, k)
    if drop is not None:
        probs, labels = probs[labels != drop], labels[labels != drop]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = evaluate(probs, labels, classes[:k], n_bootstrap=20)
    for name, value in sklearn_values(probs, labels).items():
        assert report.metrics[name] == pytest.approx(value), name
    assert report.confusion.shape == (k, k)
    assert report.confusion.dtype == np.int64
    assert report.confusion.sum() == report.n == len(labels)
    assert [row["support"] for row in report.per_class.values()] == (
        np.bincount(labels, minlength=k).tolist()
    )
    assert all(0 <= low <= high <= 1 for low, high in report.intervals.values())


@pytest.mark.parametrize("n", [1, 2, 60])
def test_the_bootstrap_of_each_image_once_is_the_metric_itself(answers, classes, n):
    probs, labels = answers(n)
    once = np.ones((1, n), np.int64)
    values = _resampled_metrics(once, *_image_features(probs, labels))
    report = evaluate(probs, labels, classes, n_bootstrap=0)
    for name, value in values.items():
        assert value[0] == pytest.approx(report.metrics[name]), name


def test_a_resample_counts_what_scikit_learn_counts_on_the_drawn_images(answers):
    probs, labels = answers(40)
    drawn = np.random.default_rng(1).integers(40, size=40)
    times = np.bincount(drawn, minlength=40)[None]
    values = _resampled_metrics(times, *_image_features(probs, labels))
    for name, value in sklearn_values(probs[drawn], labels[drawn]).items():
        assert values[name][0] == pytest.approx(value), name


def test_the_interval_is_as_wide_as_theory_says(answers, classes):
    probs, labels = answers(2000)
    report = evaluate(probs, labels, classes)
    low, high = report.intervals["accuracy"]
    accuracy = report.metrics["accuracy"]
    theory = 2 * 1.96 * np.sqrt(accuracy * (1 - accuracy) / 2000)
    assert low < accuracy < high
    assert high - low == pytest.approx(theory, rel=0.1)


def test_resamples_do_not_depend_on_how_they_are_blocked(answers, monkeypatch):
    probs, labels = answers(30)
    whole = _bootstrap(probs, labels, 20, seed=3)
    monkeypatch.setattr("fer_utils.evaluation.metrics._BLOCK", 90)  # 3 at a time
    blocked = _bootstrap(probs, labels, 20, seed=3)
    for name in whole:
        np.testing.assert_allclose(whole[name], blocked[name])


def test_the_same_seed_gives_the_same_intervals_and_another_seed_others(
    answers, classes
):
    probs, labels = answers(50)
    one, same, other = (
        evaluate(probs, labels, classes, n_bootstrap=50, seed=seed).intervals
        for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other


def test_a_perfect_and_sure_model_scores_one_and_loses_nothing(classes):
    labels = np.arange(7)
    report = evaluate(np.eye(7), labels, classes, n_bootstrap=10)
    metrics = dict(report.metrics)
    assert metrics.pop("log_loss") == pytest.approx(0, abs=1e-6)
    assert metrics.pop("ece") == 0
    assert set(metrics.values()) == {1.0}
    assert report.majority_accuracy == pytest.approx(1 / 7)


def test_the_majority_guess_is_the_share_of_the_largest_class(classes):
    report = evaluate(np.eye(7)[[0, 0, 0, 1]], [0, 0, 0, 1], classes, n_bootstrap=0)
    assert report.majority_accuracy == 0.75


def test_top2_counts_the_second_guess(classes):
    probs = np.tile([0.5, 0.4, 0.1, 0, 0, 0, 0], (3, 1))
    report = evaluate(probs, [0, 1, 2], classes, n_bootstrap=0)
    assert report.metrics["top2_accuracy"] == pytest.approx(2 / 3)
    assert report.intervals == {}


@pytest.mark.parametrize(
    ("mask", "accuracy", "n"),
    [
        ([False, False, False], 2 / 3, 3),  # no duplicate
        ([False, False, True], 1.0, 2),  # the wrong answer was one
        ([True, True, True], None, 0),  # nothing is left
    ],
)
def test_duplicates_are_taken_out_of_the_second_accuracy(mask, accuracy, n):
    probs = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]
    report = evaluate(probs, [0, 1, 1], ("sad", "happy"), duplicated=np.array(mask))
    found = report.without_duplicates
    assert (found["accuracy"], found["n"]) == (pytest.approx(accuracy), n)
    assert (found["interval"] is None) == (n == 0)
    json.dumps(report.to_dict(), allow_nan=False)


def test_a_report_survives_json(answers, classes):
    probs, labels = answers(20)
    report = evaluate(
        probs, labels, classes, duplicated=labels == 0, notice="synthetic sample data"
    )
    text = json.dumps(report.to_dict(), allow_nan=False)
    back = Report.from_dict(json.loads(text))
    assert back.to_dict() == report.to_dict()
    assert back.probs is None
    assert back.calibration.notice == back.notice == "synthetic sample data"
    assert "20 images" in repr(back)


def test_a_record_without_a_key_says_which():
    with pytest.raises(ParameterError, match="key 'metrics' is missing"):
        Report.from_dict({"classes": ["sad", "happy"]})


def test_the_table_has_a_row_per_class(answers, classes):
    table = evaluate(*answers(20), classes, n_bootstrap=0).table()
    assert list(table.index) == list(classes)
    assert list(table.columns) == ["precision", "recall", "f1", "support"]


GOOD = [[0.5, 0.5], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("probs", "labels", "classes", "error", "words"),
    [
        (np.empty((0, 2)), [], "ab", DataError, "no image to evaluate"),
        ([[1, 0], [0.5, np.nan]], [0, 1], "ab", ParameterError, "row 1: .*nan"),
        ([[1, 0], [3.0, -1.0]], [0, 1], "ab", ParameterError, "not logits"),
        ([[1.5, -0.5]], [0], "ab", ParameterError, "row 0"),  # sums to one, yet bad
        ([[np.inf, 0]], [0], "ab", ParameterError, "row 0"),
        (GOOD, [0, 1], "abc", ParameterError, r"shape \(N, 3\)"),
        (GOOD, [0], "ab", ParameterError, r"labels: expected shape \(2,\)"),
        (GOOD, [0, 2], "ab", ParameterError, r"labels row 1: .*\[0, 1\]"),
        (GOOD, [0, -1], "ab", ParameterError, "labels row 1"),
        (GOOD, [0, 0.5], "ab", ParameterError, "labels row 1"),
        ([[1.0]], [0], "a", ParameterError, "at least two different"),
        (GOOD, [0, 1], "aa", ParameterError, "at least two different"),
    ],
)
def test_bad_input_is_named(probs, labels, classes, error, words):
    with pytest.raises(error, match=words):
        evaluate(probs, labels, tuple(classes))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_bootstrap": -1}, "n_bootstrap=-1"),
        ({"duplicated": [0, 1]}, "boolean mask"),  # integers would index
        ({"duplicated": np.array([True])}, r"shape \(2,\)"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ParameterError, match=words):
        evaluate(GOOD, [0, 1], ("sad", "happy"), **options)
