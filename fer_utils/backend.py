"""The one place that imports Keras, without its backend's start-up messages.

TensorFlow writes some twenty lines about compilers and drivers before its own log level
holds, red in a notebook's first cell. They are held back, and shown only if the import
fails.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

__all__ = ["keras", "layers"]


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
