"""Shipped models: small `.keras` files, each with its model card beside it.

A card (`NAME.md`) is generated from the run record (`NAME.json`) of the model: data and
terms, protocol, intervals, recall per class, calibration, intended use.
"""

from __future__ import annotations

import json
from pathlib import Path

from fer_utils.errors import ParameterError, did_you_mean

__all__ = ["card", "load_pretrained", "name_for", "names", "path"]

_HERE = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Return the names of all shipped models."""
    return tuple(sorted(p.stem for p in _HERE.glob("*.keras")))


def path(name: str, ending: str = ".keras") -> Path:
    """Return where a shipped model's file lies.

    Args:
        name: one of `names()`.
        ending: ".keras" (the model), ".md" (its card) or ".json" (its record).

    Raises:
        ParameterError: there is no such model.
    """
    if name not in names():
        raise ParameterError(
            f"unknown pretrained model {name!r}." + did_you_mean(name, names())
        )
    return _HERE / f"{name}{ending}"


def card(name: str) -> str:
    """Return the model card, Markdown."""
    return path(name, ".md").read_text(encoding="utf-8")


def name_for(faces) -> str:
    """Return the name of the shipped model that suits a data set best.

    Args:
        faces: FaceSet.

    Returns:
        The model that was trained on this set; for another set the one of drawn faces
        if these are drawn (they carry a notice), else the one of FER2013. Its classes
        may be others: `faces.in_classes(model.class_names)`.

    Example:
        >>> from fer_utils import data
        >>> name_for(data.load("synthetic", n=70))
        'compact-drawn'
    """
    for name in names():
        trained_on = json.loads(path(name, ".json").read_text("utf-8"))["data"]["name"]
        if trained_on.removesuffix("-soft") == faces.name.removesuffix("-soft"):
            return name
    return "compact-drawn" if faces.notice else "compact-fer2013"


def load_pretrained(name: str = "compact-fer2013"):
    """Load a shipped model; no network is needed.

    Args:
        name: one of `names()`.

    Returns:
        keras.Model, uint8 (B, H, W, C) -> logits float32 (B, num_classes), with
        `class_names` and `metadata`, whose "temperature" calibrates the probabilities
        (`evaluation.predict` applies it).

    Raises:
        ParameterError: there is no such model.

    Example:
        >>> load_pretrained("compact-fer2013").class_names[:3]
        ('angry', 'disgust', 'fear')
    """
    from fer_utils import models

    return models.load(path(name))
