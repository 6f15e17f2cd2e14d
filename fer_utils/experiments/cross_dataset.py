"""A trained model on another data set: as it is, fine-tuned, and against a new one."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from fer_utils import data, models
from fer_utils import labels as fer_labels
from fer_utils.errors import ParameterError, did_you_mean
from fer_utils.experiments.record import (
    SCHEMA,
    environment,
    read_record,
    write_record,
)

__all__ = ["CrossSettings", "cross_dataset_record", "cross_summary", "with_new_head"]

RECORD = "cross_dataset.json"  # not record.json: the results table holds no such rows
ARMS = ("fine_tune", "scratch")


@dataclass(frozen=True)
class CrossSettings:
    """How a model is fine-tuned on another data set, and a rival trained from nothing.

    The rivals differ in their first weights and in nothing else: same folds, batches,
    step size and augmentation, the epoch chosen on val subjects. The warm-up epoch of
    the cosine schedule keeps the first steps of the fine-tuning small.

    Attributes:
        folds: how many, by subject; at least 3.
        epochs: of each training.
        batch_size: images per step.
        learning_rate: peak step size (Adam, cosine). A deep_cnn of FER2013, five epochs
            on CK+, reached 74.5, 83.3 and 93.1 % of the val subjects' images in one
            fold with 1e-4, 3e-4 and 1e-3.
        augment: name of a recipe; "flip" is safe: a mirrored face keeps its expression.
        tta: of every prediction, as for `evaluation.predict`.
        seed: of folds, weights, shuffling and resampling.
    """

    folds: int = 10
    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 1e-3
    augment: str = "flip"
    tta: str = "none"
    seed: int = 0

    def train_config(self, fold: int):
        """Return the TrainConfig of one training."""
        from fer_utils.training import TrainConfig

        return TrainConfig(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            schedule="cosine",
            augment=self.augment,
            early_stopping_patience=0,
            seed=self.seed + fold,
        )


def cross_dataset_record(
    model,
    out_dir: str | Path,
    *,
    data_name: str = "ck48",
    faces: data.FaceSet | None = None,
    name: str = "",
    progress: str = "line",
    **settings,
) -> dict:
    """Evaluate a model on another data set, fine-tune it there, and record both.

    Three answers: the model as it is on all images; the model fine-tuned with
    subject-independent folds; the same architecture trained from nothing on the same
    folds. Each image is tested once per rival, by a network that never saw its subject.
    A finished fold is not repeated, and a killed one goes on after its last epoch.

    Args:
        model: keras.Model with `class_names`, or the path of one that `models.save`
            wrote.
        out_dir: gets `cross_dataset.json`, and a folder with the result of each fold.
        data_name: what to load; its images need a subject.
        faces: FaceSet to use instead.
        name: the model's, for the record; by default its file's or its own.
        progress: "line" prints a line per finished training, "none" nothing.
        **settings: of `CrossSettings`, for example folds=10, epochs=20.

    Returns:
        The record, JSON-ready.

    Raises:
        ParameterError: an unknown setting or a value out of range.
        FerError: the data is missing, does not fit the model, or the training failed.
    """
    for setting in settings:
        known = [field.name for field in fields(CrossSettings)]
        if setting not in known:
            raise ParameterError(
                f"unknown setting {setting!r}." + did_you_mean(setting, known)
            )
    chosen = CrossSettings(**settings)
    name = name or _name_of(model)
    model = models.load(model) if isinstance(model, (str, Path)) else model
    faces = data.load(data_name) if faces is None else faces
    out_dir, key = Path(out_dir), _key(model, faces, chosen)
    if (finished := _finished(out_dir / RECORD, key)) is not None:
        return finished
    started = datetime.now(UTC)
    as_is = _as_is(model, faces, chosen)
    _say(progress, f"as it is: {as_is.summary()}")
    results = _all_folds(model, faces, chosen, out_dir / f"folds-{key[:8]}", progress)
    record = {
        "schema": SCHEMA,
        "kind": "cross_dataset",
        "status": "finished",
        "key": key,
        "name": name,
        "settings": asdict(chosen),
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": _about_model(model, name),
        "data": _about_data(faces),
        "environment": environment(),
        "as_is": as_is.to_dict(),
        **_compared(model, faces, results, chosen),
    }
    write_record(out_dir / RECORD, record)
    return record


def cross_summary(record: Mapping) -> str:
    """Return a cross-dataset record in a few lines, for a person."""
    from fer_utils.evaluation import CrossReport

    lines = [f"as it is: {CrossReport.from_dict(record['as_is']).summary()}"]
    titles = {"fine_tune": "fine-tuned", "scratch": "from scratch"}
    for arm, title in titles.items():
        found = record["arms"][arm]
        shared = found["on_shared"]
        lines.append(
            f"{title}: accuracy {_with_ends(found)} over {len(found['folds'])} folds, "
            f"on the shared classes {_with_ends(shared)}"
        )
    gain = record["difference"]
    low, high = (100 * end for end in gain["interval"])
    lines.append(
        f"fine-tuned minus from scratch: {100 * gain['accuracy']:+.1f} points "
        f"[{low:+.1f}, {high:+.1f}]"
    )
    notice = record["data"]["notice"]
    return "\n".join([*lines, notice] if notice else lines)


def with_new_head(model, classes):
    """Return a copy of a model that answers other classes.

    Everything below the output layer is kept. In the output layer the weights of a
    class that the model knows are kept too, so the first steps need not destroy the
    features to repair a random head. A new class starts with the mean of all
    weights: an answer that is neither preferred nor avoided.

    Args:
        model: keras.Model with `class_names` whose last layer is dense.
        classes: class names, in the order of the new outputs.

    Returns:
        keras.Model with `class_names`; shares no weights with `model`.

    Raises:
        ParameterError: the last layer is not dense.
    """
    from fer_utils.backend import keras, layers
    from fer_utils.models.blocks import logits

    if not isinstance(model.layers[-1], layers.Dense):
        raise ParameterError(
            f"model {model.name!r}: expected a dense output layer, received "
            f"{type(model.layers[-1]).__name__}. Build it with models.build."
        )
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    outputs = logits(copy.layers[-1].input, len(classes))
    changed = keras.Model(copy.input, outputs, name=model.name)
    kernel, bias = copy.layers[-1].get_weights()  # (features, K), (K,)
    kernel = np.column_stack([kernel, kernel.mean(1)])
    bias = np.append(bias, bias.mean())
    columns = [
        len(bias) - 1 if place is None else place
        for place in fer_labels.mapping(classes, model.class_names)
    ]
    changed.layers[-1].set_weights([kernel[:, columns], bias[columns]])
    changed.class_names = tuple(fer_labels.canonical(c) for c in classes)
    return changed


def _network(model, faces, arm: str, seed: int):
    """Return the network that one training starts from."""
    from fer_utils.backend import keras

    network = with_new_head(model, faces.classes)
    if arm == "scratch":
        keras.utils.set_random_seed(seed)
        classes, network = network.class_names, keras.models.clone_model(network)
        network.class_names = classes
    return network


def _as_is(model, faces, settings: CrossSettings):
    from fer_utils.evaluation import cross_evaluate

    return cross_evaluate(model, faces, tta=settings.tta, seed=settings.seed)


def _all_folds(model, faces, settings, folder: Path, progress: str) -> dict:
    """Return {arm: [result of each fold]}, training what is not there yet."""
    results = {arm: [] for arm in ARMS}
    folds = data.subject_folds(faces, settings.folds, settings.seed)
    for number, part in enumerate(folds):
        for arm in ARMS:
            path = folder / f"{arm}-{number:02d}.json"
            if path.is_file():
                result = read_record(path)
            else:
                result = _run_fold(model, part, arm, number, settings, path)
                _say(progress, _fold_line(result, settings.folds))
            results[arm].append(result)
    return results


def _run_fold(model, faces, arm, number, settings, path: Path) -> dict:
    from fer_utils.evaluation import predict
    from fer_utils.training import fit

    config = settings.train_config(number)
    checkpoint = path.with_suffix("")
    run = fit(
        _network(model, faces, arm, config.seed),
        faces,
        config,
        checkpoint_dir=checkpoint,
        checkpoint_key=path.parent.name,
        progress="none",
    )
    probs = predict(run.model, faces.test, tta=settings.tta)
    result = {
        "schema": SCHEMA,
        "kind": "fold",
        "arm": arm,
        "fold": number,
        "epochs": run.epochs,
        "best_epoch": run.best_epoch,
        "val_accuracy": run.history["val_accuracy"][run.best_epoch - 1],
        "test_accuracy": float((probs.argmax(1) == faces.test.labels).mean()),
        "images": {split: len(faces.part(split)) for split in data.SPLITS},
        "test_subjects": len(np.unique(data.subjects_of(faces.test))),
        "split_hash": faces.split_hash,
        "seconds": round(sum(run.history["seconds"]), 1),
        "probs": np.round(probs.astype(np.float64), 6).tolist(),
    }
    write_record(path, result)
    shutil.rmtree(checkpoint, ignore_errors=True)
    return result


def _compared(model, faces, results, settings: CrossSettings) -> dict:
    """Return the arms' pooled results and their difference."""
    subjects = data.subjects_of(faces)
    folds = data.subject_folds(faces, settings.folds, settings.seed)
    probs = {arm: _pooled(faces, folds, results[arm]) for arm in ARMS}
    right = {arm: (p.argmax(1) == faces.labels) for arm, p in probs.items()}
    to_model = fer_labels.mapping(faces.classes, model.class_names)
    shared = np.array([place is not None for place in to_model])[faces.labels]
    difference = right["fine_tune"].astype(float) - right["scratch"]
    return {
        "arms": {
            arm: _arm(faces, subjects, shared, probs[arm], results[arm], settings.seed)
            for arm in ARMS
        },
        "difference": {
            "accuracy": float(difference.mean()),
            "interval": _ends(difference, subjects, settings.seed),
        },
    }


