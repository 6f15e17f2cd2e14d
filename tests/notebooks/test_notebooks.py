"""Every lesson and the experiment notebook: their form, and that they run."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fer_utils.experiments.experiment import Experiment

FOLDER = Path(__file__).parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
ALL = [*LESSONS, FOLDER / "experiment.ipynb"]


def cells(path, kind):
    content = json.loads(path.read_text(encoding="utf-8"))
    return [c for c in content["cells"] if c["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def parameters(path):
    tagged = [
        c for c in cells(path, "code") if "parameters" in c["metadata"].get("tags", ())
    ]
    assert len(tagged) == 1
    found = {}
    exec(source(tagged[0]), {}, found)
    return found


def test_there_are_lessons():
    numbers = " ".join(p.stem[:2] for p in LESSONS)
    assert numbers == "00 01 02 03 04 05 06 07 08 09"


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_a_notebook_is_committed_without_outputs(path):
    for cell in cells(path, "code"):
        assert not cell["outputs"]
        assert cell["execution_count"] is None


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_papermill_finds_its_kernel(path):
    kernel = json.loads(path.read_text(encoding="utf-8"))["metadata"]["kernelspec"]
    assert (kernel["name"], kernel["language"]) == ("python3", "python")


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_has_the_form_of_a_lesson(path):
    first = source(cells(path, "markdown")[0])
    prose = "\n".join(source(c) for c in cells(path, "markdown"))
    assert first.startswith("# ")
    for part in ("What you will learn", "Before you start", "Time"):
        assert part in prose
    assert "Predict" in prose
    assert max(len(source(c).splitlines()) for c in cells(path, "code")) <= 15


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_keras_is_imported_without_its_start_up_messages(path):
    lines = [line for c in cells(path, "code") for line in source(c).splitlines()]
    assert "import keras" not in lines


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_starts_small_on_sample_data(path):
    expected = {"data_name": "synthetic", "quick": True, "seed": 0}
    assert parameters(path) == expected


def test_the_experiment_notebook_takes_every_parameter_of_the_grid():
    given = parameters(FOLDER / "experiment.ipynb")
    assert set(given) == {*Experiment.parameter_names(), "out_dir"}
    given.pop("out_dir")
    Experiment.from_dict(given)  # and its own defaults are valid


def execute(path, out, cache, **given):
    """Run a notebook with papermill's own command, in a process of its own."""
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "-k", "python3"]
    command += ["--cwd", str(FOLDER), "-y", json.dumps(given)]
    return subprocess.run(
        [*command, str(path), str(out / path.name)],
        env={**os.environ, "FER_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def lesson_runs(request, tmp_path_factory):
    """{path: the future of its run} of the lessons asked for, two at a time."""
    out = tmp_path_factory.mktemp("lessons")
    cache = tmp_path_factory.getbasetemp() / "cache"
    tests = [t for t in request.session.items if "lesson_runs" in t.fixturenames]
    with ThreadPoolExecutor(2) as pool:
        yield {
            path: pool.submit(execute, path, out, cache, data_name="synthetic-tiny")
            for path in (t.callspec.params["path"] for t in tests)
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.notebooks
@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_runs_from_top_to_bottom(path, lesson_runs):
    run = lesson_runs[path].result()
    assert run.returncode == 0, run.stderr


@pytest.mark.notebooks
def test_the_experiment_notebook_writes_a_record(tmp_path):
    given = {"data": "synthetic-tiny", "epochs": 1, "out_dir": str(tmp_path / "run")}
    run = execute(FOLDER / "experiment.ipynb", tmp_path, tmp_path / "cache", **given)
    assert run.returncode == 0, run.stderr
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["status"] == "finished"
    assert os.path.getsize(tmp_path / "run" / "model.keras") > 0
