"""Where pixels come from: `load` reads a data set by name into a `FaceSet`."""

from __future__ import annotations

from fer_utils.data.check import Check, check, listing
from fer_utils.data.composed import voted
from fer_utils.data.duplicates import Duplicates, find_duplicates
from fer_utils.data.faceset import SPLITS, FaceSet
from fer_utils.data.ferplus import VOTE_COLUMNS, ferplus_votes, with_votes
from fer_utils.data.ferplus_faces import majority_counts
from fer_utils.data.fetch import get
from fer_utils.data.folds import subject_folds, subjects_of
from fer_utils.data.image_files import ImageFiles
from fer_utils.data.loading import load
from fer_utils.data.mixed import by_source, check_mix, mixed
from fer_utils.data.registry import Entry, describe, names

__all__ = [
    "SPLITS",
    "VOTE_COLUMNS",
    "Check",
    "Duplicates",
    "Entry",
    "FaceSet",
    "ImageFiles",
    "by_source",
    "check",
    "check_mix",
    "describe",
    "ferplus_votes",
    "find_duplicates",
    "get",
    "listing",
    "load",
    "majority_counts",
    "mixed",
    "names",
    "subject_folds",
    "subjects_of",
    "voted",
    "with_votes",
]
