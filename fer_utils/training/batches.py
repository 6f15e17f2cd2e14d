"""Training batches: uint8 pixels until they are inside the model."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from fer_utils.backend import keras
from fer_utils.data.faceset import FaceSet
from fer_utils.data.image_files import ImageFiles
from fer_utils.training.config import TrainConfig
from fer_utils.training.devices import device_count

__all__ = [
    "Batches",
    "class_weights",
    "one_hot",
    "training_batches",
    "training_targets",
    "training_weights",
    "validation_batches",
]

VALIDATION_BATCH = 256
# Batches of image files that are read while one is trained on.
_AHEAD = 4


def one_hot(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Return float32 targets (N, num_classes) of integer labels (N,)."""
    return np.eye(num_classes, dtype=np.float32)[labels]


def class_weights(labels: np.ndarray, num_classes: int) -> dict[int, float]:
    """Return scikit-learn's "balanced" weights, n / (num_classes * count), per class.

    A class without images gets weight 0.

    Example:
        >>> class_weights(np.array([0, 0, 0, 1]), 2)
        {0: 0.6666666666666666, 1: 2.0}
    """
    return _balanced(np.bincount(labels, minlength=num_classes), len(labels))


def _balanced(counts: np.ndarray, n: int) -> dict[int, float]:
    seen = np.where(counts > 0, counts, 1)
    weights = n / (len(counts) * seen) * (counts > 0)
    return dict(enumerate(weights.tolist()))


def training_targets(train: FaceSet) -> np.ndarray:
    """Return float32 (N, num_classes): the set's distributions, else its labels."""
    if train.targets is not None:
        return train.targets
    return one_hot(train.labels, train.num_classes)


def training_weights(train: FaceSet, config: TrainConfig) -> dict[int, float] | None:
    """Return the weight of each class; None unless the config asks for weights.

    Keras weighs an image as the class that its target gives most to; so the classes are
    counted by that, or, for drawn labels, by how often each is expected.
    """
    if not config.class_weights:
        return None
    targets = training_targets(train)
    if config.draw_targets:
        return _balanced(targets.sum(0, dtype=np.float64), len(train))
    return class_weights(targets.argmax(1), train.num_classes)


def training_batches(train: FaceSet, config: TrainConfig, epoch: int = 0) -> Batches:
    """Return the batches of a training, from one epoch on."""
    return Batches(
        train.images(),
        training_targets(train),
        config.batch_size,
        config.seed,
        epoch,
        config.mixup_alpha,
        draws=config.draw_targets,
        balanced=config.sampling == "balanced",
    )


def validation_batches(val: FaceSet):
    """Return what `keras.Model.fit` takes as validation data: None without images.

    The targets are the labels, whatever the training's targets are: so the validation
    values of trainings on labels, distributions and drawn labels can be compared.
    """
    if not len(val):
        return None
    pixels, targets = val.images(), one_hot(val.labels, val.num_classes)
    if isinstance(pixels, ImageFiles) or device_count() > 1:
        return Batches(pixels, targets, VALIDATION_BATCH, shuffled=False)
    return pixels, targets


