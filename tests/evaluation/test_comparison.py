import numpy as np
import pytest

from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation import paired_test


def answering(right):
    """Return probs of a two-class model whose labels are all 0."""
    return np.stack([right, 1 - np.array(right)], 1).astype(float)


@pytest.mark.parametrize(
    ("right_a", "right_b", "counts", "p_value"),
    [
        ([1], [1], (0, 0), 1.0),  # one image, nothing to tell
        ([1], [0], (1, 0), 1.0),  # one image cannot be significant
        ([1] * 8, [0] * 8, (8, 0), 2 / 2**8),
        ([0] * 8, [1] * 8, (0, 8), 2 / 2**8),  # two-sided: the same
        ([1, 0] * 4, [0, 1] * 4, (4, 4), 1.0),
    ],
)
def test_mcnemar_is_exact(right_a, right_b, counts, p_value):
    labels = np.zeros(len(right_a), int)
    test = paired_test(answering(right_a), answering(right_b), labels)
    assert (test.only_a_right, test.only_b_right) == counts
    assert test.p_value == pytest.approx(p_value)
    assert test.difference == pytest.approx(np.mean(right_a) - np.mean(right_b))
    assert test.interval[0] <= test.difference <= test.interval[1]


def test_swapping_the_models_mirrors_the_result():
    rng = np.random.default_rng(0)
    a, b = (answering(rng.integers(2, size=200)) for _ in range(2))
    there, back = (paired_test(*pair, [0] * 200) for pair in ((a, b), (b, a)))
    assert there.difference == -back.difference
    assert there.p_value == back.p_value


def test_pairing_gives_a_narrower_interval_than_two_separate_ones():
    rng = np.random.default_rng(0)
    right = rng.integers(2, size=500)
    nearly = np.where(rng.random(500) < 0.05, 1 - right, right)
    low, high = paired_test(answering(right), answering(nearly), [0] * 500).interval
    alone = 2 * 1.96 * np.sqrt(2 * 0.25 / 500)
    assert high - low < alone / 2


@pytest.mark.parametrize(
    ("right_a", "right_b", "words"),
    [
        ([1] * 20, [0] * 20, ["new is right more often", "p < 0.001", "rarely"]),
        ([0] * 20, [1] * 20, ["old is right more often than new by 100.0 points"]),
        ([1, 0, 1], [0, 0, 1], ["these 3 images do not tell the two apart"]),
        ([1, 0], [0, 1], ["equally often"]),
    ],
)
def test_the_summary_claims_no_more_than_was_seen(right_a, right_b, words):
    test = paired_test(answering(right_a), answering(right_b), [0] * len(right_a))
    sentence = test.summary("new", "old")
    assert all(word in sentence for word in words), sentence
    assert sentence.count(". ") == 0


@pytest.mark.parametrize(
    ("n_a", "n_b", "options", "error", "words"),
    [
        (0, 0, {}, DataError, "no image"),
        (2, 3, {}, ParameterError, "same images"),
        (2, 2, {"n_bootstrap": 0}, ParameterError, "n_bootstrap=0"),
    ],
)
def test_models_that_cannot_be_compared(n_a, n_b, options, error, words):
    a, b = (np.full((n, 2), 0.5) for n in (n_a, n_b))
    with pytest.raises(error, match=words):
        paired_test(a, b, [0] * n_a, **options)
