"""Exported files: the same answers, their own description, and what is refused."""

import json
import zipfile

import numpy as np
import pytest

from fer_utils import models
from fer_utils.data.synthetic import synthetic
from fer_utils.errors import DataError, ParameterError
from fer_utils.export import bench, export, load_exported, parity

tflite = pytest.importorskip("tensorflow", reason="TFLite is written by TensorFlow")
FORMS = [
    ("tflite", "float32"),
    ("tflite", "float16"),
    ("tflite", "int8"),
    ("onnx", "float32"),
    ("onnx", "int8"),
]


def require(form):
    if form == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("tf2onnx")


@pytest.fixture(scope="module")
def faces():
    return synthetic(120)


@pytest.fixture(scope="module")
def model():
    """Return a small network, calibrated: an untrained one without batch statistics."""
    from fer_utils.backend import keras

    keras.utils.set_random_seed(1)
    model = models.build("compact", filters=(8, 16))
    model.metadata = {"temperature": 2.0, "run": "abc", "experiment": {"data": "x"}}
    return model


@pytest.fixture(scope="module")
def exported(model, faces, tmp_path_factory):
    """Return {(format, precision): model}, each written once."""
    folder, found = tmp_path_factory.mktemp("exported"), {}

    def one(form, precision):
        require(form)
        if (form, precision) not in found:
            path = folder / f"{precision}.{form}"
            export(model, path, precision=precision, calibration=faces.pixels)
            found[form, precision] = load_exported(path)
        return found[form, precision]

    return one


@pytest.mark.parametrize(("form", "precision"), FORMS)
def test_an_exported_model_answers_as_the_original(
    form, precision, model, faces, exported
):
    found = parity(model, exported(form, precision), faces.images(), faces.labels)
    tolerance = {"float32": 1e-5, "float16": 5e-3, "int8": 0.1}[precision]
    assert found.largest < tolerance
    assert found.images == len(faces)
    assert abs(found.accuracy_before - found.accuracy_after) < 0.1


@pytest.mark.parametrize(("form", "precision"), FORMS)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_a_batch_of_any_size_gives_the_rows_of_its_faces(
    form, precision, n, faces, exported
):
    one = exported(form, precision)
    whole = one.predict(faces.images()[:7])
    batch = one(faces.images()[:n])
    assert batch.shape == (n, 7) and batch.dtype == np.float32
    np.testing.assert_allclose(batch, whole[:n], atol=1e-4)


@pytest.mark.parametrize(("form", "precision"), FORMS)
def test_the_file_says_what_it_is(form, precision, model, exported):
    one = exported(form, precision)
    assert one.class_names == model.class_names
    assert one.input_shape == (None, 48, 48, 1)
    assert one.metadata["temperature"] == 2.0
    assert one.metadata["precision"] == precision
    assert "not say what a person feels" in one.metadata["use"]


def test_the_labels_of_a_tflite_file_can_be_unzipped(exported):
    with zipfile.ZipFile(exported("tflite", "float32").path) as members:
        labels = members.read("labels.txt").decode().split()
    assert labels[:2] == ["angry", "disgust"]


def test_integers_are_smaller_than_floats(exported):
    sizes = [exported("tflite", p).path.stat().st_size for _, p in FORMS[:3]]
    assert sizes[2] < sizes[1] < sizes[0]


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_the_live_pipeline_takes_an_exported_model(form, model, exported):
    from fer_utils.live import Predictor

    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (120, 160, 3), np.uint8)
    boxes = [(10, 10, 60, 60), (70, 20, 140, 100), (0, 0, 30, 30)]
    ours = Predictor(exported(form, "float32")).probs(frame, boxes)
    np.testing.assert_allclose(ours, Predictor(model).probs(frame, boxes), atol=1e-4)


def test_evaluation_takes_an_exported_model(model, faces, exported):
    from fer_utils.evaluation import predict

    ours = predict(exported("tflite", "float32"), faces, tta="flip")
    np.testing.assert_allclose(ours, predict(model, faces, tta="flip"), atol=1e-4)


