"""`fit`: train one model on one FaceSet, resumable after a kill."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_utils.backend import keras
from fer_utils.data.faceset import FaceSet
from fer_utils.errors import DataError, ParameterError, TrainingError
from fer_utils.models.weights import freeze, unfreeze
from fer_utils.training import callbacks as cb
from fer_utils.training.batches import (
    VALIDATION_BATCH,
    Batches,
    training_batches,
    training_weights,
    validation_batches,
)
from fer_utils.training.config import TrainConfig
from fer_utils.training.devices import require_built_here, require_shareable
from fer_utils.training.fused import with_fused_batch_norm
from fer_utils.training.recipes import augmentation

__all__ = ["Run", "fit"]


@dataclass(frozen=True)
class Run:
    """What one training produced.

    Attributes:
        model: the trained keras.Model (the best epoch on val, if there is a val split).
        history: per-epoch lists by name: loss, accuracy, val_loss, val_accuracy,
            learning_rate, seconds. Training values are measured with augmentation and
            dropout on, so they may lie below validation.
        config: the TrainConfig used.
        best_epoch: 1-based epoch whose weights the model holds.
        seconds: wall time of this call; a resumed run's epochs keep theirs in
            `history`.
        resumed_after: epochs that were already done when this call began.
    """

    model: keras.Model
    history: dict[str, list[float]]
    config: TrainConfig
    best_epoch: int
    seconds: float
    resumed_after: int = 0

    @property
    def epochs(self) -> int:
        """How many epochs were run in all."""
        return len(self.history["loss"])


@dataclass(frozen=True)
class _Phase:
    """Epochs [first, last) with one optimizer."""

    first: int
    last: int
    learning_rate: float
    backbone_trains: bool
    is_final: bool


def fit(
    model: keras.Model,
    faces: FaceSet,
    config: TrainConfig | None = None,
    *,
    checkpoint_dir: str | Path | None = None,
    checkpoint_key: str = "",
    progress: str = "auto",
) -> Run:
    """Train a model on `faces.train`, choosing the epoch on `faces.val`.

    The targets are `faces.targets` where the set has them, else its labels; validation
    is on labels always. Pixels that stay on disk (`ImageFiles`) are read batch by
    batch, ahead of the training. `faces.test` is not touched. With a `checkpoint_dir`,
    every finished epoch is on disk: the same call after a kill goes on with the next
    epoch and ends as an uninterrupted run would have. To use several devices, build the
    model and call this within `training.across_devices()`.

    Args:
        model: uint8 (B, H, W, C) -> logits (B, num_classes), as `models.build` returns
            it.
        faces: FaceSet with train images, and val images unless neither early stopping
            nor the plateau schedule is wanted.
        config: TrainConfig; None is the default.
        checkpoint_dir: folder for the epoch state; made if missing. None keeps nothing.
        checkpoint_key: any string; a state that was written under another is refused.
        progress: "auto" (a bar when a person watches, else one line per epoch), "bar",
            "line" or "none".

    Returns:
        Run with the trained model and its history.

    Raises:
        DataError: no training images, or they do not fit the model.
        ParameterError: the config asks for something the model or data does not have.
        TrainingError: the loss became NaN or infinite; or the state is of another
            training.

    Example:
        >>> from fer_utils import data, models
        >>> faces = data.load("synthetic", n=70)
        >>> run = fit(models.build("shallow_cnn"), faces, TrainConfig(epochs=1),
        ...           progress="none")
        >>> run.epochs
        1
    """
    config = config or TrainConfig()
    _check(model, faces, config, progress)
    keras.utils.set_random_seed(config.seed)
    began = time.perf_counter()
    temporary = None if checkpoint_dir else tempfile.mkdtemp(prefix="fer-fit-")
    folder = Path(checkpoint_dir or temporary)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        state = _read_state(folder, checkpoint_key)
        best_epoch = _run_phases(model, faces, config, folder, state, progress)
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
    return Run(
        model=model,
        history=_by_name(state["history"]),
        config=config,
        best_epoch=best_epoch,
        seconds=time.perf_counter() - began,
        resumed_after=state["resumed_after"],
    )


def _check(model, faces: FaceSet, config: TrainConfig, progress: str) -> None:
    counts = {s: int((faces.split == s).sum()) for s in ("train", "val")}
    if not counts["train"]:
        raise DataError(f"{faces.name}: no training images. Check `faces.counts()`.")
    if not counts["val"] and (
        config.early_stopping_patience or config.schedule == "plateau"
    ):
        raise DataError(
            f"{faces.name}: no val images, but early stopping or the plateau schedule "
            "watches val. Give the set a val split (resplit('pooled')), or set "
            "early_stopping_patience=0 and another schedule."
        )
    shape, outputs = model.input_shape[1:], model.output_shape[-1]
    if faces.images().shape[1:] != shape or faces.num_classes != outputs:
        raise DataError(
            f"{faces.name}: images {faces.images().shape[1:]} in {faces.num_classes} "
            f"classes do not fit a model for {shape} in {outputs}. Build the model "
            "with "
            "input_shape=faces.images().shape[1:] and classes=faces.classes."
        )
    faces.require_classes(getattr(model, "class_names", None))
    if config.draw_targets and faces.targets is None:
        raise ParameterError(
            f"draw_targets=True draws a label from each image's distribution, but "
            f"{faces.name} has one label per image and no distributions "
            "(faces.targets is None). Load a set that has them, such as "
            "'ferplus-soft', or set draw_targets=False."
        )
    require_shareable(config.batch_size, counts)
    require_built_here(model)
    if config.freeze_backbone_epochs and not _backbone(model):
        raise ParameterError(
            f"freeze_backbone_epochs={config.freeze_backbone_epochs}: model "
            f"{model.name!r} has no pretrained backbone. Set it to 0."
        )
    if progress not in ("auto", "bar", "line", "none"):
        raise ParameterError(
            f"progress={progress!r}: expected 'auto', 'bar', 'line' or 'none'."
        )


def _backbone(model):
    return next((x for x in model.layers if x.name == "backbone"), None)


def _phases(config: TrainConfig) -> list[_Phase]:
    frozen = min(config.freeze_backbone_epochs, config.epochs)
    phases = []
    if frozen:
        whole = frozen == config.epochs
        phases.append(_Phase(0, frozen, config.learning_rate, False, whole))
    if frozen < config.epochs:
        rate = config.learning_rate
        if frozen:
            rate = config.fine_tune_learning_rate or rate / 10
        phases.append(_Phase(frozen, config.epochs, rate, True, True))
    return phases


def _run_phases(model, faces, config, folder, state, progress) -> int:
    """Run what is left of the training; leaves the chosen weights in the model."""
    train, val = faces.train, faces.val
    best = None
    if len(val):
        best = cb.BestWeights(
            model, folder, state.get("best_epoch"), state.get("best_value", -1.0)
        )
    augment = augmentation(
        config.augment, model.input_shape[1:], config.seed, config.clean_epochs > 0
    )
    done = len(state["history"])
    for phase in _phases(config):
        if done >= phase.last or state["stopped"]:
            continue
        if config.freeze_backbone_epochs:
            (unfreeze if phase.backbone_trains else freeze)(model)
        steps = len(training_batches(train, config))
        rate = _schedule(config, phase, steps)
        trainee = compiled_trainee(model, augment, config, rate)
        first = max(done, phase.first)
        if first > phase.first:
            trainee.optimizer.build(trainee.trainable_variables)
            trainee.load_weights(folder / state["weights"])
        elif done:
            _load_into(trainee, folder / state["weights"])
        _fit_phase(
            trainee, train, val, config, phase, first, folder, state, best, progress
        )
        done = len(state["history"])
    if best is None or best.epoch is None:
        return done
    model.load_weights(best.path)
    return best.epoch + 1


def compiled_trainee(model, augment, config: TrainConfig, learning_rate):
    """Return augmentation and model as one compiled model that shares the weights.

    Args:
        model: uint8 (B, H, W, C) -> logits (B, num_classes).
        augment: uint8 (B, H, W, C) -> uint8 (B, H, W, C), as `augmentation` returns it.
        config: TrainConfig; optimizer, decay, EMA, loss and label smoothing are used.
        learning_rate: float or Keras schedule.

    Returns:
        keras.Model, compiled; trains on targets (B, num_classes), rows sum to one.
    """
    pixels = keras.Input(model.input_shape[1:], dtype="uint8", name="pixels")
    trainee = keras.Model(
        pixels, with_fused_batch_norm(model)(augment(pixels)), name="trainee"
    )
    trainee.compile(
        optimizer=_optimizer(config, learning_rate),
        loss=_loss(config),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        # oneDNN's convolutions beat XLA's on a CPU; on other backends "auto" is right.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    return trainee


def _load_into(trainee, weights: Path) -> None:
    """Load a former phase's weights: its optimizer is of no use any more."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        trainee.load_weights(weights, skip_mismatch=True)


