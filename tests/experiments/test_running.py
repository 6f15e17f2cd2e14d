"""`run_one`: one record per run, whole, and never twice."""

import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from fer_utils import data, models
from fer_utils.errors import TrainingError
from fer_utils.experiments import (
    Experiment,
    identity,
    load_records,
    run_one,
    write_report,
)
from fer_utils.experiments import running as running_module
from fer_utils.experiments.locks import LockedError, run_lock
from fer_utils.experiments.record import read_record

TINY = {
    "data": "synthetic-tiny",
    "name": "tiny",
    "max_images": 100,
    "epochs": 2,
    "batch_size": 16,
    "early_stopping_patience": 0,
}


SETTINGS = {**TINY, "tta": "flip", "remove_duplicates": True, "augment": "wide"}
# Runs one experiment and prints which of the package's files it has loaded.
IN_A_PROCESS = """
import json, sys
from fer_utils.experiments import Experiment, run_one
settings, folder = json.loads(sys.argv[1]), sys.argv[2]
run_one(Experiment.from_dict(settings), folder, progress="none")
loaded = [getattr(m, "__file__", None) for n, m in sys.modules.items()
          if n.split(".")[0] == "fer_utils"]
print(json.dumps([file for file in loaded if file]))
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One real run, shared by the tests that only read it."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    return run_one(Experiment.from_dict(SETTINGS), folder, progress="none"), folder


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """The same run in two processes: [(folder, loaded files of the package), …].

    Both with one thread: their number changes the last bits.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")
    folders = [tmp_path_factory.mktemp("process") / "tiny" for _ in range(2)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", IN_A_PROCESS, json.dumps(SETTINGS), str(folder)],
            env={**os.environ, **threads},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]
    told = [process.communicate() for process in started]
    assert [p.returncode for p in started] == [0, 0], told
    loaded = [json.loads(out.splitlines()[-1]) for out, _ in told]
    return list(zip(folders, loaded, strict=True))


def test_the_record_on_disk_is_what_was_returned(finished):
    record, folder = finished
    assert json.loads((folder / "record.json").read_text()) == record
    assert load_records(folder.parent)[0]["key"] == record["key"]


def test_the_record_says_what_was_done(finished):
    record, _ = finished
    assert record["status"] == "finished"
    assert record["training"]["epochs"] == 2
    assert record["data"]["notice"] == "synthetic sample data"
    assert record["seed"] == 0
    assert record["determinism"].startswith("bit for bit")
    assert set(record["seconds"]) == {
        "loading",
        "training",
        "prediction",
        "evaluation",
    }
    assert record["key"] == identity.key(record["parts"])
    assert record["parts"]["data"] == record["data"]["content_hash"]
    assert set(record["results"]) == {"train", "val", "test", "test_flip"}
    assert record["model"]["parameters"] == 389255
    assert record["model"]["mflops"] == 44.4


def test_every_accuracy_is_that_of_the_saved_model_on_the_same_faces(finished):
    record, folder = finished
    faces = running_module.load_faces(Experiment.from_dict(record["experiment"]))
    model = models.load(folder / "model.keras")
    for split in ("val", "test"):
        part = faces.part(split)
        logits = model.predict(part.images(), verbose=0)
        accuracy = (logits.argmax(1) == part.labels).mean()
        assert record["results"][split]["metrics"]["accuracy"] == pytest.approx(
            accuracy
        )


def test_probabilities_are_kept_per_image(finished):
    record, folder = finished
    kept = np.load(folder / "probs.npz")
    assert kept["test"].shape == (sum(record["data"]["counts"]["test"].values()), 7)
    np.testing.assert_allclose(kept["test"].sum(1), 1, atol=5e-3)


def test_no_checkpoint_is_left_of_a_finished_run(finished):
    _, folder = finished
    assert sorted(p.name for p in folder.iterdir() if p.name[0] != ".") == [
        "model.keras",
        "probs.npz",
        "record.json",
    ]


def test_one_seed_gives_the_same_numbers_bit_for_bit_in_another_process(twice):
    folders = [folder for folder, _ in twice]
    record, other = (read_record(folder / "record.json") for folder in folders)
    assert other["results"] == record["results"]
    assert other["key"] == record["key"]
    times = {"seconds": None}
    history, other_history = (
        {**r["training"]["history"], **times} for r in (record, other)
    )
    assert other_history == history
    one, two = (np.load(folder / "probs.npz") for folder in folders)
    assert set(one) == set(two) == {"train", "val", "test", "test_flip"}
    for part in one:
        assert one[part].tobytes() == two[part].tobytes()


