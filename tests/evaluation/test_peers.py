"""Peers from files made here: what is loaded, what is refused, what comes out."""

import doctest
import importlib.util
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from fer_utils import labels
from fer_utils.errors import DataError, ParameterError, WeightsError
from fer_utils.evaluation import peers
from fer_utils.evaluation.peer_models import face_expression_net, pixels, vocabulary
from fer_utils.evaluation.peer_models.tfjs import weights

CLASSES = labels.FER2013.classes
FACES = np.random.default_rng(0).integers(0, 256, (5, 48, 48), np.uint8)
MINE = peers.Peer("mine", labels.FER2013.published, ("mine.keras",))


def tiny(outputs=7, channels=1, side=8, activation="softmax"):
    from fer_utils.backend import keras, layers

    face = keras.Input((side, side, channels))
    x = layers.Conv2D(4, 3, strides=2, activation="relu")(face)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(face, layers.Dense(outputs, activation=activation)(x))


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("peer") / "mine.keras"
    tiny().save(path)
    return path


def benchmark():
    path = Path(__file__).parents[2] / "benchmarks" / "peers.py"
    spec = importlib.util.spec_from_file_location("peers_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("module", [peers, pixels, vocabulary])
def test_the_examples_run(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


# Label orders


@pytest.mark.parametrize("seed", range(5))
def test_reordering_there_and_back_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.ones(7), 6)
    order = tuple(CLASSES[i] for i in rng.permutation(7))
    there = peers.to_vocabulary(probs, CLASSES, order)
    np.testing.assert_allclose(
        peers.to_vocabulary(there, order, CLASSES), probs, atol=1e-6
    )
    for face, column in itertools.product(range(6), range(7)):
        place = order.index(CLASSES[column])
        assert there[face, place] == pytest.approx(probs[face, column], abs=1e-6)


@pytest.mark.parametrize(
    ("probs", "source", "target", "expected"),
    [
        ([[0.5, 0.2, 0.3]], "contempt happy sad", "sad happy", [[0.6, 0.4]]),
        ([[1.0, 0.0, 0.0]], "contempt happy sad", "sad happy", [[0.5, 0.5]]),  # none
        (
            [[0.3, 0.7]],
            "Anger Joy",
            "happy angry sad",
            [[0.7, 0.3, 0.0]],
        ),  # unknown sad
        ([[0.0, 0.0, 1e-30]], "fear joy sad", "sad happy", [[1.0, 0.0]]),  # tiny mass
    ],
)
def test_classes_that_do_not_match_are_dropped_or_get_nothing(
    probs, source, target, expected
):
    found = peers.to_vocabulary(probs, source.split(), target.split())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_no_face_is_reordered_to_no_face():
    assert peers.to_vocabulary(np.empty((0, 7)), CLASSES, CLASSES).shape == (0, 7)


def test_two_label_orders_without_a_common_class_are_refused():
    with pytest.raises(ParameterError, match="no class of contempt, fear is among"):
        peers.to_vocabulary([[0.5, 0.5]], ["contempt", "fear"], ["sad", "happy"])


def test_a_wrong_label_order_is_noticed():
    truth = np.repeat(np.arange(7), 4)
    right = np.eye(7)[truth]
    assert peers.label_order(right, truth, CLASSES) == CLASSES
    moved = np.roll(right, 1, axis=1)
    found = peers.label_order(moved, truth, CLASSES)
    assert found == tuple(np.roll(CLASSES, 1))


# Pixels


@pytest.mark.parametrize(
    ("colour", "scaling", "black", "white"),
    [
        ("grey", "raw", [0], [255]),
        ("grey", "[0,1]", [0], [1]),
        ("rgb", "[-1,1]", [-1] * 3, [1] * 3),
        ("rgb", "imagenet", [-2.118, -2.036, -1.804], [2.249, 2.429, 2.640]),
        ("bgr", "imagenet", [-1.804, -2.036, -2.118], [2.640, 2.429, 2.249]),
        ("rgb", "photo mean", [-0.481, -0.459, -0.409], [0.519, 0.541, 0.591]),
    ],
)
def test_pixels_are_scaled_as_the_preset_says(colour, scaling, black, white):
    faces = np.stack([np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8)])
    x = peers.prepare(faces, 6, colour, scaling)
    assert x.dtype == np.float32
    assert x.shape == (2, 6, 6, len(black))
    np.testing.assert_allclose(x[0, 0, 0], black, atol=1e-3)
    np.testing.assert_allclose(x[1, 0, 0], white, atol=1e-3)


