"""A run on pixels that stay on disk, and a run on several devices."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fer_utils.data import image_files
from fer_utils.data.image_files import ImageFiles
from fer_utils.errors import ParameterError
from fer_utils.evaluation import prediction
from fer_utils.experiments import Experiment, run_one, running

PIL = pytest.importorskip("PIL.Image")


@pytest.fixture
def experiment(faces, tmp_path, monkeypatch):
    """One short training on the small faces as files."""
    names = [f"{i}.png" for i in range(len(faces))]
    for name, image in zip(names, faces.pixels, strict=True):
        PIL.fromarray(image).save(tmp_path / name)
    streamed = replace(faces, pixels=ImageFiles(tmp_path, names, 16, colour=False))
    monkeypatch.setattr(running, "load_faces", lambda experiment: streamed)
    return Experiment.from_dict({"name": "small", "epochs": 1, "batch_size": 4})


def test_a_run_reads_files_part_by_part(experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(image_files, "MOST_BYTES", 5 * 16 * 16)
    monkeypatch.setattr(prediction, "_BLOCK", 4)
    monkeypatch.setattr(prediction.predict, "__defaults__", ("none", 4, None))
    monkeypatch.setattr("fer_utils.data.duplicates._BLOCK", 4)
    monkeypatch.setattr("fer_utils.training.batches.VALIDATION_BATCH", 4)
    run_one(experiment, tmp_path / "run", progress="none")
    with np.load(tmp_path / "run" / "probs.npz") as probs:
        assert probs["test"].shape == (4, 3)
    assert json.loads((tmp_path / "run" / "record.json").read_text())["status"]


@pytest.mark.parametrize("said", ["argument", "environment"])
def test_a_strategy_reaches_the_training(experiment, tmp_path, monkeypatch, said):
    strategy = "data_parallel"
    if said == "environment":
        monkeypatch.setenv("FER_STRATEGY", strategy)
        strategy = None
    with pytest.raises(ParameterError, match="KERAS_BACKEND=jax|two devices or more"):
        run_one(experiment, tmp_path / "run", progress="none", strategy=strategy)
    assert not (tmp_path / "run" / "record.json").exists()
