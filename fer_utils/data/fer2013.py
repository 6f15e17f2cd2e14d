"""Read FER2013 in every layout it is handed around in.

Goodfellow et al., "Challenges in Representation Learning", 2013 (arXiv:1307.0414).
"""

from __future__ import annotations

import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from fer_utils import labels as fer_labels
from fer_utils.data import image_tree
from fer_utils.data.csv_pixels import SIDE, USAGES, read_csv
from fer_utils.data.faceset import SPLITS
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
]

VOCABULARY = fer_labels.FER2013

# Images per class in label order, of the competition's own file.
OFFICIAL_COUNTS = {
    "train": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "val": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}
_TOPS = ("train", "test")
_CSV_NAMES = ("fer2013.csv", "icml_face_data.csv")
_IMAGE_NAME = re.compile(rf"({'|'.join(USAGES)})_(\d+)\.(?:jpe?g|png)", re.IGNORECASE)
_SPLIT_CODES = {u.lower(): SPLITS.index(split) for u, split in USAGES.items()}
_CORRUPT = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError)


def layout_of(source: Path) -> str:
    """Return the layout of a file or folder: "csv", "tar", "zip" or "folder".

    Raises:
        DataError: it is none of them.
    """
    if source.is_dir():
        return "folder"
    name = source.name.lower()
    for ending, layout in (
        (".csv", "csv"),
        (".tar.gz", "tar"),
        (".tgz", "tar"),
        (".tar", "tar"),
        (".zip", "zip"),
    ):
        if name.endswith(ending):
            return layout
    raise DataError(
        f"{source}: expected a .csv, .tar.gz or .zip file, or a folder with "
        "train/<emotion>/… and test/<emotion>/…."
    )


def read(source: Path) -> Reading:
    """Read FER2013 from a csv, an archive or a folder tree.

    Args:
        source: `fer2013.csv`, `icml_face_data.csv`, `fer2013.tar.gz`, a zip of a csv or
            of the folder tree, or the folder that holds `train` and `test`.

    Returns:
        Reading, pixels (N, 48, 48) uint8; bad rows listed, not raised.

    Raises:
        DataError: the source as a whole cannot be used.
    """
    readers = {
        "csv": _read_csv_file,
        "tar": _read_tar,
        "zip": _read_zip,
        "folder": _read_folder,
    }
    layout = layout_of(source)
    try:
        return readers[layout](source)
    except _CORRUPT as error:
        kind = "archive is damaged" if layout in ("tar", "zip") else "cannot be read"
        raise DataError(
            f"{source.name}: {kind} ({error}). Download it again: `fer data get "
            "fer2013`, or by hand (see data/README.md)."
        ) from error


def files_of(source: Path) -> list[str]:
    """Return the relative paths of a folder tree's images; none for a file."""
    if not source.is_dir():
        return []
    found = (
        f"{top}/{label}/{file}"
        for top in _folders(source)
        if top.lower() in _TOPS
        for label in _folders(source / top)
        for file in os.listdir(source / top / label)
    )
    return sorted(file for file in found if _in_tree(PurePosixPath(file).parts))


def facts(reading: Reading) -> dict:
    """Return nothing: FER2013 says no more about an image than label and split."""
    return {}


def remarks(reading: Reading) -> tuple[str, ...]:
    """Return nothing: the counts say it all."""
    return ()


def _folders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if entry.is_dir()]


def _read_csv_file(source: Path) -> Reading:
    with open(source, "rb", buffering=1 << 20) as lines:
        return read_csv(lines, source.name)


def _read_tar(source: Path) -> Reading:
    reading = None
    # "r|*" streams: the 301 MB csv is never written to disk nor held in memory.
    with tarfile.open(source, "r|*") as archive:
        for member in archive:
            _check_member(source, member.name, member.issym() or member.islnk())
            if PurePosixPath(member.name).name in _CSV_NAMES and member.isfile():
                lines = archive.extractfile(member)
                reading = read_csv(lines, f"{source.name}:{member.name}")
    if reading is None:
        raise DataError(_lacks(source, "fer2013.csv or icml_face_data.csv"))
    return reading


def _read_zip(source: Path) -> Reading:
    with zipfile.ZipFile(source) as archive:
        for info in archive.infolist():
            _check_member(source, info.filename, (info.external_attr >> 28) == 0xA)
        members = [i.filename for i in archive.infolist() if not i.is_dir()]
        for member in members:
            if PurePosixPath(member).name in _CSV_NAMES:
                with archive.open(member) as lines:
                    return read_csv(lines, f"{source.name}:{member}")
        images = [m for m in members if _in_tree(PurePosixPath(m).parts)]
        if not images:
            wanted = "fer2013.csv, icml_face_data.csv or train/<emotion>/… images"
            raise DataError(_lacks(source, wanted))
        return _read_tree(images, archive.read, source.name)


def _read_folder(source: Path) -> Reading:
    images = files_of(source)
    if not images:
        raise DataError(
            f"{source}: no image in train/<emotion>/ or test/<emotion>/. Expected "
            "files such as train/happy/Training_10019449.jpg."
        )
    return _read_tree(images, lambda name: (source / name).read_bytes(), source.name)


def _in_tree(parts: tuple[str, ...]) -> bool:
    """Is it a file in train/<class>/ or test/<class>/, and not a desktop's own file?"""
    hidden = parts[-1].startswith(".") or parts[-1] in ("Thumbs.db", "desktop.ini")
    return len(parts) >= 3 and parts[-3].lower() in _TOPS and not hidden


def _read_tree(files: Iterable[str], read_bytes, name: str) -> Reading:
    return image_tree.read_images(
        sorted(files, key=_official_order), read_bytes, _identify, SIDE, name
    )


def _official_order(file: str) -> tuple:
    match = _IMAGE_NAME.fullmatch(PurePosixPath(file).name)
    if not match:
        return (len(SPLITS), 0, file)
    return (_SPLIT_CODES[match[1].lower()], int(match[2]), file)


def _identify(file: str) -> tuple[int, int, int]:
    """Return (label, split code, number) of a file; ValueError says why it has none."""
    path = PurePosixPath(file)
    match = _IMAGE_NAME.fullmatch(path.name)
    if not match:
        raise ValueError(
            f"expected a name like Training_123.jpg ({', '.join(USAGES)} keep the "
            f"official split), received {path.name!r}"
        )
    try:
        label = fer_labels.FER2013.index(path.parent.name)
    except ParameterError:
        classes = ", ".join(fer_labels.FER2013.classes)
        raise ValueError(
            f"expected a class folder among {classes}, received {path.parent.name!r}"
        ) from None
    return label, _SPLIT_CODES[match[1].lower()], int(match[2])


def _check_member(source: Path, member: str, is_link: bool) -> None:
    path = PurePosixPath(member.replace("\\", "/"))
    drive = re.match(r"[A-Za-z]:", member)
    if is_link or path.is_absolute() or drive or ".." in path.parts:
        what = "is a link" if is_link else "points outside the archive"
        raise DataError(
            f"{source.name}: the member {member!r} {what}. FER2013 archives have no "
            "such member: do not use this file, download it from its official page."
        )


def _lacks(source: Path, wanted: str) -> str:
    return f"{source.name}: the archive lacks {wanted}. Is it the FER2013 archive?"