def _fit_phase(
    trainee, train, val, config, phase, first, folder, state, best, progress
) -> None:
    batches = training_batches(train, config, first)
    validation = validation_batches(val)
    state_writer = cb.EpochState(folder, best, state["history"], state["key"])
    watchers = _watchers(config, phase, state["history"])
    chain = [
        _Reseed(config.seed),
        *_clean_end(trainee, config),
        cb.StopOnNaN(),
        *([best] if best else []),
        *([keras.callbacks.SwapEMAWeights()] if config.ema_momentum else []),
        *watchers,
        state_writer,
        *_progress(progress, first, phase.last),
    ]
    try:
        trainee.fit(
            batches,
            validation_data=validation,
            validation_batch_size=VALIDATION_BATCH,
            initial_epoch=first,
            epochs=phase.last,
            shuffle=False,  # Batches permutes by (seed, epoch)
            class_weight=training_weights(train, config),
            callbacks=chain,
            verbose=0,
        )
    except Exception:
        _raise_problem(batches, validation)
        raise
    state |= {"weights": state_writer.weights, "stopped": trainee.stop_training}


def _raise_problem(*sources) -> None:
    """Raise what went wrong in a reading thread, not what the backend made of it."""
    for source in sources:
        if isinstance(source, Batches) and source.problem:
            raise source.problem from None


