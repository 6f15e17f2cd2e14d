"""`TrainConfig`: everything that decides how one model is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from fer_utils.errors import ParameterError, did_you_mean

__all__ = [
    "LOSSES",
    "OPTIMIZERS",
    "SAMPLINGS",
    "SCHEDULES",
    "STRATEGIES",
    "TrainConfig",
]

OPTIMIZERS = ("adam", "adamax", "adamw", "sgd")
SCHEDULES = ("constant", "cosine", "one_cycle", "plateau")
LOSSES = ("cross_entropy", "focal")
SAMPLINGS = ("all", "balanced")
STRATEGIES = ("one_device", "data_parallel")  # see `training.across_devices`


@dataclass(frozen=True)
class TrainConfig:
    """How one model is fitted; the defaults are the published study's plain recipe.

    Attributes:
        epochs: passes over the training images, at most.
        batch_size: images per step.
        optimizer: "adam", "adamax", "adamw" or "sgd" (Nesterov momentum 0.9).
        learning_rate: the peak step size.
        weight_decay: decoupled decay per step, times the learning rate; 0 is none.
        schedule: "constant"; "cosine" to zero after a warm-up of one epoch; "one_cycle"
            (up for 30 % of the steps, then cosine to zero); "plateau"
            (ReduceLROnPlateau on validation loss).
        plateau_factor: what "plateau" multiplies the learning rate by.
        plateau_patience: epochs without a better validation loss before it does.
        early_stopping_patience: epochs without a better validation accuracy before
            training stops; 0 never stops.
        augment: name of a recipe in `AUGMENTATIONS`.
        clean_epochs: last epochs in which only mirroring augments, so that the network
            and its batch norm end on faces as they will be seen; 0 is none.
        label_smoothing: share of each target spread over all classes, in [0, 1).
        mixup_alpha: Beta parameter of mixup (Zhang et al. 2018); 0 is none.
        ema_momentum: of the moving average of the weights that is evaluated and kept; 0
            is none.
        class_weights: weigh each class by the inverse of its training frequency. An
            image counts, and is weighed, as the class its target gives most to; with
            `draw_targets` as the class drawn, whose frequency is the sum of the
            distributions.
        draw_targets: draw one label per image and epoch from `faces.targets` instead of
            training on the distribution itself (Barsoum et al. 2016, "probabilistic
            label drawing").
        loss: "cross_entropy", or "focal" (Lin et al. 2017, arXiv:1708.02002), which
            counts what is classified well already for less.
        sampling: "all" shows every image once per epoch; "balanced" shows every class
            equally often, repeating the images of rare classes and leaving out some of
            frequent ones, other ones in every epoch. An epoch is as long in both.
        freeze_backbone_epochs: first epochs in which only the new head of a pretrained
            model learns.
        fine_tune_learning_rate: peak step size once the backbone learns too; 0 takes a
            tenth of `learning_rate`.
        seed: of weights (when built by the runner), shuffling, dropout and
            augmentation.

    Raises:
        ParameterError: a value is out of range or of the wrong type.
    """

    epochs: int = 100
    batch_size: int = 32
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "constant"
    plateau_factor: float = 0.5
    plateau_patience: int = 7
    early_stopping_patience: int = 11
    augment: str = "none"
    clean_epochs: int = 0
    label_smoothing: float = 0.0
    mixup_alpha: float = 0.0
    ema_momentum: float = 0.0
    class_weights: bool = False
    draw_targets: bool = False
    loss: str = "cross_entropy"
    sampling: str = "all"
    freeze_backbone_epochs: int = 0
    fine_tune_learning_rate: float = 0.0
    seed: int = 0

    def __post_init__(self):
        from fer_utils.training.recipes import AUGMENTATIONS

        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        _check_choice("optimizer", self.optimizer, OPTIMIZERS)
        _check_choice("schedule", self.schedule, SCHEDULES)
        _check_choice("augment", self.augment, AUGMENTATIONS)
        _check_choice("loss", self.loss, LOSSES)
        _check_choice("sampling", self.sampling, SAMPLINGS)
        if self.class_weights and self.sampling == "balanced":
            raise ParameterError(
                "class_weights=True with sampling='balanced' would make up for rare "
                "classes twice. Choose one of the two."
            )
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise ParameterError(
                    f"{name}={value}: expected a value from {low} to {high}."
                )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all settings."""
        return tuple(f.name for f in fields(cls))

    @classmethod
    def from_dict(cls, settings: Mapping[str, object]) -> TrainConfig:
        """Make a config from a mapping, refusing names it does not know.

        Raises:
            ParameterError: unknown name, wrong type or value out of range.

        Example:
            >>> TrainConfig.from_dict({"epochs": 3}).epochs
            3
        """
        for name in settings:
            if name not in cls.names():
                raise ParameterError(
                    f"unknown training parameter {name!r}."
                    + did_you_mean(name, cls.names())
                )
        return cls(**settings)

    def to_dict(self) -> dict[str, object]:
        """Return all settings as a plain dict."""
        return asdict(self)


# (name, lowest, highest) that make sense; the ends are allowed.
_RANGES = (
    ("epochs", 1, 100_000),
    ("batch_size", 1, 65_536),
    ("learning_rate", 1e-8, 100.0),
    ("weight_decay", 0.0, 1.0),
    ("plateau_factor", 0.01, 0.99),
    ("plateau_patience", 1, 1000),
    ("early_stopping_patience", 0, 1000),
    ("clean_epochs", 0, 100_000),
    ("label_smoothing", 0.0, 0.99),
    ("mixup_alpha", 0.0, 10.0),
    ("ema_momentum", 0.0, 0.99999),
    ("freeze_backbone_epochs", 0, 100_000),
    ("fine_tune_learning_rate", 0.0, 100.0),
    ("seed", 0, 2**31 - 1),
)


def _check_type(name: str, value: object, annotation: str) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = {
        "int": is_number and float(value).is_integer() and isinstance(value, int),
        "float": is_number,
        "bool": isinstance(value, bool),
        "str": isinstance(value, str),
    }[annotation]
    if not fits:
        raise ParameterError(
            f"{name}={value!r}: expected {annotation}, received {type(value).__name__}."
        )


def _check_choice(name: str, value: str, allowed) -> None:
    if value not in allowed:
        raise ParameterError(
            f"unknown {name} {value!r}." + did_you_mean(value, allowed)
        )
