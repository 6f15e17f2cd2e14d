"""The faces that a run got wrong, the surest mistakes first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_utils.errors import FerError
from fer_utils.experiments.report_answers import TestSet, answers
from fer_utils.experiments.report_figures import face_png
from fer_utils.experiments.report_values import Run, Value

__all__ = ["Gallery", "Mistake", "gallery"]

SHOWN = 10


@dataclass(frozen=True)
class Mistake:
    """One face.

    Attributes:
        source: the face as a data URI.
        position: int, its place among the test images, from 0.
        true, predicted: class names.
        confidence: what the model gave the wrong class.
    """

    source: str
    position: int
    true: str
    predicted: str
    confidence: Value


@dataclass(frozen=True)
class Gallery:
    """The surest mistakes of a run on test.

    Attributes:
        mistakes: surest first.
        count: how many test images are wrong in all.
        why: why there is no gallery, in a sentence; "" when there is.
    """

    mistakes: tuple[Mistake, ...] = ()
    count: Value | None = None
    why: str = ""


def gallery(run: Run, images: TestSet, shown: int = SHOWN) -> Gallery:
    """Return the faces that a run is surest of and wrong about.

    Args:
        run: finished, with `probs.npz` beside its record.
        images: the test set; needs labels and pixels.
        shown: how many at most.
    """
    from fer_utils.evaluation import top_mistakes

    if images.pixels is None:
        return Gallery(why=f"No gallery of mistakes: {images.why.rstrip('.')}.")
    read = answers(run)
    if read.why:
        return Gallery(why=f"No gallery of mistakes: {read.why.rstrip('.')}.")
    classes = run.record["data"]["classes"]
    try:
        found = top_mistakes((read.probs, images.labels, classes), shown)
    except FerError as error:
        return Gallery(why=f"No gallery of mistakes: {str(error).rstrip('.')}.")
    wrong = int((read.probs.argmax(1) != images.labels).sum())
    return Gallery(
        tuple(_mistake(run, images, found, i) for i in range(len(found))),
        Value((run.id,), "mistakes.count", "count", wrong, "computed"),
    )


def _mistake(run: Run, images: TestSet, found, i: int) -> Mistake:
    position = int(found.index[i])
    field = f"mistakes.{position}.confidence"
    confidence = float(found.confidence[i])
    return Mistake(
        source=face_png(np.asarray(images.pixels[position])),
        position=position,
        true=found.classes[found.true[i]],
        predicted=found.classes[found.predicted[i]],
        confidence=Value((run.id,), field, "whole", confidence, "computed"),
    )
