"""Detector files: from a folder first, then a checked download, else a clear error."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from fer_utils.errors import ParameterError, WeightsError, did_you_mean
from fer_utils.files import cache_dir

__all__ = ["FILES", "DetectorFile", "detector_file"]

_FOLDER_VARIABLE = "FER_WEIGHTS_DIR"


@dataclass(frozen=True)
class DetectorFile:
    """A file of OpenCV's and where its official copy lies.

    Attributes:
        url: of one version that does not move.
        sha256: of its bytes, 64 hexadecimal digits.
    """

    url: str
    sha256: str


FILES = {
    # MIT licence; the model zoo keeps it in Git LFS, this address answers with the file
    "face_detection_yunet_2023mar.onnx": DetectorFile(
        "https://github.com/opencv/opencv_zoo/raw/"
        "82b38c8f98e7b52aa171400f3e4c722352d0669f/models/face_detection_yunet/"
        "face_detection_yunet_2023mar.onnx",
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    ),
    "deploy.prototxt": DetectorFile(
        "https://github.com/opencv/opencv/raw/4.0.1/samples/dnn/face_detector/"
        "deploy.prototxt",
        "f62621cac923d6f37bd669298c428bb7ee72233b5f8c3389bb893e35ebbcf795",
    ),
    "res10_300x300_ssd_iter_140000_fp16.caffemodel": DetectorFile(
        "https://github.com/opencv/opencv_3rdparty/raw/"
        "dnn_samples_face_detector_20180205_fp16/"
        "res10_300x300_ssd_iter_140000_fp16.caffemodel",
        "510ffd2471bd81e3fcc88a5beb4eae4fb445ccf8333ebc54e7302b83f4158a76",
    ),
}


def detector_file(name: str) -> Path:
    """Return where a detector's file lies; download it into the cache if need be.

    Looked for in the folder that FER_WEIGHTS_DIR names, then in the cache, then at
    OpenCV's own address. Wherever it comes from, its bytes are checked.

    Args:
        name: a key of `FILES`.

    Returns:
        The file.

    Raises:
        ParameterError: not a name of `FILES`.
        WeightsError: it cannot be had, or its bytes are others; the message names both
            ways to get it.

    Example:
        >>> detector_file("yunet.onnx")
        Traceback (most recent call last):
        ...
        fer_utils.errors.ParameterError: unknown detector file 'yunet.onnx'. \
Known: deploy.prototxt, face_detection_yunet_2023mar.onnx, \
res10_300x300_ssd_iter_140000_fp16.caffemodel.
    """
    if name not in FILES:
        raise ParameterError(
            f"unknown detector file {name!r}." + did_you_mean(name, FILES)
        )
    folder = os.environ.get(_FOLDER_VARIABLE)
    path = Path(folder or ".").expanduser() / name
    if folder and path.is_file():
        return _checked(path, FILES[name].sha256)
    return _downloaded(name)


def _checked(path: Path, sha256: str) -> Path:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        pointer = content.startswith(b"version https://git-lfs")
        raise WeightsError(
            f"{path}: not the official file ({len(content):,} bytes"
            f"{', a Git LFS pointer to it' if pointer else ''}). Delete it and fetch "
            f"{FILES[path.name].url}"
        )
    return path


def _downloaded(name: str) -> Path:
    """Return the file from the cache, filled by a hash-checked download."""
    try:
        import pooch

        pooch.get_logger().setLevel("WARNING")  # a failure is told below, once

        return Path(
            pooch.retrieve(
                FILES[name].url,
                known_hash=f"sha256:{FILES[name].sha256}",
                fname=name,
                path=cache_dir() / "detectors",
            )
        )
    except Exception as error:  # requests, the disk and a wrong hash raise many kinds
        raise WeightsError(_missing(name, error)) from error


def _missing(name: str, error: Exception) -> str:
    folder = os.environ.get(_FOLDER_VARIABLE)
    looked = f"no {name} in {folder}" if folder else "it is not set"
    reason = (
        (str(error).strip() or type(error).__name__).splitlines()[0].split(":")[0][:80]
    )
    return (
        f"{name} cannot be had. Looked in {_FOLDER_VARIABLE} ({looked}) and tried to "
        f"download it ({reason}).\n"
        "Either run this once with internet: the download is kept.\n"
        f"Or, on a machine with internet, fetch {FILES[name].url}, bring the file "
        f"here and set {_FOLDER_VARIABLE} to its folder."
    )
