"""Say what was found on disk and whether it is the data set it should be."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_utils.data.cache import content_hash
from fer_utils.data.composed import voted
from fer_utils.data.faceset import FaceSet
from fer_utils.data.ferplus import VOTE_COLUMNS
from fer_utils.data.ferplus_faces import majority_counts
from fer_utils.data.image_files import ImageFiles
from fer_utils.data.loading import READERS, face_set, load, require_single
from fer_utils.data.reading import Bad, counted
from fer_utils.data.registry import Entry, find, known, places
from fer_utils.errors import DataError

__all__ = ["Check", "Listed", "Listing", "check", "listing"]

_SHOWN_BAD = 20


@dataclass(frozen=True)
class Check:
    """What `check` found.

    Attributes:
        name: the data set.
        source: the file or folder, "drawn by the kit" for synthetic faces.
        layout: "csv", "tar", "zip", "folder" or "drawn".
        file_hash: hex SHA-256 of the source; of the FaceSet if it is drawn.
        counts: images per split and class, as `FaceSet.counts` returns them; under
            "all" for a data set without a split of its own.
        official: the published counts in the same form; empty if there are none.
        bad: rows or files that cannot be used.
        noun: "row" or "file".
        test_in_train: how many test images are pixel-identical to a training image.
        remarks: further lines about this data set.
    """

    name: str
    source: str
    layout: str
    file_hash: str
    counts: Mapping[str, Mapping[str, int]]
    official: Mapping[str, Mapping[str, int]]
    bad: tuple[Bad, ...] = ()
    noun: str = "row"
    test_in_train: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Are all rows good and all official counts met?"""
        return not self.bad and not self.wrong_counts()

    def wrong_counts(self) -> tuple[tuple[str, str, int, int], ...]:
        """Return (split, class, found, official) wherever the two differ."""
        return tuple(
            (split, label, self.counts[split][label], wanted)
            for split, classes in self.official.items()
            for label, wanted in classes.items()
            if self.counts[split][label] != wanted
        )

    def __str__(self) -> str:
        return "\n".join([*self._head(), *self._table(), *self._verdicts()])

    def _head(self) -> list[str]:
        return [
            f"{self.name}: {self.source}",
            f"layout {self.layout}, SHA-256 {self.file_hash[:16]}…",
            "",
        ]

    def _table(self) -> list[str]:
        classes = list(next(iter(self.counts.values())))
        heads = ["split", *classes, "total"]
        lines = ["".join(f"{head:>10}" for head in heads)]
        for split, found in self.counts.items():
            cells = [self._cell(split, label) for label in classes]
            cells.append(f"{sum(found.values()):,}  ")
            lines.append(f"{split:>10}" + "".join(f"{cell:>10}" for cell in cells))
        return [*lines, ""]

    def _cell(self, split: str, label: str) -> str:
        found = self.counts[split][label]
        if not self.official:
            return f"{found:,}  "
        return f"{found:,} {_mark(found == self.official[split][label])}"

    def _verdicts(self) -> list[str]:
        wrong = self.wrong_counts()
        lines = []
        if self.official:
            total = sum(len(classes) for classes in self.official.values())
            equal = f"{total - len(wrong)} of {total} counts equal the official ones"
            lines.append(f"{_mark(not wrong)} {equal}")
            lines += [
                f"    {split} {label}: found {found:,}, official {wanted:,}"
                for split, label, found, wanted in wrong
            ]
        bad = counted(len(self.bad), f"bad {self.noun}")
        lines.append(f"{_mark(not self.bad)} {bad}")
        lines += [f"    {b.where}: {b.reason}" for b in self.bad[:_SHOWN_BAD]]
        if len(self.bad) > _SHOWN_BAD:
            lines.append(f"    and {len(self.bad) - _SHOWN_BAD} more")
        twins = f"{self.test_in_train:,} test images are pixel-identical"
        lines += [f"  {twins} to a train image"]
        return lines + [f"  {remark}" for remark in self.remarks]


@dataclass(frozen=True)
class Listed:
    """One line of `listing`: a known data set and where it is, if it is anywhere."""

    entry: Entry
    found: Path | None

    @property
    def status(self) -> str:
        """One line: found where, or missing."""
        place = "needs no files" if not self.entry.layouts else "not found"
        if self.found:
            place = f"found: {self.found}"
        return place


