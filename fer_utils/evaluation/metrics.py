"""`evaluate`: from probabilities and labels to every number of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fer_utils.errors import ParameterError
from fer_utils.evaluation.calibration import Reliability, bin_numbers, reliability
from fer_utils.evaluation.checks import checked_classes, checked_labels, checked_probs

__all__ = ["Report", "evaluate"]

ECE_BINS = 15
_INTERVAL = (2.5, 97.5)  # percentiles of a 95 % interval
_BLOCK = 4_000_000  # resampled images held at once: about 64 MB


@dataclass(frozen=True, eq=False)
class Report:
    """What a model did on labelled images.

    Attributes:
        classes: class names in label order.
        metrics: accuracy, balanced_accuracy, macro_precision, macro_recall, macro_f1,
            log_loss (nats), ece, top2_accuracy; all but log_loss in [0, 1].
        intervals: 95 % interval (low, high) of some of the metrics.
        per_class: {class: {precision, recall, f1, support}}.
        confusion: int64 (K, K), counts; rows are true classes, columns predicted ones.
        majority_accuracy: what always guessing the most frequent class would score.
        calibration: Reliability.
        n: how many images.
        without_duplicates: {accuracy, interval, n} on the images that do not also stand
            in train, or None when that was not asked.
        notice: a sentence that every figure and table of this report must carry.
        probs: float32 (N, K); None in a report read back from a record.
        labels: int64 (N,); None likewise.
    """

    classes: tuple[str, ...]
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    per_class: dict[str, dict[str, float]]
    confusion: np.ndarray
    majority_accuracy: float
    calibration: Reliability
    n: int
    without_duplicates: dict | None = None
    notice: str = ""
    probs: np.ndarray | None = None
    labels: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"Report({self.summary()})"

    def summary(self) -> str:
        """Return the report in one line, for a log or a figure's subtitle."""
        low, high = self.intervals.get("accuracy", (None, None))
        interval = "" if low is None else f" [{low:.1%}, {high:.1%}]"
        return (
            f"accuracy {self.metrics['accuracy']:.1%}{interval}, "
            f"macro-F1 {self.metrics['macro_f1']:.3f}, ECE {self.metrics['ece']:.3f}, "
            f"{self.n:,} images"
        )

    def table(self):
        """Return precision, recall, F1 and support per class as a pandas DataFrame."""
        import pandas as pd

        table = pd.DataFrame.from_dict(self.per_class, orient="index")
        return table.astype({"support": int}).rename_axis("class")

    def to_dict(self) -> dict:
        """Return everything but probs and labels as JSON-ready plain Python."""
        return {
            "classes": list(self.classes),
            "n": self.n,
            "metrics": dict(self.metrics),
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "per_class": {name: dict(row) for name, row in self.per_class.items()},
            "confusion": self.confusion.tolist(),
            "majority_accuracy": self.majority_accuracy,
            "calibration": _calibration_to_dict(self.calibration),
            "without_duplicates": _plain(self.without_duplicates),
            "notice": self.notice,
        }

    @classmethod
    def from_dict(cls, record: Mapping) -> Report:
        """Read back what `to_dict` wrote; probs and labels are None.

        Raises:
            ParameterError: a key is missing.
        """
        try:
            return cls(
                classes=tuple(record["classes"]),
                metrics=dict(record["metrics"]),
                intervals={k: tuple(v) for k, v in record["intervals"].items()},
                per_class={k: dict(v) for k, v in record["per_class"].items()},
                confusion=np.array(record["confusion"], np.int64),
                majority_accuracy=record["majority_accuracy"],
                calibration=_calibration_from_dict(
                    record["calibration"], record["notice"]
                ),
                n=record["n"],
                without_duplicates=_without_duplicates_from_dict(record),
                notice=record["notice"],
            )
        except KeyError as error:
            raise ParameterError(
                f"this is not a report: key {error} is missing. "
                f"Received: {', '.join(sorted(record))}."
            ) from None


