"""Architectures by name, and saving and loading them with their class names.

One file per architecture, each with a `build(input_shape, num_classes, …)` that returns
a functional Keras model: uint8 pixels (B, H, W, C) in, logits float32 (B, num_classes)
out.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

from fer_utils import labels as fer_labels
from fer_utils.errors import DataError, ParameterError, did_you_mean

__all__ = ["build", "describe", "load", "names", "options", "save"]

_NAMES = (
    "shallow_cnn",
    "deep_cnn",
    "vgg5",
    "mobilenet",
    "resnet50v2",
    "compact",
)
# A member of the .keras archive; Keras itself ignores it, so any Keras opens the file.
_METADATA_MEMBER = "fer_utils.json"


def names() -> tuple[str, ...]:
    """Return the names of all architectures."""
    return _NAMES


def describe(name: str) -> str:
    """Return the first line of an architecture's docstring."""
    return inspect.getdoc(_builder(name)).splitlines()[0]


def options(name: str) -> tuple[str, ...]:
    """Return the options that an architecture takes besides shape and classes.

    Example:
        >>> options("deep_cnn")
        ('dropout_rates', 'width')
    """
    known = inspect.signature(_builder(name)).parameters
    return tuple(p for p in known if p not in ("input_shape", "num_classes"))


def build(
    name: str,
    input_shape: tuple[int, int, int] = (48, 48, 1),
    classes: int | Sequence[str] = fer_labels.FER2013.classes,
    **model_options,
):
    """Build an architecture by name.

    Args:
        name: one of `names()`.
        input_shape: (H, W, C) of the pixels, C 1 or 3.
        classes: class names in label order (kept as `model.class_names`), or their
            number.
        **model_options: what that architecture takes; see `options(name)`.

    Returns:
        keras.Model, uint8 (B, H, W, C) -> logits float32 (B, num_classes).

    Raises:
        ParameterError: unknown name or option, or fewer than two classes.

    Example:
        >>> build("deep_cnn", classes=["happy", "sad"]).class_names
        ('happy', 'sad')
    """
    builder = _builder(name)
    unknown = sorted(set(model_options) - set(options(name)))
    if unknown:
        raise ParameterError(
            f"model {name!r}: unknown option {unknown[0]!r}."
            + did_you_mean(unknown[0], options(name))
        )
    num_classes = classes if isinstance(classes, int) else len(classes)
    model = builder(tuple(input_shape), num_classes, **model_options)
    if not isinstance(classes, int):
        model.class_names = tuple(fer_labels.canonical(c) for c in classes)
    return model


def save(model, path: str | Path, **metadata) -> Path:
    """Save a model with its class names as one `.keras` file, whole or not at all.

    Args:
        model: keras.Model with `class_names`, as `build` returns it.
        path: where to; the ending must be ".keras".
        **metadata: more to keep with it, JSON-ready (for example the run's key).

    Returns:
        The path.

    Raises:
        ParameterError: the ending is wrong or the model has no class names.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ParameterError(f"{path}: expected a file name that ends in .keras.")
    if not getattr(model, "class_names", None):
        raise ParameterError(
            "this model has no class_names. Build it with models.build(name, "
            "classes=[…]) or set model.class_names to a tuple in label order."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        model.save(temporary)
        kept = {"classes": list(model.class_names), **metadata}
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(_METADATA_MEMBER, json.dumps(kept, ensure_ascii=False))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def load(path: str | Path):
    """Load a model that `save` wrote.

    Args:
        path: a `.keras` file.

    Returns:
        keras.Model with `class_names` (tuple of str) and `metadata` (dict).

    Raises:
        DataError: no such file, not a Keras file, one without class names, a damaged
            one, or one that wants to run code of its own (a Lambda layer).
    """

    path = Path(path)
    if not path.is_file():
        raise DataError(
            f"{path}: no such model file. Train one first, or check the path."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            metadata = json.loads(archive.read(_METADATA_MEMBER))
    except zipfile.BadZipFile:
        raise DataError(
            f"{path}: not a .keras file (damaged or another format)."
        ) from None
    except KeyError:
        raise DataError(
            f"{path}: a Keras model without class names. Load it with "
            "keras.saving.load_model, set model.class_names and save it with "
            "models.save."
        ) from None
    model = _load_safely(path)
    model.class_names = tuple(metadata.pop("classes"))
    model.metadata = metadata
    return model


def _load_safely(path: Path):
    """Load layers and weights, but no Python code that a file brings along."""
    from fer_utils.backend import keras

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds on what it cannot rebuild
        text = str(error)
        if "lambda" in text.lower() or "unsafe" in text.lower():
            raise DataError(
                f"{path}: refused. This model brings Python code of its own (a Lambda "
                "layer), which could do anything on your computer. Ask its author for "
                "a model made of ordinary layers."
            ) from None
        raise DataError(
            f"{path}: Keras cannot rebuild this model ({text.splitlines()[0][:200]}). "
            "Is the file whole, and of this Keras version?"
        ) from error


def _builder(name: str):
    if name not in _NAMES:
        raise ParameterError(f"unknown model {name!r}." + did_you_mean(name, _NAMES))
    return importlib.import_module(f"fer_utils.models.{name}").build
