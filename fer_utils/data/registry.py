"""Which data sets the kit knows, their terms, and where their files are looked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fer_utils.errors import DataError, ParameterError, did_you_mean

__all__ = ["Entry", "data_dir", "describe", "find", "known", "names", "places"]


@dataclass(frozen=True)
class Entry:
    """What the kit knows about one data set.

    Attributes:
        name: the short name that `load` takes.
        what: one line.
        terms: the conditions of use, in one line; the official page has the last word.
        home: the official page; "" for what the kit makes itself.
        layouts: paths looked for in every data folder, best first.
        marker: a sub-folder that tells the data set's own folder.
        kaggle: handle of a public copy that `get` may download; "" if there is none.
    """

    name: str
    what: str
    terms: str
    home: str = ""
    layouts: tuple[str, ...] = ()
    marker: str = ""
    kaggle: str = ""


_COMPETITION = (
    "challenges-in-representation-learning-facial-expression-recognition-challenge"
)

_VOTES = ("fer2013new.csv", "fer2013/fer2013new.csv", "ferplus/fer2013new.csv")

_ENTRIES = (
    Entry(
        "synthetic",
        "drawn grey faces 48x48, 7 classes, made by the kit: needs no files",
        "none: the images show nobody",
    ),
    Entry(
        "synthetic-tiny",
        "700 of the same drawn faces: for tests and a first look",
        "none: the images show nobody",
    ),
    Entry(
        "synthetic-eight",
        "drawn faces of 8 classes, with the votes of ten drawn annotators: a majority",
        "none: the images show nobody",
    ),
    Entry(
        "synthetic-eight-soft",
        "the same drawn faces; the training target is the shares of the votes",
        "none: the images show nobody",
    ),
    Entry(
        "fer2013",
        "35,887 grey web photos 48x48, 7 classes, with an official split",
        "research and teaching; the photos belong to their owners, do not redistribute",
        f"https://www.kaggle.com/c/{_COMPETITION}",
        (
            "fer2013/fer2013.csv",
            "fer2013.csv",
            "fer2013/icml_face_data.csv",
            "icml_face_data.csv",
            "fer2013/fer2013.tar.gz",
            "fer2013.tar.gz",
            "fer2013/train",
            "fer2013.zip",
            "fer2013/archive.zip",
            f"{_COMPETITION}.zip",
        ),
        marker="train",
        kaggle="msambare/fer2013",
    ),
    Entry(
        "ck48",
        "CK+ as 981 grey posed faces 48x48 of 118 subjects, 7 classes with contempt",
        "on request, for non-commercial research only; do not redistribute",
        "https://www.jeffcohn.net/Resources/",
        (
            "CK+48",
            "ck48/CK+48",
            "ckplus/CK+48",
            "ck48.zip",
            "ckplus.zip",
            "ck48/archive.zip",
        ),
        marker="anger",
    ),
    Entry(
        "ferplus",
        "FER+: FER2013 judged again by ten people each, 8 classes, strict majority",
        "MIT licence for the votes; the images are FER2013's",
        "https://github.com/microsoft/FERPlus",
        _VOTES,
    ),
    Entry(
        "ferplus-soft",
        "FER+; the training target is the shares of the votes, val and test as ferplus",
        "MIT licence for the votes; the images are FER2013's",
        "https://github.com/microsoft/FERPlus",
        _VOTES,
    ),
    Entry(
        "affectnet",
        "about 290,000 labelled web photos, 7 or 8 classes; read from disk as needed",
        "on request, for non-commercial research only",
        "https://www.mohammadmahoor.com/pages/databases/affectnet/",
        ("affectnet", "AffectNet"),
    ),
    Entry(
        "ckplus",
        "CK+ as published: 4 frames of 327 labelled posed sequences, with neutral",
        "on request, for non-commercial research only",
        "https://www.jeffcohn.net/Resources/",
        (
            "ckplus/cohn-kanade-images",
            "ckplus/extended-cohn-kanade-images/cohn-kanade-images",
            "CK+/cohn-kanade-images",
        ),
    ),
    Entry(
        "rafdb",
        "RAF-DB: about 15,000 aligned web photos, 7 basic classes",
        "on request, for non-commercial research only",
        "http://www.whdeng.cn/RAF/model1.html",
        ("rafdb", "RAF-DB"),
    ),
)
_BY_NAME = {entry.name: entry for entry in _ENTRIES}


def names() -> tuple[str, ...]:
    """Return the names that `load` takes.

    Example:
        >>> names()[:2]
        ('synthetic', 'synthetic-tiny')
    """
    return tuple(_BY_NAME)


def known() -> tuple[Entry, ...]:
    """Return every data set the kit knows, also those it cannot load yet."""
    return _ENTRIES


def describe(name: str) -> Entry:
    """Return what the kit knows about a data set.

    Args:
        name: for example "fer2013".

    Returns:
        Entry.

    Raises:
        ParameterError: no data set has that name.

    Example:
        >>> describe("fer2013").kaggle
        'msambare/fer2013'
    """
    try:
        return _BY_NAME[name]
    except (KeyError, TypeError):
        raise ParameterError(
            f"unknown data set {name!r}." + did_you_mean(name, _BY_NAME)
        ) from None


def places() -> tuple[Path, ...]:
    """Return the folders that are searched for data, in order.

    Returns:
        FER_DATA_DIR (if set), ./data, and the `data` folder of an editable checkout.
    """
    found = [Path("data").absolute()]
    if os.environ.get("FER_DATA_DIR"):
        found.insert(0, Path(os.environ["FER_DATA_DIR"]).expanduser().absolute())
    if checkout := _checkout():
        found.append(checkout / "data")
    return tuple(dict.fromkeys(found))


def data_dir() -> Path:
    """Return the folder into which a download goes.

    Returns:
        FER_DATA_DIR if set, else the checkout's `data`, else ./data.
    """
    if os.environ.get("FER_DATA_DIR"):
        return places()[0]
    return places()[-1]


def find(entry: Entry, path: str | os.PathLike | None = None) -> Path:
    """Return the file or folder that holds a data set.

    Args:
        entry: the data set.
        path: a file, or a folder in which to look; None searches `places()`.

    Returns:
        An existing path; for the layout "fer2013/train" the folder that holds `train`.

    Raises:
        DataError: nothing was found; the message lists every place and the remedies.
    """
    if path is not None and Path(path).expanduser().is_file():
        return Path(path).expanduser().absolute()
    roots = places() if path is None else (Path(path).expanduser().absolute(),)
    for root in roots:
        if path is not None and entry.marker and (root / entry.marker).is_dir():
            return root
        for layout in entry.layouts:
            candidate = root / layout
            if candidate.exists():
                return candidate.parent if candidate.name == "train" else candidate
        if path is not None:
            for layout in entry.layouts:  # the path may be the data set's own folder
                candidate = root / Path(layout).name
                if candidate.exists():
                    return candidate
    raise DataError(_not_found(entry, roots))


def _not_found(entry: Entry, roots: tuple[Path, ...]) -> str:
    remedy = f"run `fer data get {entry.name}`"
    if not entry.kaggle:
        remedy = f"ask for it at {entry.home} (terms: {entry.terms})"
    looked = "\n".join(f"  {root}{_state(root)}" for root in roots)
    return (
        f"{entry.name} was not found. Looked in\n{looked}\n"
        f"for {', '.join(entry.layouts)}.\n"
        f"Either {remedy}, or set FER_DATA_DIR to the folder "
        "that holds one of these. The data set 'synthetic' needs no files."
    )


def _state(root: Path) -> str:
    return "" if root.exists() else " (does not exist)"


def _checkout() -> Path | None:
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else None