def test_no_face_gives_no_answer(exported):
    empty = np.empty((0, 48, 48, 1), np.uint8)
    assert exported("tflite", "float32").predict(empty).shape == (0, 7)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((1, 48, 48, 1), np.float32),  # rescaled by somebody
        np.zeros((48, 48, 1), np.uint8),  # no batch
        np.zeros((1, 48, 48, 3), np.uint8),  # colour
        np.zeros((0, 48, 48, 1), np.uint8),
    ],
)
def test_other_pixels_are_refused(pixels, exported):
    with pytest.raises(DataError, match=r"expected uint8 \(B, 48, 48, 1\), received"):
        exported("tflite", "float32")(pixels)


FEW = np.zeros((8, 48, 48, 1), np.uint8)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("a.tflite", {"format": "tflight"}, "'tflight'. Did you mean 'tflite'"),
        ("a.bin", {}, "unknown format 'bin'.*Known: onnx, tflite"),
        ("a", {}, "unknown format 'none'"),
        ("a.onnx", {"format": "tflite"}, "expected a name that ends in .tflite"),
        ("a.tflite", {"precision": "int16"}, "unknown precision 'int16'"),
        ("a.tflite", {"precision": "int8"}, "needs calibration faces"),
        ("a.onnx", {"precision": "float16"}, "computes float16 on GPUs only"),
        ("a.tflite", {"precision": "int8", "calibration": FEW}, "8 faces are too few"),
        ("a.tflite", {"calibration": FEW / 255}, "calibration: expected uint8"),
        ("a.tflite", {"calibration": FEW[:, :24]}, r"received uint8 \(8, 24, 48, 1\)"),
    ],
)
def test_a_bad_export_is_refused_before_anything_is_written(
    name, arguments, message, model, tmp_path
):
    with pytest.raises(ParameterError, match=message):
        export(model, tmp_path / name, **arguments)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_stays(model, tmp_path):
    path = tmp_path / "mine.tflite"
    path.write_text("mine")
    with pytest.raises(ParameterError, match="is there already"):
        export(model, path)
    assert path.read_text() == "mine"


def test_a_model_without_class_names_is_refused(tmp_path):
    nameless = models.build("compact", classes=7, filters=(4,))
    with pytest.raises(ParameterError, match="no class_names"):
        export(nameless, tmp_path / "a.tflite")


def test_an_export_that_answers_otherwise_is_not_written(model, tmp_path, monkeypatch):
    from fer_utils.export import tflite as writer

    other = models.build("compact", filters=(4,))
    real = writer.to_tflite
    monkeypatch.setattr(writer, "to_tflite", lambda model, *a: real(other, *a))
    with pytest.raises(DataError, match="answers otherwise on .* Nothing was written"):
        export(model, tmp_path / "a.tflite")
    assert not list(tmp_path.iterdir())


def broken(kind, good):
    """Return the bytes of a broken file, made of a good one."""
    return {
        "empty": b"",
        "text": b"no model, but long enough to be read",
        "cut": good[: len(good) // 3],
    }[kind]


@pytest.mark.parametrize(
    ("form", "kind", "message"),
    [
        ("tflite", "empty", "the file is empty"),
        ("tflite", "text", "not a TFLite model"),
        ("tflite", "cut", "does not say its class names"),
        ("onnx", "empty", "the file is empty"),
        ("onnx", "text", "not an ONNX model, or a damaged one"),
        ("onnx", "cut", "not an ONNX model, or a damaged one"),
    ],
)
def test_a_broken_file_is_named_with_what_it_lacks(
    form, kind, message, exported, tmp_path
):
    good = exported(form, "float32").path.read_bytes()
    path = tmp_path / f"broken.{form}"
    path.write_bytes(broken(kind, good))
    with pytest.raises(DataError, match=message) as raised:
        load_exported(path)
    assert "broken" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.tflite", {"classes": ["happy", "glad"]}, "its description is damaged"),
        ("m.tflite", {"classes": ["happy", "sad"]}, "its description is damaged"),
    ],
)
def test_a_description_that_cannot_be_used_is_refused(
    name, content, message, exported, tmp_path
):
    good = exported("tflite", "float32").path.read_bytes()
    path = tmp_path / name
    path.write_bytes(good[: good.find(b"PK\x03\x04")])
    with zipfile.ZipFile(path, "a") as members:
        members.writestr("fer_utils.json", json.dumps(content))
    with pytest.raises(DataError, match=message):
        load_exported(path)