def _loss(config: TrainConfig):
    build = {
        "cross_entropy": keras.losses.CategoricalCrossentropy,
        "focal": keras.losses.CategoricalFocalCrossentropy,
    }[config.loss]
    return build(from_logits=True, label_smoothing=config.label_smoothing)


def _optimizer(config: TrainConfig, learning_rate):
    arguments = {"learning_rate": learning_rate}
    if config.weight_decay:
        arguments["weight_decay"] = config.weight_decay
    if config.ema_momentum:
        arguments |= {"use_ema": True, "ema_momentum": config.ema_momentum}
    if config.optimizer == "sgd":
        arguments |= {"momentum": 0.9, "nesterov": True}
    build = {
        "adam": keras.optimizers.Adam,
        "adamax": keras.optimizers.Adamax,
        "adamw": keras.optimizers.AdamW,
        "sgd": keras.optimizers.SGD,
    }[config.optimizer]
    return build(**arguments)


def _schedule(config: TrainConfig, phase: _Phase, steps_per_epoch: int):
    """Return a learning rate or a Keras schedule over the phase's steps."""
    peak = phase.learning_rate
    if config.schedule in ("constant", "plateau"):
        return peak
    total = (phase.last - phase.first) * steps_per_epoch
    share = 0.3 if config.schedule == "one_cycle" else steps_per_epoch / total
    warmup = max(1, min(round(share * total), total - 1))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 25,
        warmup_target=peak,
        warmup_steps=warmup,
        decay_steps=max(1, total - warmup),
        alpha=1e-3,
    )


def _watchers(config: TrainConfig, phase: _Phase, history: list[dict]) -> list:
    """Return plateau schedule and early stopping, fed with the epochs already done."""
    watchers = []
    if config.schedule == "plateau":
        watchers.append(
            _replaying(keras.callbacks.ReduceLROnPlateau)(
                monitor="val_loss",
                factor=config.plateau_factor,
                patience=config.plateau_patience,
                min_lr=1e-7,
            )
        )
    if config.early_stopping_patience and phase.is_final:
        watchers.append(
            _replaying(keras.callbacks.EarlyStopping)(
                monitor="val_accuracy",
                mode="max",
                patience=config.early_stopping_patience,
            )
        )
    past = [row for row in history if row["epoch"] > phase.first]
    for watcher in watchers:
        watcher.past, watcher.first_rate = past, phase.learning_rate
    return watchers


def _replaying(callback: type) -> type:
    """Return the Keras callback with its memory of earlier epochs rebuilt on resume.

    Keras' callbacks forget on `on_train_begin`; feeding them the logged epochs again
    brings their counters, and the learning rate, to where they were.
    """

    class Replaying(callback):
        past: list[dict] = []
        first_rate = 0.0

        def on_train_begin(self, logs=None):
            super().on_train_begin(logs)
            if self.past and callback is keras.callbacks.ReduceLROnPlateau:
                self.model.optimizer.learning_rate = self.first_rate
            for row in self.past:
                self.on_epoch_end(row["epoch"] - 1, dict(row))

    Replaying.__name__ = callback.__name__
    return Replaying


def _clean_end(trainee, config: TrainConfig) -> list:
    """Return what switches the augmentation off for the last epochs."""
    if not config.clean_epochs:
        return []
    on = trainee.get_layer("augment").get_layer("switch").on
    first = config.epochs - config.clean_epochs
    return [
        keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs=None: on.assign(float(epoch < first))
        )
    ]


class _Reseed(keras.callbacks.Callback):
    """Set every random layer's state from (seed, epoch): a resume changes nothing."""

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        states = [v for v in self.model.variables if "seed_generator_state" in v.path]
        for number, variable in enumerate(states):
            rng = np.random.default_rng((self.seed, epoch, number))
            variable.assign(rng.integers(0, 2**31, 2).astype("uint32"))


def _progress(kind: str, first: int, last: int) -> list:
    if kind == "auto":
        kind = "bar" if cb.is_interactive() else "line"
    if kind == "bar":
        from tqdm.keras import TqdmCallback

        return [TqdmCallback(verbose=0, initial=first)]
    return [cb.EpochLine(first, last)] if kind == "line" else []


def _read_state(folder: Path, key: str) -> dict:
    path = folder / cb.EpochState.FILE
    state = {"key": key, "history": []}
    if path.is_file():
        state = json.loads(path.read_text(encoding="utf-8"))
        if state["key"] != key:
            raise TrainingError(
                f"{path} belongs to another training (key {state['key']!r}, expected "
                f"{key!r}). Choose another checkpoint_dir, or delete that folder to "
                "start "
                "again."
            )
    state["resumed_after"] = len(state["history"])
    state.setdefault("stopped", False)
    return state


def _by_name(rows: list[dict]) -> dict[str, list[float]]:
    names = [name for name in (rows[0] if rows else {"loss": 0}) if name != "epoch"]
    return {name: [row[name] for row in rows] for name in names}
