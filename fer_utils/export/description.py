"""What an exported file says about itself: classes, input, temperature, limits.

TFLite: members of a zip archive that is appended to the file, as TensorFlow Lite's
metadata does with associated files; interpreters ignore it, and `unzip` lists it. ONNX:
the model's own property list.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from fer_utils import __version__
from fer_utils import labels as fer_labels
from fer_utils.errors import DataError, ParameterError

__all__ = ["append", "describe", "from_json", "read_appended"]

MEMBER, LABELS = "fer_utils.json", "labels.txt"
_USE = (
    "Predicts perceived expression labels, for research and teaching. It does not say "
    "what a person feels. Not for inferring emotions at work or in education (EU AI "
    "Act, Art. 5(1)(f))."
)


def describe(model, precision: str) -> dict:
    """Return what is written into the file, JSON-ready.

    Args:
        model: keras.Model with `class_names`, and `metadata` if it was loaded.
        precision: of the exported weights.
    """
    _, height, width, channels = model.input_shape
    metadata = dict(getattr(model, "metadata", None) or {})
    return {
        "classes": list(model.class_names),
        "input": {
            "dtype": "uint8",
            "range": [0, 255],
            "shape": [height, width, channels],
            "colour": "grey" if channels == 1 else "RGB",
        },
        "output": "logits; softmax of logits / temperature are the probabilities",
        "temperature": float(metadata.get("temperature", 1.0)),
        "precision": precision,
        "run": metadata.get("run", ""),
        "experiment": metadata.get("experiment", {}),
        "made_by": f"fer_utils {__version__}",
        "use": _USE,
    }


def append(content: bytes, description: Mapping) -> bytes:
    """Return a TFLite file with the description and the labels as an appended zip."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr(MEMBER, json.dumps(description, ensure_ascii=False, indent=1))
        members.writestr(LABELS, "\n".join(description["classes"]) + "\n")
    return content + archive.getvalue()


def read_appended(path: Path) -> dict:
    """Return the description of a TFLite file.

    Raises:
        DataError: it has none, or one that is damaged.
    """
    try:
        with zipfile.ZipFile(path) as members:
            return from_json(members.read(MEMBER).decode("utf-8"), path)
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError):
        raise DataError(_nameless(path)) from None


def from_json(text: str | None, path: Path) -> dict:
    """Return a description after a check of what is needed to use the model.

    Raises:
        DataError: it is missing or no such description.
    """
    if not text:
        raise DataError(_nameless(path))
    try:
        found = json.loads(text)
        found["classes"] = tuple(fer_labels.canonical(c) for c in found["classes"])
        found["temperature"] = float(found["temperature"])
        height, width, channels = map(int, found["input"]["shape"])
    except (ValueError, KeyError, TypeError, ParameterError) as error:
        raise DataError(
            f"{path}: its description is damaged ({error}). Export the model again."
        ) from None
    if min(height, width) < 1 or channels not in (1, 3):
        raise DataError(
            f"{path}: its description names an input of {found['input']['shape']}. "
            "Export the model again."
        )
    return found


def _nameless(path: Path) -> str:
    return (
        f"{path}: a model that does not say its class names. Export it with `fer "
        "export`; for other people's models see evaluation.peers."
    )
