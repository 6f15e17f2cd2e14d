"""The real FER2013, where FER_DATA_DIR holds it: counts, twins, and every layout."""

import os

import pytest

from fer_utils import data
from fer_utils.data.registry import describe, find
from fer_utils.errors import DataError

DATA_DIR = os.environ.get("FER_DATA_DIR")  # before conftest hides it from the tests


@pytest.fixture
def real():
    try:
        return find(describe("fer2013"), DATA_DIR) if DATA_DIR else _skip()
    except DataError:
        return _skip()


def _skip():
    pytest.skip("FER_DATA_DIR does not hold the real FER2013")


@pytest.mark.realdata
def test_the_real_set_has_the_official_counts_and_the_known_twins(real):
    result = data.check("fer2013", real)
    assert result.ok, str(result)
    assert result.test_in_train == 288
