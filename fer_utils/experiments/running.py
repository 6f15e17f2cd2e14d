"""`run_one`: the one function that every experiment goes through, here or on a node."""

from __future__ import annotations

import os
import shutil
import sys
import time
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from fer_utils import data, models
from fer_utils.errors import DataError, TrainingError
from fer_utils.experiments import identity
from fer_utils.experiments.checkpoints import read_state
from fer_utils.experiments.experiment import Experiment
from fer_utils.experiments.locks import run_lock
from fer_utils.experiments.record import (
    SCHEMA,
    environment,
    read_record,
    write_record,
)
from fer_utils.models.cost import mflops

__all__ = [
    "load_faces",
    "results_by_source",
    "results_of",
    "run_one",
    "selected",
    "train_one",
]

# The clean training accuracy is measured on a sample: it only has to show overfitting.
_TRAIN_SAMPLE = 5000


def load_faces(experiment: Experiment) -> data.FaceSet:
    """Return the FaceSet that an experiment trains, chooses and tests on."""
    loaded = data.load(experiment.data, **experiment.data_options)
    faces = selected(loaded, experiment.to_dict())
    return faces.without_duplicates() if experiment.remove_duplicates else faces


def selected(faces: data.FaceSet, parameters: Mapping) -> data.FaceSet:
    """Return the sample, the classes and the split that parameters ask for.

    Args:
        faces: the whole set.
        parameters: of an experiment; what is not named is not asked for.
    """
    if parameters.get("max_images"):
        faces = faces.sample(parameters["max_images"], seed=0)
    if parameters.get("classes", "all") != "all":
        faces = faces.subset(parameters["classes"])
    return faces.resplit(parameters.get("protocol", "official"), seed=0)


def run_one(
    experiment: Experiment,
    out_dir: str | Path,
    *,
    force: bool = False,
    progress: str = "auto",
    strategy: str | None = None,
) -> dict:
    """Train, evaluate and record one experiment, or return the record it already has.

    A killed run goes on after its last finished epoch. The record is written last,
    whole: a folder without `record.json` is an unfinished run.

    Args:
        experiment: what to run.
        out_dir: its folder; gets `record.json`, `model.keras` and `probs.npz`.
        force: train again even when a finished record with the same key is there.
        progress: as in `training.fit`.
        strategy: "one_device" or "data_parallel" (see `training.across_devices`); None
            takes FER_STRATEGY from the environment, else one device. It is no part of
            the run's identity: the results differ by rounding.

    Returns:
        The record, JSON-ready.

    Raises:
        FerError: the data is missing, another process works in the folder, or the
            training failed.
    """
    out_dir, began = Path(out_dir), time.perf_counter()
    faces = load_faces(experiment)
    parts = identity.experiment_parts(experiment, faces.content_hash)
    loading = time.perf_counter() - began
    # A kernel whose runner was killed needs a moment to notice and end.
    with run_lock(out_dir, wait=30):
        if force:
            _clear(out_dir)
        elif (finished := _finished(out_dir, identity.key(parts))) is not None:
            return finished
        _refuse_edited(parts)
        started = datetime.now(UTC)
        strategy = strategy or os.environ.get("FER_STRATEGY", "one_device")
        trained = train_one(
            experiment, faces, out_dir, parts, progress=progress, strategy=strategy
        )
        trained["seconds"]["loading"] = round(loading, 2)
        record = _record(experiment, faces, parts, started, trained)
        write_record(out_dir / "record.json", record)
        shutil.rmtree(out_dir / "checkpoint", ignore_errors=True)
    return record


def _refuse_edited(parts: dict) -> None:
    """Refuse to name files as a run's code that are not what this Python has loaded."""
    if edited := identity.edited_since_start(parts):
        raise TrainingError(
            f"{', '.join(edited)}: edited after this Python had loaded it, so the run "
            "would not be of the code that its record names. Restart the kernel, then "
            "run again."
        )


