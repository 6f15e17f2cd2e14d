"""AffectNet's layout of 2017: two csv lists that name images, faces and expressions."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from fer_utils.data.affectnet_listing import Listing, expression_code
from fer_utils.data.reading import Bad
from fer_utils.errors import DataError, ParameterError

__all__ = ["list_files", "read"]

LISTS = {"training.csv": "train", "validation.csv": "test"}
# Where the lists, and where the images, are in the archives people have.
_LIST_FOLDERS = ("", "Manually_Annotated_file_lists")
_IMAGE_FOLDERS = (
    "",
    "Manually_Annotated_Images",
    "Manually_Annotated/Manually_Annotated_Images",
    "images",
)
_COLUMNS = (
    "subDirectory_filePath",
    "face_x",
    "face_y",
    "face_width",
    "face_height",
    "facial_landmarks",
    "expression",
    "valence",
    "arousal",
)
_NEEDED = ("subDirectory_filePath", "expression")
_BOX, _NO_BOX = _COLUMNS[1:5], (0, 0, 0, 0)


def list_files(source: Path) -> dict[str, Path]:
    """Return {"train": path of training.csv, "test": path of validation.csv}.

    Lists that are not there are left out.
    """
    return {
        part: source / folder / name
        for name, part in LISTS.items()
        for folder in reversed(_LIST_FOLDERS)
        if (source / folder / name).is_file()
    }


def read(source: Path, crop: bool = False) -> Listing:
    """Read both lists; an image is looked up in its folder, not opened.

    Args:
        source: AffectNet's folder.
        crop: whether face boxes are needed, and checked.

    Raises:
        DataError: a list is no csv, lacks a column, or the image folder is not found.
    """
    listing, there = Listing(noun="row"), _Folders(source)
    for part, path in list_files(source).items():
        images = None
        for number, row in _rows(path):
            try:
                name = _relative(row["subDirectory_filePath"])
                if images is None:
                    images = _image_folder(source, name, path)
                name, code = _checked(row, images, name, there)
                box = _box(row) if crop and code < 8 else _NO_BOX
                listing.add(name, code, part, box)
            except (ValueError, ParameterError) as error:
                where = f"{number} of {path.name}"
                listing.bad.append(Bad(where, str(error).rstrip(".")))
    return listing


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (1-based row, fields); a list without a header has the nine columns."""
    csv.field_size_limit(2**20)  # landmarks are long
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            first = next(reader, [])
            names = [name.strip() for name in first]
            headed = _NEEDED[1] in names
            if not headed:
                names = list(_COLUMNS)
                if len(first) != len(names):
                    raise DataError(_no_list(path, first))
            if missing := [name for name in _NEEDED if name not in names]:
                raise DataError(f"{path}: no column {', '.join(missing)}.")
            if not headed:
                yield 1, dict(zip(names, first, strict=False))
            for number, row in enumerate(reader, 1 if headed else 2):
                if row:
                    yield number, dict(zip(names, row, strict=False))
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} is not a csv file that can be read: {error}."
        ) from None


def _no_list(path: Path, first: list[str]) -> str:
    if not first:
        return f"{path} is empty. Copy it again."
    return (
        f"{path}: expected a header with {', '.join(_NEEDED)} or {len(_COLUMNS)} "
        f"columns without one, received {len(first)} columns ({first[0][:40]!r}, …)."
    )


def _checked(row: dict, images: str, name: str, there: _Folders) -> tuple[str, int]:
    """Return (name below the source, code) of a row whose image is there."""
    if "expression" not in row:
        raise ValueError("expected an expression, received a row that is cut off")
    code = expression_code(row["expression"])
    name = f"{images}/{name}" if images else name
    # Images that are left out need not be there: some archives do not have them.
    if code < 8 and not there.has(name):
        raise ValueError(f"the image {name} is not there")
    return name, code


def _relative(text: str) -> str:
    """Return a path with "/" that stays in its folder."""
    path = PurePosixPath(text.strip().replace("\\", "/"))
    if not path.name:
        raise ValueError("expected the path of an image, received nothing")
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise ValueError(f"the path {text!r} leads out of the data set's folder")
    return str(path)


def _box(row: dict) -> tuple[int, int, int, int]:
    values = [row.get(name, "") for name in _BOX]
    try:
        left, top, width, height = (round(float(value)) for value in values)
    except (ValueError, OverflowError):
        raise ValueError(
            f"expected numbers in {', '.join(_BOX)}, received {values}"
        ) from None
    if width < 1 or height < 1:
        raise ValueError(
            f"expected a face box of at least 1 x 1, received {width} x {height}"
        )
    return left, top, width, height


def _image_folder(source: Path, name: str, path: Path) -> str:
    """Return the folder, relative to the source, that paths of a list begin in."""
    beginning = PurePosixPath(name).parts[0]
    for folder in _IMAGE_FOLDERS:
        if (source / folder / beginning).exists():
            return folder
    looked = ", ".join(str(source / folder) for folder in _IMAGE_FOLDERS)
    raise DataError(
        f"{path.name} names {name}, but its folder is in none of {looked}. Put the "
        "image folders beside the lists."
    )


class _Folders:
    """Which files are there; each folder is listed once."""

    def __init__(self, root: Path):
        self.root, self.found = root, {}

    def has(self, name: str) -> bool:
        folder, _, file = name.rpartition("/")
        if folder not in self.found:
            try:
                with os.scandir(self.root / folder) as entries:
                    self.found[folder] = {entry.name for entry in entries}
            except OSError:
                self.found[folder] = set()
        return file in self.found[folder]
