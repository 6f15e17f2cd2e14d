"""TFLite files, on one thread, one face after the other."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from fer_utils.errors import WeightsError
from fer_utils.evaluation.peer_models.network import Network

__all__ = ["read"]


def read(path: Path) -> Network:
    """Read a `.tflite` file; 8-bit inputs and outputs are (de)quantised here."""
    with warnings.catch_warnings():  # TensorFlow's copy announces its own end
        warnings.simplefilter("ignore")
        interpreter = _interpreter()(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    (face,) = interpreter.get_input_details()
    (answer,) = interpreter.get_output_details()

    def run(x: np.ndarray) -> np.ndarray:
        rows = []
        for one in _quantised(x, face):  # most files have a batch of one built in
            interpreter.set_tensor(face["index"], one[None])
            interpreter.invoke()
            rows.append(interpreter.get_tensor(answer["index"]).ravel())
        outputs = np.array(rows).reshape(len(x), answer["shape"][-1])
        return _dequantised(outputs, answer)

    shape = tuple(int(size) for size in face["shape"][1:])
    return Network(run, shape, int(answer["shape"][-1]), (path,))


def _interpreter():
    """Return the interpreter of LiteRT, else the older one inside TensorFlow."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            from tensorflow import lite
        except ImportError:
            raise WeightsError(
                "a .tflite model needs an interpreter. Install one: "
                "pip install ai-edge-litert (or tensorflow)."
            ) from None
        return lite.Interpreter
    return Interpreter


def _quantised(x: np.ndarray, detail: dict) -> np.ndarray:
    scale, zero = detail["quantization"]
    if not np.issubdtype(detail["dtype"], np.integer):
        return x.astype(detail["dtype"])
    limits = np.iinfo(detail["dtype"])
    whole = np.rint(x / (scale or 1) + zero)
    return whole.clip(limits.min, limits.max).astype(detail["dtype"])


def _dequantised(outputs: np.ndarray, detail: dict) -> np.ndarray:
    scale, zero = detail["quantization"]
    if np.issubdtype(detail["dtype"], np.integer) and scale:
        return ((outputs.astype(np.float32) - zero) * scale).astype(np.float32)
    return outputs.astype(np.float32)
