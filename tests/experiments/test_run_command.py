"""`fer run` on the command line: what it refuses, what it shows, what it ends with."""

import argparse
import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from fer_utils.experiments import costs
from fer_utils.experiments.run_command import add_run_command, exit_code

ROOT = Path(__file__).parents[2]
GRID = """presets:
  quick:
    lessons: none
    defaults: {epochs: 2, data: synthetic-tiny}
    experiments:
      - {name: a, model: shallow_cnn}
      - {name: b, model: deep_cnn, epochs: 3}
"""
Usage = namedtuple("Usage", "total used free")
Outcome = namedtuple("Outcome", "task status error")


@pytest.fixture
def fer(tmp_path, monkeypatch, capsys):
    """Return a function that runs `fer run …` in a small checkout."""
    root = tmp_path / "checkout"
    (root / "notebooks").mkdir(parents=True)
    for name in ("experiment", "00_start_here"):
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", root / "notebooks")
    monkeypatch.chdir(root)

    def call(*arguments, grid=GRID):
        (root / "experiments.yaml").write_text(grid, encoding="utf-8")
        parser = argparse.ArgumentParser()
        add_run_command(parser.add_subparsers(), lambda: root, lambda runs, page: None)
        options = parser.parse_args(["run", *arguments])
        code = options.call(options)
        return code, *capsys.readouterr()

    call.root = root
    return call


@pytest.fixture
def no_run(monkeypatch):
    """Make any start of a run an error."""

    def refuse(*arguments, **options):
        raise AssertionError("a run was started")

    monkeypatch.setattr("fer_utils.experiments.runner.run_preset", refuse)


def with_full_disk(fer, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(9, 9, 50_000_000))


def with_little_memory(fer, monkeypatch):
    monkeypatch.setattr("fer_utils.experiments.launch.free_memory_mb", lambda: 900.0)


def with_read_only_output(fer, monkeypatch):
    def refuse(dir):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)


def without_data(fer, monkeypatch):
    costs._data_facts.cache_clear()
    nowhere = (fer.root / "nowhere",)
    monkeypatch.setattr("fer_utils.data.registry.places", lambda: nowhere)


def without_parameters_cell(fer, monkeypatch):
    path = fer.root / "notebooks" / "experiment.ipynb"
    path.write_text(path.read_text().replace('"parameters"', '"settings"'))


def with_another_name(fer, monkeypatch):
    path = fer.root / "notebooks" / "experiment.ipynb"
    path.write_text(path.read_text().replace('"batch_size = ', '"batchsize = '))


def without_notebook(fer, monkeypatch):
    (fer.root / "notebooks" / "experiment.ipynb").unlink()


def without_backend(fer, monkeypatch):
    monkeypatch.setattr(costs, "backend_problem", lambda: "no backend here.")


