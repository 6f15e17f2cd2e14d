"""What an experiment needs, known before it is run: images, weights, memory, disk."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fer_utils.experiments.experiment import Experiment

__all__ = [
    "DataFacts",
    "ModelFacts",
    "backend_problem",
    "checkpoint_mb",
    "data_facts",
    "kept_mb",
    "memory_mb",
    "model_facts",
    "short_path",
]

# Peak memory of finished runs, less what the lines of `memory_mb` explain, lies here.
_BASE_MB = 900
_READ_AHEAD = 6144  # images of a set on disk that are in memory at once
# An executed notebook and its page: the figures are most of it.
NOTEBOOK_MB = 2.0


@dataclass(frozen=True)
class DataFacts:
    """One selection of a data set.

    Attributes:
        content_hash: of its pixels and labels.
        images: {"train": number, …}.
        shape: (H, W, C).
        classes: number of classes.
        on_disk: whether the pixels are read when they are needed.
    """

    content_hash: str
    images: dict[str, int]
    shape: tuple[int, int, int]
    classes: int
    on_disk: bool = False


@dataclass(frozen=True)
class ModelFacts:
    """One architecture with its options.

    Attributes:
        parameters: number of weights.
        mflops: of one face.
        values: numbers that all layers put out for one face.
    """

    parameters: int
    mflops: float
    values: int


@lru_cache(maxsize=1)
def backend_problem() -> str:
    """Import the backend without taking a GPU; return why that fails, or "".

    The launcher only counts weights: the GPU's memory is for the runs.
    """
    try:
        with _without_gpu():
            import fer_utils.backend  # noqa: F401
    except Exception as error:  # any: the backend's own, of its libraries, of a typo
        name = os.environ.get("KERAS_BACKEND", "tensorflow")
        last = (str(error).strip().splitlines() or ["no message"])[-1]
        return (
            f"the backend {name!r} cannot be imported ({type(error).__name__}: "
            f"{last}). Set KERAS_BACKEND to tensorflow, jax or torch, whichever is "
            "installed."
        )
    return ""


@contextlib.contextmanager
def _without_gpu() -> Iterator[None]:
    names = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "-1"))
    try:
        yield
    finally:  # the runs see what the launcher hid from itself
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def data_facts(experiment: Experiment) -> DataFacts:
    """Return what is known of an experiment's data.

    Raises:
        DataError: the data set is not there or has too little for this selection.
        ParameterError: unknown classes.
    """
    names = (
        "data",
        "data_options",
        "max_images",
        "classes",
        "protocol",
        "remove_duplicates",
    )
    chosen = {k: v for k, v in experiment.to_dict().items() if k in names}
    return _data_facts(json.dumps(chosen))


@lru_cache(maxsize=256)
def _data_facts(selection: str) -> DataFacts:
    from fer_utils.data.image_files import ImageFiles
    from fer_utils.experiments.running import load_faces

    faces = load_faces(Experiment(name="x", **json.loads(selection)))
    images = {name: sum(n.values()) for name, n in faces.counts().items()}
    shape = faces.images().shape[1:]
    on_disk = isinstance(faces.pixels, ImageFiles)
    return DataFacts(faces.content_hash, images, shape, len(faces.classes), on_disk)


def model_facts(experiment: Experiment) -> ModelFacts:
    """Build an experiment's model, without pretrained weights, and count.

    Raises:
        FerError: the data is missing, or an option of the model is wrong.
    """
    facts = data_facts(experiment)
    options = json.dumps(experiment.to_dict()["model_options"], sort_keys=True)
    return _model_facts(experiment.model, options, facts.shape, facts.classes)


@lru_cache(maxsize=256)
def _model_facts(name: str, options: str, shape, classes: int) -> ModelFacts:
    from fer_utils import models
    from fer_utils.models.cost import mflops

    options = json.loads(options)
    if "weights" in models.options(name) and options.get("weights", 1) in (
        1,
        "imagenet",
    ):
        from fer_utils.models.weights import imagenet_weights

        imagenet_weights(name, options.get("alpha", 1.0))  # refuses what none exist for
        options["weights"] = None
    model = models.build(name, shape, classes, **options)
    return ModelFacts(model.count_params(), mflops(model), _values(model))


def _values(model) -> int:
    return sum(
        _values(layer) if hasattr(layer, "layers") else _size(layer.output)
        for layer in model.layers
    )


def _size(output) -> int:
    outputs = output if isinstance(output, (list, tuple)) else [output]
    return sum(math.prod(n or 1 for n in tensor.shape[1:]) for tensor in outputs)


def memory_mb(experiment: Experiment) -> float:
    """Estimate the peak memory of one run, in MB.

    Counted are the libraries, the pixels and their copies, the weights with gradients
    and the optimizer's two averages, and one batch's activations. Of nine finished runs
    the estimate was 14 % too low at worst, 17 % too high at most.
    """
    data, model = data_facts(experiment), model_facts(experiment)
    pixels = sum(data.images.values()) * math.prod(data.shape)
    if data.on_disk:  # a few batches, and a block of the prediction
        pixels = min(pixels, _READ_AHEAD * math.prod(data.shape))
    activations = 1.3 * 4 * model.values * experiment.train.batch_size
    return _BASE_MB + (3 * pixels + 16 * model.parameters + activations) / 1e6


def kept_mb(experiment: Experiment) -> float:
    """Estimate what a finished run leaves on disk: model, probabilities, notebook."""
    images = sum(data_facts(experiment).images.values())
    probs = images * data_facts(experiment).classes * 2
    return NOTEBOOK_MB + (4.2 * model_facts(experiment).parameters + probs) / 1e6


def checkpoint_mb(experiment: Experiment) -> float:
    """Estimate what a run in training has on disk besides: two epochs and the best."""
    return (2 * 12 + 4) * model_facts(experiment).parameters / 1e6


def short_path(path: str | Path) -> Path:
    """Return a path as a person writes it: relative if below the current folder."""
    try:
        return Path(path).resolve().relative_to(Path.cwd())
    except ValueError:
        return Path(path)