class Batches(keras.utils.PyDataset):
    """Batches of (pixels uint8 (B, H, W, C), targets float32 (B, num_classes)).

    The order depends on (seed, epoch) alone, so that a resumed training sees what an
    uninterrupted one would have seen. Where several devices share each batch, the last
    images of the order that they cannot share evenly are left out: fewer than there are
    devices, and other ones in every epoch where it is shuffled.

    Args:
        pixels: uint8 (N, H, W, C), or ImageFiles, which threads read ahead.
        targets: float32 (N, num_classes), rows sum to one.
        batch_size: images per batch; the last batch may be smaller.
        seed: int.
        epoch: int, the epoch to start with.
        mixup_alpha: Beta parameter of mixup; 0 is none. Targets of any kind are mixed
            as the images are.
        draws: give one label per image, drawn anew in each epoch with the probabilities
            of its target, as one-hot.
        balanced: show each class equally often; an image's class is what its target
            (the drawn one, if there is one) gives most to.
        shuffled: False keeps the order of the images.

    Attributes:
        problem: the error that ended the reading of an image, or None. Backends wrap
            errors of their reading threads in others.
    """

    def __init__(
        self,
        pixels,
        targets,
        batch_size,
        seed=0,
        epoch=0,
        mixup_alpha=0.0,
        *,
        draws=False,
        balanced=False,
        shuffled=True,
    ):
        super().__init__()
        self.pixels, self.targets = pixels, targets
        self.batch_size, self.seed = batch_size, seed
        self.mixup_alpha, self.shuffled = mixup_alpha, shuffled
        self.draws, self.balanced = draws, balanced
        self.devices = device_count()
        self.problem: Exception | None = None
        self._start(epoch)

    def __len__(self) -> int:
        return -(-len(self._order) // self.batch_size)

    def __getitem__(self, number: int):
        try:
            pixels = self._read(number)
        except Exception as error:
            self.problem = self.problem or error
            raise
        targets = self._targets[self._chosen(number)]
        return self._mix(pixels, targets) if self.mixup_alpha else (pixels, targets)

    def on_epoch_end(self):
        self._start(self.epoch + 1)

    def _chosen(self, number: int) -> np.ndarray:
        begin = number * self.batch_size
        return np.sort(self._order[begin : begin + self.batch_size])

    def _pixels(self, number: int) -> np.ndarray:
        return self.pixels[self._chosen(number)]

    def _start(self, epoch: int):
        self.epoch = epoch
        rng = np.random.default_rng((self.seed, epoch))
        self._order = np.arange(len(self.targets))
        if self.shuffled:
            self._order = rng.permutation(len(self.targets))
        if self.mixup_alpha:
            seed = int(rng.integers(2**31))
            self._mixup = keras.layers.MixUp(alpha=self.mixup_alpha, seed=seed)
        # Streams of their own: with the defaults above nothing changes.
        self._targets = self.targets
        if self.draws:
            drawn = drawn_labels(self.targets, self.seed, epoch)
            self._targets = one_hot(drawn, self.targets.shape[1])
        if self.balanced:
            rng = np.random.default_rng((self.seed, epoch, 2))
            self._order = balanced_order(self._targets.argmax(1), rng)
        shared = len(self._order) - len(self._order) % self.devices
        self._order = self._order[:shared]
        self._read = self._pixels
        if isinstance(self.pixels, ImageFiles):
            self._read = _ReadAhead(self._pixels, len(self))

    def _mix(self, pixels, targets):
        both = {"images": pixels.astype(np.float32), "labels": targets}
        mixed = self._mixup(both, training=True)
        images = keras.ops.convert_to_numpy(mixed["images"])
        labels = keras.ops.convert_to_numpy(mixed["labels"])
        return np.rint(images).astype(np.uint8), labels


class _ReadAhead:
    """Call a function of 0, 1, … some numbers before they are asked for.

    Keras' own workers keep what they have read ahead when an epoch is begun anew, as
    the JAX trainer begins its first, and give those batches to the next one.
    """

    def __init__(self, read, count: int):
        self.read, self.count = read, count
        self.waiting: dict[int, Future] = {}

    def __call__(self, number: int):
        wanted = self.waiting.pop(number, None) or _readers().submit(self.read, number)
        for later in range(number + 1, min(number + 1 + _AHEAD, self.count)):
            if later not in self.waiting:
                self.waiting[later] = _readers().submit(self.read, later)
        return wanted.result()


@lru_cache(maxsize=1)
def _readers() -> ThreadPoolExecutor:
    # Two: while one waits for the slowest image of its batch, the other goes on.
    return ThreadPoolExecutor(2, "fer-batches")


def drawn_labels(targets: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Draw one label per image; the same (seed, epoch) draws the same.

    Args:
        targets: float (N, num_classes), rows sum to one.
        seed: int.
        epoch: int.

    Returns:
        int64 (N,).

    Example:
        >>> drawn_labels(np.array([[0.0, 1.0], [1.0, 0.0]]), seed=0, epoch=5)
        array([1, 0])
    """
    steps = np.cumsum(targets, axis=1, dtype=np.float64)
    heights = np.random.default_rng((seed, epoch, 1)).random(len(targets))
    # The last step is not 1 to the last digit, and the heights keep below it.
    return (heights[:, None] * steps[:, -1:] >= steps[:, :-1]).sum(1)


def balanced_order(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return N positions, in random order, that show each class equally often.

    Every image of a class is shown before one is shown again. Where N is no multiple of
    the number of classes, random classes are shown once more.

    Args:
        labels: int (N,).
        rng: draws the order.

    Returns:
        int64 (N,).

    Example:
        >>> order = balanced_order(np.array([0, 0, 0, 1]), np.random.default_rng(0))
        >>> int((order == 3).sum())
        2
    """
    present = rng.permutation(np.unique(labels))
    shares = np.full(len(present), len(labels) // max(1, len(present)))
    shares[: len(labels) - shares.sum()] += 1
    chosen = [
        _repeated(np.flatnonzero(labels == label), share, rng)
        for label, share in zip(present, shares, strict=True)
    ]
    return rng.permutation(np.concatenate(chosen))


def _repeated(positions: np.ndarray, count: int, rng) -> np.ndarray:
    rounds = -(-count // len(positions))
    passes = [rng.permutation(positions) for _ in range(rounds)]
    return np.concatenate(passes or [positions])[:count]
