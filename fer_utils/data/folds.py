"""Split by subject: no person's face is both learned from and tested on."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from fer_utils.data.faceset import FaceSet
from fer_utils.errors import DataError, ParameterError

__all__ = [
    "fold_numbers",
    "subject_folds",
    "subject_split",
    "subject_split_or_test",
    "subjects_of",
]


def subjects_of(faces: FaceSet) -> np.ndarray:
    """Return who is seen in each image.

    Args:
        faces: FaceSet with the fact "subject" (CK+) or "identity" (drawn faces).

    Returns:
        (N,), str or int.

    Raises:
        DataError: the set does not say who is seen.
    """
    for name in ("subject", "identity"):
        if name in faces.facts:
            return np.asarray(faces.facts[name])
    raise DataError(
        f"{faces.name} does not say who is seen in an image: it has no "
        "facts['subject']. Sets that do: ck48, ckplus, synthetic."
    )


def subject_folds(faces: FaceSet, k: int = 10, seed: int = 0) -> tuple[FaceSet, ...]:
    """Return the set k times, split by subject, each image in test exactly once.

    Fold i is tested on part i of k, chooses on part i + 1 and trains on the others;
    scikit-learn's StratifiedGroupKFold keeps the parts alike in their classes. The old
    split is ignored, the pixels are shared.

    Args:
        faces: FaceSet with the fact "subject" or "identity".
        k: how many folds, at least 3 and at most the number of subjects.
        seed: int; the same seed gives the same folds.

    Returns:
        k FaceSets.

    Raises:
        ParameterError: k is out of range.
        DataError: the set does not say who is seen, or cannot be cut in k parts.

    Example:
        >>> from fer_utils import data
        >>> folds = subject_folds(data.load("synthetic", n=200), k=5)
        >>> len(folds), sum(len(fold.test) for fold in folds)
        (5, 200)
    """
    folds = fold_numbers(faces.labels, subjects_of(faces), k, seed, faces.name)
    return tuple(replace(faces, split=_split_names(folds, i, k)) for i in range(k))


def subject_split(
    labels: np.ndarray, subjects: np.ndarray, seed: int = 0, name: str = "faces"
) -> np.ndarray:
    """Return the split of the first of ten folds, or of as many as there can be.

    Args:
        labels: int (N,).
        subjects: (N,), who is seen.
        seed: int.
        name: the data set's, for messages.

    Returns:
        str (N,), about 80 % train, 10 % val, 10 % test.

    Raises:
        ParameterError: fewer than three subjects, or no class with three images.
        DataError: the images are too few to cut.
    """
    largest = np.bincount(labels).max() if len(labels) else 0
    k = int(min(10, len(np.unique(subjects)), largest))
    return _split_names(fold_numbers(labels, subjects, k, seed, name), 0, k)


def subject_split_or_test(
    labels: np.ndarray, subjects: np.ndarray, seed: int = 0
) -> np.ndarray:
    """Return `subject_split`, or "test" for all if the subjects are too few to split.

    Args:
        labels: int (N,).
        subjects: (N,), who is seen.
        seed: int.
    """
    try:
        return subject_split(labels, subjects, seed)
    except (DataError, ParameterError):
        return np.full(len(labels), "test", "<U5")


def fold_numbers(
    labels: np.ndarray, subjects: np.ndarray, k: int, seed: int, name: str = "faces"
) -> np.ndarray:
    """Return which of k parts each image is in, int64 (N,); a subject is in one part.

    Args:
        labels: int (N,), kept alike in all parts as far as subjects allow.
        subjects: (N,), who is seen.
        k: how many parts.
        seed: int.
        name: the data set's, for messages.

    Raises:
        ParameterError: k is out of range.
        DataError: the images are too few to cut.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    people = len(np.unique(subjects))
    if not 3 <= k <= people:
        raise ParameterError(
            f"folds={k}: expected 3 (train, val and test differ in their subjects) to "
            f"{people}, the number of {name}'s subjects, and no more than its largest "
            "class has images."
        )
    splitter = StratifiedGroupKFold(k, shuffle=True, random_state=seed)
    parts = np.full(len(labels), -1)
    try:
        with warnings.catch_warnings():  # a class with fewer than k images is no harm
            warnings.filterwarnings("ignore", "The least populated class")
            for part, (_, inside) in enumerate(
                splitter.split(labels, labels, subjects)
            ):
                parts[inside] = part
    except ValueError as error:
        raise DataError(f"{name} cannot be cut in {k} parts: {error}") from None
    if len(np.unique(parts)) < k:
        raise DataError(
            f"{name}: {len(labels)} images of {people} subjects leave one of {k} parts "
            "empty. Ask for fewer folds."
        )
    return parts


def _split_names(parts: np.ndarray, fold: int, k: int) -> np.ndarray:
    """Return the split of one fold, str (N,): part `fold` is test, the next one val."""
    names = np.full(len(parts), "train", "<U5")
    names[parts == fold] = "test"
    names[parts == (fold + 1) % k] = "val"
    return names
