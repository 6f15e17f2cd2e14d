"""What each run answered on the test images: probabilities beside labels and faces."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from fer_utils.errors import DataError, FerError
from fer_utils.experiments.report_tables import Group, Row
from fer_utils.experiments.report_values import Run, get_field

__all__ = ["Answers", "TestSet", "answers", "speaker", "test_sets"]


@dataclass(frozen=True, eq=False)
class TestSet:
    """The test images of one table.

    Attributes:
        labels: int64 (N,), or None when they are not known.
        pixels: uint8 (N, H, W) or (N, H, W, C), or None.
        why: why there are none, in a sentence; "" when there are.
    """

    __test__ = False  # not a test, whatever pytest makes of the name

    labels: np.ndarray | None = None
    pixels: np.ndarray | None = None
    why: str = ""


@dataclass(frozen=True, eq=False)
class Answers:
    """One run's probabilities on the test images.

    Attributes:
        run: Run.
        probs: float32 (N, K), or None.
        why: why there are none, in a sentence; "" when there are.
    """

    run: Run
    probs: np.ndarray | None = field(default=None)
    why: str = ""


def test_sets(tables: Sequence[Group], load: Callable | None = None) -> list[TestSet]:
    """Load the test images of each table; what cannot be loaded says why.

    A data set is loaded once. Images count only when they are those of the record.

    Args:
        tables: from `groups`.
        load: takes the name of a data set, returns a FaceSet; default `data.load`.
    """
    loaded: dict[str, object] = {}
    return [_test_set(table.first, load, loaded) for table in tables]


test_sets.__test__ = False


def _test_set(run: Run, load: Callable | None, loaded: dict) -> TestSet:
    try:
        faces = _test_faces(run.record, load, loaded)
        _require_same(faces, run.record)
    except (FerError, LookupError, OSError, TypeError, ValueError) as error:
        return TestSet(why=_first_sentence(error))
    return TestSet(faces.labels, faces.pixels)


def _first_sentence(error: Exception) -> str:
    """Return why in short: the rest names folders, which no page should tell."""
    return str(error).splitlines()[0].split(". ")[0] if str(error) else repr(error)


def _test_faces(record: dict, load: Callable | None, loaded: dict):
    """Return the record's test set; duplicates leave train and val only."""
    from fer_utils import data
    from fer_utils.experiments.running import selected

    name = record["data"]["name"]
    options = record["experiment"].get("data_options") or {}
    asked = f"{name} {options}"
    if asked not in loaded:
        loaded[asked] = (load or data.load)(name, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said when the run was made
        return selected(loaded[asked], record["experiment"]).test


def _require_same(faces, record: dict) -> None:
    name = record["data"]["name"]
    recorded = record["data"].get("test_hash")
    if recorded is None:
        same = faces.counts()["test"] == get_field(record, "data.counts.test")
    else:
        same = faces.content_hash == recorded
    if not same or list(faces.classes) != record["data"]["classes"]:
        raise DataError(
            f"the test images of {name} here are not those that the runs were tested on"
        )


def answers(run: Run, part: str = "test") -> Answers:
    """Read the probabilities that lie beside a record.

    Args:
        run: finished.
        part: a key of the record's results, for example "test_flip".
    """
    path = run.folder / "probs.npz"
    if not path.is_file():
        return Answers(run, why="there is no probs.npz beside the record")
    try:
        with np.load(path) as file:
            probs = file[part].astype(np.float32)  # (N, K)
    except Exception as error:  # a zip file breaks in many ways
        return Answers(run, why=f"probs.npz cannot be read ({type(error).__name__})")
    shape = (
        get_field(run.record, f"results.{part}.n"),
        len(run.record["data"]["classes"]),
    )
    if probs.shape != shape:
        return Answers(
            run, why=f"probs.npz holds {probs.shape} values for {shape} expected ones"
        )
    return Answers(run, probs)


def speaker(row: Row) -> Run:
    """Return the run that speaks for a row: of several seeds, the median one on val."""
    path = "results.val.metrics.accuracy"
    ranked = sorted(row.runs, key=lambda run: get_field(run.record, path) or 0)
    return ranked[(len(ranked) - 1) // 2]
