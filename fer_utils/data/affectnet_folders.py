"""AffectNet as class folders, by name or number, with an optional `labels.csv`."""

from __future__ import annotations

import csv
from pathlib import Path, PurePosixPath

from fer_utils.data.affectnet_listing import Listing, expression_code
from fer_utils.data.affectnet_npy import SUFFIXES, sorted_files
from fer_utils.data.reading import Bad
from fer_utils.errors import DataError, ParameterError

__all__ = ["class_folders", "read"]

# Names of the split's folders, in any case.
PARTS = {
    "train": "train",
    "training": "train",
    "val": "test",
    "valid": "test",
    "validation": "test",
    "test": "test",
}
_LABELS = "labels.csv"
_PATH_COLUMNS = ("pth", "path", "image", "file", "filename", "name")
_LABEL_COLUMNS = ("label", "expression", "emotion", "class")


def class_folders(source: Path) -> dict[str, list[Path]]:
    """Return the folders of classes by part: "train" and "test", or "" for no split.

    Args:
        source: the folder that holds them.

    Returns:
        {part: folders}, empty where nothing looks like a class folder.
    """
    if not source.is_dir():
        return {}
    inside = _subfolders(source)
    split = {folder: PARTS.get(folder.name.lower()) for folder in inside}
    parts = {part for part in split.values() if part}
    if parts:
        found: dict[str, list[Path]] = {}
        for folder, part in split.items():
            if part:
                found.setdefault(part, []).extend(_subfolders(folder))
        return found
    if sum(map(_is_class, inside)) >= 2:
        return {"": inside}
    return {}


def read(source: Path, crop: bool = False) -> Listing:
    """List all class folders; no image is opened.

    Where `labels.csv` names an image, its label counts, not the folder's.

    Args:
        source: the folder that holds `train` and `val`, or the class folders.
        crop: of no meaning here: the images are faces already.

    Raises:
        DataError: `val` and `test` are both there, or labels.csv lacks a column.
    """
    _refuse_two_tests(source)
    listing = Listing()
    for part, folders in class_folders(source).items():
        for folder in folders:
            _add_folder(listing, source, folder, part)
    corrections = source / _LABELS
    if corrections.is_file():
        _correct(listing, corrections)
    return listing


def _subfolders(folder: Path) -> list[Path]:
    return sorted(
        p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")
    )


def _is_class(folder: Path) -> bool:
    try:
        expression_code(folder.name)
    except (ValueError, ParameterError):
        return False
    return True


def _refuse_two_tests(source: Path) -> None:
    tests = [p.name for p in _subfolders(source) if PARTS.get(p.name.lower()) == "test"]
    if len(tests) > 1:
        raise DataError(
            f"{source}: {' and '.join(tests)} are both there, and AffectNet has one "
            "labelled set besides train. Move the one that is not AffectNet's "
            "validation set away."
        )


def _add_folder(listing: Listing, source: Path, folder: Path, part: str) -> None:
    below, names = folder.relative_to(source).as_posix(), sorted_files(folder)
    if not names:
        return
    try:
        code = expression_code(folder.name)
    except (ValueError, ParameterError) as error:
        listing.bad.append(Bad(below, str(error).rstrip(".")))
        return
    for name in names:
        listing.add(f"{below}/{name}", code, part)


def _correct(listing: Listing, path: Path) -> None:
    """Give the images that labels.csv names its labels."""
    position = {name: i for i, name in enumerate(listing.names)}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = _columns(path, reader.fieldnames or [])
            for number, row in enumerate(reader, 1):
                _apply(listing, position, number, *(row[c] or "" for c in columns))
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} is not a csv file that can be read: {error}."
        ) from None


def _columns(path: Path, names: list[str]) -> tuple[str, str]:
    found = []
    for known in (_PATH_COLUMNS, _LABEL_COLUMNS):
        column = next((n for n in names if n and n.strip().lower() in known), None)
        if column is None:
            raise DataError(
                f"{path}: expected a column called {' or '.join(known)}, received "
                f"{', '.join(map(str, names)) or 'an empty file'}."
            )
        found.append(column)
    return found[0], found[1]


def _apply(listing: Listing, position: dict, number: int, name: str, label: str):
    where = f"{_LABELS} row {number}"
    key = PurePosixPath(name.strip().replace("\\", "/")).as_posix()
    if key not in position:
        kinds = "" if key.lower().endswith(SUFFIXES) else ", which is no image's name"
        listing.bad.append(Bad(where, f"the image {name!r} is not there{kinds}"))
        return
    try:
        listing.codes[position[key]] = expression_code(label)
    except (ValueError, ParameterError) as error:
        listing.bad.append(Bad(where, str(error).rstrip(".")))
