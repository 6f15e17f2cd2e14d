"""Read CK+ as 48 x 48 pixels: three peak frames of each of its 327 labelled sequences.

Lucey et al., "The Extended Cohn-Kanade Dataset (CK+)", 2010. The layout is that of the
Kaggle edition `shawon10/ckplus`: CK+48/<emotion>/S010_004_00000017.png, where S010 is
the subject, 004 the sequence and 17 the frame. Frames of one sequence are nearly equal,
and those of one subject alike: split by subject, never by image.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data import image_tree
from fer_utils.data.faceset import SPLITS
from fer_utils.data.folds import subject_split_or_test
from fer_utils.data.reading import Reading
from fer_utils.errors import DataError, ParameterError

__all__ = [
    "OFFICIAL_COUNTS",
    "VOCABULARY",
    "facts",
    "files_of",
    "layout_of",
    "read",
    "remarks",
    "row_of",
]

SIDE = 48
VOCABULARY = fer_labels.CKPLUS7
# CK+ has no split, so the published numbers are those of all images.
OFFICIAL_COUNTS = {"all": (135, 54, 177, 75, 207, 84, 249)}
SUBJECTS, SEQUENCES = 118, 327

_IMAGE_NAME = re.compile(r"S(\d{3})_(\d{3})_(\d{8})\.png", re.IGNORECASE)
# A row is subject, sequence and frame as one number: all that a file name says.
_PER_SUBJECT, _PER_SEQUENCE = 10**11, 10**8
_TEST = SPLITS.index("test")
_CORRUPT = (zipfile.BadZipFile, zlib.error, EOFError, OSError)


def layout_of(source: Path) -> str:
    """Return the layout of a file or folder: "zip" or "folder".

    Raises:
        DataError: it is neither.
    """
    if source.is_dir():
        return "folder"
    if source.name.lower().endswith(".zip"):
        return "zip"
    raise DataError(
        f"{source}: expected a .zip file, or the folder CK+48 with <emotion>/"
        "S010_004_00000017.png and so on."
    )


def read(source: Path) -> Reading:
    """Read the images of a zip or of the folder that holds the class folders.

    Args:
        source: `ck48.zip`, or `CK+48`.

    Returns:
        Reading, pixels (N, 48, 48) uint8 in the order of the file names, split by
        subject; bad files listed, not raised.

    Raises:
        DataError: the source as a whole cannot be used.
    """
    try:
        if layout_of(source) == "folder":
            return _read_files(files_of(source), _from_folder(source), source.name)
        with zipfile.ZipFile(source) as archive:
            names = [i.filename for i in archive.infolist() if not i.is_dir()]
            return _read_files(_images(names), archive.read, source.name)
    except _CORRUPT as error:
        raise DataError(
            f"{source.name}: cannot be read or is damaged ({error}). Get it again: see "
            "data/README.md."
        ) from error


def files_of(source: Path) -> list[str]:
    """Return the relative paths of a folder's images; none for a file."""
    if not source.is_dir():
        return []
    folders = [f.name for f in os.scandir(source) if f.is_dir()]
    names = [
        f"{folder}/{file.name}"
        for folder in folders
        for file in os.scandir(source / folder)
        if file.is_file()
    ]
    return sorted(_images(names))


def facts(reading: Reading) -> dict[str, np.ndarray]:
    """Return subject ("S010") and sequence ("S010_004") of each image, str (N,)."""
    number, rest = np.divmod(reading.rows, _PER_SUBJECT)
    take = rest // _PER_SEQUENCE
    subject = [f"S{n:03d}" for n in number]
    sequence = [f"{s}_{t:03d}" for s, t in zip(subject, take, strict=True)]
    return {"subject": np.array(subject, "<U4"), "sequence": np.array(sequence, "<U8")}


def row_of(name: str) -> int:
    """Return subject, sequence and frame of a file name as one number.

    Raises:
        ValueError: the name does not tell them.

    Example:
        >>> row_of("S010_004_00000017.png")
        1000400000017
    """
    match = _IMAGE_NAME.fullmatch(name)
    if not match:
        raise ValueError(
            "expected a name with subject, sequence and frame like "
            f"S010_004_00000017.png, received {name!r}"
        )
    subject, sequence, frame = map(int, match.groups())
    return subject * _PER_SUBJECT + sequence * _PER_SEQUENCE + frame


def remarks(reading: Reading) -> tuple[str, ...]:
    """Say how many subjects and sequences there are, and how many were published."""
    columns = facts(reading)
    subjects, sequences = (len(set(column.tolist())) for column in columns.values())
    return (
        f"{subjects} subjects (published: {SUBJECTS}), {sequences} sequences "
        f"(published: {SEQUENCES})",
        "CK+ has no split of its own: the kit's is by subject, 80/10/10",
    )


def _from_folder(source: Path):
    return lambda name: (source / name).read_bytes()


def _images(names: Sequence[str]) -> list[str]:
    """Return the files of the class folders: of the outermost ones, if there are two.

    Some copies of the Kaggle edition hold the tree twice.
    """
    by_root: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        *root, folder, file = ("", *PurePosixPath(name).parts)
        hidden = file.startswith(".") or file in ("Thumbs.db", "desktop.ini")
        if folder and not hidden and "__MACOSX" not in root:
            by_root.setdefault(tuple(root), []).append(name)
    roots = [
        root
        for root, files in by_root.items()
        if any(_label(PurePosixPath(f).parent.name) is not None for f in files)
    ]
    return by_root[min(roots, key=lambda r: (len(r), r))] if roots else []


def _read_files(files: list[str], read_bytes, name: str) -> Reading:
    if not files:
        raise DataError(
            f"{name}: no image in a folder named {', '.join(VOCABULARY.published)}. "
            "Expected files such as CK+48/happy/S010_006_00000013.png."
        )
    copies = Counter(PurePosixPath(file).name.lower() for file in files)
    reading = image_tree.read_images(
        sorted(files, key=lambda file: (PurePosixPath(file).name, file)),
        read_bytes,
        lambda file: _identify(file, copies),
        SIDE,
        name,
    )
    names = subject_split_or_test(reading.labels, facts(reading)["subject"])
    split = np.array([SPLITS.index(name) for name in names], np.int8)
    return replace(reading, split=split)


def _identify(file: str, copies: Counter) -> tuple[int, int, int]:
    """Return (label, split code, row) of a file; ValueError says why it has none."""
    path = PurePosixPath(file)
    row = row_of(path.name)
    label = _label(path.parent.name)
    if label is None:
        raise ValueError(
            f"expected a class folder among {', '.join(VOCABULARY.published)}, "
            f"received {path.parent.name!r}"
        )
    if copies[path.name.lower()] > 1:
        raise ValueError(
            "expected each frame in one class folder, received it in "
            f"{copies[path.name.lower()]}"
        )
    return label, _TEST, row


def _label(folder: str) -> int | None:
    try:
        return VOCABULARY.index(folder)
    except ParameterError:
        return None
