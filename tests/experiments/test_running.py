"""`run_one`: one record per run, whole, and never twice."""

import json

import numpy as np
import pytest

from fer_utils import models
from fer_utils.errors import DataError
from fer_utils.experiments import Experiment, load_records, run_one
from fer_utils.experiments import running as running_module
from fer_utils.experiments.record import read_record

TINY = {
    "name": "tiny",
    "max_images": 100,
    "epochs": 2,
    "batch_size": 16,
    "early_stopping_patience": 0,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One real run, shared by the tests that only read it."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    settings = {**TINY, "tta": "flip", "remove_duplicates": True}
    return run_one(Experiment.from_dict(settings), folder, progress="none"), folder


def test_the_record_on_disk_is_what_was_returned(finished):
    record, folder = finished
    assert json.loads((folder / "record.json").read_text()) == record
    assert load_records(folder.parent)[0]["key"] == record["key"]


def test_the_record_says_what_was_done(finished):
    record, _ = finished
    assert record["status"] == "finished"
    assert record["training"]["epochs"] == 2
    assert record["data"]["notice"] == "synthetic sample data"
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
    assert sorted(p.name for p in folder.iterdir()) == [
        "model.keras",
        "probs.npz",
        "record.json",
    ]


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


def test_a_damaged_record_is_named(tmp_path):
    path = tmp_path / "record.json"
    path.write_text('{"schema": 1, "na')
    with pytest.raises(DataError, match="not a readable run record"):
        read_record(path)


def test_a_record_of_another_schema_is_named(tmp_path):
    path = tmp_path / "record.json"
    path.write_text('{"schema": 99}')
    with pytest.raises(DataError, match="expected a run record of schema 1"):
        read_record(path)