def test_colours_are_swapped_or_made_grey():
    red = np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0] = 255
    assert peers.prepare(red, 4, "rgb", "raw")[0, 0, 0].tolist() == [255, 0, 0]
    assert peers.prepare(red, 4, "bgr", "raw")[0, 0, 0].tolist() == [0, 0, 255]
    assert peers.prepare(red, 2, "grey", "raw")[0, 0, 0].tolist() == [76]


@pytest.mark.parametrize(
    ("colour", "scaling", "message"),
    [
        ("gray", "raw", "Did you mean 'grey'"),
        ("rgb", "imagenett", "Did you mean 'imagenet'"),
        ("grey", "imagenet", "for three colours"),
    ],
)
def test_an_unknown_preset_is_named(colour, scaling, message):
    with pytest.raises(ParameterError, match=message):
        peers.prepare(FACES, 8, colour, scaling)


@pytest.mark.parametrize("faces", [FACES / 255, FACES[0], np.zeros((1, 4, 4, 2), "u1")])
def test_only_uint8_faces_are_taken(faces):
    with pytest.raises(DataError, match="expected uint8"):
        peers.prepare(faces, 8, "grey", "raw")


# Keras files


@pytest.mark.parametrize("ending", [".keras", ".h5", ".hdf5"])
def test_a_keras_file_of_any_kind_becomes_probabilities(tmp_path, ending):
    model, path = tiny(), tmp_path / f"mine{ending}"
    model.save(path)
    loaded = peers.load_peer(MINE, path)
    expected = model.predict_on_batch(peers.prepare(FACES, 8, "grey", "[0,1]"))
    np.testing.assert_allclose(loaded(FACES), expected, atol=1e-5)
    assert loaded(FACES[:0]).shape == (0, 7)
    assert loaded.network.megabytes == pytest.approx(path.stat().st_size / 1e6)


def test_flipping_averages_a_face_and_its_mirror_image(keras_file):
    loaded = peers.load_peer(MINE, keras_file)
    mean = (loaded(FACES) + loaded(FACES[:, :, ::-1])) / 2
    np.testing.assert_allclose(loaded.predict(FACES, tta="flip"), mean, atol=1e-6)
    with pytest.raises(ParameterError, match="Did you mean 'flip'"):
        loaded.predict(FACES, tta="flipp")


def test_small_batches_change_nothing(keras_file):
    loaded = peers.load_peer(MINE, keras_file)
    np.testing.assert_allclose(
        loaded.predict(FACES, batch_size=2), loaded(FACES), atol=1e-6
    )


def test_logits_of_eight_classes_lose_contempt(tmp_path):
    path = tmp_path / "eight.keras"
    tiny(outputs=8, activation=None).save(path)
    peer = peers.Peer("eight", labels.HSEMOTION8.published, outputs="logits")
    loaded = peers.load_peer(peer, path)
    assert loaded.dropped == ("contempt",)
    assert loaded.missing == ()
    np.testing.assert_allclose(loaded(FACES).sum(1), 1, atol=1e-6)
    eight = peers.load_peer(peer, path, classes=labels.FERPLUS.classes)
    assert eight.dropped == ()
    assert eight(FACES).shape == (5, 8)


def lambda_model():
    from fer_utils.backend import keras, layers

    face = keras.Input((8, 8, 1))
    x = layers.Lambda(lambda x: x * 2, name="innocent", output_shape=(8, 8, 1))(face)
    return keras.Model(face, layers.Dense(7, activation="softmax")(layers.Flatten()(x)))


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_file_with_code_in_it_is_refused(tmp_path, ending):
    path = tmp_path / f"hostile{ending}"
    lambda_model().save(path)
    with pytest.raises(WeightsError, match="Layer 'innocent' is a Lambda: it carries"):
        peers.load_peer(MINE, path)


def test_a_file_that_names_a_foreign_class_is_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    layer = {"module": "os.path", "class_name": "join", "config": {"name": "x"}}
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"config": {"layers": [layer]}})
    with pytest.raises(WeightsError, match="comes from the module 'os.path'"):
        peers.load_peer(MINE, tmp_path / "foreign.h5")


def test_weights_without_an_architecture_are_explained(tmp_path):
    h5py = pytest.importorskip("h5py")
    h5py.File(tmp_path / "mine.h5", "w").close()
    with pytest.raises(WeightsError, match="weights without an architecture"):
        peers.load_peer(MINE, tmp_path / "mine.h5")


