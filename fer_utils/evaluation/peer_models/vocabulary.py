"""From a peer's label order to ours, and a check that the order is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.errors import ParameterError

__all__ = ["label_order", "to_vocabulary"]


def to_vocabulary(probs, source: Sequence[str], target: Sequence[str]) -> np.ndarray:
    """Reorder probabilities from one label order to another.

    Args:
        probs: float (N, K), columns in the order of `source`.
        source: class names, any alias.
        target: class names; one that `source` lacks gets probability 0.

    Returns:
        float32 (N, len(target)). Classes that `target` lacks are dropped and the rest
        is renormalised; a face for which nothing is left gets equal probabilities.

    Raises:
        ParameterError: no class in common.

    Example:
        >>> probs = np.array([[0.5, 0.2, 0.3]])
        >>> to_vocabulary(probs, ["contempt", "Joy", "sad"], ["sad", "happy"]).round(2)
        array([[0.6, 0.4]], dtype=float32)
    """
    places = fer_labels.mapping(tuple(source), tuple(target))
    kept = [i for i, place in enumerate(places) if place is not None]
    if not kept:
        raise ParameterError(
            f"no class of {', '.join(source)} is among {', '.join(target)}."
        )
    moved = np.zeros((len(probs), len(target)))
    moved[:, [places[i] for i in kept]] = np.asarray(probs, np.float64)[:, kept]
    total = moved.sum(1, keepdims=True)
    equal = np.full_like(moved, 1 / len(target))
    return np.divide(moved, total, out=equal, where=total > 0).astype(np.float32)


def label_order(probs, labels, classes: Sequence[str]) -> tuple[str, ...]:
    """Return the label order that fits the answers best: a check, not a correction.

    Args:
        probs: float (N, K), columns named by `classes`.
        labels: int (N,), positions in `classes`.
        classes: the label order that was used.

    Returns:
        What each column seems to mean; equal to `classes` when the order is right.
        Columns and classes are paired so that the sum of recalls is largest (Kuhn
        1955), which needs labelled images of every class.

    Example:
        >>> swapped = np.array([[0.1, 0.9], [0.8, 0.2]])
        >>> label_order(swapped, np.array([0, 1]), ("happy", "sad"))
        ('sad', 'happy')
    """
    from scipy.optimize import linear_sum_assignment

    k = len(classes)
    table = np.zeros((k, k))  # predicted column, true class
    np.add.at(table, (np.asarray(probs).argmax(1), np.asarray(labels)), 1)
    recall = table / np.maximum(table.sum(0), 1)
    columns, true = linear_sum_assignment(recall + 1e-9 * np.eye(k), maximize=True)
    return tuple(classes[t] for _, t in sorted(zip(columns, true, strict=True)))
