"""AffectNet's later layout: `images/N.jpg` with `annotations/N_exp.npy`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fer_utils.data.affectnet_listing import Listing, expression_code
from fer_utils.data.reading import Bad
from fer_utils.errors import DataError, ParameterError

__all__ = ["SUFFIXES", "read", "sorted_files"]

FOLDERS = {"train_set": "train", "val_set": "test"}
SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def read(source: Path, crop: bool = False) -> Listing:
    """List both folders; every annotation is read, no image is.

    Args:
        source: the folder that holds `train_set` and `val_set`.
        crop: of no meaning here: the images are faces already.

    Raises:
        DataError: a set has no images or no annotations folder.
    """
    listing = Listing()
    for folder, part in FOLDERS.items():
        if not (source / folder).is_dir():
            continue
        for sub in ("images", "annotations"):
            if not (source / folder / sub).is_dir():
                raise DataError(
                    f"{source / folder}: expected the folders images and annotations; "
                    f"{sub} is missing."
                )
        for name in sorted_files(source / folder / "images"):
            path = f"{folder}/annotations/{Path(name).stem}_exp.npy"
            try:
                code = _annotated(source / path)
            except (ValueError, ParameterError) as error:
                listing.bad.append(Bad(path, str(error).rstrip(".")))
            else:
                listing.add(f"{folder}/images/{name}", code, part)
    return listing


def sorted_files(folder: Path) -> list[str]:
    """Return the names of the image files in a folder, sorted; nothing is opened."""
    return sorted(_image_names(folder))


def _image_names(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            hidden = entry.name.startswith(".")
            if entry.name.lower().endswith(SUFFIXES) and not hidden:
                yield entry.name


def _annotated(path: Path) -> int:
    """Return the expression code in a .npy file, which is never unpickled.

    Raises:
        ValueError: the file is missing, empty, a pickle or not one value.
    """
    try:
        value = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise ValueError("the annotation of an image is not there") from None
    except EOFError:
        raise ValueError("expected one number, received an empty file") from None
    except Exception as error:  # numpy's: a pickle, another format, a cut file
        if "pickle" in str(error).lower():
            raise ValueError(
                "refused: the file holds a pickle, which can run any code when it is "
                "opened; an annotation is one number"
            ) from None
        raise ValueError(
            f"expected one number, received a damaged file ({error})"
        ) from None
    if not isinstance(value, np.ndarray) or value.size != 1:
        size = getattr(value, "shape", "several arrays")
        raise ValueError(f"expected one number, received {size}")
    value = value.reshape(-1)[0]
    return expression_code(value.decode() if isinstance(value, bytes) else value)
