"""`fer runs`: every run is listed, two are compared, tables can be read back."""

import argparse
import json
import sys

import numpy as np
import pytest

from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation import evaluate
from fer_utils.experiments import Experiment
from fer_utils.experiments.mlflow_sink import log_runs
from fer_utils.experiments.running import load_faces
from fer_utils.experiments.runs import export, find_run, find_runs, select, table
from fer_utils.experiments.runs_command import add_runs_command
from fer_utils.experiments.runs_diff import diff, paired

TINY = {"data": "synthetic-tiny", "max_images": 70}


@pytest.fixture(scope="module")
def test_part():
    return load_faces(Experiment.from_dict({"name": "x", **TINY})).test


def write_run(folder, part, share_right, **parameters):
    """Store a run that is right on the first images of the test part."""
    experiment = Experiment.from_dict({"name": folder.name, **TINY, **parameters})
    right = np.arange(len(part)) < round(share_right * len(part))
    answers = np.where(right, part.labels, (part.labels + 1) % part.num_classes)
    probs = np.full((len(part), part.num_classes), 0.05, np.float32)
    probs[np.arange(len(part)), answers] = 0.7
    result = evaluate(probs, part.labels, part.classes, n_bootstrap=50).to_dict()
    record = {
        "schema": 1,
        "status": "finished",
        "key": "0" * 16,
        "name": folder.name,
        "experiment": experiment.to_dict(),
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T00:01:00+00:00",
        "data": {
            "name": "synthetic-tiny",
            "classes": list(part.classes),
            "content_hash": "c" * 64,
            "split_hash": "s" * 64,
            "test_hash": part.content_hash,
            "counts": {"test": part.counts()["test"]},
            "notice": "synthetic sample data",
        },
        "environment": {"python": "3.12.0", "git_commit": "abc", "git_dirty": False},
        "peak_memory_mb": 500,
        "model": {"parameters": 1000, "file_mb": 0.1, "mflops": 1.0},
        "training": {"epochs": 3, "best_epoch": 2, "images": 50, "history": {}},
        "seconds": {"training": 60.0, "prediction": 1.0},
        "results": {"test": result, "val": result},
    }
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(record))
    np.savez_compressed(folder / "probs.npz", test=probs.astype(np.float16))
    return folder


@pytest.fixture
def runs_dir(tmp_path, test_part):
    runs = tmp_path / "runs"
    write_run(runs / "quick" / "worse", test_part, 0.2, seed=1)
    write_run(runs / "quick" / "better", test_part, 0.9, model="compact")
    failed = {"schema": 1, "status": "failed", "key": "1", "name": "bad"}
    failed |= {"experiment": {"name": "bad", "model": "vgg5"}, "error": "cell 3: Oh"}
    for name, text in (("bad", json.dumps(failed)), ("torn", '{"schema": 1, "sta')):
        (runs / name).mkdir()
        (runs / name / "record.json").write_text(text)
    checkpoint = runs / "cut" / "checkpoint"
    checkpoint.mkdir(parents=True)
    (checkpoint / "state.json").write_text('{"key": "", "history": [{}, {}]}')
    injected = {"model": "compact", "data": "fer2013", "epochs": 9}
    content = {"metadata": {"papermill": {"parameters": injected}}}
    (runs / "cut" / "notebook.ipynb").write_text(json.dumps(content))
    return runs


def test_no_run_is_lost_and_a_bad_record_stops_nothing(runs_dir):
    found = {run.id: run for run in find_runs(runs_dir)}
    assert {name: run.status for name, run in found.items()} == {
        "bad": "failed",
        "cut": "interrupted",
        "quick/better": "finished",
        "quick/worse": "finished",
        "torn": "unreadable",
    }
    text = table(list(found.values()))
    for words in ("after epoch 2 of 9", "cell 3: Oh", "not a readable run record"):
        assert words in text


def test_a_run_in_the_hands_of_a_process_is_running(runs_dir):
    from fer_utils.experiments.locks import run_lock

    with run_lock(runs_dir / "cut"):
        run = find_run("cut", runs_dir)
    assert run.status == "running"
    assert "process" in run.note
    assert find_run("cut", runs_dir).status == "interrupted"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"sort": "accuracy"}, ["better", "worse", "bad", "cut", "torn"]),  # best first
        ({"model": "compact"}, ["cut", "better"]),  # also one without a record
        ({"data": "synth*"}, ["better", "worse"]),  # a pattern
        ({"status": "failed"}, ["bad"]),
        ({"model": "nobody"}, []),
    ],
)
def test_runs_are_filtered_and_sorted(runs_dir, wanted, expected):
    chosen = select(find_runs(runs_dir), **wanted)
    assert [run.id.split("/")[-1] for run in chosen] == expected


def test_diff_names_what_differs_and_tests_the_same_images(runs_dir, test_part):
    a, b = (find_run(name, runs_dir) for name in ("worse", "better"))
    result = diff(a, b)
    names = [change.name for change in result.changes["parameters"]]
    assert names == ["model", "seed"]
    assert result.changes["data"] == result.changes["environment"] == ()
    assert result.verdict.startswith("Paired test: B is right more often than A")
    n = len(test_part)
    assert paired(a, b).only_a_right == round(0.9 * n) - round(0.2 * n)
    assert "data: the same" in str(result)