# A description that does not fit


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ("happy", "sad")}, "7 outputs, but the label order .* 2 classes"),
        ({"classes": ("sad", "Sadness")}, "at least two different classes"),
        ({"classes": ("happy", "tired")}, "unknown emotion label 'tired'"),
        ({"colour": "rgb"}, "takes 1 channel"),
        ({"side": 64}, "takes 8 x 8 pixels, peer 'mine' says side=64"),
        ({"scaling": "[0, 1]"}, r"Did you mean '\[0,1\]'"),
        ({"outputs": "logit"}, "Did you mean 'logits'"),
    ],
)
def test_a_description_that_does_not_fit_the_file_is_an_error(
    keras_file, change, message
):
    from dataclasses import replace

    with pytest.raises(ParameterError, match=message):
        peers.load_peer(replace(MINE, **change), keras_file)


def test_scores_that_are_no_probabilities_are_noticed(tmp_path):
    tiny(activation=None).save(tmp_path / "mine.keras")
    with pytest.raises(ParameterError, match="outputs='logits'"):
        peers.load_peer(MINE, tmp_path / "mine.keras")(FACES)


@pytest.mark.parametrize("ending", [".keras", ".h5", ".tflite", ".json", ".onnx"])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, ending):
    if ending == ".onnx":
        pytest.importorskip("onnxruntime")
    path = tmp_path / f"broken{ending}"
    path.write_bytes(b"not a model")
    with pytest.raises(WeightsError, match=f"broken{ending}"):
        peers.load_peer(MINE, path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "model.pkl",
            "cannot tell the format from the ending '.pkl'",
        ),  # never a pickle
        ("none.onnx", "no such file"),
    ],
)
def test_what_cannot_be_a_model_is_not_opened(tmp_path, name, message):
    with pytest.raises(WeightsError, match=message):
        peers.load_peer(MINE, tmp_path / name)


@pytest.mark.parametrize(
    ("ending", "absent", "message"),
    [
        (".onnx", ["onnxruntime"], "pip install onnxruntime"),
        (".tflite", ["ai_edge_litert.interpreter", "tensorflow"], "ai-edge-litert"),
    ],
)
def test_a_runtime_that_is_missing_is_named(
    tmp_path, monkeypatch, ending, absent, message
):
    for module in absent:
        monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / f"mine{ending}"
    path.write_bytes(b"")
    with pytest.raises(WeightsError, match=message):
        peers.load_peer(MINE, path)


# TFLite and ONNX


def test_a_tflite_file_agrees_with_its_keras_model(tmp_path):
    tensorflow = pytest.importorskip("tensorflow")
    model, path = tiny(), tmp_path / "mine.tflite"
    converter = tensorflow.lite.TFLiteConverter.from_keras_model(model)
    path.write_bytes(converter.convert())
    expected = model.predict_on_batch(peers.prepare(FACES, 8, "grey", "[0,1]"))
    loaded = peers.load_peer(MINE, path)
    np.testing.assert_allclose(loaded(FACES), expected, atol=1e-4)


def onnx_file(path, batch):
    """Write a mean over channels-first pixels, then a dense layer: 3 -> 8 logits."""
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    matrix = np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("MatMul", ["flat", "matrix"], ["output"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("input", kinds.FLOAT, [batch, 3, 224, 224])],
        [helper.make_tensor_value_info("output", kinds.FLOAT, [batch, 8])],
        [onnx.numpy_helper.from_array(matrix, "matrix")],
    )
    opsets = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return matrix


@pytest.mark.parametrize("batch", ["batch", 1])  # open, and fixed to one
def test_an_hsemotion_file_in_the_weights_folder_is_found(tmp_path, monkeypatch, batch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path))
    matrix = onnx_file(tmp_path / "enet_b0_8_best_afew.onnx", batch)
    loaded = peers.load_peer("hsemotion-b0-afew")
    x = peers.prepare(FACES, 224, "rgb", "imagenet")
    scores = np.exp(x.mean((1, 2)) @ matrix)
    expected = peers.to_vocabulary(scores, labels.HSEMOTION8.classes, CLASSES)
    np.testing.assert_allclose(loaded(FACES), expected, atol=1e-4)
    assert loaded.dropped == ("contempt",)


# TensorFlow.js


