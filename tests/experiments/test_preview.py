"""The preview: states, expected minutes from earlier runs, and a time budget."""

import json
from collections import namedtuple
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fer_utils.errors import ParameterError
from fer_utils.experiments import Experiment, costs
from fer_utils.experiments.preview import (
    Estimator,
    Row,
    explain,
    preview,
    seconds_of,
    summary,
    table,
    within,
)
from fer_utils.experiments.record import SCHEMA

MACHINE = {"processor": "ours", "cores": 2}
State = namedtuple("State", "name reasons")
IMAGES = 560  # train images of synthetic-tiny


@dataclass(frozen=True)
class FakeTask:
    name: str
    kind: str = "experiment"
    folder: str = ""
    parameters: dict = field(default_factory=dict)
    key: str = "k"
    now: State = State("new", ())
    record_path: Path = Path("record.json")

    def state(self):
        return self.now


def task(name="a", state="new", reasons=(), folder="", **parameters):
    own = {"data": "synthetic-tiny", "epochs": 10, "early_stopping_patience": 0}
    experiment = Experiment.from_dict({"name": name, **own, **parameters})
    given = {**experiment.to_dict(), "out_dir": folder}
    return FakeTask(name, "experiment", str(folder), given, "k", State(state, reasons))


def write_run(folder, name="past", seconds=2.0, epochs=4, machine=MACHINE, **more):
    """Write a finished record: every epoch took `seconds`, the rest 30 s."""
    own = {"data": "synthetic-tiny", "epochs": epochs, "early_stopping_patience": 0}
    experiment = Experiment.from_dict({"name": name, **own, **more})
    end = 30 + epochs * seconds
    record = {
        "schema": SCHEMA,
        "status": "finished",
        "key": name,
        "name": name,
        "experiment": experiment.to_dict(),
        "started": "2026-01-01T00:00:00+00:00",
        "finished": f"2026-01-01T00:{int(end // 60):02}:{end % 60:06.3f}+00:00",
        "environment": machine,
        "model": {"mflops": costs.model_facts(experiment).mflops},
        "training": {
            "epochs": epochs,
            "images": IMAGES,
            "resumed_after": 0,
            "history": {"seconds": [seconds] * epochs},
        },
    }
    path = folder / name / "record.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(record))


def estimate(folder, wanted):
    return Estimator.from_folders([folder], MACHINE).of(wanted)


@pytest.fixture(autouse=True)
def any_record_is_read(monkeypatch):
    """These records hold only what durations need."""
    monkeypatch.setattr(
        "fer_utils.experiments.preview.read_record", lambda p: json.loads(p.read_text())
    )


def test_without_an_earlier_run_nothing_is_expected(tmp_path):
    assert estimate(tmp_path, task()) == (None, "no finished run to judge by")


def test_the_same_recipe_gives_its_seconds_per_epoch(tmp_path):
    assert (
        costs.data_facts(Experiment("x", data="synthetic-tiny")).images["train"]
        == IMAGES
    )
    write_run(tmp_path, seconds=2.0)
    seconds, basis = estimate(tmp_path, task(epochs=10))
    assert seconds == pytest.approx(10 * 2 + 30 + 10)  # and the start of a kernel
    assert basis == "same recipe (past)"


def test_another_batch_size_is_the_same_model_only(tmp_path):
    write_run(tmp_path)
    assert estimate(tmp_path, task(batch_size=64))[1] == "same model (past)"


def test_another_model_is_scaled_by_its_arithmetic(tmp_path):
    write_run(tmp_path, seconds=2.0)
    wanted = task(model="deep_cnn")
    seconds, basis = estimate(tmp_path, wanted)
    ratio = (
        costs.model_facts(Experiment("x", model="deep_cnn")).mflops
        / costs.model_facts(Experiment("x")).mflops
    )
    assert ratio > 2
    assert seconds == pytest.approx(10 * 2 * ratio + 20, rel=1e-6)
    assert basis == "scaled by MFLOPs from 1 run"


def test_this_machine_counts_before_a_faster_one(tmp_path):
    write_run(tmp_path, "fast", seconds=0.1, machine={"processor": "x", "cores": 64})
    assert "on another machine" in estimate(tmp_path, task())[1]
    write_run(tmp_path, "ours", seconds=2.0)
    assert estimate(tmp_path, task())[1] == "same recipe (ours)"