def change_record(folder, **parts):
    record = json.loads((folder / "record.json").read_text())
    for name, value in parts.items():
        record[name] = {**record[name], **value}
    (folder / "record.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "probs.npz").unlink(), "there is no probs.npz"),
        (lambda f: (f / "probs.npz").write_bytes(b"PK"), "cannot be read"),
        (lambda f: change_record(f, data={"test_hash": "0"}), "other test images"),
        (lambda f: change_record(f, data={"test_hash": ""}), "an older version"),
        (lambda f: change_record(f, data={"classes": ["a"]}), "other classes"),
        (
            lambda f: np.savez(f / "probs.npz", test=np.full((10, 7), 1 / 7)),
            "holds (10, 7) values",  # of other images
        ),
    ],
)
def test_without_the_same_answers_there_is_no_paired_test(runs_dir, spoil, words):
    spoil(runs_dir / "quick" / "better")
    a, b = (find_run(name, runs_dir) for name in ("worse", "better"))
    verdict = diff(a, b).verdict
    assert verdict.startswith("No paired test: ")
    assert words in verdict


def test_a_changed_package_file_is_named(runs_dir):
    for name, digest in (("worse", "1" * 16), ("better", "2" * 16)):
        path = runs_dir / "quick" / name / "record.json"
        record = json.loads(path.read_text())
        code = {"labels.py": "0" * 16, "models/compact.py": digest}
        # as a record of schema 2 has it
        record |= {"parts": {"code": code, "notebook": "n"}}
        path.write_text(json.dumps(record))
    a, b = (find_run(name, runs_dir) for name in ("worse", "better"))
    assert [c.name for c in diff(a, b).changes["code"]] == ["models/compact.py"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("betetr", "Did you mean"),  # a typo
        ("torn", None),  # there, though nothing can be compared
        ("quick", "no run 'quick'"),  # a folder of runs is no run
    ],
)
def test_a_run_is_found_by_name_or_the_error_helps(runs_dir, name, words):
    if words is None:
        with pytest.raises(DataError, match="nothing to compare"):
            diff(find_run(name, runs_dir), find_run("worse", runs_dir))
        return
    with pytest.raises(ParameterError, match="no run") as caught:
        find_run(name, runs_dir)
    assert words.replace("Did you mean", "Known") in str(caught.value)


def test_a_name_of_two_runs_is_refused_with_both(runs_dir, test_part):
    write_run(runs_dir / "full" / "better", test_part, 0.5)
    with pytest.raises(ParameterError, match="full/better, quick/better"):
        find_run("better", runs_dir)
    assert find_run("full/better", runs_dir).id == "full/better"


def test_the_csv_holds_every_run_and_can_be_read_back(runs_dir, tmp_path):
    import pandas as pd

    path = export(find_runs(runs_dir), tmp_path / "new" / "runs.csv")
    frame = pd.read_csv(path).set_index("id")
    assert len(frame) == 5
    found = frame.loc["quick/better", "results.test.accuracy"]
    told = find_run("better", runs_dir).get("results.test.metrics.accuracy")
    assert found == pytest.approx(told)
    assert frame.loc["bad", "status"] == "failed"


def test_classes_of_mixed_kinds_make_one_column(runs_dir, test_part, tmp_path):
    pytest.importorskip("pyarrow")
    import pandas as pd

    write_run(runs_dir / "four", test_part, 0.5, classes=4)
    path = export(find_runs(runs_dir), tmp_path / "runs.parquet")
    assert set(pd.read_parquet(path)["experiment.classes"].dropna()) == {"all", "4"}


def test_parquet_without_pyarrow_says_what_to_do(runs_dir, tmp_path, monkeypatch):
    import pandas as pd

    def refuse(*arguments, **options):
        raise ImportError("no engine")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", refuse)
    with pytest.raises(ParameterError, match="pip install pyarrow.*runs.csv"):
        export(find_runs(runs_dir), tmp_path / "runs.parquet")
    assert list(tmp_path.glob("*.parquet")) == []


@pytest.mark.parametrize("name", ["runs.xlsx", "runs"])
def test_other_endings_are_refused(runs_dir, tmp_path, name):
    with pytest.raises(ParameterError, match=r"ends in \.csv or \.parquet"):
        export(find_runs(runs_dir), tmp_path / name)


def test_mlflow_is_an_extra(runs_dir, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ParameterError, match="pip install mlflow-skinny"):
        log_runs(find_runs(runs_dir))


def test_a_record_is_sent_to_mlflow_once(runs_dir, tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "mlruns").as_uri()
    assert len(log_runs(find_runs(runs_dir), uri=uri)) == 2
    assert log_runs(find_runs(runs_dir), uri=uri) == []


def command(*words):
    parser = argparse.ArgumentParser()
    add_runs_command(parser.add_subparsers())
    options = parser.parse_args(["runs", *map(str, words)])
    return options.call(options)


def test_the_command_lists_compares_and_exports(runs_dir, tmp_path, capsys):
    place = ("--runs", runs_dir)
    assert command("list", *place, "--status", "finished") == 0
    listed = capsys.readouterr().out
    assert "quick/better" in listed
    assert "torn" not in listed
    assert command("diff", *place, "worse", "better") == 0
    assert "Paired test" in capsys.readouterr().out
    assert command("export", *place, tmp_path / "a.csv", "--model", "compact") == 0
    assert "2 runs" in capsys.readouterr().out
    assert command("list", *place, "--model", "nobody") == 0
    assert "There are 5 runs (model: compact" in capsys.readouterr().out


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        command("list", "--runs", tmp_path / "nowhere")
