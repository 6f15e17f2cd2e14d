"""What every file format is read into, and which module reads which ending."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_utils.errors import FerError, WeightsError

__all__ = ["Network", "first_line", "read"]

_READERS = {
    ".keras": "keras_file",
    ".h5": "keras_file",
    ".hdf5": "keras_file",
    ".tflite": "tflite",
    ".onnx": "onnx",
    ".json": "tfjs",
}


@dataclass(frozen=True)
class Network:
    """A network as its file describes it, whatever the format.

    Attributes:
        run: float32 (N, H, W, C) -> float32 (N, outputs), the network's own numbers.
        input_shape: (H, W, C); None where the file leaves a size open.
        outputs: how many numbers a face gets; None where the file does not say.
        files: all files that belong to it.
    """

    run: Callable[[np.ndarray], np.ndarray]
    input_shape: tuple[int | None, int | None, int | None]
    outputs: int | None
    files: tuple[Path, ...]

    @property
    def megabytes(self) -> float:
        """Size of the files, in MB of 1,000,000 bytes."""
        return sum(path.stat().st_size for path in self.files) / 1e6


def read(path: str | Path) -> Network:
    """Read a network from a Keras, TFLite, ONNX or TensorFlow.js file.

    Args:
        path: ends in .keras, .h5, .hdf5, .tflite, .onnx, or .json (a TensorFlow.js
            model or weights manifest, its binary files beside it).

    Returns:
        Network, on one thread where the runtime has a setting for it.

    Raises:
        WeightsError: no such file, an unknown ending, a file that cannot be read or
            that carries code, or a runtime that is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in _READERS:
        raise WeightsError(
            f"{path}: cannot tell the format from the ending {path.suffix!r}. Known: "
            f"{', '.join(_READERS)}."
        )
    if not path.is_file():
        raise WeightsError(f"{path}: no such file. Check the path of the model.")
    name = _READERS[path.suffix.lower()]
    reader = importlib.import_module(f"fer_utils.evaluation.peer_models.{name}")
    try:
        return reader.read(path)
    except FerError:
        raise
    except Exception as error:  # every runtime raises its own kinds for a bad file
        raise WeightsError(
            f"{path}: cannot be read as a {path.suffix} model ({first_line(error)}). "
            "Is it whole? Fetch it again from where it came."
        ) from error


def first_line(error: Exception) -> str:
    """Return the first line of an error, short enough for a message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
