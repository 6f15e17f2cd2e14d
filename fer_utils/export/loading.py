"""`load_exported`: a TFLite or ONNX file as a callable, like the model it came from."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import numpy as np

from fer_utils.errors import DataError, ParameterError
from fer_utils.export import description
from fer_utils.export.quiet import quiet

__all__ = ["ENDINGS", "Exported", "load_exported"]

ENDINGS = (".tflite", ".onnx")
_EXTRA = 'pip install "fer-utils[export]"'


class Exported:
    """An exported model, called with pixels.

    Attributes:
        path: of the file.
        input_shape: (None, H, W, C), as a keras.Model's.
        class_names: tuple of str, in label order.
        metadata: what the file says about itself; "temperature" among it.
        threads: that compute.
    """

    def __init__(self, path: Path, about: dict, compute, threads: int):
        self.path, self.threads = path, threads
        self.class_names: tuple[str, ...] = about["classes"]
        self.input_shape = (None, *about["input"]["shape"])
        self.metadata = MappingProxyType(about)
        self._compute = compute

    def __repr__(self) -> str:
        size = "x".join(str(s) for s in self.input_shape[1:])
        return (
            f"Exported({self.path.name}: {self.metadata['precision']}, {size} uint8 -> "
            f"{len(self.class_names)} classes)"
        )

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return the logits of a batch.

        Args:
            pixels: uint8 (B, H, W, C), B at least 1.

        Returns:
            float32 (B, K).

        Raises:
            DataError: another type or shape.
        """
        pixels = np.ascontiguousarray(pixels)
        wanted = self.input_shape[1:]
        if pixels.dtype != np.uint8 or pixels.shape[1:] != wanted or not len(pixels):
            raise DataError(
                f"{self.path.name}: expected uint8 (B, {', '.join(map(str, wanted))}), "
                f"received {pixels.dtype} {pixels.shape}."
            )
        return self._compute(pixels)

    def predict(self, pixels, batch_size: int = 32, verbose=0) -> np.ndarray:
        """Return the logits of any number of images, as keras.Model.predict does."""
        starts = range(0, len(pixels), batch_size)
        parts = [self(pixels[i : i + batch_size]) for i in starts]
        return np.concatenate(parts or [np.empty((0, len(self.class_names)), "f4")])


def load_exported(path: str | Path, threads: int = 1) -> Exported:
    """Load a file that `export` wrote.

    Args:
        path: a `.tflite` or `.onnx` file.
        threads: that compute, at least 1.

    Returns:
        Exported, uint8 (B, H, W, C) -> logits float32 (B, K).

    Raises:
        ParameterError: the ending is another, threads is below 1, or the runtime is not
            installed.
        DataError: no such file, a damaged one, or one without its description.
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise ParameterError(
            f"{path}: expected a file that ends in {' or '.join(ENDINGS)}."
        )
    if type(threads) is not int or threads < 1:
        raise ParameterError(f"threads={threads!r}: expected a whole number above 0.")
    if not path.is_file():
        raise DataError(f"{path}: no such model file. Check the path.")
    if not path.stat().st_size:
        raise DataError(f"{path}: the file is empty. Export the model again.")
    open_file = {".tflite": _open_tflite, ".onnx": _open_onnx}[path.suffix]
    about, compute = open_file(path, threads)
    return Exported(path, about, compute, threads)


# --- TFLite --------------------------------------------------------------------------


def _open_tflite(path: Path, threads: int):
    with open(path, "rb") as content:
        if content.read(8)[4:] != b"TFL3":
            raise DataError(
                f"{path}: not a TFLite model (damaged, or another kind of file)."
            )
    about = description.read_appended(path)
    try:
        with quiet():  # it announces its delegate
            interpreter = _interpreter()(model_path=str(path), num_threads=threads)
            compute = _Interpreted(interpreter)
            compute(np.zeros((1, *about["input"]["shape"]), np.uint8))
    except (ValueError, RuntimeError, TypeError) as error:
        raise DataError(
            f"{path}: the TFLite model is damaged ({_first_line(error)}). Export it "
            "again."
        ) from None
    return about, compute


def _interpreter():
    try:
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter
    except ImportError:
        pass
    try:
        import tensorflow

        return tensorflow.lite.Interpreter
    except (ImportError, AttributeError):
        raise ParameterError(
            f"running TFLite files needs ai-edge-litert or TensorFlow: {_EXTRA}."
        ) from None


class _Interpreted:
    """A TFLite interpreter that takes batches of any size."""

    def __init__(self, interpreter):
        self._interpreter = interpreter
        interpreter.allocate_tensors()
        self._input = interpreter.get_input_details()[0]["index"]
        self._output = interpreter.get_output_details()[0]["index"]
        self._shape: tuple[int, ...] = ()

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        if pixels.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input, pixels.shape)
            self._interpreter.allocate_tensors()
            self._shape = pixels.shape
        self._interpreter.set_tensor(self._input, pixels)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)


# --- ONNX ----------------------------------------------------------------------------


def _open_onnx(path: Path, threads: int):
    try:
        import onnxruntime
    except ImportError:
        raise ParameterError(
            f"running ONNX files needs onnxruntime: {_EXTRA}."
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime has a dozen kinds, none of them shared
        raise DataError(
            f"{path}: not an ONNX model, or a damaged one ({_first_line(error)})."
        ) from None
    kept = session.get_modelmeta().custom_metadata_map.get("fer_utils")
    about = description.from_json(kept, path)
    name = session.get_inputs()[0].name
    return about, lambda pixels: session.run(None, {name: pixels})[0]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
