"""The runner: papermill through an executor, and no run, no number."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path

import pytest

from fer_utils.experiments import identity, progress
from fer_utils.experiments.execution import execute
from fer_utils.experiments.locks import run_lock
from fer_utils.experiments.progress import standing
from fer_utils.experiments.record import read_record
from fer_utils.experiments.runner import run_preset
from fer_utils.experiments.tasks import Outcome, Task, plan
from fer_utils.files import write_json, write_text

ROOT = Path(__file__).parents[2]


NO_PARTS = {"parameters": {}, "data": "", "notebook": "", "code": {}}


@pytest.fixture
def lesson(tmp_path, write_notebook):
    """Return a function that makes the task of a lesson with some cells."""

    def make(*sources, folder=tmp_path):
        folder.mkdir(exist_ok=True)
        source = write_notebook(folder / "00_a.ipynb", "data_name = ''", *sources)
        return Task(
            kind="lesson",
            name="00_a",
            notebook=str(source),
            folder=str(folder / "out"),
            stem="00_a",
            parameters={"data_name": "synthetic"},
            parts=NO_PARTS,
        )

    return make


def test_a_lesson_leaves_notebook_page_and_record(tmp_path, lesson):
    task = lesson("print(data_name)")
    assert execute(task)[0] == "finished"
    record = json.loads(task.record_path.read_text())
    assert (record["status"], record["title"]) == ("finished", "A title")
    assert "synthetic" in (tmp_path / "out" / "00_a.html").read_text()
    assert task.is_done()


def test_a_failing_cell_is_recorded_with_its_error(lesson):
    task = lesson("1 / 0")
    status, _, error = execute(task)
    assert status == "failed"
    assert "ZeroDivisionError" in error
    assert json.loads(task.record_path.read_text())["error"] == error
    assert not task.is_done()


@pytest.fixture
def experiment(tmp_path, write_notebook):
    """Return a function that makes the task of an experiment with one cell."""

    def make(source, **parameters):
        notebook = write_notebook(tmp_path / "experiment.ipynb", "out_dir = ''", source)
        return Task(
            kind="experiment",
            name="a",
            notebook=str(notebook),
            folder=str(tmp_path / "a"),
            stem="notebook",
            parameters=parameters,
            parts=NO_PARTS,
        )

    return make


def test_an_experiment_whose_kernel_was_killed_has_failed(experiment):
    task = experiment("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    status, _, error = execute(task)
    assert status == "failed"
    assert "cell 2: the kernel died" in error
    assert read_record(task.record_path)["error"] == error


def test_an_experiment_that_writes_no_record_has_failed(experiment):
    task = experiment("1 + 1")
    assert execute(task)[0] == "failed"
    assert "without writing its record" in read_record(task.record_path)["error"]


def test_a_kernel_that_is_interrupted_leaves_no_failure_behind(experiment):
    task = experiment("raise KeyboardInterrupt")
    assert execute(task)[0] == "interrupted"
    assert task.state().name == "new"


def test_a_training_that_somebody_holds_by_hand_is_busy(experiment, tmp_path):
    task = experiment(
        "from fer_utils.experiments.locks import run_lock\n"
        "with run_lock(folder):\n    pass",
        folder=str(tmp_path / "a"),
    )
    with run_lock(task.folder):
        status, _, error = execute(task)
    assert status == "busy"
    assert f"process {os.getpid()} on" in error
    assert not task.record_path.exists()


@pytest.mark.skipif(os.name != "posix", reason="sockets as files are POSIX")
def test_a_kernel_takes_no_port_that_another_could_take_too(lesson):
    task = lesson(
        "import json, sys\nprint('over', json.load(open(sys.argv[2]))['transport'])"
    )
    assert execute(task)[0] == "finished"
    assert "over ipc" in Path(task.folder, "00_a.html").read_text()


def test_a_page_that_cannot_be_made_spoils_no_result(lesson, monkeypatch):
    from nbconvert import HTMLExporter

    def fails(*_):
        raise RuntimeError("no template")

    monkeypatch.setattr(HTMLExporter, "from_filename", fails)
    task = lesson("1 + 1")
    assert execute(task)[0] == "finished"
    assert not Path(task.folder, "00_a.html").exists()


def test_a_task_that_its_scheduler_takes_back_is_no_failure(grid):
    class Gone(Executor):
        def submit(self, *_):
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    (outcome,) = run_preset(grid[:1], executor=Gone())
    assert outcome.status == "interrupted"
    assert grid[0].state().name == "new"


def test_forcing_does_a_finished_one_again_and_forgets_its_epochs(grid):
    task = grid[0]
    execute(task)
    first = read_record(task.record_path)["started"]
    assert execute(task)[0] == "already done"
    assert execute(task, force=True)[0] == "finished"
    second = read_record(task.record_path)
    assert second["started"] > first
    assert second["training"]["resumed_after"] == 0


def test_a_failed_run_does_not_stop_the_others_and_finished_ones_are_kept(
    tmp_path, lesson, capsys
):
    tasks = [lesson("1 / 0", folder=tmp_path / "bad"), lesson("1 + 1")]
    outcomes = run_preset(tasks, jobs=0)
    assert [o.status for o in outcomes] == ["failed", "finished"]
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert [o.status for o in run_preset(tasks[1:])] == ["already done"]


STATES = [
    # record, finished epochs (own key or another's), state, what it says
    (None, None, "new", ()),
    ({"status": "finished"}, None, "done", ()),
    ({"status": "finished", "data": "other"}, None, "stale", ("the data changed",)),
    ({"status": "failed", "error": "cell 3: x\ny"}, None, "failed", ("cell 3: x",)),
    (None, "own", "interrupted", ("after epoch 2 of 5",)),
    (
        {"status": "failed", "error": "killed"},
        "own",
        "interrupted",
        ("after epoch 2 of 5", "killed"),
    ),
    (None, "another", "new", ()),  # epochs of other parameters are of no use
    ("{", None, "stale", None),  # not a record: says so
]


@pytest.mark.parametrize(("record", "epochs", "name", "says"), STATES)
def test_the_state_of_a_task_is_what_lies_on_disk(
    lesson, record, epochs, name, says, tmp_path
):
    task = replace(lesson("1"), parameters={"data_name": "synthetic", "epochs": 5})
    if isinstance(record, dict):
        parts = {**NO_PARTS, "data": record.pop("data", "")}
        content = {"schema": 2, "kind": "lesson", "name": "00_a", "seconds": 1.0}
        content |= {"key": identity.key(parts), "parts": parts, **record}
        write_json(task.record_path, content)
    elif record:
        write_text(task.record_path, record)
    if epochs:
        key = identity.training_key(NO_PARTS) if epochs == "own" else "another"
        state = {"key": key, "history": [{}, {}]}
        write_json(Path(task.folder) / "checkpoint" / "state.json", state)
    state = task.state()
    assert state.name == name
    assert state.reasons == says or (says is None and "not a readable" in str(state))


def test_a_task_that_somebody_works_on_is_running(lesson):
    task = lesson("1")
    with run_lock(task.folder, task.stem):
        assert task.state().name == "running"
        assert f"process {os.getpid()}" in task.state().reasons[0]
    assert task.state().name == "new"


def test_a_standing_tells_epoch_accuracy_and_time_left(grid):
    task = grid[1]  # 8 epochs
    assert standing(task) is None
    rows = [{"seconds": 60.0, "val_accuracy": 0.41}, {"seconds": 60.0}]
    path = Path(task.folder) / "checkpoint" / "state.json"
    write_json(path, {"history": rows[:1]})
    assert str(standing(task)) == "epoch 1/8, val 41 %, <= 7 min left"
    write_json(path, {"history": rows})
    assert str(standing(task)) == "epoch 2/8, <= 6 min left"
    write_json(path, {"history": []})
    assert standing(task) is None


def test_a_log_hears_of_starts_ends_and_now_and_then_of_epochs(
    grid, capsys, monkeypatch
):
    monkeypatch.setattr(progress, "_LOG_SECONDS", 0.0)
    task = grid[1]
    board = progress.Board([task])
    board.look()
    assert capsys.readouterr().out == ""  # nothing has begun
    with run_lock(task.folder, task.stem):
        path = Path(task.folder) / "checkpoint" / "state.json"
        write_json(path, {"history": [{"seconds": 10.0, "val_accuracy": 0.5}]})
        board.look()
    board.end(Outcome(task, "failed", 61.0, "first\nlast"))
    board.close()
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"started       run1  on {socket.gethostname()}",
        "at work       run1  epoch 1/8, val 50 %, <= 1 min left",
        "failed        run1  61 s  last",
    ]


def test_a_plan_tells_data_sets_of_other_options_apart(tmp_path):
    """Else the second is never found finished, and is run again at every start."""
    (tmp_path / "experiments.yaml").write_text(
        "presets:\n"
        "  two:\n"
        "    lessons: none\n"
        "    experiments:\n"
        "      - {name: few, data_options: {n: 70}}\n"
        "      - {name: more, data_options: {n: 140}}\n"
        "      - {name: again, data_options: {n: 70}}\n"
    )
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "experiment.ipynb", tmp_path / "notebooks")
    few, more, again = (task.parts["data"] for task in plan(tmp_path, "two"))
    assert few == again != more


def test_a_plan_lists_lessons_first_then_the_grid():
    tasks = plan(ROOT, "quick")
    kinds = [t.kind for t in tasks]
    assert kinds == sorted(kinds, reverse=True)
    assert tasks[0].name == "00_start_here"
    assert all(t.parts["code"] for t in tasks)


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
