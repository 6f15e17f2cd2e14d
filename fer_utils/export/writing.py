"""`export`: one model in, one file out that other programs can run."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from fer_utils.errors import DataError, ParameterError, did_you_mean
from fer_utils.export import description
from fer_utils.export.comparing import parity
from fer_utils.export.loading import load_exported

__all__ = ["FORMATS", "PRECISIONS", "export"]

FORMATS = ("tflite", "onnx")
PRECISIONS = ("float32", "float16", "int8")
_LEAST_FACES = 32  # to measure the range of every layer's output
# An export that answers otherwise on more of its calibration faces is not written.
_MOST_CHANGED = {"float32": 0.01, "float16": 0.02, "int8": 0.15}
_COMPARED = 256


def export(
    model,
    path: str | Path,
    *,
    format: str | None = None,
    precision: str = "float32",
    calibration: np.ndarray | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a model as a TFLite or ONNX file, whole or not at all.

    The file takes uint8 (B, H, W, C) pixels, any B, and gives float32 logits (B, K).
    Its class names, input and temperature are kept inside. What was written is loaded
    again and compared with the model before it gets its name.

    Args:
        model: keras.Model with `class_names`, as `models.load` or `load_pretrained`
            returns it.
        path: where to; missing folders are made.
        format: "tflite" or "onnx"; None takes it from the ending of `path`.
        precision: "float32"; "float16" (TFLite: half the size, the same speed); "int8"
            (a quarter of the size, and faster: also the computation is in integers).
        calibration: uint8 (N, H, W, C) or (N, H, W), typical faces, some hundred, not
            of val or test; needed for "int8", and for all used for the comparison.
        overwrite: replace a file that is there.

    Returns:
        The path.

    Raises:
        ParameterError: unknown format or precision, no calibration faces, a file that
            is there already, a backend or package that cannot do it.
        DataError: the written model does not answer as the given one does.

    Example:
        >>> import tempfile
        >>> from fer_utils import models
        >>> model = models.build("compact", filters=(4,))
        >>> path = export(model, f"{tempfile.mkdtemp()}/model.tflite")
        >>> load_exported(path).class_names[0]
        'angry'
    """
    path = Path(path)
    format = _checked(model, path, format, precision, overwrite)
    faces = _faces(model, calibration, precision)
    about = description.describe(model, precision)
    content = _converted(model, format, precision, faces, about)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        temporary.write_bytes(content)
        _refuse_other_answers(model, temporary, faces, precision)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _checked(model, path: Path, format: str | None, precision: str, overwrite) -> str:
    format = format or path.suffix.lstrip(".") or "none"
    for name, value, allowed in (
        ("format", format, FORMATS),
        ("precision", precision, PRECISIONS),
    ):
        if value not in allowed:
            raise ParameterError(
                f"unknown {name} {value!r}." + did_you_mean(value, allowed)
            )
    if path.suffix != f".{format}":
        raise ParameterError(f"{path}: expected a name that ends in .{format}.")
    if format == "onnx" and precision == "float16":
        raise ParameterError(
            "precision='float16' for ONNX: its runtime computes float16 on GPUs only. "
            "Choose float32 or int8, or format='tflite'."
        )
    if not getattr(model, "class_names", None):
        raise ParameterError(
            "this model has no class_names, and an exported file without them is a "
            "riddle. Load it with models.load, or set model.class_names to a tuple in "
            "label order."
        )
    if path.exists() and not overwrite:
        raise ParameterError(
            f"{path} is there already. Choose another name, or overwrite=True "
            "(--overwrite)."
        )
    return format


def _faces(model, calibration, precision: str) -> np.ndarray:
    """Return calibration faces (N, H, W, C); noise for a float model without any."""
    shape = model.input_shape[1:]
    if calibration is None:
        if precision == "int8":
            raise ParameterError(
                "precision='int8' needs calibration faces: some hundred typical images "
                "of train, from which the range of every layer is measured. Pass "
                "calibration=faces.train.sample(300).images() (--data fer2013)."
            )
        return np.random.default_rng(0).integers(0, 256, (8, *shape), np.uint8)
    faces = np.asarray(calibration)
    faces = faces[..., None] if faces.ndim == 3 else faces
    if faces.dtype != np.uint8 or faces.shape[1:] != shape:
        raise ParameterError(
            f"calibration: expected uint8 (N, {', '.join(map(str, shape))}), received "
            f"{faces.dtype} {faces.shape}."
        )
    if precision == "int8" and len(faces) < _LEAST_FACES:
        raise ParameterError(
            f"calibration: {len(faces)} faces are too few to know what is typical. "
            f"Pass at least {_LEAST_FACES}, better some hundred."
        )
    return faces


def _converted(model, format, precision, faces, about) -> bytes:
    if format == "tflite":
        from fer_utils.export.tflite import to_tflite

        return description.append(to_tflite(model, precision, faces), about)
    from fer_utils.export.onnx_file import to_onnx

    return to_onnx(model, precision, faces, about)


def _refuse_other_answers(model, path: Path, faces, precision: str) -> None:
    found = parity(model, load_exported(path), faces[:_COMPARED])
    if found.changed > _MOST_CHANGED[precision]:
        raise DataError(
            f"the exported model answers otherwise on {found.changed:.0%} of the "
            f"calibration faces ({found}). Nothing was written. With int8: are these "
            "faces typical of what the model was trained on, and enough?"
        )
