"""`ship`: a finished run becomes a small plain Keras model with its card."""

import json
import shutil
import zipfile

import keras
import numpy as np
import pytest

from fer_utils import data, evaluation, models
from fer_utils.errors import DataError
from fer_utils.experiments import Experiment, run_one
from fer_utils.experiments.cross_dataset import cross_dataset_record, cross_summary
from fer_utils.experiments.running import load_faces
from fer_utils.experiments.shipping import model_card, ship

TINY = {
    "name": "tiny",
    "data": "synthetic-tiny",
    "model": "compact",
    "model_options": {"filters": [8]},
    "max_images": 100,
    "epochs": 1,
    "early_stopping_patience": 0,
    "tta": "flip",
}


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    run_one(Experiment.from_dict(TINY), folder, progress="none")
    return folder


@pytest.fixture(scope="module")
def shipped(run_dir):
    return ship(run_dir, "tiny-model", run_dir.parent / "out", other_seeds=[run_dir])


def test_plain_keras_gives_the_accuracy_of_the_card(shipped):
    record = json.loads(shipped.with_suffix(".json").read_text())
    test = load_faces(Experiment.from_dict(TINY)).test
    model = keras.saving.load_model(shipped, compile=False)
    right = np.asarray(model(test.images())).argmax(1) == test.labels
    measured = record["shipped"]["results"]["test"]["metrics"]["accuracy"]
    assert right.mean() == pytest.approx(measured)
    assert f"{100 * measured:.1f} %" in shipped.with_suffix(".md").read_text()


def test_the_weights_are_float16_values_and_the_file_is_deflated(shipped):
    for values in models.load(shipped).get_weights():
        np.testing.assert_array_equal(values, values.astype(np.float16))
    with zipfile.ZipFile(shipped) as archive:
        kinds = {member.compress_type for member in archive.infolist()}
    assert kinds == {zipfile.ZIP_DEFLATED}


def test_predict_applies_the_temperature_that_is_stored_with_the_model(shipped):
    model = models.load(shipped)
    temperature = model.metadata["temperature"]
    test = load_faces(Experiment.from_dict(TINY)).test
    own, given, raw = (
        evaluation.predict(model, test, temperature=t) for t in (None, temperature, 1.0)
    )
    np.testing.assert_array_equal(own, given)
    assert temperature != 1 and np.abs(own - raw).max() > 1e-4


def test_the_card_says_data_protocol_recall_and_what_it_is_not_for(shipped):
    card = shipped.with_suffix(".md").read_text()
    for text in ("2024/1689", "disgust", "Other seeds", "Not measured", "temperature"):
        assert text in card
    record = json.loads(shipped.with_suffix(".json").read_text())
    assert model_card("tiny-model", record) == card


def test_an_unfinished_run_is_refused(tmp_path):
    (tmp_path / "record.json").write_text('{"schema": 1, "status": "failed"}')
    with pytest.raises(DataError, match="Finish it first"):
        ship(tmp_path, "x", tmp_path)


def edited(run_dir, folder, **settings):
    """Write the record of a run with other settings; return its folder."""
    record = json.loads((run_dir / "record.json").read_text())
    record["experiment"] |= settings
    folder.mkdir()
    (folder / "record.json").write_text(json.dumps(record))
    return folder


def test_only_another_seed_of_the_same_recipe_is_one(run_dir, tmp_path):
    other = edited(run_dir, tmp_path / "other", seed=3, learning_rate=0.5)
    with pytest.raises(DataError, match="differs in learning_rate; expected"):
        ship(run_dir, "x", tmp_path, other_seeds=[other])
    seed = edited(run_dir, tmp_path / "seed", seed=3, name="tiny-seed3")
    ship(run_dir, "x", tmp_path, other_seeds=[seed])
    card = (tmp_path / "x.md").read_text(encoding="utf-8")
    accuracy = json.loads((run_dir / "record.json").read_text())["results"]
    cells = [
        f"{100 * accuracy[part]['metrics']['accuracy']:.1f} %"
        for part in ("val", "test", "test_flip")
    ]
    assert "| seed | val | test | test, flip |" in card
    assert f"| 0 (shipped) | {' | '.join(cells)} |" in card
    assert f"| 3 | {' | '.join(cells)} |" in card
    spread = [cell.replace(" %", " ± 0.0 %") for cell in cells]  # twice the same run
    assert f"| mean ± standard deviation | {' | '.join(spread)} |" in card


def test_a_recipe_without_tta_has_seeds_too(run_dir, tmp_path):
    plain = edited(run_dir, tmp_path / "plain", tta="none")
    shutil.copy(run_dir / "model.keras", plain)
    seed = edited(plain, tmp_path / "seed", seed=3)
    for folder in (plain, seed):
        record = json.loads((folder / "record.json").read_text())
        del record["results"]["test_flip"]
        (folder / "record.json").write_text(json.dumps(record))
    ship(plain, "x", tmp_path, other_seeds=[seed])
    card = (tmp_path / "x.md").read_text(encoding="utf-8")
    assert "| seed | val | test |\n|---|---|---|\n" in card


def test_the_numbers_on_other_data_must_be_of_the_same_weights(
    run_dir, shipped, tmp_path
):
    record = cross_dataset_record(
        models.load(shipped),
        tmp_path,
        faces=data.load("synthetic", n=70),
        folds=3,
        epochs=1,
        progress="none",
    )
    path = tmp_path / "cross_dataset.json"
    ship(run_dir, "x", tmp_path, cross_dataset=path)
    card = (tmp_path / "x.md").read_text(encoding="utf-8")
    for line in cross_summary(record).splitlines():
        assert f"- {line}\n" in card
    assert "3 folds by subject, 1 epochs" in card
    record["model"]["weights_hash"] = "0" * 64
    path.write_text(json.dumps(record))
    with pytest.raises(DataError, match="not about these weights.*ship again"):
        ship(run_dir, "y", tmp_path, cross_dataset=path)
    assert not list(tmp_path.glob("y*"))