def tfjs_file(folder, op="Relu", shard="mine.bin", cut=0):
    """Write a graph: 3 x 3 convolution with bias, ReLU, mean, softmax."""
    rng = np.random.default_rng(2)
    kernel = rng.normal(size=(3, 3, 1, 7)).astype("<f4")
    stored = rng.integers(0, 256, 7, np.uint8)
    content = kernel.tobytes() + stored.tobytes() + np.array([1, 2], "<i4").tobytes()
    (folder / "mine.bin").write_bytes(content[: len(content) - cut])
    window = {"padding": {"s": "U0FNRQ=="}, "strides": {"list": {"i": list("1221")}}}
    fused = {"fused_ops": {"list": {"s": ["Qmlhc0FkZA=="]}}}
    sizes = {"dim": [{"size": s} for s in ("-1", "8", "8", "1")]}
    nodes = [  # the order of nodes is free: the last operation stands first
        {"name": "out", "op": "Softmax", "input": ["mean"]},
        {"name": "face", "op": "Placeholder", "attr": {"shape": {"shape": sizes}}},
        {"name": "kernel", "op": "Const"},
        {"name": "bias", "op": "Const"},
        {"name": "axes", "op": "Const"},
        {"name": "mean", "op": "Mean", "input": ["relu", "axes"]},
        {"name": "relu", "op": op, "input": ["conv"]},
        {
            "name": "conv",
            "op": "_FusedConv2D",
            "input": ["face", "kernel", "bias:0"],
            "attr": window | fused,
        },
    ]
    quantised = {"dtype": "uint8", "scale": 0.01, "min": -1.0}
    entries = [
        {"name": "kernel", "shape": [3, 3, 1, 7], "dtype": "float32"},
        {"name": "bias", "shape": [7], "dtype": "float32", "quantization": quantised},
        {"name": "axes", "shape": [2], "dtype": "int32"},
    ]
    model = {
        "format": "graph-model",
        "modelTopology": {"node": nodes},
        "weightsManifest": [{"paths": [shard], "weights": entries}],
    }
    (folder / "mine.json").write_text(json.dumps(model))
    return kernel, stored * np.float32(0.01) - 1


def test_a_graph_model_computes_what_its_nodes_say(tmp_path):
    from fer_utils.backend import keras

    kernel, bias = tfjs_file(tmp_path)
    loaded = peers.load_peer(MINE, tmp_path / "mine.json")
    x = peers.prepare(FACES, 8, "grey", "[0,1]")
    conv = keras.ops.conv(x, kernel, 2, "same", "channels_last")
    scores = np.maximum(np.asarray(keras.ops.convert_to_numpy(conv)) + bias, 0)
    scores = np.exp(scores.mean((1, 2)))
    expected = scores / scores.sum(1, keepdims=True)
    np.testing.assert_allclose(loaded(FACES), expected, atol=1e-5)
    assert {path.name for path in loaded.network.files} == {"mine.json", "mine.bin"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"op": "Tile"}, "operation 'Tile' is not among those rebuilt here"),
        ({"shard": "other.bin"}, "needs other.bin beside it"),
        ({"shard": "../../secret.bin"}, "needs secret.bin beside it"),  # never outside
        ({"cut": 3}, "end before the weights of 'axes'"),
    ],
)
def test_a_graph_model_that_is_not_whole_is_explained(tmp_path, change, message):
    tfjs_file(tmp_path, **change)
    with pytest.raises(WeightsError, match=message):
        peers.load_peer(MINE, tmp_path / "mine.json")


def face_api_files(folder):
    """Write random weights in the layout of face-api's expression network."""
    entries, before = [], 3
    for block, filters in enumerate((32, 64, 128, 256)):
        for number in range(4):
            name, inside = (
                f"dense{block}/conv{number}",
                before if number == 0 else filters,
            )
            if block == number == 0:
                parts = {"filters": [3, 3, 3, filters]}
            else:
                parts = {
                    "depthwise_filter": [3, 3, inside, 1],
                    "pointwise_filter": [1, 1, inside, filters],
                }
            parts["bias"] = [filters]
            entries += [(f"{name}/{part}", shape) for part, shape in parts.items()]
        before = filters
    entries += [("fc/weights", [256, 7]), ("fc/bias", [7])]
    stored = {"dtype": "uint8", "scale": 0.001, "min": -0.128}
    manifest = [
        {"name": n, "shape": s, "dtype": "float32", "quantization": stored}
        for n, s in entries
    ]
    size = sum(int(np.prod(shape)) for _, shape in entries)
    content = np.random.default_rng(3).integers(0, 256, size, np.uint8)
    (folder / "face_expression_model.bin").write_bytes(content.tobytes())
    path = folder / "face_expression_model-weights_manifest.json"
    group = {"paths": ["face_expression_model.bin"], "weights": manifest}
    path.write_text(json.dumps([group]))
    return path