def _clear(out_dir: Path) -> None:
    """Delete what an earlier run left; the notebook that runs now stays."""
    for name in ("record.json", "model.keras", "probs.npz"):
        (out_dir / name).unlink(missing_ok=True)
    shutil.rmtree(out_dir / "checkpoint", ignore_errors=True)


def train_one(
    experiment: Experiment,
    faces: data.FaceSet,
    out_dir: Path,
    parts: dict | None = None,
    *,
    progress: str = "auto",
    strategy: str = "one_device",
) -> dict:
    """Train one experiment, save model and probabilities; needs numpy and Keras only.

    Args:
        experiment: what to train.
        faces: as `load_faces` returns them.
        out_dir: gets `model.keras`, `probs.npz` and, until then, `checkpoint`.
        parts: of the run's identity, if they are known already.
        progress: as in `training.fit`.
        strategy: as in `training.across_devices`.

    Returns:
        {"training": …, "model": …, "seconds": …}, the parts of the record known here.
    """
    from fer_utils.training import across_devices, fit

    parts = parts or identity.experiment_parts(experiment, faces.content_hash)
    key = identity.training_key(parts)
    _set_aside_stale(out_dir / "checkpoint", key)
    shape = faces.images().shape[1:]
    with across_devices(strategy):
        run = fit(
            _build(experiment, shape, faces.classes, experiment.precision),
            faces,
            experiment.train,
            checkpoint_dir=out_dir / "checkpoint",
            checkpoint_key=key,
            progress=progress,
        )
    model = _build(experiment, shape, faces.classes, "float32")
    model.set_weights(run.model.get_weights())
    # A stale record is not about the files that are written from here on.
    (out_dir / "record.json").unlink(missing_ok=True)
    models.save(model, out_dir / "model.keras", experiment=experiment.to_dict())
    began = time.perf_counter()
    probs = _probabilities(model, faces, experiment.tta)
    np.savez_compressed(
        out_dir / "probs.npz", **{k: v.astype(np.float16) for k, v in probs.items()}
    )
    return {
        "model": {
            "parameters": model.count_params(),
            "mflops": round(mflops(model), 1),
            "file_mb": round((out_dir / "model.keras").stat().st_size / 1e6, 2),
        },
        "training": {
            "epochs": run.epochs,
            "best_epoch": run.best_epoch,
            "resumed_after": run.resumed_after,
            "images": int((faces.split == "train").sum()),
            "history": run.history,
        },
        "seconds": {
            "training": round(sum(run.history["seconds"]), 2),
            "prediction": round(time.perf_counter() - began, 2),
        },
        "probs": probs,
    }


def _set_aside_stale(checkpoint: Path, key: str) -> None:
    """Keep what was trained under another key, under another name, and say so."""
    found = read_state(checkpoint.parent).get("key")
    if found not in (None, key):
        aside = checkpoint.with_name(f"checkpoint-{found}")
        shutil.rmtree(aside, ignore_errors=True)
        checkpoint.rename(aside)
        warnings.warn(
            f"{checkpoint}: its epochs were trained with other parameters, data or "
            f"code. They are kept as {aside.name}; this training starts anew.",
            stacklevel=2,
        )


def _build(experiment: Experiment, shape, classes, precision: str):
    from fer_utils.backend import keras

    before = keras.config.dtype_policy()
    keras.utils.set_random_seed(experiment.train.seed)
    keras.config.set_dtype_policy(precision)
    try:
        return models.build(
            experiment.model, shape, classes, **experiment.model_options
        )
    finally:
        keras.config.set_dtype_policy(before)