def _arm(faces, subjects, shared, probs, results, seed: int) -> dict:
    from fer_utils.evaluation import evaluate

    right = probs.argmax(1) == faces.labels
    report = evaluate(
        probs, faces.labels, faces.classes, n_bootstrap=0, notice=faces.notice
    )
    ends = _ends(right, subjects, seed)
    # Of evaluate's intervals, which resample images, none would hold here.
    report = replace(report, intervals={"accuracy": ends} if ends else {})
    per_fold = [result["test_accuracy"] for result in results]
    return {
        "accuracy": float(right.mean()),
        "interval": ends,
        "on_shared": {
            "accuracy": float(right[shared].mean()),
            "interval": _ends(right[shared], subjects[shared], seed),
            "n": int(shared.sum()),
        },
        "fold_mean": float(np.mean(per_fold)),
        "fold_std": float(np.std(per_fold, ddof=1)),
        "report": report.to_dict(),
        "folds": [{k: v for k, v in r.items() if k != "probs"} for r in results],
    }


def _ends(values, subjects, seed: int) -> list[float] | None:
    from fer_utils.evaluation import cluster_interval

    ends = cluster_interval(values, subjects, seed=seed)
    return None if ends is None else list(ends)


def _pooled(faces, folds, results: list[dict]) -> np.ndarray:
    """Return each image's probabilities from the fold that tested it, float (N, K)."""
    probs = np.zeros((len(faces), faces.num_classes))
    for part, result in zip(folds, results, strict=True):
        probs[part.split == "test"] = result["probs"]
    return probs


