"""The one place that imports Keras, without its backend's start-up messages.

TensorFlow writes some twenty lines about compilers and drivers before its own log level
holds, red in a notebook's first cell. They are held back, and shown only if the import
fails.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

__all__ = ["accelerators", "fused_batch_norm", "gradient", "keras", "layers"]


@contextlib.contextmanager
def _held_back_stderr() -> Iterator[None]:
    """Collect what C++ code writes to stderr; show it only when the block fails."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held, os.fdopen(os.dup(2), "wb") as real:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            real.write(held.read())
            raise
        finally:
            os.dup2(real.fileno(), 2)


if "keras" in sys.modules:
    import keras
else:
    with _held_back_stderr():
        import keras

        keras.ops.zeros(1)  # the first use of a device has messages of its own

layers = keras.layers

# A lesson predicts with several models, and a last batch is smaller: TensorFlow traces
# each anew, as it must, and warns of it in red.
logging.getLogger("tensorflow").addFilter(
    lambda record: "tf.function retracing" not in record.getMessage()
)


def accelerators() -> list[str]:
    """Return the GPUs and TPUs that this backend computes on, as it names them."""
    devices = keras.distribution.list_devices()
    return [name for name in devices if not name.lower().startswith("cpu")]


def _tensorflow_batch_norm(x, scale, offset, epsilon):
    """Normalise (B, H, W, C) by its batch statistics in one operation.

    Returns:
        (normalised, mean (C,), variance (C,)), the variance as Keras counts it.
    """
    from tensorflow import cast, raw_ops, shape

    nothing = keras.ops.zeros((0,), "float32")
    normalised, mean, variance, *_ = raw_ops.FusedBatchNormV3(
        x=x,
        scale=scale,
        offset=offset,
        mean=nothing,
        variance=nothing,
        epsilon=epsilon,
        is_training=True,
    )
    # The operation divides by n - 1, Keras by n.
    n = cast(shape(x)[0] * shape(x)[1] * shape(x)[2], "float32")
    return normalised, mean, variance * (n - 1) / n


fused_batch_norm = (
    _tensorflow_batch_norm if keras.backend.backend() == "tensorflow" else None
)


def _tensorflow_gradient(function, x):
    from tensorflow import GradientTape

    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x)


def _jax_gradient(function, x):
    import jax

    return jax.grad(function)(x)


# gradient(function, x): of a scalar function of a tensor, in the shape of the tensor.
gradient = {"tensorflow": _tensorflow_gradient, "jax": _jax_gradient}.get(
    keras.backend.backend()
)
