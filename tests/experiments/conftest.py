"""Grids whose runs only pretend to train: real kernels, locks and records, no Keras."""

import json

import pytest

from fer_utils.experiments import identity
from fer_utils.experiments.tasks import Task

PRETEND = """
import json, os, time
from datetime import datetime, UTC
from pathlib import Path
from fer_utils.experiments.locks import run_lock
from fer_utils.experiments.record import SCHEMA, write_record
from fer_utils.files import write_json

now = lambda: datetime.now(UTC).isoformat()
folder, started = Path(out_dir), now()
state = folder / "checkpoint" / "state.json"
with run_lock(folder, wait=30):
    kept = json.loads(state.read_text()) if state.is_file() else {}
    history = kept.get("history", [])
    resumed_after = len(history)
    for epoch in range(resumed_after, epochs):
        time.sleep(seconds)
        history.append({"epoch": epoch + 1, "val_accuracy": 0.5, "seconds": seconds})
        write_json(state, {"key": training_key, "history": history})
    by_name = {n: [row[n] for row in history] for n in ("val_accuracy", "seconds")}
    write_record(folder / "record.json", {
        "schema": SCHEMA, "kind": "experiment", "status": "finished", "name": name,
        "key": key, "parts": parts, "seed": 0, "determinism": None,
        "experiment": {"name": name, "data": "", "model": "", "seed": 0},
        "started": started, "finished": now(), "peak_memory_mb": None,
        "data": {"name": "", "classes": ["a", "b"], "content_hash": "", "counts": {}},
        "environment": {"python": "", "keras": "", "backend": ""},
        "model": {"parameters": 1}, "seconds": {"training": 1.0},
        "training": {"epochs": epochs, "best_epoch": 1, "history": by_name,
                     "resumed_after": resumed_after},
        "results": {"test": {"metrics": {"accuracy": 0.5}, "intervals": {}}},
        "threads": os.environ.get("TF_NUM_INTRAOP_THREADS"),
    })
"""


def write_notebook(path, *sources):
    """Write a notebook with a title and code cells; the first is the parameters'."""
    cells = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "source": source,
            "metadata": {"tags": ["parameters"]} if i == 0 else {},
            "outputs": [],
            "execution_count": None,
        }
        for i, source in enumerate(sources)
    ]
    title = {"cell_type": "markdown", "id": "t", "source": "# A title", "metadata": {}}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": [title, *cells],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content))
    return path


def pretend_grid(folder, epochs=(1, 8, 3), seconds=0.4):
    """Return tasks of runs that only pretend to train, for so many epochs each."""
    defaults = "out_dir = name = key = training_key = ''; epochs = seconds = parts = 0"
    notebook = write_notebook(folder / "pretend.ipynb", defaults, PRETEND)
    tasks = []
    for number, last in enumerate(epochs):
        name, where = f"run{number}", folder / "out" / f"run{number}"
        own = {"seed": number}
        parts = {"parameters": own, "data": "d", "notebook": "n", "code": {}}
        parameters = {
            "out_dir": str(where),
            "name": name,
            "key": identity.key(parts),
            "training_key": identity.training_key(parts),
            "epochs": last,
            "seconds": seconds,
            "parts": parts,
        }
        task = Task(
            kind="experiment",
            name=name,
            notebook=str(notebook),
            folder=str(where),
            stem="notebook",
            parameters=parameters,
            parts=parts,
        )
        tasks.append(task)
    return tasks


@pytest.fixture(name="write_notebook")
def _write_notebook():
    return write_notebook


@pytest.fixture
def grid(tmp_path):
    """Return three runs that only pretend to train, the second for longest."""
    return pretend_grid(tmp_path)
