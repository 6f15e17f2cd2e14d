"""The probabilities that stored runs gave, checked against their records and faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_utils.data import FaceSet
from fer_utils.errors import DataError
from fer_utils.experiments.report_answers import answers
from fer_utils.experiments.report_values import Run
from fer_utils.experiments.runs import StoredRun

__all__ = ["faces_of", "require_same_test", "stored_probs"]

# The probabilities are stored as float16: a tie may fall the other way, no more.
_TIES = 0.005


def require_same_test(*runs: StoredRun) -> None:
    """Refuse runs that did not answer the same test images with the same classes.

    Raises:
        DataError: naming the run and what it lacks, or what differs.
    """
    for run in runs:
        if run.status != "finished":
            raise DataError(f"{run.id} is {run.status}.")
        if not run.get("data.test_hash"):
            raise DataError(
                f"{run.id} does not say which test images it saw: it was written by "
                "an older version."
            )
    for path, what in (("data.test_hash", "test images"), ("data.classes", "classes")):
        for run in runs[1:]:
            if run.get(path) != runs[0].get(path):
                raise DataError(
                    f"{runs[0].id} and {run.id} have other {what}, so their answers "
                    "do not compare."
                )


def faces_of(run: StoredRun) -> FaceSet:
    """Load the faces that a run was trained, chosen and tested on.

    Raises:
        DataError: the test images here are not those of the record.
    """
    from fer_utils.experiments.experiment import Experiment
    from fer_utils.experiments.running import load_faces

    faces = load_faces(Experiment.from_dict(run.record["experiment"]))
    if faces.test.content_hash != run.get("data.test_hash"):
        raise DataError(
            f"the test images of {run.data} here are not those of the records."
        )
    return faces


def stored_probs(
    run: StoredRun, labels: Sequence[int], part: str = "test"
) -> np.ndarray:
    """Return what a run answered, as its `probs.npz` keeps it.

    Args:
        run: finished.
        labels: int (N,), of the images of this part.
        part: "train", "val", "test" or "test_<tta>".

    Returns:
        float32 (N, K), rows sum to 1.

    Raises:
        DataError: there is no such file, or it is not of the record beside it.
    """
    read = answers(Run(run.id, run.record, run.folder), part)
    if read.why:
        raise DataError(f"{run.id}: {read.why}.")
    probs = read.probs  # (N, K)
    told = run.get(f"results.{part}.metrics.accuracy")
    if abs((probs.argmax(1) == labels).mean() - told) > _TIES:
        raise DataError(f"{run.id}: probs.npz is not of the record beside it.")
    return probs / probs.sum(1, keepdims=True)
