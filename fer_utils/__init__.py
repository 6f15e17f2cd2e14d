"""fer_utils: the tested package behind a facial-expression-recognition course.

`import fer_utils` is instant: the rooms (`labels`, `data`, `models`, `training`,
`evaluation`, `experiments`, …) are imported when first touched, and no Keras backend
with them until a model is built.
"""

from __future__ import annotations

import importlib
import os

__version__ = "0.1.0"

# Before any backend is imported: a learner should not have to read its start-up
# messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_ROOMS = (
    "course",
    "data",
    "errors",
    "evaluation",
    "experiments",
    "export",
    "labels",
    "live",
    "models",
    "pretrained",
    "training",
)
__all__ = ["__version__", "load_pretrained", *_ROOMS]


def __getattr__(name: str):
    if name in _ROOMS:
        return importlib.import_module(f"fer_utils.{name}")
    if name == "load_pretrained":
        return importlib.import_module("fer_utils.pretrained").load_pretrained
    raise AttributeError(f"module 'fer_utils' has no attribute {name!r}")


def __dir__():
    return __all__
