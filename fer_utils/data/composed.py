"""Sets that are made, not only read: drawn, joined with votes, or left on disk.

The keyword-only arguments of each function are the options that `load` takes for it.
"""

from __future__ import annotations

from pathlib import Path

from fer_utils.data.faceset import FaceSet
from fer_utils.data.registry import describe, find

__all__ = [
    "affectnet",
    "ckplus",
    "draw",
    "draw_eight",
    "draw_eight_soft",
    "draw_few",
    "ferplus",
    "ferplus_soft",
    "rafdb",
    "voted",
]


def draw(*, n: int = 6000, seed: int = 0) -> FaceSet:
    """Draw faces of seven classes."""
    from fer_utils.data.synthetic import synthetic

    return synthetic(n, seed)


def draw_few(*, n: int = 700, seed: int = 0) -> FaceSet:
    """Draw fewer of them."""
    return draw(n=n, seed=seed)


def draw_eight(*, n: int = 6000, seed: int = 0) -> FaceSet:
    """Draw n faces with votes and keep those with a strict majority."""
    return _judged("synthetic-eight", False, n=n, seed=seed)


def draw_eight_soft(*, n: int = 6000, seed: int = 0) -> FaceSet:
    """Draw the same faces; those of train keep the shares of their votes."""
    return _judged("synthetic-eight-soft", True, n=n, seed=seed)


def ferplus(*, path=None, skip_bad: bool = False, cache: bool = True) -> FaceSet:
    """Join FER2013's pixels with FER+'s votes; keep strict majorities."""
    return _judged("ferplus", False, path=path, skip_bad=skip_bad, cache=cache)


def ferplus_soft(*, path=None, skip_bad: bool = False, cache: bool = True) -> FaceSet:
    """Join them; train keeps the shares of the votes."""
    return _judged("ferplus-soft", True, path=path, skip_bad=skip_bad, cache=cache)


def affectnet(
    *,
    path=None,
    skip_bad: bool = False,
    classes: int = 8,
    side: int = 96,
    colour: bool = True,
    crop: bool = False,
    seed: int = 0,
) -> FaceSet:
    """Load AffectNet; see `fer_utils.data.affectnet.load`."""
    from fer_utils.data.affectnet import load

    return load(
        _folder("affectnet", path),
        classes=classes,
        side=side,
        colour=colour,
        crop=crop,
        seed=seed,
        skip_bad=skip_bad,
    )


def rafdb(
    *,
    path=None,
    skip_bad: bool = False,
    side: int = 100,
    colour: bool = True,
    seed: int = 0,
) -> FaceSet:
    """Load RAF-DB; see `fer_utils.data.rafdb.load`."""
    from fer_utils.data.rafdb import load

    source = _folder("rafdb", path)
    return load(source, side=side, colour=colour, seed=seed, skip_bad=skip_bad)


def ckplus(
    *,
    path=None,
    skip_bad: bool = False,
    side: int = 48,
    colour: bool = False,
    crop: bool = True,
    seed: int = 0,
) -> FaceSet:
    """Load CK+ as published; see `fer_utils.data.ckplus.load`."""
    from fer_utils.data.ckplus import load

    source = _folder("ckplus", path)
    return load(
        source, side=side, colour=colour, crop=crop, seed=seed, skip_bad=skip_bad
    )


def _folder(name: str, path) -> Path:
    """Return the folder of a set: the one that is named, or one inside it."""
    entry = describe(name)
    if path is None or not Path(path).expanduser().is_dir():
        return find(entry, path)
    named = Path(path).expanduser().absolute()
    inside = (named / layout for layout in entry.layouts)
    return next((folder for folder in inside if folder.is_dir()), named)


def voted(name: str, **options) -> FaceSet:
    """Return every face with its votes, also those nobody agrees on.

    Args:
        name: "ferplus", "synthetic-eight", or one of them with "-soft".
        **options: as `load` takes them for that set; the path of FER+ is a folder with
            both files, or one of the two files beside the other.

    Returns:
        FaceSet with `votes` (N, 10); FER2013's or FER+'s classes.

    Raises:
        ParameterError: the set has no votes.
        DataError: files are missing.
    """
    from fer_utils.errors import ParameterError, did_you_mean

    known = ("ferplus", "synthetic-eight")
    if name.removesuffix("-soft") not in known:
        raise ParameterError(f"{name!r} has no votes." + did_you_mean(name, known))
    if name.startswith("ferplus"):
        from fer_utils.data.ferplus import with_votes
        from fer_utils.data.loading import load

        pixels, votes = _beside(options.pop("path", None))
        return with_votes(load("fer2013", path=pixels, **options), votes)
    from fer_utils.data.synthetic.eight import voted_faces

    return voted_faces(**{"n": 6000, "seed": 0, **options})


def _beside(path) -> tuple[Path | None, Path | None]:
    """Return where FER2013 and the votes are, of a path to both or to one of them."""
    if path is None or not Path(path).is_file():
        return path, path
    path = Path(path)
    if path.name == "fer2013new.csv":
        return path.parent, path
    return path, path.parent


def _judged(name: str, soft: bool, **options) -> FaceSet:
    from fer_utils.data.ferplus_faces import from_votes

    return from_votes(voted(name, **options), soft, name)
