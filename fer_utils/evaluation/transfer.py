"""`cross_evaluate`: a model on a data set whose pictures and classes it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation.checks import checked_labels, checked_probs
from fer_utils.evaluation.clusters import cluster_draws, interval

__all__ = ["Answers", "CrossReport", "cross_evaluate", "cross_report"]


@dataclass(frozen=True)
class Answers:
    """How often one way of answering is right.

    Attributes:
        accuracy: share of right answers, in [0, 1].
        interval: its 95 % interval (low, high); None for a single cluster.
        balanced_accuracy: mean recall of the shared classes that have images.
        recall: {class: {recall, interval, support}}; recall None without images.
    """

    accuracy: float
    interval: tuple[float, float] | None
    balanced_accuracy: float
    recall: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, eq=False)
class CrossReport:
    """What a model did on another data set.

    Attributes:
        data_name: the data set.
        model_classes: what the model can answer, in its order.
        data_classes: what the data set knows, in its order.
        shared: the classes that both know, in the model's order.
        absent: classes of the model that the data set does not know: each such answer
            is wrong.
        left_out: {class: images} that the model does not know and that were left out.
        left_out_answers: {class: {answer: images}}, what the model said to those.
        any_class: Answers with the argmax over all classes of the model.
        shared_only: Answers with the argmax over the shared classes.
        confusion: int64 (shared, model_classes), true classes and answers, in counts.
        n: how many images were evaluated.
        clusters: how many clusters the intervals resample.
        cluster: what a cluster is: "subject", or "image" where subjects are unknown.
        notice: a sentence that every figure and table must carry.
    """

    data_name: str
    model_classes: tuple[str, ...]
    data_classes: tuple[str, ...]
    shared: tuple[str, ...]
    absent: tuple[str, ...]
    left_out: Mapping[str, int]
    left_out_answers: Mapping[str, Mapping[str, int]]
    any_class: Answers
    shared_only: Answers
    confusion: np.ndarray
    n: int
    clusters: int
    cluster: str
    notice: str = ""

    def __repr__(self) -> str:
        return f"CrossReport({self.summary()})"

    def summary(self) -> str:
        """Return the report in one line."""
        left = "".join(
            f", {count:,} of {name} left out" for name, count in self.left_out.items()
        )
        people = f", {self.clusters:,} subjects" if self.cluster == "subject" else ""
        return (
            f"{self.data_name}: accuracy {_with_interval(self.any_class)}, among the "
            f"{len(self.shared)} shared classes {_with_interval(self.shared_only)}, "
            f"{self.n:,} images{people}{left}"
        )

    def table(self):
        """Return support, recall and restricted recall per shared class (DataFrame)."""
        import pandas as pd

        rows = {
            name: {
                "support": self.any_class.recall[name]["support"],
                "recall": self.any_class.recall[name]["recall"],
                "recall among shared": self.shared_only.recall[name]["recall"],
            }
            for name in self.shared
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("class")

    def to_dict(self) -> dict:
        """Return everything as JSON-ready plain Python."""
        return {
            "data_name": self.data_name,
            "model_classes": list(self.model_classes),
            "data_classes": list(self.data_classes),
            "shared": list(self.shared),
            "absent": list(self.absent),
            "left_out": dict(self.left_out),
            "left_out_answers": {k: dict(v) for k, v in self.left_out_answers.items()},
            "any_class": _answers_to_dict(self.any_class),
            "shared_only": _answers_to_dict(self.shared_only),
            "confusion": self.confusion.tolist(),
            "n": self.n,
            "clusters": self.clusters,
            "cluster": self.cluster,
            "notice": self.notice,
        }

    @classmethod
    def from_dict(cls, record: Mapping) -> CrossReport:
        """Read back what `to_dict` wrote.

        Raises:
            ParameterError: a key is missing.
        """
        try:
            known = {name: record[name] for name in cls.__dataclass_fields__}
        except KeyError as error:
            raise ParameterError(
                f"this is not a cross-dataset report: key {error} is missing."
            ) from None
        for name in ("model_classes", "data_classes", "shared", "absent"):
            known[name] = tuple(known[name])
        for name in ("any_class", "shared_only"):
            known[name] = _answers_from_dict(known[name])
        known["confusion"] = np.array(known["confusion"], np.int64)
        return cls(**known)

    def plot(self, ax=None):
        """Draw recall per shared class, both ways of answering; return the Axes."""
        from fer_utils.evaluation.transfer_plot import draw

        return draw(self, ax)

    def alt_text(self) -> str:
        """Describe the figure in words."""
        recalls = {
            name: row["recall"]
            for name, row in self.any_class.recall.items()
            if row["support"]
        }
        best, worst = max(recalls, key=recalls.get), min(recalls, key=recalls.get)
        return (
            f"Bars of recall for {len(self.shared)} classes of {self.data_name}: "
            f"highest for {best} ({recalls[best]:.0%}), lowest for {worst} "
            f"({recalls[worst]:.0%}); accuracy {self.any_class.accuracy:.1%}, among "
            f"the shared classes {self.shared_only.accuracy:.1%}."
        )


def cross_evaluate(
    model, faces, *, tta: str = "none", n_bootstrap: int = 2000, seed: int = 0
) -> CrossReport:
    """Evaluate a model on ALL images of another data set, as it is.

    Classes are matched by name through `labels`. Images of a class that the model does
    not know (contempt) are left out and counted. An answer that the data set does not
    know (neutral) is wrong in `any_class`; `shared_only` tells how good the model is
    when it is told which classes may occur. Take `faces.test` for one split only.

    Args:
        model: keras.Model with `class_names`, as `models.load` returns it.
        faces: FaceSet; intervals resample its subjects where they are known.
        tta: as for `predict`.
        n_bootstrap: how many resamples, at least 1.
        seed: int, of the resampling.

    Returns:
        CrossReport.

    Raises:
        ParameterError: the model has no class names, or tta is unknown.
        DataError: no image has a class of the model, or images it cannot take.

    Example:
        >>> from fer_utils import data, models
        >>> faces = data.load("synthetic", n=70)
        >>> report = cross_evaluate(models.build("shallow_cnn"), faces, n_bootstrap=10)
        >>> report.n, report.cluster, report.absent
        (70, 'subject', ())
    """
    from fer_utils.evaluation.prediction import predict

    names = getattr(model, "class_names", None)
    if not names:
        raise ParameterError(
            "this model has no class_names, so its answers cannot be matched with "
            f"{faces.name}'s classes. Set model.class_names to a tuple in label order."
        )
    kept, mask = _known_images(faces, names)
    rest = faces.take(~mask)
    probs = predict(model, faces.take(mask).images(), tta=tta)
    others = predict(model, rest.images(), tta=tta)
    return cross_report(
        probs,
        kept,
        names,
        faces.classes,
        subjects=_subjects(faces, mask),
        data_name=faces.name,
        left_out=[faces.classes[label] for label in rest.labels],
        left_out_probs=others,
        n_bootstrap=n_bootstrap,
        seed=seed,
        notice=faces.notice,
    )


def cross_report(
    probs,
    labels,
    model_classes: Sequence[str],
    data_classes: Sequence[str],
    *,
    subjects=None,
    data_name: str = "faces",
    left_out: Sequence[str] = (),
    left_out_probs=None,
    n_bootstrap: int = 2000,
    seed: int = 0,
    notice: str = "",
) -> CrossReport:
    """Compute a CrossReport from probabilities; `cross_evaluate` makes them for you.

    Args:
        probs: float (N, K), columns in the order of `model_classes`.
        labels: int (N,), positions in `model_classes`.
        model_classes: K class names.
        data_classes: the data set's class names.
        subjects: optional (N,), who is seen.
        data_name: for titles.
        left_out: class names of the M images that the model does not know.
        left_out_probs: float (M, K), its answers to them.
        n_bootstrap: how many resamples, at least 1.
        seed: int, of the resampling.
        notice: a sentence that every figure and table must carry.

    Returns:
        CrossReport.

    Raises:
        DataError: no image.
        ParameterError: arrays that do not fit together, or no shared class.
    """
    model_classes = tuple(fer_labels.canonical(c) for c in model_classes)
    data_classes = tuple(fer_labels.canonical(c) for c in data_classes)
    probs = checked_probs(probs, len(model_classes))
    labels = checked_labels(labels, probs)
    shared = np.array([c in data_classes for c in model_classes])
    if not shared[labels].all():
        raise ParameterError(
            "labels: every image needs a class that model and data set share "
            f"({', '.join(np.array(model_classes)[shared]) or 'there is none'})."
        )
    cluster = "image" if subjects is None else "subject"
    subjects = np.arange(len(labels)) if subjects is None else np.asarray(subjects)
    common = (model_classes, np.flatnonzero(shared), subjects, n_bootstrap, seed)
    return CrossReport(
        data_name=data_name,
        model_classes=model_classes,
        data_classes=data_classes,
        shared=tuple(c for c in model_classes if c in data_classes),
        absent=tuple(c for c in model_classes if c not in data_classes),
        left_out=_tally(left_out),
        left_out_answers=_left_out_answers(left_out, left_out_probs, model_classes),
        any_class=_answers(probs.argmax(1), labels, *common),
        shared_only=_answers(np.where(shared, probs, -1).argmax(1), labels, *common),
        confusion=_confusion(probs, labels, shared),
        n=len(labels),
        clusters=len(np.unique(subjects)),
        cluster=cluster,
        notice=notice,
    )


def _known_images(faces, names) -> tuple[np.ndarray, np.ndarray]:
    """Return labels of the model for the images it knows, and which images these are.

    Raises:
        DataError: it knows none.
    """
    to_model = fer_labels.mapping(faces.classes, names)
    lookup = np.array([-1 if i is None else i for i in to_model])
    mapped = lookup[faces.labels]
    if not (mapped >= 0).any():
        raise DataError(
            f"{faces.name}: none of its {len(faces):,} images has a class of the "
            f"model. The model knows {', '.join(names)}; the data set "
            f"{', '.join(faces.classes)}."
        )
    return mapped[mapped >= 0], mapped >= 0


def _subjects(faces, mask):
    from fer_utils.data.folds import subjects_of

    try:
        return subjects_of(faces)[mask]
    except DataError:  # who is seen is unknown: each image stands for itself
        return None


def _answers(
    answers, labels, names, shared, subjects, n_bootstrap: int, seed: int
) -> Answers:
    """Score answers (N,): accuracy in column 0, recall of each shared class after."""
    right = (answers == labels).astype(np.float64)
    inside = np.column_stack([np.ones(len(labels)), labels[:, None] == shared])
    values = np.repeat(right[:, None], inside.shape[1], axis=1)
    ends = interval(cluster_draws(values, subjects, n_bootstrap, seed, inside))
    support = inside.sum(0)
    means = (values * inside).sum(0) / np.maximum(support, 1)
    recall = {
        names[label]: {
            "recall": float(means[column]) if support[column] else None,
            "interval": ends[column],
            "support": int(support[column]),
        }
        for column, label in enumerate(shared, start=1)
    }
    balanced = float(means[1:][support[1:] > 0].mean())
    return Answers(float(means[0]), ends[0], balanced, recall)


def _confusion(probs, labels, shared) -> np.ndarray:
    from sklearn.metrics import confusion_matrix

    every = np.arange(probs.shape[1])
    counts = confusion_matrix(labels, probs.argmax(1), labels=every)
    return counts[shared].astype(np.int64)


def _tally(words: Sequence[str]) -> dict[str, int]:
    names, counts = np.unique(np.asarray(words, str), return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _left_out_answers(left_out, probs, names) -> dict[str, dict[str, int]]:
    if probs is None:
        return {}
    answers = np.array(names)[np.asarray(probs).argmax(1)]
    words = np.asarray(left_out, str)
    return {word: _tally(answers[words == word]) for word in _tally(words)}


def _with_interval(answers: Answers) -> str:
    if answers.interval is None:
        return f"{answers.accuracy:.1%}"
    low, high = answers.interval
    return f"{answers.accuracy:.1%} [{low:.1%}, {high:.1%}]"


def _answers_to_dict(answers: Answers) -> dict:
    def plain(ends):
        return None if ends is None else list(ends)

    return {
        "accuracy": answers.accuracy,
        "interval": plain(answers.interval),
        "balanced_accuracy": answers.balanced_accuracy,
        "recall": {
            name: {**row, "interval": plain(row["interval"])}
            for name, row in answers.recall.items()
        },
    }


def _answers_from_dict(record: Mapping) -> Answers:
    def ends(values):
        return None if values is None else tuple(values)

    recall = {
        name: {**row, "interval": ends(row["interval"])}
        for name, row in record["recall"].items()
    }
    return Answers(
        record["accuracy"],
        ends(record["interval"]),
        record["balanced_accuracy"],
        recall,
    )
