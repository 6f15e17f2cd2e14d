"""Keras callbacks of `fit`: epoch state on disk, the best weights, NaN, one clean
line."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

from fer_utils.backend import keras
from fer_utils.errors import TrainingError
from fer_utils.files import write_json

__all__ = ["BestWeights", "EpochLine", "EpochState", "StopOnNaN", "is_interactive"]


def is_interactive() -> bool:
    """Return whether a person watches: a terminal, or a notebook opened in Jupyter.

    A kernel that papermill started has neither a terminal nor Jupyter's session name.
    """
    import sys

    return sys.stdout.isatty() or "JPY_SESSION_NAME" in os.environ


class StopOnNaN(keras.callbacks.Callback):
    """Raise TrainingError soon after the loss stops being a number."""

    EVERY = 50  # batches; each look waits for the device

    def on_train_batch_end(self, batch, logs=None):
        if batch % self.EVERY == 0:
            self._look(logs, f"batch {batch + 1}")

    def on_epoch_end(self, epoch, logs=None):
        self._look(logs, f"epoch {epoch + 1}")

    def _look(self, logs, where):
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            rate = float(self.model.optimizer.learning_rate)
            raise TrainingError(
                f"the loss became {loss} at {where} with learning_rate {rate:g}. Lower "
                "learning_rate (training.find_learning_rate suggests one), or warm up "
                "with schedule='cosine'. The last finished epoch is kept."
            )


class BestWeights(keras.callbacks.Callback):
    """Keep the weights of the epoch with the highest validation accuracy.

    Stands before SwapEMAWeights in the list: when validation ends the averaged weights,
    the ones just evaluated, are still in the model.
    """

    def __init__(self, network, folder: Path, epoch: int | None, value: float):
        super().__init__()
        self.network, self.folder = network, folder
        self.epoch, self.value = epoch, value
        self._current = 0

    @property
    def path(self) -> Path:
        return self.folder / f"best-{self.epoch:04d}.weights.h5"

    def on_epoch_begin(self, epoch, logs=None):
        self._current = epoch

    def on_test_end(self, logs=None):
        value = float(logs["accuracy"])
        if value > self.value:
            self.value, self.epoch = value, self._current
            self.network.save_weights(self.path)


class EpochState(keras.callbacks.Callback):
    """Write everything needed to go on after a kill, once per epoch, atomically.

    `state.json` is replaced in one step and names the weight files it belongs to; files
    of other epochs are removed only afterwards.
    """

    FILE = "state.json"

    def __init__(
        self, folder: Path, best: BestWeights | None, history: list[dict], key
    ):
        super().__init__()
        self.folder, self.best, self.history, self.key = folder, best, history, key
        self._began = 0.0
        self.weights = ""

    def on_epoch_begin(self, epoch, logs=None):
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        row = {name: float(value) for name, value in (logs or {}).items()}
        row["epoch"] = epoch + 1
        row["learning_rate"] = float(self.model.optimizer.learning_rate)
        row["seconds"] = round(time.perf_counter() - self._began, 3)
        self.history.append(row)
        weights = self.folder / f"epoch-{epoch:04d}.weights.h5"
        self.model.save_weights(weights)
        self.weights = weights.name
        keep = {weights.name}
        state = {
            "key": self.key,
            "history": self.history,
            "weights": weights.name,
            # Early stopping stands before this callback in the list.
            "stopped": bool(self.model.stop_training),
        }
        if self.best is not None and self.best.epoch is not None:
            state |= {"best_epoch": self.best.epoch, "best_value": self.best.value}
            keep.add(self.best.path.name)
        write_json(self.folder / self.FILE, state)
        for old in self.folder.glob("*.weights.h5"):
            if old.name not in keep:
                old.unlink()


class EpochLine(keras.callbacks.Callback):
    """Print one line per epoch, with the time left if all epochs are run."""

    def __init__(self, first_epoch: int, epochs: int):
        super().__init__()
        self.first, self.epochs = first_epoch, epochs

    def on_train_begin(self, logs=None):
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        done = epoch + 1 - self.first
        left = (time.perf_counter() - self._began) / done * (self.epochs - epoch - 1)
        wanted = ("loss", "accuracy", "val_loss", "val_accuracy")
        values = "".join(
            f"{name.replace('accuracy', 'acc')} {logs[name]:.3f}  "
            for name in wanted
            if name in logs
        )
        rate = float(self.model.optimizer.learning_rate)
        time_left = f"  <= {left / 60:.1f} min left" if left else ""
        print(
            f"epoch {epoch + 1}/{self.epochs}  {values}lr {rate:.1e}{time_left}",
            flush=True,
        )
