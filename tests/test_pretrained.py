"""The shipped models: they load, they are small, and their cards tell the truth."""

import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest

import fer_utils
from fer_utils import data, pretrained
from fer_utils.data import FaceSet
from fer_utils.errors import ParameterError
from fer_utils.experiments.shipping import model_card

REAL = Path(os.environ.get("FER_DATA_DIR", "")) / "fer2013.tar.gz"


def test_at_least_one_model_is_shipped():
    assert "compact-fer2013" in pretrained.names()


@pytest.mark.parametrize("name", pretrained.names())
def test_a_shipped_model_loads_and_is_small(name):
    model = fer_utils.load_pretrained(name)
    assert model.input_shape == (None, 48, 48, 1)
    assert len(model.class_names) == model.output_shape[-1]
    assert 0.1 < model.metadata["temperature"] < 10
    assert model.count_params() <= 1_300_000
    assert pretrained.path(name).stat().st_size < 6e6


@pytest.mark.parametrize("name", pretrained.names())
def test_the_card_is_what_its_record_gives(name):
    record = json.loads(pretrained.path(name, ".json").read_text(encoding="utf-8"))
    assert pretrained.card(name) == model_card(name, record)


@pytest.mark.parametrize(
    ("name", "notice", "expected"),
    [
        ("fer2013", "", "compact-fer2013"),
        ("ferplus", "", "compact-ferplus"),
        ("ferplus-soft", "", "compact-ferplus"),
        ("rafdb", "", "compact-fer2013"),
        ("synthetic", "synthetic sample data", "compact-drawn"),
        ("synthetic-eight", "synthetic sample data", "compact-drawn"),
    ],
)
def test_a_data_set_gets_the_model_that_suits_it(name, notice, expected):
    pixels = np.zeros((2, 8, 8), np.uint8)
    faces = FaceSet(pixels, [0, 1], ["test"] * 2, ("happy", "sad"), name, notice=notice)
    assert pretrained.name_for(faces) == expected


def test_an_unknown_model_is_refused():
    with pytest.raises(ParameterError, match="Did you mean 'compact-fer2013'"):
        fer_utils.load_pretrained("compact-fer2031")


@pytest.mark.skipif(not REAL.is_file(), reason="FER_DATA_DIR does not hold FER2013")
def test_plain_keras_finds_the_accuracy_of_the_card_on_private_test():
    record = json.loads(pretrained.path("compact-fer2013", ".json").read_text())
    test = data.load("fer2013").test
    model = keras.saving.load_model(pretrained.path("compact-fer2013"), compile=False)
    logits = model.predict(test.images(), batch_size=512, verbose=0)
    measured = record["shipped"]["results"]["test"]["metrics"]["accuracy"]
    # Another processor may round one of 3,589 near ties differently.
    assert np.mean(logits.argmax(1) == test.labels) == pytest.approx(measured, abs=6e-4)
