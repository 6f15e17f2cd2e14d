"""RAF-DB: about 15,000 aligned web photos, in the two layouts it comes in.

Li, Deng & Du 2017, "Reliable Crowdsourcing and Deep Locality-Preserving Learning for
Expression Recognition in the Wild".

- As published: `EmoLabel/list_patition_label.txt` (sic) with lines such as
  `train_00001.jpg 5`, and `Image/aligned/train_00001_aligned.jpg`.
- As class folders: `DATASET/train/1/….jpg` to `7`, and `test` alike.

Codes run from 1 to 7. There is no `val`: a tenth of each class of train becomes it. The
pixels stay on disk (`ImageFiles`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data.affectnet import VAL_SHARE, drawn
from fer_utils.data.affectnet_npy import SUFFIXES
from fer_utils.data.faceset import FaceSet
from fer_utils.data.image_files import ImageFiles
from fer_utils.data.reading import Bad, Reading, refuse_bad, warn_dropped
from fer_utils.errors import DataError

__all__ = ["load"]

VOCABULARY = fer_labels.RAFDB
LIST = "list_patition_label.txt"
_LIST_PLACES = (f"EmoLabel/{LIST}", f"basic/EmoLabel/{LIST}", LIST)
_IMAGE_PLACES = ("Image/aligned", "basic/Image/aligned", "aligned")
_FOLDER_PLACES = ("DATASET", ".")

_Found = tuple[str, int, str] | Bad  # (name, label, split), or why not


def load(
    source: Path,
    *,
    side: int = 100,
    colour: bool = True,
    seed: int = 0,
    skip_bad: bool = False,
) -> FaceSet:
    """Load RAF-DB's basic expressions from either layout; no pixel is read yet.

    Args:
        source: RAF-DB's folder.
        side: height and width in pixels to which images are resized.
        colour: RGB, or else grey.
        seed: int, of the drawn `val`.
        skip_bad: leave out what cannot be used, with one warning, instead of raising.

    Returns:
        FaceSet with ImageFiles as pixels, in RAF-DB's class order.

    Raises:
        ParameterError: the side is out of range.
        DataError: no known layout, or bad lines or files.
    """
    source = Path(source)
    noun, found = _listed(source)
    good = [one for one in found if not isinstance(one, Bad)]
    names, labels, split = zip(*good, strict=True) if good else ((), (), ())
    files, labels = ImageFiles(source, names, side, colour), np.array(labels, int)
    bad = tuple(one for one in found if isinstance(one, Bad))
    codes = np.zeros(len(labels), np.int8)
    reading = Reading(files, labels, codes, codes, bad, noun)
    if not skip_bad or not good:
        refuse_bad(reading, source.name)
    warn_dropped(reading, source.name)
    if not good:
        raise DataError(f"{source}: its list names no image. Copy RAF-DB again.")
    faces = FaceSet(
        files, labels, split, VOCABULARY.classes, name="rafdb", source=str(source)
    )
    return drawn(faces, "val", VAL_SHARE, len(faces), seed)


def _listed(source: Path) -> tuple[str, list[_Found]]:
    """Return what bad entries are called, and the entries of the layout that is there.

    Raises:
        DataError: neither layout is there.
    """
    for place in _LIST_PLACES:
        if (source / place).is_file():
            return "row", list(_from_list(source, source / place))
    for place in _FOLDER_PLACES:
        if (source / place / "train").is_dir() and (source / place / "test").is_dir():
            return "file", list(_from_folders(source, source / place))
    raise DataError(
        f"{source} holds neither of RAF-DB's layouts: {_LIST_PLACES[0]} with "
        f"{_IMAGE_PLACES[0]}, or DATASET/train and DATASET/test with folders 1 to 7."
    )


def _from_list(source: Path, path: Path) -> Iterator[_Found]:
    images = next((p for p in _IMAGE_PLACES if (source / p).is_dir()), None)
    if images is None:
        raise DataError(
            f"{source}: {path.name} is there, but not the folder {_IMAGE_PLACES[0]} "
            "with the aligned images. Unpack aligned.zip."
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}).") from None
    there = {p.name for p in (source / images).iterdir()}
    line_of: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = _of_line(line, str(number), images, there)
        if not isinstance(found, Bad):
            first = line_of.setdefault(found[0], number)
            if first != number:
                found = Bad(str(number), f"{found[0]} stands in line {first} already")
        yield found


def _of_line(line: str, number: str, images: str, there: set[str]) -> _Found:
    name, *codes = line.split()
    part = name.partition("_")[0]
    if part not in ("train", "test") or len(codes) != 1:
        return Bad(
            number, f"expected a line like 'train_00001.jpg 5', received {line[:60]!r}"
        )
    code = codes[0]
    label = _label(code)
    if label is None:
        return Bad(number, f"expected a class from 1 to 7, received {code!r}")
    stem, dot, ending = name.rpartition(".")
    aligned = f"{stem}_aligned{dot}{ending}"
    file = aligned if aligned in there else name
    if file not in there:
        return Bad(number, f"{images}/{aligned} is not there")
    return f"{images}/{file}", label, part


def _from_folders(source: Path, root: Path) -> Iterator[_Found]:
    for part in ("train", "test"):
        for folder in sorted(p for p in (root / part).iterdir() if p.is_dir()):
            below = folder.relative_to(source).as_posix()
            label = _label(folder.name)
            if label is None:
                yield Bad(below, f"expected a folder 1 to 7, received {folder.name!r}")
                continue
            for file in sorted(folder.iterdir()):
                if file.suffix.lower() in SUFFIXES:
                    yield f"{below}/{file.name}", label, part


def _label(code: str) -> int | None:
    """Return the label of a class number from 1 on, or None."""
    text = code.strip()
    if not (text.isascii() and text.isdigit() and len(text) == 1):
        return None
    label = int(text) - VOCABULARY.first_code
    return label if 0 <= label < len(VOCABULARY) else None
