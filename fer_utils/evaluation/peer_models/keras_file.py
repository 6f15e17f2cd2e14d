"""Keras files of any age, read as data: code in them is refused before it is loaded."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fer_utils.errors import WeightsError
from fer_utils.evaluation.peer_models.network import Network

__all__ = ["read"]

# Layers whose configuration holds Python code, or the name of any function.
_CODE = ("lambda", "__lambda__", "tfoplambda", "slicingoplambda")
_OWN_MODULES = ("keras", "builtins")


def read(path: Path) -> Network:
    """Read a `.keras` file or an HDF5 file of Keras 1, 2 or 3, optimiser left aside."""
    from fer_utils.backend import keras

    refuse_code(_config(path), path)
    model = keras.saving.load_model(path, compile=False)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise WeightsError(
            f"{path}: expected a network with one input and one output, received "
            f"{len(model.inputs)} and {len(model.outputs)}."
        )
    return network(model, (path,))


def network(model, files: tuple[Path, ...]) -> Network:
    """Return a Keras model as a Network."""
    dtype = model.inputs[0].dtype

    def run(x: np.ndarray) -> np.ndarray:
        outputs = model.predict_on_batch(x.astype(dtype))
        return np.asarray(outputs, np.float32).reshape(len(x), -1)

    return Network(run, tuple(model.input_shape[1:]), model.output_shape[-1], files)


def refuse_code(config: object, path: Path) -> None:
    """Raise if a model's configuration carries code or names foreign classes.

    Args:
        config: the configuration, as JSON gives it.
        path: the file, for the message.

    Raises:
        WeightsError: naming the layer.
    """
    for part in _dictionaries(config):
        kind, module = str(part.get("class_name", "")), part.get("module")
        inner = part.get("config")
        name = inner.get("name") if isinstance(inner, dict) else part.get("name")
        if kind.lower() in _CODE:
            raise WeightsError(
                f"{path}: refused. Layer {name!r} is a {kind}: it carries Python code, "
                "which would run on this machine. Ask its author for a model without "
                "one, or for an ONNX or TFLite file."
            )
        if module and str(module).split(".")[0] not in _OWN_MODULES:
            raise WeightsError(
                f"{path}: refused. {kind or name!r} comes from the module {module!r}, "
                "and a model file may only name what Keras itself has. Ask its author "
                "for an ONNX or TFLite file."
            )


def _config(path: Path) -> object:
    """Return the configuration of the architecture, without building anything."""
    if path.suffix.lower() == ".keras":
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    import h5py

    with h5py.File(path, "r") as file:
        text = file.attrs.get("model_config")
    if text is None:
        raise WeightsError(
            f"{path}: weights without an architecture (save_weights wrote it). Ask its "
            "author for the whole model, as model.save writes it."
        )
    return json.loads(text)


def _dictionaries(config: object) -> Iterator[dict]:
    if isinstance(config, dict):
        yield config
        config = config.values()
    elif not isinstance(config, (list, tuple)):
        return
    for part in config:
        yield from _dictionaries(part)
