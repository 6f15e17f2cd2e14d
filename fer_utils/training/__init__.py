"""Fit one model: augmentation, schedules, checkpoints that survive a kill."""

from __future__ import annotations

import importlib

# No submodule has the name of a public function: importing it would hide the function.
_HOME = {
    "AUGMENTATIONS": "recipes",
    "Recipe": "recipes",
    "augmentation": "recipes",
    "LearningRateCurve": "learning_rate",
    "find_learning_rate": "learning_rate",
    "Run": "fitting",
    "fit": "fitting",
    "TrainConfig": "config",
    "STRATEGIES": "config",
    "across_devices": "devices",
}
__all__ = [
    "AUGMENTATIONS",
    "LearningRateCurve",
    "Recipe",
    "Run",
    "STRATEGIES",
    "TrainConfig",
    "across_devices",
    "augmentation",
    "find_learning_rate",
    "fit",
]


def __getattr__(name: str):
    if name in _HOME:
        module = importlib.import_module(f"fer_utils.training.{_HOME[name]}")
        return getattr(module, name)
    raise AttributeError(f"module 'fer_utils.training' has no attribute {name!r}")
