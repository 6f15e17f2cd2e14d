"""Ensembles: the mean of stored answers, evaluated like a run; nothing is retrained."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from fer_utils.errors import DataError, FerError, ParameterError
from fer_utils.experiments import Experiment, reference
from fer_utils.experiments.ensembles import (
    ensemble_record,
    ensemble_summary,
    write_ensemble,
)
from fer_utils.experiments.record import read_record
from fer_utils.experiments.reference_ensembles import ensemble_cells, ensembles
from fer_utils.experiments.running import load_faces, results_of
from fer_utils.experiments.runs import find_run
from fer_utils.experiments.runs_command import add_runs_command

TINY = {"data": "synthetic-tiny", "max_images": 70, "tta": "flip"}
FACES = load_faces(Experiment.from_dict({"name": "x", **TINY}))
PARTS = ("val", "test", "test_flip")


def answers_of(labels, wrong_every: int, offset: int):
    """Return probabilities that are wrong, by a little, on one image of so many."""
    wrong = np.arange(len(labels)) % wrong_every == offset
    probs = np.full((len(labels), 7), 0.02)
    probs[np.arange(len(labels)), labels] = 0.8
    probs[wrong, labels[wrong]] = 0.4
    probs[wrong, (labels[wrong] + 1) % 7] = 0.48
    return probs / probs.sum(1, keepdims=True)


def write_member(folder, offset: int, wrong_every=3, **changes):
    """Store a run; three with other offsets are never wrong on the same image."""
    experiment = Experiment.from_dict({"name": folder.name, **TINY, "seed": offset})
    probs = {
        part: answers_of(FACES.part(part.split("_")[0]).labels, wrong_every, offset)
        for part in PARTS
    }
    data = {"name": FACES.name, "classes": list(FACES.classes), "content_hash": "c"}
    data |= {"split_hash": "s", "test_hash": FACES.test.content_hash}
    data |= {"counts": FACES.counts(), "notice": FACES.notice}
    record = {
        "schema": 1,
        "status": "finished",
        "key": f"key{offset}",
        "name": folder.name,
        "experiment": experiment.to_dict(),
        "data": data | changes,
        "model": {"parameters": 1000, "mflops": 1.5},
        "training": {"epochs": 3, "best_epoch": 2},
        "seconds": {"training": 60.0},
        "results": results_of(FACES, probs),
    }
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(record))
    stored = {k: v.astype(np.float16) for k, v in probs.items()}
    np.savez_compressed(folder / "probs.npz", **stored)
    return find_run(str(folder), folder.parent)


@pytest.fixture
def members(tmp_path):
    return [write_member(tmp_path / f"seed{n}", n) for n in range(3)]


def test_members_that_err_apart_are_right_together(members):
    record = ensemble_record(members)
    assert list(record["results"]) == list(PARTS)
    for part, result in record["results"].items():
        assert result["metrics"]["accuracy"] == 1.0
        n = len(FACES.part(part.split("_")[0]))
        for offset, member in enumerate(record["members"]):
            wrong = len(range(offset, n, 3))
            assert member["accuracy"][part] == pytest.approx(1 - wrong / n)
    assert record["model"] == {"parameters": 3000, "mflops": 4.5}
    assert record["seconds"]["training"] == 180.0
    assert record["name"] == "seed0-ensemble"
    # the fewest wrong on val, and there the last images decide
    best = max(record["members"], key=lambda member: member["accuracy"]["val"])
    against = record["against_best"]
    assert against["member"] == best["name"]
    assert against["difference"] == pytest.approx(1 - best["accuracy"]["test"])


def test_equal_members_change_nothing(tmp_path):
    members = [write_member(tmp_path / f"copy{n}", 1) for n in range(2)]
    record = ensemble_record(members)
    alone = members[0].record["results"]["test"]["metrics"]
    assert record["results"]["test"]["metrics"]["accuracy"] == alone["accuracy"]
    assert record["against_best"]["difference"] == 0
    assert record["results"]["test"]["metrics"]["log_loss"] == pytest.approx(
        alone["log_loss"],
        abs=2e-3,  # stored as float16
    )


def test_val_needs_one_split_and_a_tta_all_members(tmp_path, members):
    other = write_member(tmp_path / "other", 2, split_hash="without duplicates")
    record = other.record
    del record["results"]["test_flip"]
    assert list(ensemble_record([members[0], other])["results"]) == ["test"]


@pytest.mark.parametrize(
    ("choose", "error", "words"),
    [
        (lambda m: [], ParameterError, "at least two runs, received 0"),
        (lambda m: m[:1], ParameterError, "at least two runs, received 1"),
        (lambda m: [m[0], m[1], m[0]], ParameterError, "named twice"),
        (
            lambda m: [m[0], write_member(m[0].folder.parent / "o", 1, test_hash="1")],
            DataError,
            "other test images",
        ),
        (
            lambda m: [m[0], write_member(m[0].folder.parent / "o", 1, classes=["a"])],
            DataError,
            "other classes",
        ),
        (lambda m: [m[0], lose(m[1], "probs.npz")], DataError, "no probs.npz"),
        (lambda m: [m[0], stale(m[1])], DataError, "not of the record beside it"),
    ],
)
def test_what_does_not_go_together_is_named(members, choose, error, words):
    with pytest.raises(error, match=words):
        ensemble_record(choose(members))


def lose(run, name):
    (run.folder / name).unlink()
    return run


def stale(run):
    """Leave another training's answers beside the record."""
    stored = {
        part: answers_of(FACES.part(part.split("_")[0]).labels, 1, 0) for part in PARTS
    }
    np.savez_compressed(run.folder / "probs.npz", **stored)
    return run


