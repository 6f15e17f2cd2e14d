"""Whoever executes a run, it comes out the same; what cannot work is told why."""

import json
import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from fer_utils.errors import FerError, ParameterError
from fer_utils.experiments import executors
from fer_utils.experiments.executors import dask_cluster, open_executor, process_pool
from fer_utils.experiments.experiment import Experiment
from fer_utils.experiments.grid import Preset
from fer_utils.experiments.record import read_record
from fer_utils.experiments.runner import run_preset
from fer_utils.experiments.tasks import plan

TINY = {
    "max_images": 60,
    "epochs": 1,
    "model": "compact",
    "model_options": {"filters": [4, 4, 4]},
    "early_stopping_patience": 0,
}
RUN = """
from fer_utils.experiments import Experiment, run_one
parameters = {k: v for k, v in globals().items() if k in Experiment.parameter_names()}
run_one(Experiment.from_dict(parameters), out_dir)
"""


@pytest.fixture
def trainings(tmp_path, write_notebook):
    """Return a function: two tiny real trainings in a folder of their own."""

    def make(folder):
        root = tmp_path / folder
        (root / "notebooks").mkdir(parents=True)
        write_notebook(root / "notebooks" / "experiment.ipynb", "out_dir = ''", RUN)
        seeds = [
            Experiment.from_dict({**TINY, "name": f"s{n}", "seed": n}) for n in (0, 1)
        ]
        return plan(root, Preset("two", "none", tuple(seeds)), out_dir=root / "runs")

    return make


def test_serial_two_jobs_and_dask_give_identical_results(trainings):
    pytest.importorskip("distributed")
    found = {}
    for name, options in (
        ("serial", {"jobs": 1}),
        ("jobs", {"jobs": 2}),
        ("dask", {"dask": "local:2"}),
    ):
        tasks = trainings(name)
        outcomes = run_preset(tasks, threads=1, **options)
        assert [o.status for o in outcomes] == ["finished"] * 2, outcomes
        found[name] = [results(task) for task in tasks]
    assert found["serial"] == found["jobs"] == found["dask"]
    assert found["serial"][0] != found["serial"][1]  # another seed is another result


def results(task):
    record = read_record(task.record_path)
    probs = np.load(Path(task.folder) / "probs.npz")
    return (
        json.dumps(record["results"], sort_keys=True),
        record["training"]["history"]["loss"],
        {name: probs[name].tobytes() for name in probs},
    )


def environment_of_a_process():
    return os.environ.get("TF_NUM_INTRAOP_THREADS"), os.getpid()


def end_at_once():
    os._exit(1)


@pytest.mark.parametrize(
    ("jobs", "threads", "cores", "expected"),
    [
        (1, None, 8, None),  # alone: all cores, the backend's own choice
        (2, None, 8, "4"),  # shared out
        (3, None, 2, "1"),  # more jobs than cores
        (1, 3, 8, "3"),  # as asked for
    ],
)
def test_jobs_share_the_cores(monkeypatch, jobs, threads, cores, expected):
    monkeypatch.setattr(executors, "cores", lambda: cores)
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    with process_pool(jobs, threads) as pool:
        found, pid = pool.submit(environment_of_a_process).result()
    assert found == expected
    assert pid != os.getpid()


def test_a_process_that_dies_takes_no_other_task_with_it():
    with process_pool(1) as pool:
        bad, good = pool.submit(end_at_once), pool.submit(environment_of_a_process)
        assert good.result()[1]
        assert "terminated abruptly" in str(bad.exception())


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"jobs": -1}, ParameterError, "--jobs -1: expected at least 1"),
        ({"threads": 0}, ParameterError, "threads=0: expected at least 1"),
        ({"dask": "local:0"}, ParameterError, "expected local:N with N at least 1"),
        ({"dask": "local:two"}, ParameterError, "expected local:N with N at least 1"),
        ({"dask": "tcp://127.0.0.1:9"}, FerError, "no scheduler answers"),
        ({"dask": "nothing://x:1"}, ParameterError, "nothing"),
    ],
)
def test_an_executor_that_cannot_be_had_says_why(monkeypatch, options, error, says):
    pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "_WAIT_SECONDS", 1)
    with pytest.raises(error, match=says), open_executor(**options):
        pass


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(FerError, match=r"fer-utils\[cluster\]"),
        dask_cluster("local:1"),
    ):
        pass


class Workers:
    """Stands for a dask client whose workers introduce themselves."""

    def __init__(self, threads=1, version=None, missing=()):
        from fer_utils import __version__

        self.threads = threads
        self.words = ("node1", version or __version__, list(missing))

    def run(self, function, *arguments):
        return {"tcp://node1:1": self.words}

    def nthreads(self):
        return {"tcp://node1:1": self.threads}


@pytest.mark.parametrize(
    ("workers", "says"),
    [
        ({"threads": 4}, "has 4 threads.*--nthreads 1"),
        ({"version": "0.0.1"}, "has fer_utils 0.0.1, here it is"),
        ({"missing": ["/grid"]}, "on node1 does not see /grid.*all machines share"),
    ],
)
def test_workers_that_cannot_do_a_run_are_refused(workers, says):
    with pytest.raises(FerError, match=says):
        executors._checked_workers(Workers(**workers), ("/grid",))


def test_workers_with_gpus_get_one_run_each(tmp_path, monkeypatch):
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        monkeypatch.setenv(name, "1")  # a worker in this process would leave its own
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        dashboard_address=None,
        resources={"GPU": 1},
    ) as cluster:
        address = cluster.scheduler_address
        with dask_cluster(address, paths=(str(tmp_path),)) as executor:
            assert executor._executor._kwargs["resources"] == {"GPU": 1}
            assert executor.submit(socket.gethostname).result() == socket.gethostname()


def test_in_this_process_a_debugger_can_follow(grid):
    seen = []
    with open_executor(jobs=0) as pool:
        pool.submit(seen.append, os.getpid()).result()
    assert seen == [os.getpid()]
