"""ONNX files, through onnxruntime on one thread."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fer_utils.errors import WeightsError
from fer_utils.evaluation.peer_models.network import Network

__all__ = ["read"]


def read(path: Path) -> Network:
    """Read an `.onnx` file, pixels channels-first or channels-last."""
    session = _session(path)
    face, answer = session.get_inputs()[0], session.get_outputs()[0]
    first, shape = _layout(face.shape, path)
    one_by_one = face.shape[0] == 1
    dtype = np.uint8 if "uint8" in face.type else np.float32

    def run(x: np.ndarray) -> np.ndarray:
        x = (x.transpose(0, 3, 1, 2) if first else x).astype(dtype)
        step = 1 if one_by_one else max(1, len(x))
        rows = [
            session.run([answer.name], {face.name: x[i : i + step]})[0]
            for i in range(0, len(x), step)
        ]
        return np.concatenate(rows).reshape(len(x), -1).astype(np.float32)

    outputs = answer.shape[-1] if isinstance(answer.shape[-1], int) else None
    return Network(run, shape, outputs, (path,))


def _session(path: Path):
    try:
        import onnxruntime
    except ImportError:
        raise WeightsError(
            f"{path.name} needs onnxruntime, which is not installed. "
            "Run: pip install onnxruntime"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )


def _layout(shape, path: Path) -> tuple[bool, tuple]:
    """Return whether channels come first, and (H, W, C)."""
    if len(shape) != 4:
        raise WeightsError(f"{path}: expected an input of 4 axes, received {shape}.")
    sizes = [size if isinstance(size, int) else None for size in shape[1:]]
    first = sizes[0] in (1, 3) and sizes[2] not in (1, 3)
    return first, (*sizes[1:], sizes[0]) if first else tuple(sizes)
