"""`cross_dataset_record`: as it is, fine-tuned, from nothing; each fold once."""

import argparse
import importlib
import json

import numpy as np
import pytest

from fer_utils import data, models
from fer_utils.data import FaceSet
from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation import CrossReport
from fer_utils.experiments import cross_dataset as cross
from fer_utils.experiments import load_records
from fer_utils.experiments.cross_command import add_cross_command

SETTINGS = {"folds": 3, "epochs": 2, "batch_size": 8, "progress": "none"}
KNOWN = ("happy", "sad", "neutral")  # the model's
CLASSES = ("sad", "contempt", "happy")  # the data's, in another order


def people(n=36, subjects=9, classes=CLASSES):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % len(classes)
    pixels = rng.integers(0, 60, (n, 8, 8)) + (labels * 80)[:, None, None]
    who = np.array([f"S{i * subjects // n:03d}" for i in range(n)])
    return FaceSet(
        pixels.astype(np.uint8),
        labels,
        ["test"] * n,
        classes,
        "tiny",
        facts={"subject": who},
        notice="drawn",
    )


def small_model(classes=KNOWN):
    from fer_utils.backend import keras, layers

    keras.utils.set_random_seed(3)
    pixels = keras.Input((8, 8, 1), dtype="uint8")
    x = layers.Flatten()(layers.Rescaling(1 / 255)(pixels))
    x = layers.Dense(6, activation="relu")(x)
    model = keras.Model(pixels, layers.Dense(len(classes))(x), name="small")
    model.class_names = tuple(classes)
    return model


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One real run, shared by the tests that only read it."""
    folder = tmp_path_factory.mktemp("cross")
    record = cross.cross_dataset_record(
        small_model(), folder, faces=people(), **SETTINGS
    )
    return record, folder


def test_the_record_on_disk_is_what_was_returned(finished):
    record, folder = finished
    assert json.loads((folder / cross.RECORD).read_text()) == record
    assert (record["schema"], record["kind"]) == (2, "cross_dataset")
    assert load_records(folder) == []  # the results table of trainings holds it not


def test_the_record_says_what_was_done(finished):
    record, _ = finished
    assert record["settings"]["folds"] == 3 and record["name"] == "small"
    assert record["data"]["subjects"] == 9 and record["data"]["notice"] == "drawn"
    assert record["model"]["classes"] == list(KNOWN)
    assert {"keras", "python", "git_commit"} <= set(record["environment"])
    as_is = CrossReport.from_dict(record["as_is"])
    assert as_is.left_out == {"contempt": 12} and as_is.absent == ("neutral",)


@pytest.mark.parametrize("arm", cross.ARMS)
def test_each_image_is_tested_once_by_a_network_that_never_saw_its_subject(
    finished, arm
):
    record, folder = finished
    found = record["arms"][arm]
    faces = people()
    folds = data.subject_folds(faces, 3, 0)
    assert [f["split_hash"] for f in found["folds"]] == [f.split_hash for f in folds]
    assert sum(f["images"]["test"] for f in found["folds"]) == len(faces)
    right = 0
    for number, fold in enumerate(folds):
        (path,) = folder.glob(f"folds-*/{arm}-{number:02d}.json")
        probs = np.array(json.loads(path.read_text())["probs"])
        right += (probs.argmax(1) == fold.test.labels).sum()
    assert found["accuracy"] == pytest.approx(right / len(faces))
    low, high = found["interval"]
    assert low <= found["accuracy"] <= high
    assert found["on_shared"]["n"] == 24
    assert found["report"]["intervals"] == {"accuracy": [low, high]}


def test_the_difference_is_that_of_the_arms(finished):
    record, _ = finished
    arms = record["arms"]
    assert record["difference"]["accuracy"] == pytest.approx(
        arms["fine_tune"]["accuracy"] - arms["scratch"]["accuracy"]
    )
    text = cross.cross_summary(record)
    assert "fine-tuned minus from scratch" in text and text.endswith("drawn")


def test_a_finished_record_is_not_made_again(finished, monkeypatch):
    record, folder = finished
    monkeypatch.setattr(cross, "_as_is", None)  # calling it would fail
    again = cross.cross_dataset_record(
        small_model(), folder, faces=people(), **SETTINGS
    )
    assert again == record


def test_a_finished_fold_is_not_repeated(finished, monkeypatch):
    record, folder = finished
    kept = (folder / cross.RECORD).read_text()
    (folder / cross.RECORD).unlink()
    (lost,) = folder.glob("folds-*/scratch-01.json")
    content = lost.read_text()
    lost.unlink()
    trained = []

    def run_fold(model, faces, arm, number, settings, path):
        trained.append((arm, number))
        path.write_text(content)
        return json.loads(content)

    monkeypatch.setattr(cross, "_run_fold", run_fold)
    again = cross.cross_dataset_record(
        small_model(), folder, faces=people(), **SETTINGS
    )
    assert trained == [("scratch", 1)]
    assert again["arms"] == record["arms"]
    (folder / cross.RECORD).write_text(kept)


@pytest.mark.parametrize("change", ["weights", "settings", "faces"])
def test_what_decides_the_numbers_decides_the_key(change):
    model, faces, settings = small_model(), people(), cross.CrossSettings()
    key = cross._key(model, faces, settings)
    assert key == cross._key(small_model(), people(), cross.CrossSettings())
    if change == "weights":
        model.set_weights([w + 1 for w in model.get_weights()])
    elif change == "settings":
        settings = cross.CrossSettings(epochs=3)
    else:
        faces = people(33)
    assert cross._key(model, faces, settings) != key


def test_a_new_head_keeps_the_weights_of_known_classes():
    model = small_model()
    changed = cross.with_new_head(model, CLASSES)
    images = people().images()
    old, new = (m.predict(images, verbose=0) for m in (model, changed))
    assert changed.class_names == CLASSES
    np.testing.assert_allclose(new[:, 0], old[:, KNOWN.index("sad")], rtol=1e-4)
    np.testing.assert_allclose(new[:, 2], old[:, KNOWN.index("happy")], rtol=1e-4)
    np.testing.assert_allclose(new[:, 1], old.mean(1), rtol=1e-3, atol=1e-5)


def test_a_new_head_shares_no_weights_with_the_given_model():
    model = small_model()
    changed = cross.with_new_head(model, CLASSES)
    before = [w.copy() for w in model.get_weights()]
    changed.set_weights([w + 1 for w in changed.get_weights()])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_from_scratch_is_the_same_architecture_with_fresh_seeded_weights():
    model, faces = small_model(), people()
    tuned = cross._network(model, faces, "fine_tune", 0)
    fresh, again, other = (
        cross._network(model, faces, "scratch", seed) for seed in (0, 0, 1)
    )
    assert fresh.count_params() == tuned.count_params()
    first = [m.get_weights()[0] for m in (tuned, fresh, again, other)]
    np.testing.assert_array_equal(first[0], model.get_weights()[0])
    np.testing.assert_array_equal(first[1], first[2])
    assert not np.allclose(first[0], first[1]) and not np.allclose(first[1], first[3])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"epoch": 3},
            ParameterError,
            "unknown setting 'epoch'. Did you mean 'epochs'",
        ),
        ({"folds": 2}, ParameterError, "folds=2: expected 3"),
        ({"folds": 10}, ParameterError, "folds=10: expected 3 .* to 9"),
        ({"augment": "flop"}, ParameterError, "'flop'"),
        ({"faces": people(classes=("fear", "angry"))}, DataError, "none of its"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(tmp_path, changes, error, message):
    call = {"faces": people(), **SETTINGS, **changes}
    with pytest.raises(error, match=message):
        cross.cross_dataset_record(small_model(), tmp_path, **call)
    assert not (tmp_path / cross.RECORD).exists()


def test_a_model_without_a_dense_output_is_refused():
    from fer_utils.backend import keras, layers

    pixels = keras.Input((8, 8, 1), dtype="uint8")
    model = keras.Model(pixels, layers.Flatten()(layers.Rescaling(1.0)(pixels)))
    model.class_names = KNOWN
    with pytest.raises(ParameterError, match="dense output layer, received Flatten"):
        cross.with_new_head(model, CLASSES)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("runs/deep/model.keras", "deep"),  # every run calls its file model
        ("compact-fer2013.keras", "compact-fer2013"),
        ("compact-fer2013", "compact-fer2013"),
        ("model.keras", "model"),
    ],
)
def test_a_record_is_named_after_its_model(model, name):
    assert cross._name_of(model) == name


def parse(arguments, load_model=None):
    parser = argparse.ArgumentParser()
    add_cross_command(parser.add_subparsers(), load_model)
    return parser.parse_args(arguments)


def test_the_command_evaluates_as_it_is(monkeypatch, capsys):
    monkeypatch.setattr(data, "load", lambda name: people())
    options = parse(["cross", "small", "--as-is"], lambda name: small_model())
    assert options.call(options) == 0
    assert "12 of contempt left out" in capsys.readouterr().out


def test_the_command_passes_its_options_on(monkeypatch, tmp_path, finished):
    seen = {}

    def record(model, out, **options):
        seen.update(options, out=out, model=model)
        return finished[0]

    module = importlib.import_module("fer_utils.experiments.cross_dataset")
    monkeypatch.setattr(module, "cross_dataset_record", record)
    path = models.save(small_model(), tmp_path / "small.keras")
    options = parse(["cross", str(path), "--folds", "5", "--tta", "flip"])
    assert options.call(options) == 0
    assert (seen["folds"], seen["tta"], seen["epochs"]) == (5, "flip", 20)
    assert seen["model"].class_names == KNOWN
    assert seen["out"].as_posix() == "reports/runs/cross/small-ck48"
