"""What a benchmark concludes from records is computed, and the page is of them."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from fer_utils.errors import DataError

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def bench():
    path = ROOT / "benchmarks" / "time_to_accuracy.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def curve(bench, accuracy, minutes=1.0, petaflops=1.0, name="a"):
    count = np.arange(1, len(accuracy) + 1)
    best = np.maximum.accumulate(np.array(accuracy, float))
    return bench.Curve(
        name, 2 * minutes * count, minutes * count, petaflops * count, best
    )


def test_the_page_is_that_of_the_reference_records(bench):
    baseline = bench.read(bench.RUNS / bench.BASELINE)
    ours = [bench.read(bench.RUNS / name) for name in bench.OURS]
    page = (ROOT / "reports" / "time_to_accuracy.md").read_text(encoding="utf-8")
    assert page == bench.page(baseline, ours), "run: benchmarks/time_to_accuracy.py"
    for one in (baseline, *ours):
        assert (one.undisturbed <= one.minutes + 1e-9).all()  # waiting adds only


@pytest.mark.parametrize(
    ("accuracy", "wanted", "epoch"),
    [
        ([0.3], 0.4, None),  # never
        ([0.4], 0.4, 0),  # at once, and exactly
        ([0.3, 0.5, 0.4], 0.45, 1),  # it fell again later
    ],
)
def test_the_first_epoch_that_reached_an_accuracy(bench, accuracy, wanted, epoch):
    assert curve(bench, accuracy).first(wanted) == epoch


def test_the_ratio_is_of_what_both_cost_until_then(bench):
    ours, slow = curve(bench, [0.5, 0.7]), curve(bench, [0.4, 0.5, 0.6], 4.0, 6.0)
    assert bench.ratio(ours, slow, 0.5) == "8.0x the minutes, 12.0x the FLOPs"
    assert bench.ratio(curve(bench, [0.4]), slow, 0.5) == "not reached"
    text = bench.tables(slow, [ours])
    assert "| 50.00% | 2; 8.0 (16.0); 12.00 | 1; 1.0 (2.0); 1.00 |" in text
    assert "not in 3 epochs" in text


def test_a_folder_without_a_run_is_named(bench, tmp_path):
    with pytest.raises(DataError, match="no run here"):
        bench.read(tmp_path)


def test_an_unfinished_run_is_read_as_far_as_it_is(bench, tmp_path):
    (tmp_path / "checkpoint").mkdir()
    rows = [{"val_accuracy": a, "seconds": s} for a, s in ((0.3, 60), (0.2, 120))]
    state = {"key": "", "history": rows}
    (tmp_path / "checkpoint" / "state.json").write_text(json.dumps(state))
    injected = {"name": "x-seed3", "data": "synthetic-tiny", "model": "shallow_cnn"}
    content = {"metadata": {"papermill": {"parameters": injected | {"seed": 3}}}}
    (tmp_path / "notebook.ipynb").write_text(json.dumps(content))
    found = bench.read(tmp_path)
    assert found.name == "x, seed 3"
    assert found.minutes.tolist() == [1.0, 3.0]
    assert found.undisturbed.tolist() == [1.0, 2.0]
    assert found.accuracy.tolist() == [0.3, 0.3]