def evaluate(
    probs,
    labels,
    classes: Sequence[str],
    *,
    n_bootstrap: int = 1000,
    seed: int = 0,
    duplicated=None,
    notice: str = "",
) -> Report:
    """Compute every metric of a classifier, with 95 % intervals.

    Macro averages go over the classes that occur among the labels or the predictions,
    as in scikit-learn. Intervals are percentile bootstrap intervals over images (Efron
    1979): they tell how the number would vary with another test set of this size, not
    with another seed.

    Args:
        probs: float (N, K), rows sum to one.
        labels: int (N,), in [0, K).
        classes: K class names in label order.
        n_bootstrap: how many resamples; 0 computes no interval.
        seed: int, of the resampling.
        duplicated: optional bool (N,), images that also stand in train; adds the
            accuracy without them (see `FaceSet.duplicates().also_in_train()`).
        notice: a sentence that every figure and table of this report must carry.

    Returns:
        Report.

    Raises:
        DataError: no image.
        ParameterError: probabilities, labels or another argument out of range.

    Example:
        >>> probs = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
        >>> evaluate(probs, [0, 1, 1], ("sad", "happy"), n_bootstrap=0)
        Report(accuracy 66.7%, macro-F1 0.667, ECE 0.300, 3 images)
    """
    classes = checked_classes(classes)
    probs = checked_probs(probs, len(classes))
    labels = checked_labels(labels, probs)
    if n_bootstrap < 0:
        raise ParameterError(f"n_bootstrap={n_bootstrap}: expected 0 or more.")
    confusion, per_class = _per_class(probs, labels, classes)
    calibration = reliability(probs, labels, ECE_BINS, notice)
    return Report(
        classes=classes,
        metrics=_metrics(probs, labels) | {"ece": calibration.ece},
        intervals=_intervals(probs, labels, n_bootstrap, seed),
        per_class=per_class,
        confusion=confusion,
        majority_accuracy=float(np.bincount(labels).max() / len(labels)),
        calibration=calibration,
        n=len(labels),
        without_duplicates=_without(duplicated, probs, labels, n_bootstrap, seed),
        notice=notice,
        probs=probs.astype(np.float32),
        labels=labels,
    )


def _metrics(probs: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    from sklearn import metrics

    predicted, every = probs.argmax(1), np.arange(probs.shape[1])
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predicted, average="macro", zero_division=0
    )
    # With two classes the right one is always among the first two.
    top2 = len(every) == 2 or metrics.top_k_accuracy_score(
        labels, probs, k=2, labels=every
    )
    values = {
        "accuracy": metrics.accuracy_score(labels, predicted),
        # Recall over the classes present: balanced_accuracy_score, without its warning
        # about predicted classes that no image has.
        "balanced_accuracy": metrics.recall_score(
            labels, predicted, labels=np.unique(labels), average="macro"
        ),
        "macro_precision": precision,
        "macro_recall": recall,
        "macro_f1": f1,
        "log_loss": metrics.log_loss(labels, probs, labels=every),
        "top2_accuracy": top2,
    }
    return {name: float(value) for name, value in values.items()}


def _per_class(probs, labels, classes):
    from sklearn import metrics

    predicted, every = probs.argmax(1), np.arange(len(classes))
    columns = metrics.precision_recall_fscore_support(
        labels, predicted, labels=every, zero_division=0
    )
    per_class = {
        name: {
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "support": int(support),
        }
        for name, precision, recall, f1, support in zip(classes, *columns, strict=True)
    }
    confusion = metrics.confusion_matrix(labels, predicted, labels=every)
    return confusion.astype(np.int64), per_class


def _intervals(probs, labels, n_bootstrap, seed) -> dict[str, tuple[float, float]]:
    if not n_bootstrap:
        return {}
    draws = _bootstrap(probs, labels, n_bootstrap, seed)
    return {
        name: tuple(float(end) for end in np.percentile(values, _INTERVAL))
        for name, values in draws.items()
    }


