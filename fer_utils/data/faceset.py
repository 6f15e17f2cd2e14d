"""`FaceSet`: the one object that holds faces, their labels and their split."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data.image_files import ImageFiles, rows_of
from fer_utils.errors import DataError, ParameterError, did_you_mean

__all__ = ["SPLITS", "FaceSet"]

SPLITS = ("train", "val", "test")
PROTOCOLS = ("official", "pooled", "subjects")

_POOLED_SUBJECTS = (
    "{}: a pooled split puts images of one person in train and in test, which makes "
    "the test far too easy (see evaluation.leakage_demo). resplit('subjects') does not."
)


@dataclass(frozen=True, eq=False)
class FaceSet:
    """Faces with labels and a split; methods return a new set and change nothing.

    Attributes:
        pixels: uint8 (N, H, W) grey or (N, H, W, 3) RGB, in [0, 255]; may be
            memory-mapped, or `ImageFiles`, which are read from disk when indexed.
        labels: int64 (N,), positions in `classes`.
        split: str (N,), each "train", "val" or "test".
        classes: canonical class names in label order.
        name: the data set's short name, for example "fer2013".
        source: where the pixels came from, for a person to read.
        rows: int64 (N,), the image's row in its source: an identity that survives
            `subset`, `sample` and `resplit`.
        votes: optional float32 (N, num_classes), annotator votes per class.
        targets: optional float32 (N, num_classes), what a model is trained towards: a
            distribution over the classes, every row sums to one; None means all mass on
            the label.
        facts: further columns of length N by name, for example the true labels and the
            occlusions of synthetic faces.
        notice: a sentence that every figure and table made from this set must carry; ""
            for real data.

    Raises:
        DataError: the arrays do not fit together.
    """

    pixels: np.ndarray | ImageFiles
    labels: np.ndarray
    split: np.ndarray
    classes: tuple[str, ...]
    name: str = "faces"
    source: str = ""
    rows: np.ndarray | None = None
    votes: np.ndarray | None = None
    facts: Mapping[str, np.ndarray] = field(default_factory=dict)
    notice: str = ""
    targets: np.ndarray | None = None

    def __post_init__(self):
        put = object.__setattr__  # the dataclass is frozen for everyone else
        put(self, "labels", np.asarray(self.labels, np.int64))
        put(self, "split", np.asarray(self.split, str))  # narrowed once checked
        put(self, "classes", tuple(fer_labels.canonical(c) for c in self.classes))
        if self.rows is None:
            put(self, "rows", np.arange(len(self.labels)))
        if self.targets is not None:
            put(self, "targets", np.asarray(self.targets, np.float32))
        self._check()
        self._check_targets()
        put(self, "split", self.split.astype("<U5"))

    def _check(self):
        n, shape = len(self.labels), self.pixels.shape
        grey_or_rgb = len(shape) == 3 or (len(shape) == 4 and shape[-1] == 3)
        if self.pixels.dtype != np.uint8 or not grey_or_rgb:
            raise DataError(
                f"{self.name}: pixels must be uint8 (N, H, W) or (N, H, W, 3), "
                "received "
                f"{self.pixels.dtype} {shape}. Keep pixels as read from disk: models "
                "rescale them themselves."
            )
        columns = {"split": self.split, "pixels": self.pixels, "rows": self.rows}
        if self.votes is not None:
            columns["votes"] = self.votes
        for column, values in {**columns, **self.facts}.items():
            if len(values) != n:
                raise DataError(
                    f"{self.name}: {column} has {len(values)} entries for {n} labels. "
                    "Every column of a FaceSet has one entry per image."
                )
        if n and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise DataError(
                f"{self.name}: labels must lie in [0, {len(self.classes) - 1}], "
                "received "
                f"{self.labels.min()} to {self.labels.max()}."
            )
        unknown = set(np.unique(self.split).tolist()) - set(SPLITS)
        if unknown:
            raise DataError(
                f"{self.name}: unknown split {sorted(unknown)}. Known: "
                f"{', '.join(SPLITS)}."
            )

    def _check_targets(self):
        if self.targets is None:
            return
        wanted, shape = (len(self), self.num_classes), self.targets.shape
        if shape != wanted:
            raise DataError(
                f"{self.name}: targets must be float32 (N, num_classes) = {wanted}, "
                f"received {shape}."
            )
        fits = np.isclose(self.targets.sum(axis=1), 1, atol=1e-4)  # NaN does not fit
        fits &= (self.targets >= 0).all(axis=1)
        if not fits.all():
            row = int(np.argmin(fits))
            raise DataError(
                f"{self.name}: every row of targets must be a distribution (at least "
                f"0, sum 1); {int((~fits).sum())} are not, the first is row {row}: "
                f"{self.targets[row].tolist()}."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        parts = ", ".join(f"{s} {int((self.split == s).sum()):,}" for s in SPLITS)
        size = "x".join(str(s) for s in self.pixels.shape[1:])
        return (
            f"FaceSet({self.name}: {len(self):,} faces {size}, "
            f"{len(self.classes)} classes, {parts})"
        )

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.classes)

    @property
    def train(self) -> FaceSet:
        """The training part."""
        return self.part("train")

    @property
    def val(self) -> FaceSet:
        """The validation part: every choice is made on it."""
        return self.part("val")

    @property
    def test(self) -> FaceSet:
        """The test part: looked at once."""
        return self.part("test")

    @cached_property
    def content_hash(self) -> str:
        """Hex SHA-256 (64 characters) over classes, labels, split, pixels, targets.

        Of pixels that stay on disk the names and file sizes stand for the pixels.
        """
        digest = hashlib.sha256(" ".join(self.classes).encode())
        for array in (self.labels, self.split, self.pixels, self.targets):
            if isinstance(array, ImageFiles):
                digest.update(array.fingerprint())
            elif array is not None:  # a set without targets keeps its older hash
                digest.update(np.ascontiguousarray(array).view(np.uint8).data)
        return digest.hexdigest()

    @cached_property
    def split_hash(self) -> str:
        """Hex SHA-256 over which source row is in which part."""
        digest = hashlib.sha256(np.ascontiguousarray(self.rows).view(np.uint8).data)
        digest.update(np.ascontiguousarray(self.split).view(np.uint8).data)
        return digest.hexdigest()

    def images(self) -> np.ndarray | ImageFiles:
        """Return the pixels with a channel axis: uint8 (N, H, W, 1) or (N, H, W, 3).

        What stays on disk is still unread.
        """
        if isinstance(self.pixels, ImageFiles):
            return self.pixels.with_channel_axis()
        return self.pixels if self.pixels.ndim == 4 else self.pixels[..., None]

    def part(self, split: str) -> FaceSet:
        """Return the images of one split.

        Raises:
            ParameterError: the split is not "train", "val" or "test".
        """
        if split not in SPLITS:
            raise ParameterError(
                f"unknown split {split!r}." + did_you_mean(split, SPLITS)
            )
        return self.take(np.flatnonzero(self.split == split))

    def take(self, index: np.ndarray) -> FaceSet:
        """Return the images at the given positions (integers or a boolean mask)."""
        index = np.asarray(index)
        if index.dtype == bool:
            index = np.flatnonzero(index)
        index = index.astype(np.int64)  # an empty list is float otherwise
        return replace(
            self,
            pixels=rows_of(self.pixels, index),
            labels=self.labels[index],
            split=self.split[index],
            rows=self.rows[index],
            votes=None if self.votes is None else self.votes[index],
            targets=None if self.targets is None else self.targets[index],
            facts={name: column[index] for name, column in self.facts.items()},
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many images each class has in each split.

        Returns:
            {"train": {"angry": 3995, …}, "val": {…}, "test": {…}}.
        """
        table = {}
        for split in SPLITS:
            found = np.bincount(
                self.labels[self.split == split], minlength=self.num_classes
            )
            table[split] = dict(zip(self.classes, found.tolist(), strict=True))
        return table

    def top_classes(self, k: int) -> tuple[str, ...]:
        """Return the k classes with most training images, in label order.

        Example, on FER2013: `top_classes(4)` is ("fear", "happy", "sad", "neutral").

        Raises:
            ParameterError: k is not in [2, num_classes].
        """
        if not 2 <= k <= self.num_classes:
            raise ParameterError(
                f"classes={k}: expected a number from 2 to {self.num_classes}, or "
                "names."
            )
        train = np.bincount(
            self.labels[self.split == "train"], minlength=self.num_classes
        )
        keep = np.sort(np.argsort(-train, kind="stable")[:k])
        return tuple(self.classes[i] for i in keep)

    def subset(self, classes: int | Sequence[str]) -> FaceSet:
        """Return only the images of some classes, relabelled 0, 1, ….

        Targets keep the mass of these classes, scaled to sum to one.

        Args:
            classes: how many of the most frequent training classes, or class names.

        Raises:
            ParameterError: fewer than two classes, or one this set does not have.
        """
        if isinstance(classes, int):
            classes = self.top_classes(classes)
        wanted = {fer_labels.canonical(c) for c in classes}
        missing = sorted(wanted - set(self.classes))
        if missing or len(wanted) < 2:
            raise ParameterError(
                f"classes={list(classes)}: expected at least two of {self.name}'s "
                "classes "
                f"({', '.join(self.classes)}); not among them: {missing or 'none'}."
            )
        return self.in_classes([c for c in self.classes if c in wanted])

    def in_classes(self, classes: Sequence[str]) -> FaceSet:
        """Return the images of some classes, numbered as another set or model does.

        Unlike in `subset` the order is the given one, and a class that this set does
        not have is allowed: it has no images. Images of other classes are left out.
        Targets keep the mass of these classes, scaled to sum to one; votes per class
        move along.

        Args:
            classes: names in label order, such as `model.class_names`.

        Raises:
            ParameterError: this set has none of these classes.

        Example:
            >>> from fer_utils import data
            >>> faces = data.load("synthetic", n=70)
            >>> faces.in_classes(["happy", "contempt", "angry"]).counts()["test"]
            {'happy': 1, 'contempt': 0, 'angry': 1}
        """
        wanted = tuple(fer_labels.canonical(c) for c in classes)
        if wanted == self.classes:
            return self
        places = fer_labels.mapping(self.classes, wanted)
        lookup = np.array([-1 if place is None else place for place in places])
        if (lookup < 0).all():
            raise ParameterError(
                f"classes={list(classes)}: {self.name} has none of them; it has "
                f"{', '.join(self.classes)}."
            )
        kept = self.take(lookup[self.labels] >= 0)
        labels, targets, votes = lookup[kept.labels], kept.targets, kept.votes
        if targets is not None:
            targets = _renormalised(_moved(targets, lookup, len(wanted)), labels)
        if votes is not None and votes.shape[1] == self.num_classes:
            votes = _moved(votes, lookup, len(wanted))
        facts = {
            name: np.where(column >= 0, lookup[column], -1)
            if name == "true_labels"
            else column
            for name, column in kept.facts.items()
        }
        return replace(
            kept,
            classes=wanted,
            labels=labels,
            targets=targets,
            votes=votes,
            facts=facts,
        )

    def require_classes(self, classes: Sequence[str] | None) -> None:
        """Refuse a model of other classes, or of the same ones in another order.

        Args:
            classes: `model.class_names`; None or empty is not checked.

        Raises:
            DataError: they are not this set's classes in this order.
        """
        if classes and tuple(classes) != self.classes:
            raise DataError(
                f"{self.name}: its classes are {', '.join(self.classes)}, the model's "
                f"{', '.join(classes)}: labels and answers would be numbered "
                "differently. Take faces.in_classes(model.class_names); or ask "
                "evaluation.cross_evaluate how the model does on other data; or build "
                "a model with classes=faces.classes."
            )

    def sample(self, n: int, seed: int = 0) -> FaceSet:
        """Return about n images, stratified by split and class, in original order.

        Every (split, class) cell that has an image keeps at least one; the total may
        therefore exceed a very small n.

        Args:
            n: how many images, at least 1; the whole set if n is not smaller than it.
            seed: int; the same seed draws the same images.
        """
        if n < 1:
            raise ParameterError(f"n={n}: expected at least 1 image.")
        if n >= len(self):
            return self
        rng = np.random.default_rng(seed)
        chosen = []
        for split in SPLITS:
            for label in range(self.num_classes):
                cell = np.flatnonzero((self.split == split) & (self.labels == label))
                if len(cell):
                    size = max(1, round(n * len(cell) / len(self)))
                    chosen.append(rng.choice(cell, size, replace=False))
        return self.take(np.sort(np.concatenate(chosen)))

    def resplit(self, protocol: str = "official", seed: int = 0) -> FaceSet:
        """Return the set under an evaluation protocol.

        Args:
            protocol: "official" keeps the split as loaded; "pooled" pools all images
                and draws 80 % train, 10 % val, 10 % test, stratified by class, as many
                published studies do: not comparable with official numbers, and far too
                good where a person is seen in several images; "subjects" draws about
                80/10/10 so that nobody is seen in two parts (the first of
                `data.subject_folds`).
            seed: int, for "pooled" and "subjects".

        Raises:
            ParameterError: unknown protocol.
            DataError: a class has too few images to be in all three parts, or the set
                does not say who is seen.
        """
        if protocol not in PROTOCOLS:
            raise ParameterError(
                f"unknown protocol {protocol!r}." + did_you_mean(protocol, PROTOCOLS)
            )
        if protocol == "official":
            return self
        if protocol == "subjects":
            from fer_utils.data.folds import subject_split, subjects_of

            who = subjects_of(self)
            split = subject_split(self.labels, who, seed, self.name)
            return replace(self, split=split)
        if "subject" in self.facts:
            warnings.warn(_POOLED_SUBJECTS.format(self.name), stacklevel=2)
        from sklearn.model_selection import train_test_split

        smallest = np.bincount(self.labels, minlength=self.num_classes).min()
        if smallest < 10:
            raise DataError(
                f"{self.name}: a pooled 80/10/10 split needs at least 10 images of "
                "every "
                f"class, received {smallest} of "
                f"{self.classes[int(np.bincount(self.labels).argmin())]!r}."
            )
        everyone = np.arange(len(self))
        train, rest = train_test_split(
            everyone, test_size=0.2, stratify=self.labels, random_state=seed
        )
        val, test = train_test_split(
            rest, test_size=0.5, stratify=self.labels[rest], random_state=seed
        )
        split = np.empty(len(self), "<U5")
        split[train], split[val], split[test] = SPLITS
        return replace(self, split=split)

    def loaded(self) -> FaceSet:
        """Return the set with its pixels in memory, however much that takes."""
        if isinstance(self.pixels, ImageFiles):
            return replace(self, pixels=self.pixels.load())
        return self

    def duplicates(self, near: bool = False):
        """Find groups of equal or nearly equal images; see `data.find_duplicates`."""
        from fer_utils.data.duplicates import find_duplicates

        return find_duplicates(self, near=near)

    def without_duplicates(self, near: bool = False) -> FaceSet:
        """Return the set without train and val images that stand in a later part too.

        An image found in several parts is kept in the latest (test before val before
        train), so that the test set stays complete and comparable.
        """
        return self.take(~self.duplicates(near=near).leaked())


def _moved(columns: np.ndarray, lookup: np.ndarray, count: int) -> np.ndarray:
    """Return columns (N, K) at their new places among `count`; -1 leaves one out."""
    moved = np.zeros((len(columns), count), columns.dtype)
    moved[:, lookup[lookup >= 0]] = columns[:, lookup >= 0]
    return moved


def _renormalised(mass: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Scale rows to sum one; a row without mass goes wholly to its label."""
    mass = np.array(mass, np.float32)
    empty = np.flatnonzero(mass.sum(axis=1) <= 0)
    mass[empty, labels[empty]] = 1
    return mass / mass.sum(axis=1, keepdims=True)
