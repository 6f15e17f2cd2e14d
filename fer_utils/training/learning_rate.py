"""Find a learning rate: let it rise over one short run and watch the loss."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fer_utils.backend import keras
from fer_utils.data.faceset import FaceSet
from fer_utils.errors import DataError, ParameterError, TrainingError
from fer_utils.training.batches import training_batches
from fer_utils.training.config import TrainConfig
from fer_utils.training.fitting import compiled_trainee
from fer_utils.training.recipes import augmentation

__all__ = ["LearningRateCurve", "find_learning_rate"]

_SMOOTHING = 0.9  # of the running mean over batch losses
_DIVERGED = 4.0  # times the best loss so far: nothing more is to be learnt


@dataclass(frozen=True)
class LearningRateCurve:
    """Loss against a rising learning rate.

    Attributes:
        learning_rates: float (S,), rising by a constant factor.
        losses: float (S,), smoothed training loss after the step with that rate.
        suggestion: the rate where the loss falls most steeply.
        notice: of the data.
    """

    learning_rates: np.ndarray
    losses: np.ndarray
    suggestion: float
    notice: str = ""

    def plot(self, ax=None):
        """Draw the curve and the suggestion; returns the Axes."""
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
        ax.plot(self.learning_rates, self.losses, color="#0072B2")
        ax.axvline(self.suggestion, color="#D55E00", linestyle="--")
        ax.annotate(
            f" {self.suggestion:.1e}",
            (self.suggestion, self.losses.max()),
            color="#D55E00",
            va="top",
        )
        ax.set_xscale("log")
        ax.set_xlabel("learning rate per step (log scale)")
        ax.set_ylabel("training loss (smoothed)")
        title = "Loss falls fastest at the dashed learning rate"
        ax.set_title(f"{title}\n{self.notice}" if self.notice else title)
        return ax

    def alt_text(self) -> str:
        """Return a sentence that describes the figure."""
        return (
            f"Training loss from {self.losses[0]:.2f} over learning rates "
            f"{self.learning_rates[0]:.0e} to {self.learning_rates[-1]:.0e}; it falls "
            f"fastest at {self.suggestion:.1e}."
        )


def find_learning_rate(
    model: keras.Model,
    faces: FaceSet,
    config: TrainConfig | None = None,
    *,
    lowest: float = 1e-6,
    highest: float = 1.0,
    steps: int = 100,
) -> LearningRateCurve:
    """Raise the learning rate from step to step; suggest where the loss falls fastest.

    The learning-rate range test of Smith 2017 (arXiv:1506.01186). The model's weights
    are put back afterwards.

    Args:
        model: uint8 (B, H, W, C) -> logits (B, num_classes).
        faces: FaceSet with training images.
        config: TrainConfig whose optimizer, batch size and augmentation are used.
        lowest: first learning rate, above 0.
        highest: last learning rate, above `lowest`.
        steps: batches, at least 10; stops earlier when the loss has diverged.

    Returns:
        LearningRateCurve.

    Raises:
        ParameterError: the range or number of steps makes no sense.
        DataError: no training images.
        TrainingError: the loss is not a number at the lowest rate already.
    """
    if not 0 < lowest < highest or steps < 10:
        raise ParameterError(
            f"lowest={lowest}, highest={highest}, steps={steps}: expected "
            "0 < lowest < highest and at least 10 steps."
        )
    train = faces.train
    if not len(train):
        raise DataError(f"{faces.name}: no training images to try rates on.")
    config = replace(config or TrainConfig(), schedule="constant")
    before = model.get_weights()
    keras.utils.set_random_seed(config.seed)
    augment = augmentation(config.augment, model.input_shape[1:], config.seed)
    trainee = compiled_trainee(model, augment, config, lowest)
    rates = np.geomspace(lowest, highest, steps)
    try:
        losses = _rising(trainee, train, config, rates)
    finally:
        model.set_weights(before)
    if not len(losses):
        raise TrainingError(
            f"the loss is not a number at learning rate {lowest:g} already. Lower "
            "`lowest`, or look at the model: its weights may be broken."
        )
    rates = rates[: len(losses)]
    return LearningRateCurve(rates, losses, _steepest(rates, losses), faces.notice)


def _rising(trainee, train, config: TrainConfig, rates) -> np.ndarray:
    batches = training_batches(train, replace(config, mixup_alpha=0.0))
    losses, mean = [], 0.0
    for step, rate in enumerate(rates):
        if step and step % len(batches) == 0:
            batches.on_epoch_end()
        trainee.optimizer.learning_rate = float(rate)
        pixels, wanted = batches[step % len(batches)]
        trainee.reset_metrics()
        loss = float(trainee.train_on_batch(pixels, wanted)[0])
        if not np.isfinite(loss):
            break
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        losses.append(mean / (1 - _SMOOTHING ** (step + 1)))  # bias-corrected
        if losses[-1] > _DIVERGED * min(losses):
            break
    return np.array(losses)


def _steepest(rates: np.ndarray, losses: np.ndarray) -> float:
    """Return the rate of the steepest lasting descent before the loss is lowest.

    The slope is a straight line's over a sixth of the range, and the first tenth is
    left
    out: there the rate is too small to teach, and losses differ by the batch alone.
    """
    window = max(2, len(losses) // 6)
    begin, end = len(losses) // 10, max(2, int(losses.argmin()) + 1)
    logs, best = np.log(rates), (0.0, float(rates[max(0, end // 2)]))
    for start in range(begin, end - window + 1):
        part = slice(start, start + window)
        slope = np.polyfit(logs[part], losses[part], 1)[0]
        best = min(best, (slope, float(rates[start + window // 2])))
    return best[1]
