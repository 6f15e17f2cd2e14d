"""Training batches: uint8 pixels until they are inside the model."""

from __future__ import annotations

import numpy as np

from fer_utils.backend import keras

__all__ = ["Batches", "class_weights", "one_hot"]


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
    counts = np.bincount(labels, minlength=num_classes)
    weights = len(labels) / (num_classes * np.maximum(counts, 1)) * (counts > 0)
    return dict(enumerate(weights.tolist()))


class Batches(keras.utils.PyDataset):
    """Batches of (pixels uint8 (B, H, W, C), targets float32 (B, num_classes)).

    The order depends on (seed, epoch) alone, so that a resumed training sees what an
    uninterrupted one would have seen.

    Args:
        pixels: uint8 (N, H, W, C).
        targets: float32 (N, num_classes).
        batch_size: images per batch; the last batch may be smaller.
        seed: int.
        epoch: int, the epoch to start with.
        mixup_alpha: Beta parameter of mixup; 0 is none.
    """

    def __init__(self, pixels, targets, batch_size, seed=0, epoch=0, mixup_alpha=0.0):
        super().__init__()
        self.pixels, self.targets = pixels, targets
        self.batch_size, self.seed = batch_size, seed
        self.mixup_alpha = mixup_alpha
        self._start(epoch)

    def __len__(self) -> int:
        return -(-len(self.targets) // self.batch_size)

    def __getitem__(self, number: int):
        begin = number * self.batch_size
        chosen = np.sort(self._order[begin : begin + self.batch_size])
        pixels, targets = self.pixels[chosen], self.targets[chosen]
        return self._mix(pixels, targets) if self.mixup_alpha else (pixels, targets)

    def on_epoch_end(self):
        self._start(self.epoch + 1)

    def _start(self, epoch: int):
        self.epoch = epoch
        rng = np.random.default_rng((self.seed, epoch))
        self._order = rng.permutation(len(self.targets))
        if self.mixup_alpha:
            seed = int(rng.integers(2**31))
            self._mixup = keras.layers.MixUp(alpha=self.mixup_alpha, seed=seed)

    def _mix(self, pixels, targets):
        both = {"images": pixels.astype(np.float32), "labels": targets}
        mixed = self._mixup(both, training=True)
        images = keras.ops.convert_to_numpy(mixed["images"])
        labels = keras.ops.convert_to_numpy(mixed["labels"])
        return np.rint(images).astype(np.uint8), labels
