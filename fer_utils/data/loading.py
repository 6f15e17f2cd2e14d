"""`load`: one name in, one `FaceSet` out, whatever layout the files have."""

from __future__ import annotations

import importlib
import inspect
import os
from pathlib import Path

import numpy as np

from fer_utils.data import ck48, fer2013
from fer_utils.data.cache import cached
from fer_utils.data.faceset import SPLITS, FaceSet
from fer_utils.data.reading import Reading, refuse_bad, warn_dropped
from fer_utils.data.registry import Entry, describe, find
from fer_utils.errors import ParameterError, did_you_mean

__all__ = ["load"]

# Each reader is a module: VOCABULARY, OFFICIAL_COUNTS, layout_of, files_of, read, facts
# and remarks.
READERS = {"fer2013": fer2013, "ck48": ck48}
# Sets whose module makes the FaceSet itself: (module, function). The function's
# keyword-only arguments are what `load` takes for them.
MAKERS = {
    "synthetic": ("composed", "draw"),
    "synthetic-tiny": ("composed", "draw_few"),
    "synthetic-eight": ("composed", "draw_eight"),
    "synthetic-eight-soft": ("composed", "draw_eight_soft"),
    "ferplus": ("composed", "ferplus"),
    "ferplus-soft": ("composed", "ferplus_soft"),
    "affectnet": ("composed", "affectnet"),
    "rafdb": ("composed", "rafdb"),
    "ckplus": ("composed", "ckplus"),
}


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
        name: one of `names()`, for example "fer2013", "ferplus" (eight classes, by the
            majority of ten votes) or "synthetic" (drawn faces that need no files); or
            several with "+" between them, such as "fer2013+ck48" (see `mixed`).
        path: the file or folder to read; None looks in FER_DATA_DIR, ./data and the
            checkout's data folder.
        skip_bad: leave out rows that cannot be used, with one warning that lists them,
            instead of raising.
        cache: keep the parsed pixels in FER_CACHE_DIR, so that the next load is quick.
        **options: what that set takes besides: n and seed for drawn faces; classes,
            side, colour, crop and seed for "affectnet"; side, colour and seed for
            "rafdb" and "ckplus", for the latter crop too.

    Returns:
        FaceSet, pixels uint8 (N, 48, 48), often memory-mapped and read-only; of
        "affectnet" and "rafdb" the pixels stay on disk (`ImageFiles`).

    Raises:
        ParameterError: an unknown name or option.
        DataError: files are missing or have bad rows; the message says which and why.

    Example:
        >>> load("synthetic", n=70, seed=0).classes
        ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')
    """
    if isinstance(name, str) and "+" in name:
        return _load_mix(name, path, skip_bad, cache, options)
    entry = require_single(name)
    if name in MAKERS:
        return _make(entry, path, skip_bad, cache, options)
    if options:
        raise ParameterError(
            f"{name} takes no option {', '.join(sorted(options))}. Known: path, "
            "skip_bad, cache."
        )
    source = find(entry, path)
    reading = _read(name, source, skip_bad, cache)
    warn_dropped(reading, source.name)
    return face_set(reading, name, source)


def require_single(name: str) -> Entry:
    """Return the entry of a data set.

    Raises:
        ParameterError: an unknown name, or that of a mix.
    """
    if isinstance(name, str) and "+" in name:
        raise ParameterError(
            f"{name} is a mix: name one set at a time ({', '.join(name.split('+'))})."
        )
    return describe(name)


def _read(name: str, source: Path, skip_bad: bool, cache: bool) -> Reading:
    reader = READERS[name]

    def read() -> Reading:
        return reader.read(source)

    if cache:
        kind = "" if name == "fer2013" else f"{name}-"
        reading = cached(source, read, skip_bad, reader.files_of(source), kind)
    else:
        reading = read()
    if not skip_bad or not len(reading.labels):
        refuse_bad(reading, source.name)
    return reading


def face_set(reading: Reading, name: str, source: Path) -> FaceSet:
    """Return a reading as a FaceSet."""
    return FaceSet(
        pixels=reading.pixels,
        labels=reading.labels,
        split=np.array(SPLITS)[reading.split],
        classes=READERS[name].VOCABULARY.classes,
        name=name,
        source=str(source),
        rows=reading.rows,
        facts=READERS[name].facts(reading),
    )


def _make(entry: Entry, path, skip_bad: bool, cache: bool, options: dict) -> FaceSet:
    """Let a set's own module make it, with the options that it takes."""
    module, function = MAKERS[entry.name]
    make = getattr(importlib.import_module(f"fer_utils.data.{module}"), function)
    every = inspect.signature(make).parameters
    known = [p for p in every if p not in ("path", "skip_bad", "cache")]
    for option in options:
        if option not in known:
            raise ParameterError(
                f"{entry.name} takes no option {option!r}."
                + did_you_mean(option, known or ["path", "skip_bad", "cache"])
            )
    if not entry.layouts and path is not None:
        raise ParameterError(f"{entry.name} is drawn, not read: it takes no path.")
    given = {"path": path, "skip_bad": skip_bad, "cache": cache}
    return make(**{k: v for k, v in given.items() if k in every}, **options)


def _load_mix(name: str, path, skip_bad: bool, cache: bool, options: dict) -> FaceSet:
    from fer_utils.data.mixed import check_mix, mixed

    parts = name.split("+")
    if path is not None or options:
        raise ParameterError(
            f"{name}: a mix takes no path and no options. Set FER_DATA_DIR, or load "
            "the parts and call data.mixed([…])."
        )
    for part in parts:
        describe(part)  # a misspelt name costs no time
    check_mix(parts)
    return mixed([load(part, skip_bad=skip_bad, cache=cache) for part in parts])
