import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "module",
    ["calibration", "comparison", "gradcam", "metrics", "mistakes", "prediction"],
)
def test_the_examples_in_the_docstrings_run(module):
    found = doctest.testmod(
        importlib.import_module(f"fer_utils.evaluation.{module}"), verbose=False
    )
    assert found.attempted
    assert not found.failed
