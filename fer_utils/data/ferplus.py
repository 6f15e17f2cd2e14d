"""FER+: how ten annotators voted on every image of FER2013.

Barsoum et al. 2016, "Training Deep Networks for Facial Expression Recognition with
Crowd-Sourced Label Distribution" (arXiv:1608.01041).
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data.csv_pixels import USAGES
from fer_utils.data.faceset import FaceSet
from fer_utils.data.fer2013 import OFFICIAL_COUNTS
from fer_utils.data.registry import describe, find
from fer_utils.errors import DataError

__all__ = ["VOTE_COLUMNS", "ferplus_votes", "with_votes"]

# The last two are no emotions: the annotator could not tell, or saw no face.
_PUBLISHED = (*fer_labels.FERPLUS.published, "unknown", "NF")
VOTE_COLUMNS = (*fer_labels.FERPLUS.classes, "unknown", "no face")

# Usage of the rows of fer2013.csv, in their order.
_SPLIT_SIZES = {split: sum(counts) for split, counts in OFFICIAL_COUNTS.items()}

# The most voted emotion is FER2013's own label for 62 % of the images; for 17 % when
# the rows are in another order.
_ENOUGH_IMAGES, _LEAST_AGREEMENT = 200, 0.4

_REMEDY = (
    "Get fer2013new.csv from the FER+ page "
    f"({describe('ferplus').home}) and put it into FER_DATA_DIR."
)


def ferplus_votes(path: str | os.PathLike | None = None) -> np.ndarray:
    """Read the FER+ votes of every FER2013 image, in the order of FER2013's rows.

    The number in a FER+ image name is *not* the row: after row 59 the two part.

    Args:
        path: `fer2013new.csv` or a folder that holds it; None looks where `load` looks.

    Returns:
        uint8 (35887, 10), votes per column of `VOTE_COLUMNS`; a row sums to the number
        of its annotators, nearly always ten.

    Raises:
        DataError: the file is missing, or is not the official one.

    Example:
        >>> VOTE_COLUMNS[0], len(VOTE_COLUMNS)
        ('neutral', 10)
    """
    source = _find(path)
    try:
        with open(source, encoding="utf-8-sig", newline="") as lines:
            return _read(csv.reader(lines), source.name)
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise DataError(
            f"{source}: cannot be read as a csv ({error}). {_REMEDY}"
        ) from error


def with_votes(faces: FaceSet, path: str | os.PathLike | None = None) -> FaceSet:
    """Return FER2013 faces with their FER+ votes attached.

    Votes are joined by the row in fer2013.csv, so also a part or a sample of the set
    can take them. Attach them before `resplit`.

    Args:
        faces: FER2013 as `load("fer2013")` reads it from a csv, or a part of it.
        path: as for `ferplus_votes`.

    Returns:
        FaceSet whose `votes` are uint8 (N, 10), columns as in `VOTE_COLUMNS`.

    Raises:
        DataError: the faces are not FER2013's rows, or the votes are not the official
            file.
    """
    votes = ferplus_votes(path)
    _check_rows(faces, len(votes))
    faces = replace(faces, votes=votes[faces.rows])
    _check_agreement(faces)
    return faces


def _find(path) -> Path:
    try:
        return find(describe("ferplus"), path)
    except DataError as error:
        looked = str(error).partition("\nEither run")[0]
        raise DataError(f"{looked}\n{_REMEDY}") from None


def _read(rows: Iterable[list[str]], file: str) -> np.ndarray:
    rows = iter(rows)
    wanted = ["Usage", "Image name", *_PUBLISHED]
    header = [name.strip() for name in next(rows, [])]
    if header != wanted:
        raise DataError(
            f"{file}: expected the header {','.join(wanted)}, received "
            f"{','.join(header)[:120] or 'an empty file'}. {_REMEDY}"
        )
    usages, votes = [], []
    for number, row in enumerate((row for row in rows if row), 1):
        usages.append(row[0])
        votes.append(_votes_of(row, len(wanted), f"{file} row {number}"))
    _check_usages(usages, file)
    return np.array(votes, np.uint8).reshape(-1, len(_PUBLISHED))


def _votes_of(row: list[str], fields: int, place: str) -> list[int]:
    if len(row) != fields:
        raise DataError(f"{place}: expected {fields} fields, received {len(row)}.")
    for name, text in zip(_PUBLISHED, row[2:], strict=True):
        digits = text.isascii() and text.isdigit()
        if not digits or len(text) > 2 or int(text) > 10:
            raise DataError(
                f"{place}: expected a whole number of votes in [0, 10] for {name}, "
                f"received {text[:20]!r}. {_REMEDY}"
            )
    return [int(text) for text in row[2:]]


def _check_usages(usages: list[str], file: str) -> None:
    usage_of = {split: usage for usage, split in USAGES.items()}
    wanted = [usage_of[s] for s, size in _SPLIT_SIZES.items() for _ in range(size)]
    if len(usages) != len(wanted):
        raise DataError(
            f"{file}: expected {len(wanted):,} rows, one per image of FER2013, "
            f"received {len(usages):,}. Do not drop rows: votes are joined by row "
            f"order. {_REMEDY}"
        )
    for number, (usage, expected) in enumerate(zip(usages, wanted, strict=True), 1):
        if usage != expected:
            raise DataError(
                f"{file} row {number}: expected the Usage {expected}, as in "
                f"fer2013.csv, received {usage!r}. Are the rows in their original "
                f"order? {_REMEDY}"
            )


def _check_rows(faces: FaceSet, n: int) -> None:
    rows = faces.rows
    if not set(faces.classes) <= set(fer_labels.FER2013.classes):
        raise DataError(
            f"{faces.name} has the classes {', '.join(faces.classes)}: FER+ votes "
            "belong to FER2013's images only."
        )
    if len(rows) and not 0 <= rows.min() <= rows.max() < n:
        raise DataError(
            f"{faces.name}: rows run from {rows.min():,} to {rows.max():,}, but "
            f"fer2013.csv has {n:,}. Image folders have lost the order of the rows: "
            "load FER2013 from fer2013.csv (or fer2013.tar.gz) to join FER+ votes."
        )
    ends = np.cumsum(list(_SPLIT_SIZES.values()))
    official = np.array(list(_SPLIT_SIZES))[np.searchsorted(ends, rows, side="right")]
    moved = np.flatnonzero(official != faces.split)
    if len(moved):
        raise DataError(
            f"{faces.name}: row {rows[moved[0]] + 1:,} stands in "
            f"{faces.split[moved[0]]}, in FER2013's own split it is "
            f"{official[moved[0]]} ({len(moved):,} rows differ). Attach the votes "
            "before resplit(); they stay attached."
        )


def _check_agreement(faces: FaceSet) -> None:
    every = range(len(fer_labels.FER2013))
    if len(faces) < _ENOUGH_IMAGES or not np.isin(every, faces.labels).all():
        return  # annotators agree less with some classes: 13 % with fear
    emotions = len(fer_labels.FERPLUS)
    target = fer_labels.mapping(fer_labels.FERPLUS, faces.classes)
    position = np.array([-1 if t is None else t for t in target])
    most = position[faces.votes[:, :emotions].argmax(1)]
    agreement = float((most == faces.labels).mean())
    if agreement < _LEAST_AGREEMENT:
        raise DataError(
            f"{faces.name}: the most voted emotion is the label of only "
            f"{agreement:.0%} of the images. These faces are not in the row order of "
            "fer2013.csv, or not FER2013: load the official file."
        )
