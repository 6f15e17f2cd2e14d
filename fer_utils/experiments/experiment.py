"""`Experiment`: one row of the results table, before it is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from fer_utils import models
from fer_utils.data.faceset import PROTOCOLS
from fer_utils.errors import ParameterError, did_you_mean
from fer_utils.training.config import TrainConfig

__all__ = ["Experiment"]

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
TTA = ("none", "flip", "ten_crop")


@dataclass(frozen=True)
class Experiment:
    """What is trained on what, how, and how it is judged.

    Attributes:
        name: unique in a grid; letters, digits, "-", "_" and ".".
        data: name of a data set, as `data.load` takes it.
        data_options: what that data set takes besides, such as {"side": 64} for
            "affectnet".
        model: name of an architecture.
        model_options: what that architecture takes besides shape and classes.
        classes: "all", a number (the most frequent training classes) or class names.
        protocol: "official" or "pooled" (80/10/10, not comparable with official rows).
        remove_duplicates: drop train and val images that stand in a later split too.
        max_images: a stratified sample of this many images; 0 takes all.
        precision: of the computation in training: "float32", "mixed_bfloat16" (several
            times faster on processors with AMX or bfloat16 units) or "mixed_float16".
            The saved model is float32 always.
        tta: test-time augmentation reported beside the plain result: "none", "flip" or
            "ten_crop".
        train: TrainConfig; in a grid file its settings stand beside the ones above.

    Raises:
        ParameterError: a value is unknown or of the wrong type.
    """

    name: str
    data: str = "synthetic"
    data_options: Mapping[str, object] = field(default_factory=dict)
    model: str = "shallow_cnn"
    model_options: Mapping[str, object] = field(default_factory=dict)
    classes: str | int | Sequence[str] = "all"
    protocol: str = "official"
    remove_duplicates: bool = False
    max_images: int = 0
    precision: str = "float32"
    tta: str = "none"
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self):
        from fer_utils import data

        safe = self.name.replace("-", "").replace("_", "").replace(".", "")
        if not safe.isalnum() or not self.name[0].isalnum():
            raise ParameterError(
                f"experiment name {self.name!r}: expected letters, digits, '-', '_' "
                "and "
                "'.', for it becomes a folder name."
            )
        sets = self.data.split("+") if isinstance(self.data, str) else [self.data]
        for name, value, allowed in (
            *(("data", part, data.names()) for part in sets),
            ("model", self.model, models.names()),
            ("protocol", self.protocol, PROTOCOLS),
            ("precision", self.precision, PRECISIONS),
            ("tta", self.tta, TTA),
        ):
            if value not in allowed:
                raise self._error(f"unknown {name} {value!r}.", value, allowed)
        if len(sets) > 1:
            self._check_mix(sets)
        if type(self.max_images) is not int or self.max_images < 0:
            raise self._error(
                f"max_images={self.max_images!r}: expected a number >= 0."
            )
        if type(self.remove_duplicates) is not bool:
            raise self._error(
                f"remove_duplicates={self.remove_duplicates!r}: expected true or false."
            )
        if isinstance(self.classes, str) and self.classes != "all":
            raise self._error(
                f"classes={self.classes!r}: expected 'all', a number or a list of "
                "names."
            )
        known = models.options(self.model)
        for option in self.model_options:
            if option not in known:
                raise self._error(f"unknown model option {option!r}.", option, known)

    def _check_mix(self, sets: Sequence[str]) -> None:
        from fer_utils import data

        try:
            data.check_mix(sets)
        except ParameterError as error:
            raise self._error(str(error)) from None
        if self.data_options:
            raise self._error(
                f"data_options={self.data_options!r}: a mix ({self.data}) takes none."
            )

    def _error(self, problem: str, name: object = None, known=()) -> ParameterError:
        tail = did_you_mean(name, known) if known else ""
        return ParameterError(f"experiment {self.name!r}: {problem}{tail}")

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """Return every name that a grid file may use for one experiment."""
        own = [f.name for f in fields(cls) if f.name != "train"]
        return (*own, *TrainConfig.names())

    @classmethod
    def from_dict(cls, parameters: Mapping[str, object]) -> Experiment:
        """Make an experiment from flat parameters, refusing names it does not know.

        Raises:
            ParameterError: unknown or missing name, wrong type or value out of range.

        Example:
            >>> Experiment.from_dict({"name": "a", "epochs": 3}).train.epochs
            3
        """
        name = parameters.get("name", "?")
        for key in parameters:
            if key not in cls.parameter_names():
                raise ParameterError(
                    f"experiment {name!r}: unknown parameter {key!r}."
                    + did_you_mean(key, cls.parameter_names())
                )
        if "name" not in parameters:
            raise ParameterError("an experiment needs a name.")
        settings = {k: v for k, v in parameters.items() if k in TrainConfig.names()}
        own = {k: v for k, v in parameters.items() if k not in settings}
        try:
            train = TrainConfig.from_dict(settings)
        except ParameterError as error:
            raise ParameterError(f"experiment {name!r}: {error}") from None
        return cls(**own, train=train)

    def to_dict(self) -> dict[str, object]:
        """Return all parameters, flat, as a grid file or the notebook takes them."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "train"}
        own["data_options"] = dict(self.data_options)
        own["model_options"] = dict(self.model_options)
        if not isinstance(self.classes, (str, int)):
            own["classes"] = list(self.classes)
        return {**own, **self.train.to_dict()}

    def with_(self, **changes) -> Experiment:
        """Return a copy with some flat parameters changed."""
        return replace(self.from_dict({**self.to_dict(), **changes}))
