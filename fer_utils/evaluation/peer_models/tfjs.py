"""TensorFlow.js files: their weights, and graph models rebuilt as Keras models.

A model is a JSON file that names binary files beside it. Weights may be stored in 8 or
16 bits with a scale and a minimum, value = stored * scale + minimum. A graph model
lists operations; the handful that small face networks use is known here, and any other
is named in the error.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np

from fer_utils.errors import WeightsError
from fer_utils.evaluation.peer_models.network import Network

__all__ = ["read", "weights"]


def read(path: Path) -> Network:
    """Read a graph model, or the weights manifest of a network that is known here."""
    from fer_utils.evaluation.peer_models import face_expression_net, keras_file

    content = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content, dict) and content.get("format") == "graph-model":
        tensors, files = weights(content["weightsManifest"], path)
        model = _graph_model(content["modelTopology"]["node"], tensors, path)
    elif isinstance(content, list) and content and "weights" in content[0]:
        tensors, files = weights(content, path)
        model = face_expression_net.build(tensors, path)
    else:
        raise WeightsError(
            f"{path}: not a TensorFlow.js graph model or weights manifest."
        )
    return keras_file.network(model, (path, *files))


def weights(manifest: list, path: Path) -> tuple[dict[str, np.ndarray], list[Path]]:
    """Read the weights that a manifest lists.

    Args:
        manifest: groups of {"paths": file names, "weights": entries}, in file order.
        path: the JSON file; the binary files are looked for beside it only.

    Returns:
        ({name: float32 or int32 array}, the binary files).

    Raises:
        WeightsError: a binary file is missing or too short.
    """
    tensors, files = {}, []
    for group in manifest:
        shards = [path.parent / Path(name).name for name in group["paths"]]
        for shard in shards:
            if not shard.is_file():
                raise WeightsError(
                    f"{path} needs {shard.name} beside it, which is not there."
                )
        content, begin = b"".join(shard.read_bytes() for shard in shards), 0
        for entry in group["weights"]:
            tensors[entry["name"]], begin = _tensor(entry, content, begin, path)
        files += shards
    return tensors, files


def _tensor(entry: dict, content: bytes, begin: int, path: Path):
    stored = entry.get("quantization", {})
    dtype = np.dtype(stored.get("dtype", entry["dtype"])).newbyteorder("<")
    count = int(np.prod(entry["shape"], dtype=np.int64))
    end = begin + count * dtype.itemsize
    if end > len(content):
        raise WeightsError(
            f"{path}: the binary files end before the weights of {entry['name']!r} "
            f"({len(content):,} bytes, at least {end:,} expected). Fetch them again."
        )
    values = np.frombuffer(content, dtype, count, begin).reshape(entry["shape"])
    if "scale" in stored:
        values = values * np.float32(stored["scale"]) + np.float32(stored["min"])
    return values.astype(entry["dtype"]), end


def _graph_model(nodes: list[dict], tensors: dict, path: Path):
    """Rebuild a graph as a Keras model by walking its nodes, inputs first."""
    from fer_utils.backend import keras

    by_name = {node["name"]: node for node in nodes}
    values = dict(tensors)
    (face,) = [node for node in nodes if node["op"] == "Placeholder"]
    sizes = [int(d["size"]) for d in face["attr"]["shape"]["shape"]["dim"]]
    values[face["name"]] = pixels = keras.Input(sizes[1:], dtype="float32")
    used = {_plain(name) for node in nodes for name in node.get("input", ())}
    (last,) = [node["name"] for node in nodes if node["name"] not in used]
    waiting = [last]
    while waiting:  # a stack: a network may be deeper than Python's recursion
        name = waiting[-1]
        needed = [_plain(i) for i in by_name[name].get("input", ())]
        missing = [i for i in needed if i not in values]
        if not missing:
            if name not in values:
                inputs = [values[i] for i in needed]
                values[name] = _operation(by_name[name], inputs, path)
            waiting.pop()
        waiting += missing
    return keras.Model(pixels, values[last])


def _plain(name: str) -> str:
    return name.removeprefix("^").split(":")[0]


def _operation(node: dict, inputs: list, path: Path):
    from fer_utils.backend import keras

    ops, kind, attributes = keras.ops, node["op"], node.get("attr", {})
    simple = {
        "Identity": lambda x: x,
        "Relu": ops.relu,
        "AddV2": ops.add,
        "Add": ops.add,
        "BiasAdd": ops.add,
        "Softmax": ops.softmax,
        "Mean": lambda x, axes: ops.mean(x, tuple(int(a) for a in axes)),
    }
    if kind in simple:
        return simple[kind](*inputs)
    if kind in ("Conv2D", "_FusedConv2D"):
        return _convolution(ops, inputs, attributes)
    if kind == "DepthwiseConv2dNative":
        return ops.depthwise_conv(*inputs, **_window(attributes))
    if kind == "MaxPool":
        size = _numbers(attributes["ksize"])[1:3]
        return ops.max_pool(inputs[0], size, **_window(attributes))
    raise WeightsError(
        f"{path}: operation {kind!r} is not among those rebuilt here "
        f"({', '.join(sorted(simple))}, convolutions, MaxPool)."
    )


def _convolution(ops, inputs: list, attributes: dict):
    x = ops.conv(inputs[0], inputs[1], **_window(attributes))
    fused = [
        _text(s) for s in attributes.get("fused_ops", {}).get("list", {}).get("s", ())
    ]
    if "BiasAdd" in fused:
        x = ops.add(x, inputs[2])
    return ops.relu(x) if "Relu" in fused else x


def _window(attributes: dict) -> dict:
    return {
        "strides": _numbers(attributes["strides"])[1:3],
        "padding": _text(attributes["padding"]["s"]).lower(),
        "data_format": "channels_last",
    }


def _numbers(attribute: dict) -> tuple[int, ...]:
    return tuple(int(i) for i in attribute["list"]["i"])


def _text(stored: str) -> str:
    return base64.b64decode(stored).decode()