def test_the_record_is_written_whole_read_back_and_told(tmp_path, members):
    record = ensemble_record(members, "three")
    path = write_ensemble(record, tmp_path / "new" / "three")
    assert read_record(path) == json.loads(json.dumps(record))
    text = ensemble_summary(record)
    for words in ("seed2", "mean of the 3", "three", "100.0 % [100.0, 100.0]"):
        assert words in text
    assert "Paired test: the ensemble is right more often than" in text
    assert FACES.notice in text
    del record["members"]
    with pytest.raises(DataError, match="members"):
        write_ensemble(record, tmp_path)
    assert not (tmp_path / "ensemble.json").exists()


def test_the_results_page_has_a_line_for_each_ensemble(tmp_path, members):
    kept = tmp_path / "reports" / "reference"
    assert ensembles(kept) == []  # a missing folder, as of a fresh kit
    record = ensemble_record(members, "three")
    write_ensemble(record, kept / "set" / "three")
    (run,) = ensembles(kept)
    cells = ensemble_cells(run, "reference")
    assert cells["ensemble"] == "[three](reference/set/three/ensemble.json)"
    assert cells["members"] == "seed0, seed1, seed2"
    assert cells["test, TTA"].endswith("flip")
    assert cells["parameters"] == "3,000"
    gain = record["against_best"]["difference"]
    shown = cells["test, over the best member [95 %]"]
    assert shown.startswith(f"{100 * gain:+.1f} points [")
    grid = Path(__file__).parents[2] / "experiments.yaml"
    (tmp_path / "experiments.yaml").write_text(grid.read_text())
    assert "### Ensembles" in reference.results_tables(tmp_path)


def command(*arguments):
    parser = argparse.ArgumentParser()
    add_runs_command(parser.add_subparsers())
    options = parser.parse_args(["runs", *map(str, arguments)])
    return options.call(options)


def test_the_command_prints_and_writes_only_when_asked(tmp_path, members, capsys):
    names = [run.folder.name for run in members]
    assert command("ensemble", "--runs", tmp_path, *names) == 0
    assert "seed0-ensemble" in capsys.readouterr().out
    assert not list(tmp_path.rglob("ensemble.json"))
    out = tmp_path / "out"
    command("ensemble", "--runs", tmp_path, *names, "--name", "e", "--out", out)
    assert read_record(out / "ensemble.json")["name"] == "e"
    with pytest.raises(FerError, match="no run 'seed9'"):
        command("ensemble", "--runs", tmp_path, "seed0", "seed9")