# (command line, what is replaced in the grid file, what else is wrong, the message)
BAD = {
    "typo in a parameter": (
        "",
        ("epochs: 3", "epoch: 3"),
        None,
        "experiments.yaml:7: experiment 'b': unknown parameter 'epoch'. "
        "Did you mean 'epochs'?",
    ),
    "wrong type": (
        "",
        ("epochs: 3", "epochs: three"),
        None,
        "yaml:7: experiment 'b': epochs='three': expected int, received str",
    ),
    "unknown model": ("", ("deep_cnn", "deep_cn"), None, "Did you mean 'deep_cnn'?"),
    "wrong value of a model option": (
        "",
        ("epochs: 3", "model_options: {width: -1}"),
        None,
        "experiment 'b': model 'deep_cnn' with {'width': -1}: width=-1: expected",
    ),
    "unknown data": ("--data fer2031", None, None, "Did you mean 'fer2013'?"),
    "unknown data in a mix": (
        "--data synthetic+fer2031",
        None,
        None,
        "unknown data 'fer2031'. Did you mean 'fer2013'?",
    ),
    "the same photos twice": (
        "--data fer2013+ferplus",
        None,
        None,
        "they show the same photos",
    ),
    "a mix with options": (
        "--data synthetic-tiny+synthetic-eight",
        ("epochs: 3", "data_options: {n: 70}"),
        None,
        "a mix (synthetic-tiny+synthetic-eight) takes none",
    ),
    "missing data": ("--data fer2013", None, without_data, "fer2013 was not found"),
    "read-only output": (
        "",
        None,
        with_read_only_output,
        "cannot be written to (Read-only file system). Change its permissions",
    ),
    "output is a file": ("--out experiments.yaml/x", None, None, "is a file: name"),
    "full disk": ("", None, with_full_disk, "should stay free, but 50 MB are"),
    "too little memory": ("", None, with_little_memory, "but 900 MB are free. Lower"),
    "no parameters cell": (
        "",
        None,
        without_parameters_cell,
        "experiment.ipynb: no cell has the tag 'parameters'",
    ),
    "other parameters": (
        "",
        None,
        with_another_name,
        "the parameters cell does not set 'batch_size'",
    ),
    "no notebook": ("", None, without_notebook, "not a readable notebook"),
    "duplicate names": (
        "",
        ("name: b", "name: a"),
        None,
        "experiments.yaml:7: experiment 'a': the name is used twice (also line 6)",
    ),
    "bad YAML": (
        "",
        ("deep_cnn, epochs", "deep_cnn epochs"),
        None,
        "experiments.yaml:7: not valid YAML",
    ),
    "unknown preset": ("--preset quik", None, None, "Did you mean 'quick'?"),
    "bad axis": (
        "",
        ("experiments:", "axes: {sed: 0..4}\n    experiments:"),
        None,
        "experiments.yaml:5: unknown axis 'sed'. Did you mean 'seed'?",
    ),
    "typo in --set": (
        "--set epoch=1",
        None,
        None,
        "--set epoch=1: experiments 'a', 'b': unknown parameter 'epoch'",
    ),
    "--set without value": ("--set epochs", None, None, "expected KEY=VALUE"),
    "--set of the name": ("--set name=x", None, None, "would have one name"),
    "bad budget": ("--time-budget 90", None, None, "expected a number with a unit"),
    "bad --dask": ("--dask localhost", None, None, "expected local:N or an address"),
    "bad --jobs": ("--jobs -1", None, None, "--jobs -1: expected"),
    "bad --threads": ("--threads 0", None, None, "--threads 0: expected"),
    "--only matches nothing": ("--only x*", None, None, "nothing. Known: a, b."),
    "no grid file": ("--grid no.yaml", None, None, "no.yaml: no such grid file"),
    "no backend": ("", None, without_backend, "no backend here"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_launch_is_refused_before_anything_starts(fer, no_run, monkeypatch, case):
    line, swap, wrong, message = BAD[case]
    grid = GRID
    if swap:
        assert swap[0] in GRID
        grid = GRID.replace(*swap)
    if wrong:
        wrong(fer, monkeypatch)
    before = sorted(fer.root.rglob("*"))
    code, out, err = fer(*line.split(), grid=grid)
    assert code == 2
    assert message in err
    assert "1 problem, nothing was started" in err
    assert out == ""
    assert set(fer.root.rglob("*")) <= {*before, fer.root / "experiments.yaml"}


def test_all_problems_are_told_at_once(fer, no_run, monkeypatch):
    without_parameters_cell(fer, monkeypatch)
    with_read_only_output(fer, monkeypatch)
    grid = GRID.replace("epochs: 2", "epochs: 2.5")
    code, _, err = fer("--set", "seeed=1", "--time-budget", "soon", grid=grid)
    assert code == 2
    assert "5 problems, nothing was started" in err
    for word in ("--time-budget", "epochs=2.5", "seeed", "Read-only", "no cell has"):
        assert word in err


def test_an_estimate_can_be_overruled(fer, monkeypatch, stub):
    with_full_disk(fer, monkeypatch)
    assert "--anyway starts all the same" in fer()[2]
    code, _, err = fer("--anyway")
    assert code == 0
    assert "note: disk" in err


@pytest.mark.parametrize(
    ("statuses", "queued", "code"),
    [
        ([], 0, 0),
        (["finished", "already done"], 0, 0),
        (["finished"], 1, 3),
        (["busy"], 0, 3),
        (["finished", "interrupted"], 0, 3),
        (["failed", "finished", "busy"], 2, 11),
        (["failed"] * 7, 0, 17),
        (["failed"] * 100, 0, 110),
        (["failed"] * 250, 0, 110),  # a shell knows 255 at most
    ],
)
def test_the_exit_code_counts_what_failed(statuses, queued, code):
    assert exit_code(statuses, queued) == code


State = namedtuple("State", "name reasons")


class FakeTask:
    kind = "experiment"
    key = "k"

    def __init__(self, experiment, folder):
        self.name = experiment.name
        self.folder = str(folder / self.name)
        self.parameters = {**experiment.to_dict(), "out_dir": self.folder}
        self.record_path = Path(self.folder) / "record.json"

    def state(self):
        if self.record_path.exists():
            return State("done", ())
        return State("new", ("no record",))


@pytest.fixture
def stub(monkeypatch):
    """Replace planning and running; return what was run."""
    ran = []

    def plan(root, preset, *, data_name, lessons, out_dir):
        return [FakeTask(e, out_dir) for e in preset.experiments]

    def run_preset(tasks, *, jobs, force, dask, threads):
        assert dask is None
        ran.extend((t.name, jobs, force, threads) for t in tasks)
        fails = {"b"} if jobs == 2 else set()
        return [
            Outcome(t, "failed" if t.name in fails else "finished", "boom")
            for t in tasks
        ]

    monkeypatch.setattr("fer_utils.experiments.tasks.plan", plan)
    monkeypatch.setattr("fer_utils.experiments.runner.run_preset", run_preset)
    return ran


def test_what_is_asked_for_is_run(fer, stub):
    assert fer()[0] == 0
    assert stub == [("a", 1, False, None), ("b", 1, False, None)]


def test_a_failed_run_is_named_and_counted(fer, stub):
    code, _, err = fer("--jobs", "2")
    assert code == 11
    assert "failed: b: boom" in err


def test_only_may_be_repeated(fer, stub):
    fer("--only", "b*", "--only", "a")
    assert [name for name, *_ in stub] == ["a", "b"]
    stub.clear()
    fer("--only", "b")
    assert [name for name, *_ in stub] == ["b"]


def test_a_dry_run_shows_every_run_and_starts_none(fer, stub):
    code, out, _ = fer("--dry-run")
    assert code == 0
    assert stub == []
    assert "a    new: no record" in out
    assert "2 to run" in out


def test_a_state_is_explained(fer, stub):
    code, out, _ = fer("--explain", "a")
    assert code == 0
    assert out.startswith("a: new\n  no record\n")
    assert stub == []


def test_what_does_not_fit_the_budget_stays_queued(fer, stub):
    code, out, _ = fer("--time-budget", "1h")
    assert code == 3  # no earlier run: lengths are unknown
    assert stub == []
    assert "queued  a (length unknown)" in out
    record = Path("reports/runs/quick/synthetic/a/record.json")
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({}))
    fer("--time-budget", "1h")
    assert [name for name, *_ in stub] == ["a"]  # done costs nothing


def test_set_reaches_every_experiment(fer, monkeypatch, stub):
    seen = []
    from fer_utils.experiments import preview

    real = preview.preview
    monkeypatch.setattr(
        preview, "preview", lambda tasks, *a, **k: seen.extend(tasks) or real(tasks, *a)
    )
    fer("--set", "epochs=7", "--set", "learning_rate=1e-4", "--dry-run")
    assert {t.parameters["epochs"] for t in seen} == {7}
    assert {t.parameters["learning_rate"] for t in seen} == {1e-4}
