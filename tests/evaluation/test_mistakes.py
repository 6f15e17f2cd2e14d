import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from fer_utils.errors import ParameterError
from fer_utils.evaluation import (
    Report,
    confusable_pairs,
    evaluate,
    label_issues,
    suspect_labels,
    top_mistakes,
)

PROBS = np.array(
    [
        [0.9, 0.1, 0.0],  # true 0, right
        [0.8, 0.1, 0.1],  # true 1, taken for 0
        [0.1, 0.3, 0.6],  # true 0, taken for 2
        [0.0, 0.95, 0.05],  # true 0, taken for 1
    ]
)
LABELS = np.array([0, 1, 0, 0])
CLASSES = ("angry", "disgust", "fear")
ANSWERS = (PROBS, LABELS, CLASSES)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [3, 1, 2]),  # by confidence, the right answer left out
        ({"k": 1}, [3]),
        ({"true": "angry"}, [3, 2]),
        ({"predicted": "anger"}, [1]),  # an alias
        ({"true": "angry", "predicted": "fear"}, [2]),
        ({"true": "fear"}, []),  # nothing to show
    ],
)
def test_mistakes_come_surest_first(options, expected):
    assert top_mistakes(ANSWERS, **options).index.tolist() == expected


def test_captions_name_truth_prediction_and_confidence():
    captions = top_mistakes(ANSWERS, k=1).captions()
    assert captions == ["angry → disgust (95\u00a0%)"]


def test_a_report_and_its_parts_give_the_same_mistakes():
    report = evaluate(*ANSWERS, n_bootstrap=0, notice="sample")
    mistakes = top_mistakes(report)
    assert mistakes.captions() == top_mistakes(ANSWERS).captions()
    assert mistakes.notice == "sample"


def test_a_report_read_back_has_no_mistakes_to_show():
    report = Report.from_dict(evaluate(*ANSWERS, n_bootstrap=0).to_dict())
    with pytest.raises(ParameterError, match="has no probabilities"):
        top_mistakes(report)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"k": 0}, "k=0"),
        ({"true": "angri"}, "Did you mean 'angry'"),
        ({"predicted": "happy"}, "unknown class 'happy'"),  # known, but not here
    ],
)
def test_bad_questions_are_named(options, words):
    with pytest.raises(ParameterError, match=words):
        top_mistakes(ANSWERS, **options)


def test_confusable_pairs_count_both_directions():
    report = evaluate(*ANSWERS, n_bootstrap=0)
    first, second = confusable_pairs(report)  # disgust and fear are never confused
    assert (first.first, first.second) == ("angry", "disgust")
    assert (first.first_as_second, first.second_as_first) == (1, 1)
    assert first.rate == pytest.approx(2 / 4)
    assert second.rate == pytest.approx(1 / 3)
    assert len(confusable_pairs(report, k=1)) == 1


def test_a_perfect_model_confuses_nothing():
    assert confusable_pairs(evaluate(np.eye(3), range(3), CLASSES, n_bootstrap=0)) == ()


@pytest.mark.parametrize("method", ["margin", "self_confidence"])
def test_planted_wrong_labels_are_found_far_better_than_by_chance(answers, method):
    probs, labels = answers(500)
    wrong = np.random.default_rng(1).random(500) < 0.1
    given = np.where(wrong, (labels + 1) % 7, labels)
    found = suspect_labels(probs, given, k=10, method=method)
    assert average_precision_score(wrong, found.score) > 0.3  # chance: 0.1
    assert len(found.index) == 10
    assert found.score[found.index[0]] == found.score.max()
    assert 0 <= found.score.min() <= found.score.max() <= 1


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        # given label against the best OTHER class: margins .8, -.7, -.5, -.95
        ("margin", [0.1, 0.85, 0.75, 0.975]),
        ("self_confidence", [0.1, 0.9, 0.9, 1.0]),
    ],
)
def test_suspicion_is_the_published_score_turned_round(method, expected):
    score = suspect_labels(PROBS, LABELS, method=method).score
    np.testing.assert_allclose(score, expected)


def test_an_unknown_method_is_named():
    with pytest.raises(ParameterError, match="Did you mean 'margin'"):
        suspect_labels(PROBS, LABELS, method="margins")


def planted(n=900, k=7, seed=0):
    """Return (probs, labels, wrong): sure answers, and one label in twelve wrong."""
    rng = np.random.default_rng(seed)
    true = rng.integers(k, size=n)
    probs = rng.dirichlet(np.ones(k), n)
    probs[np.arange(n), true] += 1.0
    wrong = rng.random(n) < 1 / 12
    labels = np.where(wrong, (true + rng.integers(1, k, n)) % k, true)
    return probs / probs.sum(1, keepdims=True), labels, wrong


def test_planted_label_noise_is_found_and_little_else():
    probs, labels, wrong = planted()
    issues = label_issues(probs, labels)
    assert wrong[issues].mean() > 0.9  # of the suspected ones
    assert wrong[issues].sum() > 0.6 * wrong.sum()  # of the wrong ones
    given = probs[issues, labels[issues]]
    margin = given - np.where(np.eye(7)[labels[issues]], 0, probs[issues]).max(1)
    assert (np.diff(margin) >= 0).all()  # the worst first


def test_labels_that_the_model_shares_are_not_suspected():
    probs, _, _ = planted()
    assert len(label_issues(probs, probs.argmax(1))) == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("probs", "labels"),
    [
        (np.eye(3)[:1], [0]),  # one image
        (np.eye(3)[:2], [0, 1]),
        (np.eye(3)[[1, 1]], [0, 0]),  # one class only: nothing to compare with
        (np.full((4, 3), 1 / 3), [0, 1, 2, 0]),  # the model knows nothing
    ],
)
def test_too_little_to_suspect_a_label_gives_none_without_a_warning(probs, labels):
    issues = label_issues(probs, labels)
    assert issues.dtype == np.int64
    assert issues.tolist() == []


def test_label_issues_refuses_logits():
    with pytest.raises(ParameterError, match="not logits"):
        label_issues(np.array([[3.0, -1.0]]), [0])
