"""ImageNet weights: where they come from, and which of them are trained.

They come from a folder first, from Keras' download second, and an error says so third.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from fer_utils.backend import keras
from fer_utils.errors import ParameterError, WeightsError, did_you_mean

__all__ = [
    "check_weights",
    "freeze",
    "imagenet_weights",
    "keep_statistics",
    "load_imagenet",
    "unfreeze",
]

_FOLDER_VARIABLE = "FER_WEIGHTS_DIR"
_FILE_NAMES = {
    "mobilenet": "mobilenet_v1_{alpha}_224_imagenet_notop.weights.h5",
    "resnet50v2": "resnet50v2_imagenet_notop.weights.h5",
}
_APPLICATIONS = {"mobilenet": "MobileNet", "resnet50v2": "ResNet50V2"}
_IMAGENET_ALPHAS = (0.25, 0.5, 0.75, 1.0)


def check_weights(architecture: str, weights: str | None, alpha=None) -> None:
    """Refuse a weights option that does not exist for an architecture.

    Args:
        architecture: "mobilenet" or "resnet50v2".
        weights: "imagenet", or None for random weights.
        alpha: width multiplier of MobileNet, None elsewhere.

    Raises:
        ParameterError: naming the option and what is allowed.
    """
    if weights not in ("imagenet", None):
        raise ParameterError(
            f"weights={weights!r}: expected 'imagenet', or None for random weights."
        )
    if alpha is None:
        return
    if weights == "imagenet" and alpha not in _IMAGENET_ALPHAS:
        raise ParameterError(
            f"alpha={alpha}: {architecture} has ImageNet weights for "
            f"{', '.join(map(str, _IMAGENET_ALPHAS))}. Choose one, or weights=None."
        )
    if alpha <= 0:
        raise ParameterError(f"alpha={alpha}: expected a width multiplier above 0.")


def imagenet_weights(architecture: str, alpha: float | None = None) -> Path | str:
    """Return where the ImageNet weights of an architecture are taken from.

    Args:
        architecture: "mobilenet" or "resnet50v2".
        alpha: width multiplier of MobileNet, one of 0.25, 0.5, 0.75, 1.0.

    Returns:
        The file in the folder that FER_WEIGHTS_DIR names, or "imagenet" for Keras'
        own download.

    Raises:
        ParameterError: no ImageNet weights exist for that architecture or alpha.

    Example:
        >>> os.environ.pop("FER_WEIGHTS_DIR", None) and None
        >>> imagenet_weights("mobilenet", 0.25)
        'imagenet'
    """
    if architecture not in _FILE_NAMES:
        raise ParameterError(
            f"no ImageNet weights for {architecture!r}."
            + did_you_mean(architecture, _FILE_NAMES)
        )
    check_weights(architecture, "imagenet", alpha)
    folder = os.environ.get(_FOLDER_VARIABLE)
    path = Path(folder or ".") / _file_name(architecture, alpha)
    return path if folder and path.is_file() else "imagenet"


def load_imagenet(backbone, architecture: str, alpha: float | None = None) -> None:
    """Load ImageNet weights into a network without top, or raise; never stay random.

    Args:
        backbone: keras.Model, the application built with include_top=False.
        architecture: "mobilenet" or "resnet50v2".
        alpha: width multiplier of MobileNet, one of 0.25, 0.5, 0.75, 1.0.

    Raises:
        ParameterError: no ImageNet weights exist for that architecture or alpha.
        WeightsError: they are neither in FER_WEIGHTS_DIR nor downloadable, or the file
            does not fit the network.
    """
    source = imagenet_weights(architecture, alpha)
    if source == "imagenet":
        backbone.set_weights(_downloaded(architecture, alpha).get_weights())
    else:
        _load_file(backbone, source)
    untouched = _norms_without_statistics(backbone)
    if untouched:
        raise WeightsError(
            f"{source}: the weights did not reach {len(untouched)} batch norm layers "
            f"(first: {untouched[0]}). Delete the file and fetch it again."
        )


def freeze(model) -> None:
    """Let only the head be trained: the backbone stays as it is. Compile afterwards.

    Args:
        model: keras.Model with a layer "backbone" (mobilenet, resnet50v2).

    Raises:
        ParameterError: the model has no backbone.
    """
    _backbone(model).trainable = False


def unfreeze(model) -> None:
    """Let the backbone be trained too, except its batch norm. Compile afterwards.

    Batch norm keeps the statistics of ImageNet. Calling the backbone with
    training=False would not do it: Keras 3 replaces that by fit's own training=True.

    Args:
        model: keras.Model with a layer "backbone" (mobilenet, resnet50v2).

    Raises:
        ParameterError: the model has no backbone.
    """
    backbone = _backbone(model)
    backbone.trainable = True
    keep_statistics(backbone)


def keep_statistics(backbone) -> None:
    """Let the batch norm layers of a network run in inference mode for ever."""
    for layer in _norms(backbone):
        layer.trainable = False


def _backbone(model):
    try:
        return model.get_layer("backbone")
    except ValueError:
        raise ParameterError(
            f"model {model.name!r} has no pretrained backbone to freeze. Known: "
            f"{', '.join(sorted(_FILE_NAMES))}."
        ) from None


def _norms(backbone) -> list:
    return [
        layer
        for layer in backbone.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]


def _load_file(backbone, path: Path) -> None:
    try:
        backbone.load_weights(path)
    except Exception as error:  # h5py and Keras raise many kinds for a bad file
        raise WeightsError(
            f"{path}: cannot be loaded as ImageNet weights ({_first_line(error)}). "
            "Delete it and fetch it again, or unset FER_WEIGHTS_DIR to let Keras "
            "download them."
        ) from error


def _downloaded(architecture: str, alpha: float | None):
    """Return Keras' own copy of the network, from its cache or the internet."""
    application = getattr(keras.applications, _APPLICATIONS[architecture])
    width = {} if alpha is None else {"alpha": alpha}
    try:
        return application(
            weights="imagenet", include_top=False, input_shape=(224, 224, 3), **width
        )
    except Exception as error:  # Keras raises a bare Exception when offline
        raise WeightsError(_missing(architecture, alpha, error)) from error


def _missing(architecture: str, alpha: float | None, error: Exception) -> str:
    folder = os.environ.get(_FOLDER_VARIABLE)
    name = _file_name(architecture, alpha)
    width = "" if alpha is None else f"alpha={float(alpha)}, "
    looked = f"no {name} in {folder}" if folder else "it is not set"
    return (
        f"no ImageNet weights for {architecture}. Looked in {_FOLDER_VARIABLE} "
        f"({looked}) and asked Keras to download them ({_first_line(error)}).\n"
        "Either run this once with internet: Keras keeps the download.\n"
        "Or, on a machine with internet, run "
        f"keras.applications.{_APPLICATIONS[architecture]}({width}include_top=False)"
        f".save_weights({name!r}), bring the file here and set {_FOLDER_VARIABLE} "
        "to its folder.\nRandom weights must be asked for: weights=None."
    )


def _norms_without_statistics(backbone) -> list[str]:
    """Return the batch norm layers whose variance is still the initial 1 everywhere."""
    return [
        layer.name
        for layer in _norms(backbone)
        if np.all(keras.ops.convert_to_numpy(layer.moving_variance) == 1)
    ]


def _file_name(architecture: str, alpha: float | None) -> str:
    return _FILE_NAMES[architecture].format(
        alpha=1.0 if alpha is None else float(alpha)
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
