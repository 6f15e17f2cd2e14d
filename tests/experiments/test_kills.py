"""Kill the runner, a kernel, a worker in the middle: nothing is lost or done twice."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from fer_utils.experiments.locks import is_locked, owner_of
from fer_utils.experiments.progress import standing
from fer_utils.experiments.record import read_record
from fer_utils.experiments.runner import run_preset

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")

RUNNER = """
import json, signal, sys
from fer_utils.experiments.runner import run_preset
from fer_utils.experiments.tasks import Task

if __name__ == "__main__":
    # What a shell starts in the background ignores Ctrl-C, and so do its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tasks = [Task(**task) for task in json.loads(sys.argv[1])]
    try:
        outcomes = run_preset(tasks, **json.loads(sys.argv[2]))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(sum(o.status == "failed" for o in outcomes))
"""


def wait_until(happens, what, seconds=60):
    """Poll until `happens()` is true; return what it returned."""
    end = time.monotonic() + seconds
    while not (answer := happens()):
        assert time.monotonic() < end, f"{what}: did not happen in {seconds} s"
        time.sleep(0.02)
    return answer


def start(tmp_path, tasks, **options):
    script = tmp_path / "runner.py"
    script.write_text(RUNNER)
    words = [json.dumps([asdict(t) for t in tasks]), json.dumps(options)]
    return subprocess.Popen(
        [sys.executable, str(script), *words],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def one_done_and_one_in_the_middle(tasks, process):
    """Return (finished tasks, one with some epochs behind it), as soon as there are."""

    def look():
        assert process.poll() is None, process.communicate()[0]
        done = [t for t in tasks if t.record_path.is_file()]
        rest = [t for t in tasks if t not in done and is_at_work(t)]
        return (done, rest[0]) if done and rest else None

    return wait_until(look, "one run finished, another in the middle")


def is_at_work(task):
    now = standing(task)
    return bool(now and 1 <= now.epoch < now.epochs and owner_of(task.folder))


def all_free(tasks):
    return not any(is_locked(t.folder) or is_locked(t.folder, t.stem) for t in tasks)


def as_they_are(tasks):
    return {t.name: (t.record_path.stat().st_mtime_ns, t.key) for t in tasks}


def no_half_record(tasks):
    for task in tasks:
        if task.record_path.is_file():
            read_record(task.record_path)  # raises if it is not whole
    return True


def complete(tmp_path, tasks):
    process = start(tmp_path, tasks, jobs=2)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert [t.state().name for t in tasks] == ["done"] * len(tasks)
    return output


def resumed_after(task):
    return read_record(task.record_path)["training"]["resumed_after"]


@pytest.mark.parametrize(
    ("sent", "code", "options"),
    [
        (signal.SIGKILL, -9, {"jobs": 2}),  # out of memory, an impatient colleague
        (signal.SIGINT, 130, {"jobs": 2}),  # Ctrl-C
        (signal.SIGINT, 130, {"dask": "local:2"}),
    ],
)
def test_a_killed_runner_goes_on_where_it_was(tmp_path, grid, sent, code, options):
    if "dask" in options:
        pytest.importorskip("distributed")
    process = start(tmp_path, grid, **options)
    done, killed = one_done_and_one_in_the_middle(grid, process)
    os.killpg(process.pid, sent)
    assert process.wait(30) == code
    process.stdout.close()
    wait_until(lambda: all_free(grid), "what the runner started ends with it", 15)
    done = [t for t in grid if t.state().name == "done"]
    before = as_they_are(done)
    assert no_half_record(grid)
    assert not killed.record_path.exists() or killed in done
    if killed not in done:
        assert killed.state().name == "interrupted"
    output = complete(tmp_path, grid)
    assert as_they_are(done) == before
    for task in done:
        assert f"already done  {task.name}" in output
    assert killed in done or resumed_after(killed) >= 1


@pytest.mark.parametrize(
    ("lock", "says"),
    [
        ("training", "cell 3: the kernel died"),
        ("notebook", "its process died"),  # the pool's process, above the kernel
    ],
)
def test_a_killed_run_says_so_and_the_others_go_on(tmp_path, grid, lock, says):
    process = start(tmp_path, grid, jobs=2)
    _, killed = one_done_and_one_in_the_middle(grid, process)
    os.kill(owner_of(killed.folder, lock)["pid"], signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    assert f"failed        {killed.name}" in output
    record = read_record(killed.record_path)
    assert record["status"] == "failed"
    assert says in record["error"]
    state = killed.state()
    assert state.name == "interrupted"
    assert says in state.reasons[1]
    others = [t for t in grid if t is not killed]
    before = as_they_are(others)
    assert all(t.is_done() for t in others)
    complete(tmp_path, grid)
    assert as_they_are(others) == before
    assert resumed_after(killed) >= 1


def test_dask_gives_the_run_of_a_killed_worker_to_another(tmp_path, grid):
    pytest.importorskip("distributed")
    process = start(tmp_path, grid, dask="local:2")
    done, killed = one_done_and_one_in_the_middle(grid, process)
    before = as_they_are(done)
    os.kill(owner_of(killed.folder, "notebook")["pid"], signal.SIGKILL)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 0, output
    assert all(t.is_done() for t in grid)
    assert as_they_are(done) == before
    assert resumed_after(killed) >= 1


def test_two_runners_share_a_grid_and_do_nothing_twice(tmp_path, grid):
    first = start(tmp_path, grid, jobs=1)
    second = start(tmp_path, list(reversed(grid)), jobs=1)
    outputs = [p.communicate(timeout=90)[0] for p in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    lines = "".join(outputs).splitlines()
    for task in grid:
        assert task.is_done()
        own = [line for line in lines if line.startswith(f"finished      {task.name}")]
        assert len(own) == 1, lines


def test_a_run_that_somebody_else_holds_is_busy_and_no_failure(tmp_path, grid):
    process = start(tmp_path, grid[:1], jobs=1)
    wait_until(lambda: owner_of(grid[0].folder, "notebook"), "the run starts")
    (outcome,) = run_preset(grid[:1], jobs=0)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert outcome.status == "busy"
    assert f"process {owner_pid(outcome.error)} on" in outcome.error
    assert not Path(grid[0].folder, ".notebook.owner.json").exists()


def owner_pid(text):
    return text.partition("process ")[2].split()[0]