def test_an_interrupted_run_has_fewer_epochs_to_go(tmp_path):
    write_run(tmp_path / "past", seconds=2.0)
    checkpoint = tmp_path / "a" / "checkpoint"
    checkpoint.mkdir(parents=True)
    (checkpoint / "state.json").write_text(json.dumps({"history": [{}] * 7}))
    wanted = task(folder=tmp_path / "a", state="interrupted")
    estimator = Estimator.from_folders([tmp_path / "past"], MACHINE)
    assert estimator.of(wanted)[0] == pytest.approx(3 * 2 + 40)
    (row,) = preview([wanted], estimator, force=True)  # from the start again
    assert row.seconds == pytest.approx(10 * 2 + 40)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"training": {}}', "\x00"])
def test_a_record_that_says_nothing_is_passed_over(tmp_path, content):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "record.json").write_text(content)
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "00_a.json").write_text(content)
    estimator = Estimator.from_folders([tmp_path], MACHINE)
    assert (estimator.past, estimator.lessons) == ([], {})


def test_a_lesson_takes_what_it_took(tmp_path):
    (tmp_path / "lessons").mkdir()
    record = {"name": "00_a", "data": "x", "status": "finished", "seconds": 12.5}
    (tmp_path / "lessons" / "00_a.json").write_text(json.dumps(record))
    lesson = FakeTask("00_a", "lesson", parameters={"data_name": "x"})
    assert estimate(tmp_path, lesson) == (12.5, "an earlier execution")
    other = FakeTask("00_a", "lesson", parameters={"data_name": "y"})
    assert estimate(tmp_path, other)[0] is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("2h", 7200), ("5400s", 5400), ("1h30m", 5400), ("0.5h", 1800)],
)
def test_a_budget_has_a_unit(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["90", "", "soon", "-5m", "0m", "1h 30m", "5 m", "1d"])
def test_what_is_no_budget_is_refused_with_examples(text):
    with pytest.raises(ParameterError, match="such as 90m"):
        seconds_of(text)


def row(name, seconds, state="new"):
    is_due = state != "done"
    return Row(FakeTask(name), state, (), seconds if is_due else 0.0, "", 2.0, is_due)


@pytest.mark.parametrize(
    ("rows", "budget", "queued"),
    [
        ([], 60, []),
        ([row("a", 50), row("b", 50)], 100, []),  # exactly
        ([row("a", 50), row("b", 50)], 99, ["b"]),
        ([row("a", 500), row("b", 50)], 60, ["a"]),  # a later one that fits is taken
        ([row("a", 500), row("b", 50)], 10, ["a", "b"]),
        ([row("a", 500, "done"), row("b", 50)], 60, []),  # done costs nothing
        ([row("a", None), row("b", 50)], 60, ["a"]),  # unknown: not in a budget
    ],
)
def test_a_budget_is_filled_in_order(rows, budget, queued):
    chosen, left = within(rows, budget)
    assert [r.task.name for r in left] == queued
    assert [r for r in rows if r in chosen or r in left] == rows


def test_the_table_shows_state_minutes_and_total():
    rows = [
        row("a", 600),
        row("b", None, "failed"),
        row("c", 0, "done"),
        Row(FakeTask("d"), "stale", ("epochs: 6, was 5",), 30.0, "same", 2.0, True),
    ]
    lines = table(rows, queued=[rows[0]]).splitlines()
    assert lines[0].split() == ["run", "state", "minutes", "MB", "expected", "from"]
    assert lines[1].split() == ["a", "queued", "(new)", "10", "2"]
    assert lines[2].split() == ["b", "failed", "?", "2"]
    assert lines[3].split() == ["c", "done", "-", "-"]
    assert "stale: epochs: 6, was 5" in lines[4]
    assert lines[-1] == (
        "2 to run, about 1 min, 1 of unknown length, 4 MB. 1 already done."
    )


def test_when_all_is_done_the_total_says_so():
    assert summary([row("a", 0, "done")]) == "Nothing to run. 1 already done."


def test_a_done_run_is_due_only_by_force():
    done = task(state="done")
    assert preview([done], Estimator())[0].is_due is False
    assert preview([done], Estimator(), force=True)[0].is_due is True


def test_an_explanation_gives_every_reason():
    reasons = ("models/deep_cnn.py changed", "epochs: 6, was 5")
    rows = [Row(task("a", "stale", reasons), "stale", reasons, 120.0, "x", 2.0, True)]
    text = "\n".join(explain(rows, "a"))
    assert "a: stale\n  models/deep_cnn.py changed\n  epochs: 6, was 5\n" in text
    assert "about 2 min" in text
    with pytest.raises(ParameterError, match="there is no run 'b'"):
        list(explain(rows, "b"))
