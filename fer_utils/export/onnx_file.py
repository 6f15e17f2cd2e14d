"""Keras model -> ONNX bytes, by Keras' exporter and ONNX Runtime's quantiser."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fer_utils.errors import ParameterError
from fer_utils.export.quiet import quiet

__all__ = ["PROPERTY", "to_onnx"]

PROPERTY = "fer_utils"
_NEEDS = 'writing ONNX needs more packages: pip install "fer-utils[export]".'


def to_onnx(
    model, precision: str, calibration: np.ndarray | None, description: Mapping
) -> bytes:
    """Convert a model; the input stays uint8 pixels, the output float32 logits.

    Args:
        model: keras.Model, uint8 (B, H, W, C) -> logits (B, K).
        precision: "float32" or "int8".
        calibration: uint8 (N, H, W, C), for "int8".
        description: JSON-ready, kept in the file.

    Raises:
        ParameterError: a package of the extra [export] is missing.
    """
    try:
        import onnx
        import tf2onnx  # noqa: F401  Keras imports it, with a longer error
    except ImportError as error:
        raise ParameterError(f"{_NEEDS} ({error})") from None
    with tempfile.TemporaryDirectory(prefix="fer-export-") as folder, quiet():
        path = Path(folder) / "model.onnx"
        model.export(path, format="onnx", verbose=False)
        if precision == "int8":
            path = _quantised(path, calibration)
        content = onnx.load(path)
    kept = json.dumps(description, ensure_ascii=False)
    onnx.helper.set_model_props(content, {PROPERTY: kept})
    return content.SerializeToString()


def _quantised(path: Path, calibration: np.ndarray) -> Path:
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared, target = (path.with_name(f"{n}.onnx") for n in ("prepared", "int8"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quant_pre_process(path, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            target,
            _Faces(_input_name(prepared), calibration),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
    return target


def _input_name(path: Path) -> str:
    import onnx

    return onnx.load(path).graph.input[0].name


class _Faces:
    """Hand calibration faces to ONNX Runtime, some at a time."""

    def __init__(self, name: str, faces: np.ndarray, size: int = 32):
        parts = (faces[i : i + size] for i in range(0, len(faces), size))
        self._batches = ({name: part} for part in parts)

    def get_next(self):
        return next(self._batches, None)
