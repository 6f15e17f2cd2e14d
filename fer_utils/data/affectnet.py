"""AffectNet: about 290,000 labelled web photos, in the three layouts it comes in.

- The lists of 2017: `training.csv` and `validation.csv`, beside the image folders or
  in `Manually_Annotated_file_lists`.
- The later edition: `train_set/images/N.jpg` with `train_set/annotations/N_exp.npy`,
  and `val_set` alike.
- Class folders, by name or number, in `train` and `val` (or `test`), or without such
  folders; a `labels.csv` beside them may correct labels.

Mollahosseini et al. 2017 (arXiv:1708.03985). There is no public test set: its
validation set is our `test`, looked at once, and our `val` is drawn from its training
set. The pixels stay on disk (`ImageFiles`).
"""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data import affectnet_folders, affectnet_lists, affectnet_npy
from fer_utils.data.affectnet_listing import LEFT_OUT, Listing
from fer_utils.data.faceset import FaceSet
from fer_utils.data.image_files import ImageFiles
from fer_utils.data.reading import Reading, refuse_bad, warn_dropped
from fer_utils.errors import DataError, ParameterError

__all__ = ["layout_of", "load"]

VOCABULARIES = {7: fer_labels.AFFECTNET7, 8: fer_labels.AFFECTNET8}
READERS = {
    "lists": affectnet_lists,
    "annotations": affectnet_npy,
    "folders": affectnet_folders,
}

# `val` is this share of each class of the training set, and no more than MOST_VAL.
VAL_SHARE, MOST_VAL = 0.1, 4000


def load(
    source: Path,
    *,
    classes: int = 8,
    side: int = 96,
    colour: bool = True,
    crop: bool = False,
    seed: int = 0,
    skip_bad: bool = False,
) -> FaceSet:
    """Load AffectNet from any of its layouts; no pixel is read yet.

    Images that are marked as none, uncertain or no face are left out, and contempt too
    with 7 classes; `FaceSet.source` says how many. `val` is a tenth of the training
    set, drawn class by class, at most 4,000 images; `test` is AffectNet's validation
    set. A folder without a split is split 80/10/10, class by class.

    Args:
        source: AffectNet's folder.
        classes: 8, or 7 without contempt.
        side: height and width in pixels to which images are resized.
        colour: RGB, or else grey.
        crop: show the face boxes of the lists of 2017 alone.
        seed: int, of the drawn `val`.
        skip_bad: leave out what cannot be used, with one warning, instead of raising.

    Returns:
        FaceSet with ImageFiles as pixels, in AffectNet's class order.

    Raises:
        ParameterError: a value that is not allowed.
        DataError: no known layout, or bad rows or files.
    """
    if classes not in VOCABULARIES or isinstance(classes, bool):
        raise ParameterError(f"classes={classes!r}: AffectNet has 7 or 8.")
    source = Path(source)
    listing = _listing(source, crop)
    codes = np.array(listing.codes, np.int64)
    kept = np.flatnonzero(codes < classes)
    names = [listing.names[i] for i in kept]
    boxes = np.array(listing.boxes, np.int32)[kept] if crop else None
    files = ImageFiles(source, names, side, colour, boxes)
    parts = np.array(listing.parts)[kept]
    split = np.where(parts == "test", "test", "train").astype("<U5")
    _report_bad(listing, files, codes[kept], source, skip_bad)
    faces = FaceSet(
        files,
        codes[kept],
        split,
        VOCABULARIES[classes].classes,
        name="affectnet" if classes == 8 else "affectnet7",
        source=_described(source, codes, classes),
        rows=kept,
    )
    return _split(faces, bool((parts == "").all()), seed)


def _listing(source: Path, crop: bool) -> Listing:
    layout = layout_of(source)
    if crop and layout != "lists":
        raise ParameterError(
            f"crop=True needs the face boxes of training.csv, but {source.name} is in "
            f"the layout {layout!r}, whose images are cropped already. Set crop=False."
        )
    return READERS[layout].read(source, crop)


def _report_bad(listing: Listing, files, labels, source: Path, skip_bad: bool) -> None:
    """Raise, or with `skip_bad` warn, about what cannot be used."""
    split = np.zeros(len(labels), np.int8)  # of no meaning for the message
    bad, noun = tuple(listing.bad), listing.noun
    reading = Reading(files, labels, split, split, bad, noun)
    if not skip_bad or not len(labels):
        refuse_bad(reading, source.name)
    warn_dropped(reading, source.name)
    if not len(labels):
        raise DataError(f"{source}: none of its images has an expression.")


def layout_of(source: Path) -> str:
    """Return "lists", "annotations" or "folders".

    Raises:
        DataError: none of them.
    """
    if affectnet_lists.list_files(source):
        return "lists"
    if (source / "train_set").is_dir() or (source / "val_set").is_dir():
        return "annotations"
    if affectnet_folders.class_folders(source):
        return "folders"
    raise DataError(
        f"{source} holds none of AffectNet's layouts: training.csv and validation.csv; "
        "train_set and val_set, each with images and annotations; or train and val, "
        "each with a folder per class."
    )


def _described(source: Path, codes: np.ndarray, classes: int) -> str:
    names = {**LEFT_OUT, 7: "contempt"}
    counts = Counter(codes[codes >= classes].tolist())
    if not counts:
        return str(source)
    listed = ", ".join(f"{names[c]} {n:,}" for c, n in sorted(counts.items()))
    return f"{source} (left out: {listed})"


def _split(faces: FaceSet, no_split: bool, seed: int) -> FaceSet:
    """Draw `val` from the training images, and `test` too where there is none."""
    if no_split:
        faces = drawn(faces, "test", 0.1, len(faces), seed + 1)
        return drawn(faces, "val", 1 / 9, len(faces), seed)
    for part, called in (("train", "training"), ("test", "validation")):
        if not (faces.split == part).any():
            warnings.warn(f"{faces.source} has no {called} images.", stacklevel=3)
    return drawn(faces, "val", VAL_SHARE, MOST_VAL, seed)


def drawn(faces: FaceSet, name: str, share: float, most: int, seed: int) -> FaceSet:
    """Move a share of each class from train to another split; every class keeps one.

    Args:
        faces: the set.
        name: of the other split.
        share: of the training images, in [0, 1].
        most: images to move, at most.
        seed: int.
    """
    rng, split = np.random.default_rng(seed), faces.split.copy()
    share = min(share, most / max(1, (split == "train").sum()))
    for label in range(faces.num_classes):
        cell = np.flatnonzero((split == "train") & (faces.labels == label))
        count = min(len(cell) - 1, max(1, int(share * len(cell))))
        if count > 0:
            split[rng.choice(cell, count, replace=False)] = name
    return replace(faces, split=split)
