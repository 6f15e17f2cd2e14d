"""Where pixels come from: `load` reads a data set by name into a `FaceSet`."""

from __future__ import annotations

from fer_utils.data.check import Check, check, listing
from fer_utils.data.duplicates import Duplicates, find_duplicates
from fer_utils.data.faceset import SPLITS, FaceSet
from fer_utils.data.fetch import get
from fer_utils.data.loading import load
from fer_utils.data.registry import Entry, describe, names

__all__ = [
    "SPLITS",
    "Check",
    "Duplicates",
    "Entry",
    "FaceSet",
    "check",
    "describe",
    "find_duplicates",
    "get",
    "listing",
    "load",
    "names",
]