def test_a_file_of_another_kind_or_none_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="ends in .tflite or .onnx"):
        load_exported(tmp_path / "model.pb")
    with pytest.raises(DataError, match="no such model file"):
        load_exported(tmp_path / "model.tflite")
    with pytest.raises(ParameterError, match="threads=0"):
        load_exported(tmp_path / "model.tflite", threads=0)


def test_a_keras_file_with_code_of_its_own_is_refused(tmp_path):
    from fer_utils.backend import keras

    pixels = keras.Input((48, 48, 1), dtype="uint8")
    x = keras.layers.Lambda(lambda x: x * 2)(keras.layers.Flatten()(pixels))
    hostile = keras.Model(pixels, keras.layers.Dense(2)(x))
    hostile.class_names = ("happy", "sad")
    path = models.save(hostile, tmp_path / "hostile.keras")
    with pytest.raises(DataError, match="hostile.keras: refused. .* Python code"):
        models.load(path)


def test_a_damaged_keras_file_is_named(tmp_path):
    path = tmp_path / "odd.keras"
    with zipfile.ZipFile(path, "w") as members:
        members.writestr("fer_utils.json", json.dumps({"classes": ["happy", "sad"]}))
    with pytest.raises(DataError, match="odd.keras: Keras cannot rebuild"):
        models.load(path)


def test_bench_measures_models_and_files_in_turns(model, faces, exported):
    pixels, labels = faces.images(), faces.labels
    both = {"keras": model, "tflite": exported("tflite", "float32").path}
    result = bench(both, pixels, labels, batch_sizes=(1, 4), seconds=0.02)
    table = result.table()
    assert list(table.index) == ["keras", "tflite"]
    assert table.loc["keras", "accuracy"] == table.loc["tflite", "accuracy"]
    assert np.isnan(table.loc["keras", "MB"]) and table.loc["tflite", "MB"] > 0
    assert (table[["ms per face, batch 1", "ms per face, batch 4"]] > 0).all(axis=None)
    assert "tflite" in result.alt_text()


@pytest.mark.parametrize("with_labels", [True, False])
def test_bench_is_drawn_with_its_notice(with_labels, faces, exported):
    import matplotlib.pyplot as plt

    files = {"a": exported("tflite", "float32"), "b": exported("tflite", "int8").path}
    labels = faces.labels if with_labels else None
    result = bench(files, faces.images(), labels, seconds=0.01, notice="made up")
    figure = result.plot()
    assert len(figure.axes) == (3 if with_labels else 2)
    assert "made up" in figure._suptitle.get_text()
    plt.close(figure)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"models": {}}, ParameterError, "no model to measure"),
        ({"batch_sizes": (0,)}, ParameterError, "batch size 0"),
        ({"batch_sizes": (500,)}, DataError, "fewer than one batch of 500"),
        ({"seconds": 0}, ParameterError, "seconds=0"),
    ],
)
def test_a_senseless_bench_is_refused(arguments, error, message, model, faces):
    with pytest.raises(error, match=message):
        bench(**{"models": {"a": model}, "pixels": faces.images(), **arguments})


def test_parity_needs_images_and_the_same_classes(model, faces):
    other = models.build("compact", classes=("happy", "sad"), filters=(4,))
    with pytest.raises(DataError, match="no images to compare"):
        parity(model, model, faces.images()[:0])
    with pytest.raises(DataError, match="name their classes otherwise"):
        parity(model, other, faces.images())
    assert parity(model, model, faces.images()[:3]).largest == 0
