"""Run records: checked when written, checked when read, old ones still readable."""

import copy
import json
from pathlib import Path

import pytest

from fer_utils.errors import DataError
from fer_utils.experiments.record import (
    SCHEMA,
    environment,
    load_records,
    read_record,
    write_record,
)

ROOT = Path(__file__).parents[2]
PARTS = {"parameters": {}, "data": "d", "notebook": "n", "code": {"labels.py": "c"}}
LESSON = {
    "schema": SCHEMA,
    "kind": "lesson",
    "status": "finished",
    "key": "k",
    "parts": PARTS,
    "name": "00_start",
    "seconds": 3.5,
    "error": None,
}
FAILED = {**LESSON, "kind": "experiment", "status": "failed", "error": "cell 3: x"}
TRAINED = {
    "schema": SCHEMA,
    "kind": "experiment",
    "status": "finished",
    "key": "k",
    "parts": PARTS,
    "name": "a",
    "experiment": {"name": "a", "data": "synthetic", "model": "vgg5", "seed": 0},
    "seed": 0,
    "determinism": "bit for bit",
    "started": "2026-01-02T03:04:05+00:00",
    "finished": "2026-01-02T03:04:06+00:00",
    "data": {"name": "s", "classes": ["a", "b"], "content_hash": "c", "counts": {}},
    "environment": {"python": "3", "keras": "3", "backend": "jax"},
    "peak_memory_mb": None,
    "model": {"parameters": 1},
    "training": {
        "epochs": 1,
        "best_epoch": 1,
        "history": {"val_accuracy": [0.5], "seconds": [1.0]},
    },
    "seconds": {"training": 1.0},
    "results": {"test": {"metrics": {"accuracy": 0.5}, "intervals": {}}},
}


def changed(record: dict, path: str, value: object) -> dict:
    """Return a copy with one value set, or removed when it is `...`."""
    record = copy.deepcopy(record)
    *names, last = path.split(".")
    place = record
    for name in names:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return record


@pytest.mark.parametrize("record", [LESSON, FAILED, TRAINED], ids=["l", "f", "t"])
def test_a_record_is_read_as_it_was_written(tmp_path, record):
    path = write_record(tmp_path / "deep" / "record.json", record)
    assert read_record(path) == record


BAD = [
    (LESSON, "schema", 99, "2 was expected"),
    (LESSON, "schema", ..., "'schema' is a required property"),
    (LESSON, "status", "running", "'running' is not one of"),  # never on disk
    (LESSON, "kind", "lessons", "'lessons' is not one of"),
    (LESSON, "parts", ..., "'parts' is a required property"),
    (LESSON, "parts.code", ..., "'code' is a required property"),
    (LESSON, "parts.codes", {}, "Additional properties are not allowed"),
    (LESSON, "seconds", "3", "$.seconds: '3' is not of type 'number'"),
    (LESSON, "name", "", "$.name: '' should be non-empty"),
    (FAILED, "error", 1, "$.error: 1 is not of type"),
    (TRAINED, "key", 1, "$.key: 1 is not of type 'string'"),
    (TRAINED, "determinism", ..., "'determinism' is a required property"),
    (TRAINED, "results", {}, "$.results: {} should be non-empty"),
    (TRAINED, "results.test.intervals", ..., "'intervals' is a required property"),
    (TRAINED, "training.epochs", 0, "$.training.epochs: 0 is less than the minimum"),
    (TRAINED, "seconds.training", "1 s", "'1 s' is not of type 'number'"),
    (TRAINED, "data.content_hash", ..., "'content_hash' is a required property"),
]


@pytest.mark.parametrize(("record", "path", "value", "message"), BAD)
def test_what_does_not_fit_is_neither_written_nor_read(
    tmp_path, record, path, value, message
):
    record, file = changed(record, path, value), tmp_path / "record.json"
    with pytest.raises(DataError, match="does not fit the schema") as caught:
        write_record(file, record)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    file.write_text(json.dumps(record))
    with pytest.raises(DataError, match="expected a run record of schema 2") as caught:
        read_record(file)
    assert message in str(caught.value)
    assert "Delete it or run the experiment again." in str(caught.value)


@pytest.mark.parametrize("text", ["", '{"schema": 2, "na', "[]", "3", "null"])
def test_what_is_no_record_is_named(tmp_path, text):
    file = tmp_path / "record.json"
    file.write_text(text)
    with pytest.raises(DataError, match=r"record\.json: (not a readable|expected a)"):
        read_record(file)


def test_a_record_of_schema_1_is_read_as_one_that_does_not_say_its_parts(tmp_path):
    new = ("kind", "parts", "seed", "determinism")
    old = {k: v for k, v in TRAINED.items() if k not in new}
    file = tmp_path / "record.json"
    file.write_text(json.dumps({**old, "schema": 1}))
    assert read_record(file) == {**old, "kind": "experiment", "parts": None}


@pytest.mark.parametrize("experiment", [[], None, "deep_cnn"])
def test_a_strange_record_of_schema_1_is_left_to_its_reader(tmp_path, experiment):
    strange = {"schema": 1, "status": "finished", "experiment": experiment}
    file = tmp_path / "record.json"
    file.write_text(json.dumps(strange))
    assert read_record(file)["experiment"] == experiment


def test_every_record_in_the_repository_can_be_read():
    records = load_records(ROOT / "reports" / "reference")
    assert records
    for record in records:
        folder = record.pop("folder")
        assert (record["schema"], record["kind"]) == (SCHEMA, "experiment"), folder
        assert record["experiment"]["name"] == record["name"]


def test_the_threads_are_those_that_a_worker_was_given(monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert environment()["threads"] == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    assert environment()["threads"] == environment()["cores"]


def test_the_environment_says_what_a_repetition_needs():
    found = environment()
    assert {"python", "keras", "backend", "processor", "cores", "git_dirty"} <= {*found}
    assert isinstance(found["gpus"], list)
    assert found["threads"] >= 1
    assert len(found["constraints_hash"]) == 64