def test_the_network_of_face_api_is_rebuilt_from_its_manifest(tmp_path):
    path = face_api_files(tmp_path)
    loaded = peers.load_peer("face-api", path)
    assert loaded.network.input_shape == (112, 112, 3)
    found = loaded(FACES[:2])
    assert found.shape == (2, 7)
    assert loaded.classes == CLASSES
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)


def test_the_manifest_of_another_network_is_refused(tmp_path):
    path = face_api_files(tmp_path)
    tensors, _ = weights(json.loads(path.read_text()), path)
    del tensors["dense2/conv1/bias"]
    with pytest.raises(WeightsError, match="weight 'dense2/conv1/bias' is missing"):
        face_expression_net.build(tensors, path)


# Finding files


def test_a_peer_is_looked_for_in_folders_weights_folder_and_package(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path / "weights"))
    package = tmp_path / "site" / "a_peer_package"
    monkeypatch.syspath_prepend(tmp_path / "site")
    peer = peers.Peer("x", ("happy", "sad"), ("x.onnx",), package="a_peer_package")
    assert peers.find_peer(peer) is None
    for folder in (package / "data", tmp_path / "weights", tmp_path / "given" / "deep"):
        folder.mkdir(parents=True)
        (folder / "x.onnx").write_bytes(b"")
        if folder.parent == package:
            (package / "__init__.py").write_text("raise RuntimeError('imported')")
            importlib.invalidate_caches()
        found = peers.find_peer(peer, [tmp_path / "given"])
        assert found == folder / "x.onnx"  # each comes before those found so far


def test_a_peer_without_a_file_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("FER_WEIGHTS_DIR", raising=False)
    with pytest.raises(
        WeightsError, match="no emotion-ferplus-8.onnx found. To get it"
    ):
        peers.load_peer("ferplus-vgg13")
    with pytest.raises(ParameterError, match="Did you mean 'face-api'"):
        peers.load_peer("faceapi")


@pytest.mark.parametrize("peer", peers.KNOWN, ids=lambda peer: peer.name)
def test_every_known_peer_is_described_in_full(peer):
    assert set(map(labels.canonical, peer.classes)) >= set(CLASSES)
    assert peer.files
    assert all((peer.source, peer.licence, peer.how_to_get))
    peers.prepare(FACES[:1], peer.side or 8, peer.colour, peer.scaling)


# The table


def test_the_table_is_written_from_the_record():
    bench = benchmark()
    row = {
        "name": "fer",
        "metrics": {"accuracy": 0.6542, "macro_f1": 0.6352, "ece": 0.061},
        "intervals": {"accuracy": [0.64, 0.67]},
        "without_duplicates": {"accuracy": 0.64},
        "flip": {"accuracy": 0.6687},
        "ms": {"processor": 1.72, "wall": 3.0},
        "megabytes": 0.873,
        "classes": [*CLASSES, "contempt"],
        "dropped": ["contempt"],
        "input": [64, 64, 1],
        "scaling": "[-1,1]",
        "val": {"[-1,1]": 0.655, "[0,1]": 0.54},
        "label_order_fits": False,
        "source": "a package",
        "licence": "MIT",
        "trained_on": "",
        "note": "",
        "minus_ours": {"difference": -0.04, "interval": [-0.05, -0.03], "p_value": 0},
    }
    absent = {
        "name": "b",
        "reason": "a|b\nc",
        "how_to_get": "ask",
        "source": "s",
        "licence": "l",
    }
    page = bench.markdown({"rows": [row], "absent": [absent]})
    assert "| fer | 65.42 % [64.0, 67.0] | 64.00 % | 66.87 % | 0.6352 | 0.061 |" in page
    assert "| 7 (of 8) | its authors do not say | MIT |" in page
    assert "**[-1,1] (65.5%)**, [0,1] (54.0%)" in page
    assert "DOUBTFUL" in page
    assert "-4.0 [-5.0, -3.0]" in page
    assert "| b | a/b c | ask | s | l |" in page
    assert "was trained on test images" in page


def test_the_page_in_reports_is_that_of_its_record():
    bench = benchmark()
    record = bench.REPORTS / "peers.json"
    if not record.is_file():
        pytest.skip("no peers measured yet")
    page = (bench.REPORTS / "peers.md").read_text(encoding="utf-8")
    assert page == bench.markdown(json.loads(record.read_text(encoding="utf-8")))
