"""Keras model -> TFLite bytes, through TensorFlow's own converter."""

from __future__ import annotations

import tempfile

import numpy as np

from fer_utils.errors import ParameterError
from fer_utils.export.quiet import quiet

__all__ = ["to_tflite"]


def to_tflite(model, precision: str, calibration: np.ndarray | None) -> bytes:
    """Convert a model; the input stays uint8 pixels, the output float32 logits.

    "float16" stores weights in half the bytes and computes as before. "int8" computes
    in whole numbers: one scale per channel of the weights, and one per layer's output,
    which is measured on the calibration faces (Jacob et al. 2018, arXiv:1712.05877).

    Args:
        model: keras.Model, uint8 (B, H, W, C) -> logits (B, K), TensorFlow backend.
        precision: "float32", "float16" or "int8".
        calibration: uint8 (N, H, W, C), for "int8".

    Raises:
        ParameterError: another backend than TensorFlow is active.
    """
    tf = _tensorflow()
    # A uint8 input is cast to float32, which no integer graph can do; with a float
    # input that is declared uint8 afterwards the pixels are the integers.
    source = _with_float_input(model) if precision == "int8" else model
    with tempfile.TemporaryDirectory(prefix="fer-export-") as folder, quiet():
        source.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if precision == "int8":
            operations = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.target_spec.supported_ops = operations
            converter.representative_dataset = lambda: (
                [face[None].astype(np.float32)] for face in calibration
            )
            converter.inference_input_type = tf.uint8
            converter.inference_output_type = tf.float32
        return converter.convert()


def _tensorflow():
    from fer_utils.backend import keras

    if keras.backend.backend() != "tensorflow":
        raise ParameterError(
            f"TFLite files are written by TensorFlow; the {keras.backend.backend()} "
            "backend is active. Start Python with KERAS_BACKEND=tensorflow."
        )
    import tensorflow

    return tensorflow


def _with_float_input(model):
    from fer_utils.backend import keras

    pixels = keras.Input(model.input_shape[1:], dtype="float32", name="pixels")
    clone = keras.models.clone_model(model, input_tensors=pixels)
    clone.set_weights(model.get_weights())
    return clone