@dataclass(frozen=True)
class Listing:
    """All known data sets; `str()` is what `fer data list` prints."""

    sets: tuple[Listed, ...]
    places: tuple[Path, ...]

    def __str__(self) -> str:
        lines = ["Looked in " + ", ".join(str(place) for place in self.places), ""]
        for one in self.sets:
            entry = one.entry
            usable = one.found or not entry.layouts
            lines += [f"{'✓' if usable else '·'} {entry.name}: {entry.what}"]
            lines += [f"    {one.status}", f"    terms: {entry.terms}"]
            if entry.layouts and not one.found:
                lines.append(f"    looked for: {', '.join(entry.layouts)}")
            if entry.home:
                lines.append(f"    official page: {entry.home}")
        return "\n".join(lines)


def check(name: str, path: str | os.PathLike | None = None) -> Check:
    """Read a data set afresh, past the cache, and compare it with what is published.

    Args:
        name: one of `names()`; of a mix, check the parts.
        path: the file or folder; None searches as `load` does.

    Returns:
        Check; `.ok`, and `str()` is a table.

    Raises:
        ParameterError: an unknown name.
        DataError: the files are missing, or cannot be read as a whole.

    Example:
        >>> check("synthetic").ok
        True
    """
    entry = require_single(name)
    if not entry.layouts:
        return _check_drawn(load(name))
    if name not in READERS:
        return _check_made(name, path)
    source = find(entry, path)
    reader = READERS[name]
    reading = reader.read(source)
    faces = face_set(reading, name, source)
    official = {
        split: dict(zip(faces.classes, counts, strict=True))
        for split, counts in reader.OFFICIAL_COUNTS.items()
    }
    return Check(
        name=name,
        source=str(source),
        layout=reader.layout_of(source),
        file_hash=content_hash(source, reader.files_of(source), False),
        counts=_all_counts(faces) if "all" in official else faces.counts(),
        official=official,
        bad=reading.bad,
        noun=reading.noun,
        test_in_train=int(faces.duplicates().also_in_train().sum()),
        remarks=reader.remarks(reading),
    )


def listing() -> Listing:
    """Return every known data set, where it was looked for, and its terms.

    Example:
        >>> [one.entry.name for one in listing().sets][:3]
        ['synthetic', 'synthetic-tiny', 'fer2013']
    """
    return Listing(tuple(Listed(e, _found(e)) for e in known()), places())


def _found(entry: Entry) -> Path | None:
    try:
        return find(entry) if entry.layouts else None
    except DataError:
        return None


def _all_counts(faces: FaceSet) -> dict[str, dict[str, int]]:
    found = np.bincount(faces.labels, minlength=faces.num_classes)
    return {"all": dict(zip(faces.classes, found.tolist(), strict=True))}


def _check_drawn(faces: FaceSet) -> Check:
    return Check(
        name=faces.name,
        source="drawn by the kit",
        layout="drawn",
        file_hash=faces.content_hash,
        counts=faces.counts(),
        official={},
        test_in_train=int(faces.duplicates().also_in_train().sum()),
    )


def _check_made(name: str, path) -> Check:
    """Check a set that its own module makes; pixels on disk are read once."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        faces = load(name, path=path, **({"cache": False} if "ferplus" in name else {}))
    bad = faces.pixels.damaged() if isinstance(faces.pixels, ImageFiles) else ()
    return Check(
        name=name,
        source=faces.source,
        layout="csv" if name.startswith("ferplus") else "files",
        file_hash=faces.content_hash,
        counts=faces.counts(),
        official={},
        bad=bad,
        noun="file",
        test_in_train=0 if bad else int(faces.duplicates().also_in_train().sum()),
        remarks=tuple(str(w.message) for w in told) + _about_votes(name, path),
    )


def _about_votes(name: str, path) -> tuple[str, ...]:
    """Say how many faces of each split have a majority, where there are votes."""
    if not name.startswith("ferplus"):
        return ()
    counts = majority_counts(voted(name, **({"path": path} if path else {})))
    emotions = VOTE_COLUMNS[:-2]
    lines = []
    for split, found in counts.items():
        kept = sum(found[e] for e in emotions)
        rest = [f"{v:,} {k}" for k, v in found.items() if k not in emotions]
        lines.append(f"{split}: {kept:,} strict majorities; {', '.join(rest)}")
    return tuple(lines)


def _mark(good: bool) -> str:
    return "✓" if good else "✗"