def _bootstrap(probs, labels, n_bootstrap, seed) -> dict[str, np.ndarray]:
    """Resample images with replacement; all metrics see the same resamples.

    One matrix product per block of resamples turns "how often was each image drawn"
    into confusion counts and calibration gaps, which is all that the metrics need.
    """
    n, rng = len(labels), np.random.default_rng(seed)
    cells, gaps = _image_features(probs, labels)
    block = max(1, min(n_bootstrap, _BLOCK // n))
    parts = []
    for begin in range(0, n_bootstrap, block):
        size = min(block, n_bootstrap - begin)
        drawn = _draw_counts(rng, n, size)  # (size, N)
        parts.append(_resampled_metrics(drawn, cells, gaps))
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def _image_features(probs, labels):
    """Return each image's confusion cell and calibration gap, sparse, a row each."""
    from scipy.sparse import csr_array

    n, k = probs.shape
    predicted, confidence = probs.argmax(1), probs.max(1)
    rows = np.arange(n)
    cells = csr_array((np.ones(n), (rows, labels * k + predicted)), (n, k * k))
    gap = confidence - (predicted == labels)
    bins = bin_numbers(confidence, ECE_BINS)
    return cells, csr_array((gap, (rows, bins)), (n, ECE_BINS))


def _draw_counts(rng, n: int, size: int) -> np.ndarray:
    drawn = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
    return np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)


def _resampled_metrics(drawn, cells, gaps) -> dict[str, np.ndarray]:
    """Return each metric per resample, from how often each image was drawn (R, N)."""
    k = int(np.sqrt(cells.shape[1]))
    n = drawn.shape[1]
    confusion = (drawn @ cells).reshape(-1, k, k)
    right = np.diagonal(confusion, axis1=1, axis2=2)  # (R, K)
    support, guesses = confusion.sum(2), confusion.sum(1)
    recall = np.divide(right, support, out=np.zeros_like(right), where=support > 0)
    both = support + guesses
    f1 = np.divide(2 * right, both, out=np.zeros_like(right), where=both > 0)
    return {
        "accuracy": right.sum(1) / n,
        "balanced_accuracy": recall.sum(1) / (support > 0).sum(1),
        "macro_f1": f1.sum(1) / (both > 0).sum(1),
        "ece": np.abs(drawn @ gaps).sum(1) / n,
    }


def _without(duplicated, probs, labels, n_bootstrap, seed) -> dict | None:
    if duplicated is None:
        return None
    duplicated = np.asarray(duplicated)
    if duplicated.dtype != bool or duplicated.shape != labels.shape:
        raise ParameterError(
            f"duplicated: expected a boolean mask of shape {labels.shape}, received "
            f"{duplicated.dtype} {duplicated.shape}."
        )
    right = (probs.argmax(1) == labels)[~duplicated]
    if not len(right):
        return {"accuracy": None, "interval": None, "n": 0}
    accuracy, interval = float(right.mean()), None
    if n_bootstrap:
        # The number of right answers in a resample is binomial: no images to draw.
        draws = np.random.default_rng(seed).binomial(len(right), accuracy, n_bootstrap)
        ends = np.percentile(draws / len(right), _INTERVAL)
        interval = tuple(float(end) for end in ends)
    return {"accuracy": accuracy, "interval": interval, "n": len(right)}


def _plain(without_duplicates: dict | None) -> dict | None:
    if without_duplicates is None:
        return None
    interval = without_duplicates["interval"]
    return without_duplicates | {"interval": interval and list(interval)}


def _without_duplicates_from_dict(record: Mapping) -> dict | None:
    found = record["without_duplicates"]
    if not found or not found["interval"]:
        return found
    return dict(found) | {"interval": tuple(found["interval"])}


def _calibration_to_dict(calibration: Reliability) -> dict:
    """JSON has no NaN: an empty bin is null."""
    return {
        "confidence": [
            None if np.isnan(x) else float(x) for x in calibration.confidence
        ],
        "accuracy": [None if np.isnan(x) else float(x) for x in calibration.accuracy],
        "count": calibration.count.tolist(),
        "ece": calibration.ece,
    }


def _calibration_from_dict(record: Mapping, notice: str) -> Reliability:
    confidence, accuracy = (
        np.array(record[name], np.float64) for name in ("confidence", "accuracy")
    )
    return Reliability(
        confidence, accuracy, np.array(record["count"]), record["ece"], notice
    )
