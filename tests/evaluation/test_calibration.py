import numpy as np
import pytest
from scipy.special import softmax

from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation import fit_temperature, reliability


@pytest.mark.parametrize(
    ("confidences", "right", "expected"),
    [
        ([1.0], [1], 0.0),  # one image, sure and right
        ([1.0], [0], 1.0),  # sure and wrong
        ([0.8] * 5, [1, 1, 1, 1, 0], 0.0),  # 80 % sure, right in 4 of 5
        ([0.9, 0.6], [1, 1], 0.25),  # gaps .1 and .4 in two bins
        ([0.61, 0.65], [1, 0], 0.13),  # one bin: the gaps are averaged before |.|
    ],
)
def test_the_calibration_error_is_that_of_guo(confidences, right, expected):
    confidences = np.array(confidences)
    probs = np.stack([confidences, 1 - confidences], 1)
    result = reliability(probs, 1 - np.array(right), n_bins=10)
    assert result.ece == pytest.approx(expected)
    assert result.count.sum() == len(confidences)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below():
    result = reliability([[0.5, 0.5], [1.0, 0.0]], [0, 0], n_bins=2)
    assert result.count.tolist() == [1, 1]


def test_empty_bins_are_nan_and_the_alt_text_still_works():
    result = reliability([[0.9, 0.1]], [1])
    assert np.isnan(result.accuracy).sum() == 14
    assert "above accuracy" in result.alt_text()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_spoilt_the_logits_is_found_again(temperature):
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (4000, 5))
    drawn = rng.random((4000, 1)) > softmax(honest, axis=1).cumsum(1)
    found = fit_temperature(honest * temperature, drawn.sum(1).clip(max=4))
    assert found == pytest.approx(temperature, rel=0.1)


@pytest.mark.parametrize(
    ("logits", "labels", "error", "words"),
    [
        (np.empty((0, 3)), [], DataError, "no image"),
        ([[np.nan, 1.0]], [0], ParameterError, "finite"),
        ([[0.0, 1.0]], [5], ParameterError, "labels row 0"),
        ([0.0, 1.0], [0, 1], ParameterError, r"\(N, K\)"),
    ],
)
def test_bad_logits_are_named(logits, labels, error, words):
    with pytest.raises(error, match=words):
        fit_temperature(logits, labels)


def test_no_bins_is_an_error():
    with pytest.raises(ParameterError, match="n_bins=0"):
        reliability([[0.5, 0.5]], [0], n_bins=0)
