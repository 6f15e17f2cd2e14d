"""Models that leave the notebook: TFLite and ONNX files, and how they compare.

An exported file takes the same uint8 pixels and gives the same logits as the Keras
model it was made of, and carries its class names, so that a telephone, a browser or
another language cannot mix up the order.
"""

from __future__ import annotations

import importlib

_HOME = {
    "FORMATS": "writing",
    "PRECISIONS": "writing",
    "Bench": "benchmark",
    "Exported": "loading",
    "Parity": "comparing",
    "bench": "benchmark",
    "export": "writing",
    "load_exported": "loading",
    "parity": "comparing",
}
__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        home = importlib.import_module(f"fer_utils.export.{_HOME[name]}")
        return getattr(home, name)
    raise AttributeError(f"module 'fer_utils.export' has no attribute {name!r}")


def __dir__():
    return __all__