def test_every_file_that_a_run_loads_is_part_of_its_key(finished, twice):
    files = {identity.PACKAGE / name for name in finished[0]["parts"]["code"]}
    not_in_the_key = {
        path.relative_to(identity.PACKAGE).as_posix()
        for path in map(running_module.Path, twice[0][1])
        if path not in files
    }
    # What data loading does is in the hash of the data; the others keep books.
    names = ("checkpoints", "identity", "locks", "record")
    books = {f"experiments/{name}.py" for name in names}
    assert {n for n in not_in_the_key if not n.startswith("data/")} == books
    assert "data/faceset.py" in finished[0]["parts"]["code"]


def test_a_finished_run_is_not_trained_again(finished, monkeypatch):
    record, folder = finished
    monkeypatch.setattr(running_module, "train_one", None)  # calling it would fail
    experiment = Experiment.from_dict(record["experiment"])
    assert run_one(experiment, folder, progress="none") == record


def test_other_parameters_train_again(finished):
    record, folder = finished
    other = Experiment.from_dict({**record["experiment"], "seed": 1, "epochs": 1})
    again = run_one(other, folder.parent / "other", progress="none")
    assert again["key"] != record["key"]


@pytest.fixture
def untrained(tmp_path, monkeypatch):
    """A folder in which a training would fail at once."""

    def refuse(*args, **kwargs):
        raise AssertionError("trained")

    monkeypatch.setattr(running_module, "train_one", refuse)
    return tmp_path


def test_a_folder_that_another_process_uses_is_left_alone(untrained, monkeypatch):
    monkeypatch.setattr(
        running_module, "run_lock", lambda folder, wait: run_lock(folder)
    )
    with run_lock(untrained), pytest.raises(LockedError, match="in use by process"):
        run_one(Experiment.from_dict(TINY), untrained, progress="none")


def test_code_edited_after_it_was_loaded_is_refused(untrained, monkeypatch):
    monkeypatch.setitem(identity._AT_START, identity.PACKAGE / "labels.py", (0, 0))
    with pytest.raises(TrainingError, match=r"labels\.py: edited after .* Restart"):
        run_one(Experiment.from_dict(TINY), untrained, progress="none")


@pytest.mark.parametrize("text", ["", '{"schema": 2, "na', '{"schema": 99}'])
def test_a_damaged_record_counts_as_none(untrained, text):
    (untrained / "record.json").write_text(text)
    with pytest.raises(AssertionError, match="trained"):
        run_one(Experiment.from_dict(TINY), untrained, progress="none")


def test_force_clears_what_was_there_but_not_the_notebook(untrained):
    for name in ("record.json", "probs.npz", "model.keras", "notebook.ipynb"):
        (untrained / name).touch()
    with pytest.raises(AssertionError, match="trained"):
        run_one(Experiment.from_dict(TINY), untrained, force=True, progress="none")
    assert [p.name for p in untrained.iterdir() if p.name[0] != "."] == [
        "notebook.ipynb"
    ]


def test_epochs_of_another_training_are_set_aside_and_the_stale_record_goes(tmp_path):
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "state.json").write_text('{"key": "abc", "history": [{"epoch": 1}]}')
    (tmp_path / "record.json").write_text("{}")
    experiment = Experiment.from_dict({**TINY, "epochs": 1, "max_images": 70})
    faces = running_module.load_faces(experiment)
    with pytest.warns(UserWarning, match="kept as checkpoint-abc"):
        running_module.train_one(experiment, faces, tmp_path, progress="none")
    assert (tmp_path / "checkpoint-abc" / "state.json").is_file()
    assert not (tmp_path / "record.json").exists()
    assert (tmp_path / "probs.npz").is_file()


def test_a_mix_is_tested_per_data_set_too(tmp_path, monkeypatch):
    load = data.load

    def few(name):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # contempt is left out
            return data.mixed([load(part, n=80) for part in name.split("+")])

    monkeypatch.setattr(running_module.data, "load", few)
    settings = {**TINY, "data": "synthetic+synthetic-eight", "epochs": 1}
    record = run_one(Experiment.from_dict(settings), tmp_path / "mix", progress="none")
    whole, parts = record["results"]["test"], record["results_by_source"]
    assert set(parts) == {"synthetic", "synthetic-eight"}
    sizes = [part["test"]["n"] for part in parts.values()]
    right = [part["test"]["metrics"]["accuracy"] for part in parts.values()]
    assert sum(sizes) == whole["n"] and min(sizes) > 0
    assert np.average(right, weights=sizes) == pytest.approx(
        whole["metrics"]["accuracy"]
    )
    page = write_report(tmp_path, tmp_path / "index.html", faces=False)
    page = page.read_text(encoding="utf-8")
    assert "Test, per data set of the mix" in page
    for source, size in zip(parts, sizes, strict=True):
        assert f'data-field="results_by_source.{source}.test.n"' in page
        assert f">{size}<" in page


def test_a_set_that_is_no_mix_has_no_sources(finished):
    assert "results_by_source" not in finished[0]