def _probabilities(model, faces: data.FaceSet, tta: str) -> dict[str, np.ndarray]:
    from fer_utils.evaluation import predict

    parts = {
        "train": faces.train.sample(_TRAIN_SAMPLE) if len(faces.train) else faces.train,
        "val": faces.val,
        "test": faces.test,
    }
    probs = {name: predict(model, part) for name, part in parts.items() if len(part)}
    if tta != "none" and len(faces.test):
        probs[f"test_{tta}"] = predict(model, faces.test, tta=tta)
    return probs


def _record(experiment, faces, parts, started, trained) -> dict:
    began, probs = time.perf_counter(), trained.pop("probs")
    results = results_of(faces, probs)
    by_source = results_by_source(faces, probs)
    trained["seconds"]["evaluation"] = round(time.perf_counter() - began, 2)
    machine = environment()
    return {
        "schema": SCHEMA,
        "kind": "experiment",
        "status": "finished",
        "key": identity.key(parts),
        "parts": parts,
        "name": experiment.name,
        "experiment": experiment.to_dict(),
        "seed": experiment.train.seed,
        "determinism": _determinism(machine["gpus"]),
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": {
            "name": faces.name,
            "classes": list(faces.classes),
            "content_hash": faces.content_hash,
            "split_hash": faces.split_hash,
            "test_hash": faces.test.content_hash,
            "counts": faces.counts(),
            "notice": faces.notice,
        },
        "environment": machine,
        "peak_memory_mb": _peak_memory_mb(),
        **trained,
        "results": results,
        **({"results_by_source": by_source} if by_source else {}),
    }


def _determinism(gpus: list[str]) -> str:
    if gpus:
        return "not guaranteed: some sums on a GPU have no fixed order"
    return "bit for bit on the same processor, versions and number of threads"


def results_of(faces: data.FaceSet, probs: dict[str, np.ndarray]) -> dict[str, dict]:
    """Evaluate probabilities by split, as a record keeps them.

    Args:
        faces: the FaceSet of the experiment.
        probs: float (N, K) by "train", "val", "test" or "test_<tta>".
    """
    from fer_utils.evaluation import evaluate

    duplicated = faces.duplicates().also_in_train("test")[faces.split == "test"]
    parts = {
        "train": faces.train.sample(_TRAIN_SAMPLE) if len(faces.train) else faces.train
    }
    results = {}
    for name, values in probs.items():
        split = name.split("_")[0]
        part = parts.get(split) or faces.part(split)
        report = evaluate(
            values,
            part.labels,
            faces.classes,
            duplicated=duplicated if split == "test" else None,
            notice=faces.notice,
        )
        results[name] = report.to_dict()
    return results


def results_by_source(
    faces: data.FaceSet, probs: dict[str, np.ndarray]
) -> dict[str, dict[str, dict]]:
    """Evaluate the test probabilities of a mix for each of its data sets.

    Args:
        faces: the FaceSet of the experiment.
        probs: float (N, K) by "train", "val", "test" or "test_<tta>".

    Returns:
        {source: {"test": result, ...}} as of `results_of`, but for the duplicates;
        a source without test images is left out. Empty unless faces are a mix.
    """
    from fer_utils.evaluation import evaluate

    source = faces.test.facts.get("source")
    if source is None:
        return {}
    tests = {k: v for k, v in probs.items() if k.split("_")[0] == "test"}
    found: dict[str, dict[str, dict]] = {}
    for name in dict.fromkeys(source.tolist()):
        here = source == name
        found[name] = {
            kind: evaluate(
                values[here],
                faces.test.labels[here],
                faces.classes,
                notice=faces.notice,
            ).to_dict()
            for kind, values in tests.items()
        }
    return found


def _finished(out_dir: Path, key: str) -> dict | None:
    try:
        record = read_record(out_dir / "record.json")
    except DataError:  # none yet, or a damaged one, which the new one replaces
        return None
    same = record["key"] == key and record["status"] == "finished"
    return record if same else None


def _peak_memory_mb() -> int | None:
    try:
        import resource
    except ImportError:  # Windows has no such figure in the standard library
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3))