def _about_model(model, name: str) -> dict:
    return {
        "name": name,
        "architecture": model.name,
        "parameters": model.count_params(),
        "classes": list(model.class_names),
        "weights_hash": weights_hash(model),
    }


def _about_data(faces: data.FaceSet) -> dict:
    counts = np.bincount(faces.labels, minlength=faces.num_classes).tolist()
    return {
        "name": faces.name,
        "classes": list(faces.classes),
        "content_hash": faces.content_hash,
        "counts": {"all": dict(zip(faces.classes, counts, strict=True))},
        "subjects": len(np.unique(data.subjects_of(faces))),
        "notice": faces.notice,
    }


def _key(model, faces: data.FaceSet, settings: CrossSettings) -> str:
    """Return what two records share only if nothing that decides them differs."""
    parts = {
        "settings": asdict(settings),
        "data": faces.content_hash,
        "subjects": [str(s) for s in data.subjects_of(faces)],
        "weights": weights_hash(model),
        "classes": list(model.class_names),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def weights_hash(model) -> str:
    """Return a SHA-256 over all weights of a model, which its record keeps too."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _finished(path: Path, key: str) -> dict | None:
    if not path.is_file():
        return None
    record = read_record(path)
    return record if record.get("key") == key else None


def _name_of(model) -> str:
    """Return a model's name: its file's, or its folder's where a run calls it model."""
    if not isinstance(model, (str, Path)):
        return model.name
    path = Path(model)
    return path.parent.name if path.stem == "model" and path.parent.name else path.stem


def _fold_line(result: dict, folds: int) -> str:
    return (
        f"{result['arm']} fold {result['fold'] + 1} of {folds}: test "
        f"{result['test_accuracy']:.1%} ({result['images']['test']} images of "
        f"{result['test_subjects']} subjects), val {result['val_accuracy']:.1%} in "
        f"epoch {result['best_epoch']} of {result['epochs']}, {result['seconds']:.0f} s"
    )


def _with_ends(found: Mapping) -> str:
    if not found["interval"]:
        return f"{found['accuracy']:.1%}"
    low, high = found["interval"]
    return f"{found['accuracy']:.1%} [{low:.1%}, {high:.1%}]"


def _say(progress: str, text: str) -> None:
    if progress != "none":
        print(text, flush=True)
