"""`ship`: one finished run -> a small model file, its record and its model card."""

from __future__ import annotations

import os
import statistics
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fer_utils import models
from fer_utils.errors import DataError
from fer_utils.experiments.cross_dataset import cross_summary, weights_hash
from fer_utils.experiments.experiment import Experiment
from fer_utils.experiments.record import read_record
from fer_utils.experiments.templating import environment
from fer_utils.files import write_json, write_text

__all__ = ["model_card", "ship"]


def ship(
    run_dir: str | Path,
    name: str,
    out_dir: str | Path,
    *,
    other_seeds: Sequence[str | Path] = (),
    cross_dataset: str | Path | None = None,
) -> Path:
    """Turn a finished run into a shipped model.

    The weights are rounded to float16, which halves the file; the model stays a plain
    float32 Keras model. The temperature is fitted on val. What the card says is
    measured with the rounded weights.

    Args:
        run_dir: folder of the run, with `record.json` and `model.keras`.
        name: of the shipped model, for example "compact-fer2013".
        out_dir: gets NAME.keras, NAME.json and NAME.md.
        other_seeds: folders of runs that differ in their seed only; the card lists
            them.
        cross_dataset: a cross-dataset record of this model, for the card.

    Returns:
        Path of NAME.keras.

    Raises:
        DataError: the run is not finished, or rounding changes more than one in a
            thousand predictions on val; another seed's run has another recipe; the
            cross-dataset record is of another model.
    """
    run_dir, out_dir = Path(run_dir), Path(out_dir)
    record = read_record(run_dir / "record.json")
    if record["status"] != "finished":
        raise DataError(
            f"{run_dir}: the run is {record['status']}. Finish it first: the "
            "same `fer run` goes on from its last epoch."
        )
    seeds = [_summary(Path(folder), record) for folder in other_seeds]
    model = models.load(run_dir / "model.keras")
    shipped = _measured(model, record)
    if cross_dataset:
        record["cross_dataset"] = _of_this_model(Path(cross_dataset), model)
    path = models.save(model, out_dir / f"{name}.keras", **_metadata(record, shipped))
    _compress(path)
    shipped["file_mb"] = round(path.stat().st_size / 1e6, 2)
    record["shipped"] = shipped
    record["shipped_seeds"] = seeds
    write_json(out_dir / f"{name}.json", record)
    write_text(out_dir / f"{name}.md", model_card(name, record))
    return path


def model_card(name: str, record: dict) -> str:
    """Return the Markdown card of a shipped model; every number is of its record."""
    cards = environment(autoescape=False)
    cards.filters["percent"] = lambda share: f"{100 * share:.1f} %"
    cards.filters["interval"] = lambda ends: (
        f"[{100 * ends[0]:.1f}, {100 * ends[1]:.1f}]"
    )
    template = cards.get_template("model_card.md.j2")
    lines = []
    if record.get("cross_dataset"):
        lines = cross_summary(record["cross_dataset"]).splitlines()
    more = {"name": name, "get": record.get, "cross_lines": lines}
    more["seed_lines"] = _seeds(record)
    return template.render({**record, **more})


def _measured(model, record: dict) -> dict:
    """Round the weights, fit the temperature on val, and measure what is shipped."""
    from fer_utils.evaluation import fit_temperature, predict, predict_logits
    from fer_utils.experiments.running import load_faces, results_of

    experiment = Experiment.from_dict(record["experiment"])
    faces = load_faces(experiment)
    if faces.test.content_hash != record["data"]["test_hash"]:
        raise DataError(f"{faces.name}: not the test images that the record is about.")
    exact = predict_logits(model, faces.val)
    weights = model.get_weights()
    model.set_weights([w.astype(np.float16).astype(w.dtype) for w in weights])
    rounded = predict_logits(model, faces.val)
    changed = float((exact.argmax(1) != rounded.argmax(1)).mean())
    if changed > 0.001:
        raise DataError(
            f"float16 weights change {changed:.2%} of the predictions on val: too much."
        )
    temperature = fit_temperature(rounded, faces.val.labels)
    probs = {
        "val": predict(model, faces.val, temperature=temperature),
        "test": predict(model, faces.test, temperature=temperature),
    }
    if experiment.tta != "none":
        probs[f"test_{experiment.tta}"] = predict(
            model, faces.test, tta=experiment.tta, temperature=temperature
        )
    return {
        "temperature": temperature,
        "changed_on_val": changed,
        "results": results_of(faces, probs),
    }


def _metadata(record: dict, shipped: dict) -> dict:
    return {
        "run": record["key"],
        "temperature": shipped["temperature"],
        "test_accuracy": shipped["results"]["test"]["metrics"]["accuracy"],
        "experiment": record["experiment"],
    }


def _of_this_model(path: Path, model) -> dict:
    """Return a cross-dataset record, if it is of the rounded weights."""
    record = read_record(path)
    about = record.get("model")
    if not isinstance(about, dict) or about.get("weights_hash") != weights_hash(model):
        raise DataError(
            f"{path}: it is not about these weights (rounded to float16, as they are "
            "shipped). Ship without --cross, run `fer cross` with the shipped model, "
            "then ship again."
        )
    return record


def _summary(run_dir: Path, shipped: dict) -> dict:
    """Return seed and accuracies of a run that differs from `shipped` in seed only."""
    record = read_record(run_dir / "record.json")
    mine, theirs = shipped["experiment"], record.get("experiment", {})
    unlike = [k for k in mine if k not in ("name", "seed") and mine[k] != theirs.get(k)]
    if unlike or record.get("status") != "finished":
        why = f"differs in {', '.join(unlike)}" if unlike else "is not finished"
        raise DataError(
            f"{run_dir}: this run {why}; expected a finished run of the same recipe "
            "with another seed."
        )
    return {"seed": theirs["seed"], "key": record["key"], "accuracy": _accuracy(record)}


def _accuracy(record: dict) -> dict[str, float]:
    """Return accuracy by part; the training sample is left out."""
    results = record["results"].items()
    return {k: r["metrics"]["accuracy"] for k, r in results if k != "train"}


def _seeds(record: dict) -> list[dict]:
    """Return the lines of the card's table of seeds: the run's own, others, their mean.

    Returns:
        [{"seed": text, "cells": {part: text}}, ...]; none when there is one seed only.
    """
    others = record["shipped_seeds"]
    if not others:
        return []
    own = {"seed": f"{record['experiment']['seed']} (shipped)"}
    runs = [own | {"accuracy": _accuracy(record)}, *others]
    lines = [
        {"seed": str(run["seed"]), "cells": _percents(run["accuracy"])} for run in runs
    ]
    spread = {}
    for part in lines[0]["cells"]:
        values = [100 * run["accuracy"][part] for run in runs]
        mean, deviation = statistics.fmean(values), statistics.stdev(values)
        spread[part] = f"{mean:.1f} ± {deviation:.1f} %"
    return [*lines, {"seed": "mean ± standard deviation", "cells": spread}]


def _percents(accuracy: dict[str, float]) -> dict[str, str]:
    return {part: f"{100 * share:.1f} %" for part, share in accuracy.items()}


def _compress(path: Path) -> None:
    """Deflate a `.keras` archive in place: rounded weights are half zeros."""
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        with (
            zipfile.ZipFile(path) as source,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as target,
        ):
            for member in source.namelist():
                target.writestr(member, source.read(member))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
