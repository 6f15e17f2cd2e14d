"""Faces that a model gets wrong, classes it confuses, labels that look wrong."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.errors import ParameterError, did_you_mean
from fer_utils.evaluation.checks import checked_classes, checked_labels, checked_probs
from fer_utils.evaluation.metrics import Report

__all__ = [
    "ConfusablePair",
    "Mistakes",
    "SuspectLabels",
    "confusable_pairs",
    "label_issues",
    "suspect_labels",
    "top_mistakes",
]


@dataclass(frozen=True, eq=False)
class Mistakes:
    """Wrong predictions, the surest first.

    Attributes:
        index: int64 (M,), positions in the evaluated images.
        true: int64 (M,), labels.
        predicted: int64 (M,), predictions; never equal to `true`.
        confidence: float (M,), the probability given to the prediction.
        classes: class names in label order.
        notice: a sentence that the figure must carry.
    """

    index: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    classes: tuple[str, ...]
    notice: str = ""

    def __len__(self) -> int:
        return len(self.index)

    def captions(self) -> list[str]:
        """Return "true → predicted (87 %)" for each mistake."""
        return [
            f"{self.classes[t]} → {self.classes[p]} ({c:.0%})".replace(
                "%", "\u00a0%"
            )  # no line break inside
            for t, p, c in zip(self.true, self.predicted, self.confidence, strict=True)
        ]

    def plot(self, faces, columns: int = 5, title: str | None = None):
        """Draw the faces with their captions and return the Figure.

        Args:
            faces: the FaceSet (or uint8 images) that was evaluated, in the same order.
            columns: faces per row, at least 1.
            title: of the figure.
        """
        return self._grid(faces, columns).plot(title or f"{len(self)} surest mistakes")

    def alt_text(self) -> str:
        """Describe the figure in words."""
        if not len(self):
            return "No mistakes to show."
        return (
            f"Gallery of {len(self)} misclassified faces with true and predicted "
            f"label, most confident first; the first is {self.captions()[0]}."
        )

    def _grid(self, faces, columns):
        from fer_utils.evaluation.plots import FaceGrid

        chosen = faces.take(self.index) if hasattr(faces, "take") else None
        if chosen is None or isinstance(faces, np.ndarray):
            chosen = np.asarray(faces)[self.index]
        return FaceGrid(chosen, columns, self.captions(), notice=self.notice)


@dataclass(frozen=True)
class ConfusablePair:
    """Two classes and how often one is taken for the other.

    Attributes:
        first: class name.
        second: class name.
        first_as_second: how many images of `first` are predicted as `second`.
        second_as_first: the reverse.
        rate: both counts over all images of the two classes, in [0, 1].
    """

    first: str
    second: str
    first_as_second: int
    second_as_first: int
    rate: float


@dataclass(frozen=True, eq=False)
class SuspectLabels:
    """Labels that the model disbelieves, the most suspect first.

    Attributes:
        index: int64 (k,), positions of the most suspect images.
        score: float (N,), suspicion of every image in [0, 1]; higher is more suspect.
    """

    index: np.ndarray
    score: np.ndarray


def top_mistakes(
    report, k: int = 10, *, true: str | None = None, predicted: str | None = None
) -> Mistakes:
    """Find the wrong predictions that the model was surest of.

    Args:
        report: Report from `evaluate`, or a tuple (probs, labels, classes).
        k: how many at most, at least 1.
        true: only images with this label.
        predicted: only images with this prediction.

    Returns:
        Mistakes, by falling confidence; fewer than k where there are fewer.

    Raises:
        ParameterError: unknown class, k below 1, or a report without probabilities.

    Example:
        >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
        >>> top_mistakes((probs, [1, 0, 0], ("sad", "happy"))).captions()
        ['happy → sad (90\xa0%)', 'sad → happy (70\xa0%)']
    """
    if k < 1:
        raise ParameterError(f"k={k}: expected at least 1.")
    probs, labels, classes, notice = _evaluated(report)
    guess, confidence = probs.argmax(1), probs.max(1)
    wrong = guess != labels
    for name, column in ((true, labels), (predicted, guess)):
        if name is not None:
            wrong = wrong & (column == _position(name, classes))
    index = np.flatnonzero(wrong)
    index = index[np.argsort(-confidence[index], kind="stable")][:k]
    return Mistakes(
        index, labels[index], guess[index], confidence[index], classes, notice
    )


def confusable_pairs(report: Report, k: int = 5) -> tuple[ConfusablePair, ...]:
    """Rank pairs of classes by how often one is taken for the other, either way.

    Args:
        report: Report.
        k: how many pairs at most, at least 1.

    Returns:
        Tuple of ConfusablePair by falling rate; pairs never confused are left out.

    Raises:
        ParameterError: k below 1.

    Example:
        >>> from fer_utils.evaluation import evaluate
        >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
        >>> report = evaluate(probs, [1, 0, 1], ("sad", "happy"), n_bootstrap=0)
        >>> confusable_pairs(report)[0].second_as_first
        1
    """
    if k < 1:
        raise ParameterError(f"k={k}: expected at least 1.")
    counts, support = report.confusion, report.confusion.sum(1)
    pairs = []
    for i, j in zip(*np.triu_indices(len(counts), 1), strict=True):
        there, back = int(counts[i, j]), int(counts[j, i])
        if there + back:
            rate = float((there + back) / (support[i] + support[j]))
            names = report.classes[i], report.classes[j]
            pairs.append(ConfusablePair(*names, there, back, rate))
    return tuple(sorted(pairs, key=lambda pair: -pair.rate)[:k])


def suspect_labels(probs, labels, k: int = 20, method: str = "margin") -> SuspectLabels:
    """Rank labels by how strongly the model disagrees with them.

    The probabilities must come from a model that did not train on these images (the
    test part, or cross-validation): a network remembers wrong labels that it has seen.
    The two scores are those of confident learning (Northcutt et al. 2021,
    arXiv:1911.00068).

    Args:
        probs: float (N, K), rows sum to one, out of sample.
        labels: int (N,), the given labels, in [0, K).
        k: how many to return at most, at least 1.
        method: "margin" compares the given label's probability with the best other
            class; "self_confidence" looks at the given label's probability alone.

    Returns:
        SuspectLabels; its `score` suits sklearn.metrics.average_precision_score when
        the wrong labels are known.

    Raises:
        ParameterError: unknown method, k below 1, arrays that do not fit.
        DataError: no image.

    Example:
        >>> probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
        >>> suspect_labels(probs, [0, 1, 0], k=2).index.tolist()
        [1, 2]
    """
    if k < 1:
        raise ParameterError(f"k={k}: expected at least 1.")
    probs = checked_probs(probs)
    labels = checked_labels(labels, probs)
    score = _suspicion(probs, labels, method)
    return SuspectLabels(np.argsort(-score, kind="stable")[:k], score)


def label_issues(probs, labels) -> np.ndarray:
    """Find the labels that are probably wrong by confident learning, worst first.

    Unlike `suspect_labels`, which ranks every image, this also decides *how many*
    labels are wrong: from how often images that the model surely calls j carry the
    label i, where "surely" is judged for each class by its own mean confidence
    (Northcutt et al. 2021, arXiv:1911.00068, section 3; computed by cleanlab).

    Args:
        probs: float (N, K), rows sum to one, of a model that did not train on these
            images.
        labels: int (N,), the given labels, in [0, K).

    Returns:
        int64 (M,), positions of the suspected images, 0 <= M <= N, by rising margin of
        the given label over the best other class; none where all labels are the same.

    Raises:
        ParameterError: arrays that do not fit.
        DataError: no image.

    Example:
        >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.95, 0.05]] + [[0.1, 0.9]] * 3)
        >>> label_issues(probs, [0, 0, 1, 1, 1, 1]).tolist()
        [2]
    """
    probs = checked_probs(probs)
    labels = checked_labels(labels, probs)
    if len(np.unique(labels)) < 2:
        return np.empty(0, np.int64)
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        # A class without an image is no reason to warn.
        warnings.filterwarnings("ignore", "May not flag all label issues")
        issues = find_label_issues(
            labels, probs, return_indices_ranked_by="normalized_margin", n_jobs=1
        )
    return np.asarray(issues, np.int64)


def _suspicion(probs, labels, method: str) -> np.ndarray:
    methods = ("margin", "self_confidence")
    if method not in methods:
        raise ParameterError(
            f"unknown method {method!r}." + did_you_mean(method, methods)
        )
    rows = np.arange(len(labels))
    given = probs[rows, labels]
    if method == "self_confidence":
        return 1 - given
    others = probs.copy()
    others[rows, labels] = -1
    return (1 - (given - others.max(1))) / 2


def _evaluated(report) -> tuple[np.ndarray, np.ndarray, tuple[str, ...], str]:
    if isinstance(report, Report):
        if report.probs is None:
            raise ParameterError(
                "this report was read from a record and has no probabilities. Pass "
                "(probs, labels, classes), or evaluate the model again."
            )
        return report.probs, report.labels, report.classes, report.notice
    probs, labels, classes = report
    classes = checked_classes(classes)
    probs = checked_probs(probs, len(classes))
    return probs, checked_labels(labels, probs), classes, ""


def _position(name: str, classes: Sequence[str]) -> int:
    if name in classes:
        return classes.index(name)
    try:
        return classes.index(fer_labels.canonical(name))
    except (ParameterError, ValueError):
        raise ParameterError(
            f"unknown class {name!r}." + did_you_mean(name, classes)
        ) from None
