"""Checks before a launch: notebooks, models, disk and memory; nothing is written."""

import json
from collections import namedtuple
from pathlib import Path

import pytest

from fer_utils.experiments import Experiment, costs, launch

ROOT = Path(__file__).parents[2]
Usage = namedtuple("Usage", "total used free")


def notebook(folder, *sources, tag="parameters"):
    cells = [
        {"cell_type": "code", "source": s, "metadata": {"tags": [tag]}} for s in sources
    ]
    path = folder / "n.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    return path


def experiment(name="a", **parameters):
    return Experiment.from_dict({"name": name, "data": "synthetic-tiny", **parameters})


def texts(problems):
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("source", "injected", "message"),
    [
        ("quick = True", {"quick": False}, ""),
        ("rate = 0.5", {"rate": 1}, ""),  # a whole number is a float
        ("rate: float = 0.5", {"rate": 1.0}, ""),
        ("names = ()", {"names": ["a"]}, ""),
        ("seed = None", {"seed": 3}, ""),
        ("seed = int('3')", {"seed": 3}, ""),  # computed: its type is not known
        ("classes = 'all'", {"classes": 4}, ""),  # has several types
        ("quik = True", {"quick": True}, "does not set 'quick'.* Did you mean 'quik'"),
        ("quick = 'yes'", {"quick": True}, "is str, the runner injects True"),
        ("epochs = 3", {"epochs": 3.5}, "is int, the runner injects 3.5"),
        ("quick = 1", {"quick": True}, "is int, the runner injects True"),
        ("quick = = 1", {"quick": True}, "is not Python"),
    ],
)
def test_what_is_injected_fits_the_parameters_cell(tmp_path, source, injected, message):
    found = texts(launch.notebook_problems(notebook(tmp_path, source), injected))
    if not message:
        assert found == []
    else:
        assert len(found) == 1
        import re

        assert re.search(message, found[0])


def test_a_notebook_without_parameters_cell_says_how_to_tag_one(tmp_path):
    path = notebook(tmp_path, "quick = True", tag="other")
    (found,) = texts(launch.notebook_problems(path, {"quick": True}))
    assert "no cell has the tag 'parameters'" in found
    assert "Cell Tags" in found


@pytest.mark.parametrize("content", [None, "", "[]", '{"cells": 3}', "{}"])
def test_a_file_that_is_no_notebook_is_named(tmp_path, content):
    path = tmp_path / "n.ipynb"
    if content is not None:
        path.write_text(content)
    (found,) = texts(launch.notebook_problems(path, {"quick": True}))
    assert "not a readable notebook" in found


def test_the_kits_own_notebooks_take_what_is_injected():
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        injected = {"data_name": "synthetic", "quick": True}
        assert list(launch.notebook_problems(path, injected)) == []
    injected = {**experiment().to_dict(), "out_dir": "x"}
    path = ROOT / "notebooks" / "experiment.ipynb"
    assert list(launch.notebook_problems(path, injected)) == []


def test_a_good_launch_has_no_problem_and_leaves_nothing_behind(tmp_path):
    assert launch.check([experiment()], {}, tmp_path / "runs") == []
    assert list(tmp_path.iterdir()) == []


def test_all_problems_come_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(9, 9, 1_000_000))
    monkeypatch.setattr(launch, "free_memory_mb", lambda: 100.0)
    wrong = experiment("b", model="deep_cnn", model_options={"width": -1})
    found = launch.check(
        [experiment(), wrong],
        {notebook(tmp_path, "x = 1"): {"y": 1}},
        tmp_path / "runs",
    )
    assert [p.about for p in found] == ["notebook", "model", "disk", "memory"]
    assert [p.is_estimate for p in found] == [False, False, True, True]


def test_a_wrong_value_of_a_model_option_is_found_without_training(tmp_path):
    wrong = experiment(model="mobilenet", model_options={"alpha": 0.3})
    (found,) = texts(launch.check([wrong], {}, tmp_path))
    assert "experiment 'a'" in found
    assert "alpha=0.3" in found


def test_memory_grows_with_jobs_and_is_not_asked_of_workers_elsewhere(
    tmp_path, monkeypatch
):
    two = [experiment("a"), experiment("b")]
    need = costs.memory_mb(two[0])
    monkeypatch.setattr(launch, "free_memory_mb", lambda: 1.5 * need)
    assert launch.check(two, {}, tmp_path, jobs=1) == []
    (found,) = launch.check(two, {}, tmp_path, jobs=2)
    assert found.about == "memory"
    assert "'a', 'b'" in found.text
    assert launch.check(two, {}, tmp_path, jobs=2, here=False) == []


def test_runs_that_have_their_model_need_no_more_disk(tmp_path, monkeypatch):
    kept, training = costs.kept_mb(experiment()), costs.checkpoint_mb(experiment())
    free = (100 + training + kept / 2) * 1e6
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(0, 0, free))
    (found,) = launch.check([experiment()], {}, tmp_path)
    assert found.about == "disk"
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "model.keras").touch()
    assert launch.check([experiment()], {}, tmp_path) == []


def test_a_file_in_the_way_of_the_output_is_named(tmp_path):
    (tmp_path / "runs").write_text("")
    (found,) = launch.check([experiment()], {}, tmp_path / "runs")
    assert found.about == "output"
    assert "is a file" in found.text


def test_free_memory_is_a_plain_number():
    assert 0 < launch.free_memory_mb() < 1e8


def test_the_launcher_leaves_the_gpu_to_the_runs(monkeypatch):
    import os

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with costs._without_gpu():
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
    assert "HIP_VISIBLE_DEVICES" not in os.environ
