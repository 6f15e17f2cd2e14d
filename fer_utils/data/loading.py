"""`load`: one name in, one `FaceSet` out, whatever layout the files have."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data import fer2013
from fer_utils.data.cache import cached
from fer_utils.data.faceset import SPLITS, FaceSet
from fer_utils.data.reading import Reading, refuse_bad, warn_dropped
from fer_utils.data.registry import Entry, describe, find, names
from fer_utils.errors import DataError, ParameterError, did_you_mean

__all__ = ["load"]


# How many faces are drawn unless `n` says otherwise.
_DRAWN = {"synthetic": 6000, "synthetic-tiny": 700}


def load(
    name: str,
    *,
    path: str | os.PathLike | None = None,
    skip_bad: bool = False,
    cache: bool = True,
    **options,
) -> FaceSet:
    """Load a data set.

    Args:
        name: "fer2013", or "synthetic" (drawn faces that need no files).
        path: the file or folder to read; None looks in FER_DATA_DIR, ./data and the
            checkout's data folder.
        skip_bad: leave out rows that cannot be used, with one warning that lists them,
            instead of raising.
        cache: keep the parsed pixels in FER_CACHE_DIR, so that the next load is quick.
        **options: for "synthetic" only, for example n=400, seed=0.

    Returns:
        FaceSet, pixels uint8 (N, 48, 48), often memory-mapped and read-only.

    Raises:
        ParameterError: an unknown name or option.
        DataError: files are missing or have bad rows; the message says which and why.

    Example:
        >>> load("synthetic", n=70, seed=0).classes
        ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')
    """
    entry = require_loadable(name)
    if name in _DRAWN:
        return _draw(name, path, options)
    if options:
        raise ParameterError(
            f"{name} takes no option {', '.join(sorted(options))}. Known: path, "
            "skip_bad, cache."
        )
    source = find(entry, path)
    reading = _read(source, skip_bad, cache)
    warn_dropped(reading, source.name)
    return face_set(reading, name, source)


def require_loadable(name: str) -> Entry:
    """Return the entry of a data set that this version can load.

    Raises:
        ParameterError: an unknown name.
        DataError: a known set without a loader.
    """
    entry = describe(name)
    if not entry.loadable:
        raise DataError(
            f"{name} is known, but its loader is not in this version. Loadable: "
            f"{', '.join(names())}. Its official page: {entry.home}"
        )
    return entry


def _read(source: Path, skip_bad: bool, cache: bool) -> Reading:
    def read() -> Reading:
        return fer2013.read(source)

    files = fer2013.files_of(source)
    reading = cached(source, read, skip_bad, files) if cache else read()
    if not skip_bad or not len(reading.labels):
        refuse_bad(reading, source.name)
    return reading


def face_set(reading: Reading, name: str, source: Path) -> FaceSet:
    """Return a FER2013 reading as a FaceSet."""
    return FaceSet(
        pixels=reading.pixels,
        labels=reading.labels,
        split=np.array(SPLITS)[reading.split],
        classes=fer_labels.FER2013.classes,
        name=name,
        source=str(source),
        rows=reading.rows,
    )


def _draw(name: str, path, options: dict) -> FaceSet:
    if path is not None:
        raise ParameterError(f"{name} is drawn, not read: it takes no path.")
    for option in options:
        if option not in ("n", "seed"):
            known = ["n", "seed"]
            raise ParameterError(
                f"{name} takes no option {option!r}." + did_you_mean(option, known)
            )
    from fer_utils.data.synthetic import synthetic

    return synthetic(**{"n": _DRAWN[name], **options})
