"""The runner: papermill through an executor, and no run, no number."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fer_utils.errors import ParameterError
from fer_utils.experiments.execution import execute
from fer_utils.experiments.runner import run_preset
from fer_utils.experiments.tasks import Task, plan

ROOT = Path(__file__).parents[2]


def notebook(path, *sources, first="parameters"):
    cells = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "source": source,
            "metadata": {"tags": [first]} if i == 0 else {},
            "outputs": [],
            "execution_count": None,
        }
        for i, source in enumerate(sources)
    ]
    title = {"cell_type": "markdown", "id": "t", "source": "# A title", "metadata": {}}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": [title, *cells],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content))
    return path


def lesson(tmp_path, *sources, key="k"):
    source = notebook(tmp_path / "00_a.ipynb", "data_name = ''", *sources)
    return Task(
        kind="lesson",
        name="00_a",
        notebook=str(source),
        folder=str(tmp_path / "out"),
        stem="00_a",
        parameters={"data_name": "synthetic"},
        key=key,
    )


def test_a_lesson_leaves_notebook_page_and_record(tmp_path):
    task = lesson(tmp_path, "print(data_name)")
    assert execute(task)[0] == "finished"
    record = json.loads(task.record_path.read_text())
    assert (record["status"], record["title"]) == ("finished", "A title")
    assert "synthetic" in (tmp_path / "out" / "00_a.html").read_text()
    assert task.is_done()


def test_a_failing_cell_is_recorded_with_its_error(tmp_path):
    task = lesson(tmp_path, "1 / 0")
    status, _, error = execute(task)
    assert status == "failed"
    assert "ZeroDivisionError" in error
    assert json.loads(task.record_path.read_text())["error"] == error
    assert not task.is_done()


def test_an_experiment_whose_kernel_was_killed_has_failed(tmp_path):
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    source = notebook(tmp_path / "experiment.ipynb", "out_dir = ''", kill)
    task = Task("experiment", "a", str(source), str(tmp_path / "a"), "notebook")
    status, _, error = execute(task)
    assert status == "failed"
    assert error


def test_a_failed_run_does_not_stop_the_others_and_finished_ones_are_kept(tmp_path):
    (tmp_path / "bad").mkdir()
    tasks = [lesson(tmp_path / "bad", "1 / 0"), lesson(tmp_path, "1 + 1")]
    with ThreadPoolExecutor(1) as pool:
        outcomes = run_preset(tasks, executor=pool)
    assert [o.status for o in outcomes] == ["failed", "finished"]
    with ThreadPoolExecutor(1) as pool:
        again = run_preset(tasks[1:], executor=pool)
    assert [o.status for o in again] == ["already done"]


def test_a_plan_lists_lessons_first_then_the_grid():
    tasks = plan(ROOT, "quick")
    kinds = [t.kind for t in tasks]
    assert kinds == sorted(kinds, reverse=True)
    assert tasks[0].name == "00_start_here"


def test_a_pattern_that_matches_nothing_lists_what_there_is():
    with pytest.raises(ParameterError, match="matches nothing. Known: 00_start_here"):
        plan(ROOT, "quick", only="nothing*")


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_a_training_killed_in_the_middle_goes_on_and_loses_nothing(tmp_path):
    settings = {
        "name": "tiny",
        "max_images": 100,
        "epochs": 6,
        "batch_size": 8,
        "early_stopping_patience": 0,
    }
    code = (
        "import sys, json; from fer_utils.experiments import Experiment, run_one;"
        "run_one(Experiment.from_dict(json.loads(sys.argv[1])), sys.argv[2])"
    )
    command = [sys.executable, "-c", code, json.dumps(settings), str(tmp_path / "run")]
    state = tmp_path / "run" / "checkpoint" / "state.json"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not state.is_file() and process.poll() is None:
        assert time.monotonic() < deadline, "no epoch was finished"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    epochs_done = len(json.loads(state.read_text())["history"])
    assert 1 <= epochs_done < 6
    assert not (tmp_path / "run" / "record.json").exists()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["training"]["resumed_after"] == epochs_done
    assert len(record["training"]["history"]["loss"]) == 6
    shutil.rmtree(tmp_path / "run")
