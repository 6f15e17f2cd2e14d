"""The trap of a random split where a person is seen in several images."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from fer_utils.errors import DataError

__all__ = ["LeakageDemo", "leakage_demo"]


@dataclass(frozen=True)
class LeakageDemo:
    """What a method without any understanding scores under two kinds of split.

    Attributes:
        by_image: accuracy under a random split of the images.
        by_subject: accuracy when no person is in train and in test.
        majority: what always guessing the most frequent class would score.
        same_subject: in the random split, the share of images whose nearest neighbour
            in train shows the same person.
        n: how many images.
        subjects: of how many persons.
        data_name: the data set.
        notice: a sentence that every figure and table must carry.
    """

    by_image: float
    by_subject: float
    majority: float
    same_subject: float
    n: int
    subjects: int
    data_name: str
    notice: str = ""

    def summary(self) -> str:
        """Say in one line what happened."""
        return (
            f"one nearest neighbour on the raw pixels of {self.data_name} "
            f"({self.n:,} images of {self.subjects:,} subjects): "
            f"{self.by_image:.1%} when images are split at random (the neighbour shows "
            f"the same person in {self.same_subject:.1%}), {self.by_subject:.1%} when "
            f"subjects are split; always the commonest class scores {self.majority:.1%}"
        )

    def to_dict(self) -> dict:
        """Return everything as JSON-ready plain Python."""
        return dict(self.__dict__)

    def plot(self, ax=None):
        """Draw both accuracies and return the Axes."""
        from fer_utils.evaluation.transfer_plot import draw_leakage

        return draw_leakage(self, ax)

    def alt_text(self) -> str:
        """Describe the figure in words."""
        return f"Two bars of accuracy: {self.summary()}."


def leakage_demo(faces, *, k: int = 10, seed: int = 0) -> LeakageDemo:
    """Show what a split by image hides: score one nearest neighbour under both splits.

    The raw pixels are compared, nothing is learned. Each image is tested once, by
    cross-validation. The set's own split is ignored.

    Args:
        faces: FaceSet whose images say who is seen (CK+, drawn faces).
        k: how many folds, at least 3 and at most the number of subjects.
        seed: int, of both splits.

    Returns:
        LeakageDemo.

    Raises:
        DataError: the set does not say who is seen, or no class has k images.
        ParameterError: k is out of range.

    Example:
        >>> from fer_utils import data
        >>> demo = leakage_demo(data.load("synthetic", n=200))
        >>> demo.n, demo.subjects < demo.n
        (200, True)
    """
    from sklearn.model_selection import StratifiedKFold

    from fer_utils.data.folds import fold_numbers, subjects_of

    people, labels = subjects_of(faces), faces.labels
    by_subject = fold_numbers(labels, people, k, seed, faces.name)
    if np.bincount(labels).max() < k:
        raise DataError(f"{faces.name}: no class has {k} images. Ask for fewer folds.")
    by_image = np.empty(len(labels), np.int64)
    splitter = StratifiedKFold(k, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # a class with fewer than k images is no harm
        warnings.filterwarnings("ignore", "The least populated class")
        for part, (_, inside) in enumerate(splitter.split(labels, labels)):
            by_image[inside] = part
    nearest = _nearest(faces.pixels, by_image)
    neighbour = _nearest(faces.pixels, by_subject)
    return LeakageDemo(
        by_image=float((labels[nearest] == labels).mean()),
        by_subject=float((labels[neighbour] == labels).mean()),
        majority=float(np.bincount(labels).max() / len(labels)),
        same_subject=float((people[nearest] == people).mean()),
        n=len(labels),
        subjects=len(np.unique(people)),
        data_name=faces.name,
        notice=faces.notice,
    )


def _nearest(pixels: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Return each image's nearest image of the other parts, int64 (N,)."""
    from sklearn.neighbors import NearestNeighbors

    flat = np.asarray(pixels, np.float32).reshape(len(pixels), -1)  # (N, pixels)
    nearest = np.empty(len(flat), np.int64)
    for part in np.unique(parts):
        inside, others = parts == part, np.flatnonzero(parts != part)
        search = NearestNeighbors(n_neighbors=1).fit(flat[others])
        found = search.kneighbors(flat[inside], return_distance=False)
        nearest[inside] = others[found[:, 0]]
    return nearest
