"""Several finished runs as one classifier: the mean of their probabilities."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from fer_utils.errors import ParameterError
from fer_utils.experiments.record import SCHEMA, write_record
from fer_utils.experiments.run_probs import (
    faces_of,
    require_same_test,
    stored_probs,
)
from fer_utils.experiments.runs import StoredRun, aligned

__all__ = ["FILE", "ensemble_record", "ensemble_summary", "write_ensemble"]

FILE = "ensemble.json"


def ensemble_record(runs: Sequence[StoredRun], name: str = "") -> dict:
    """Average what several runs answered, and evaluate that like one run.

    Nothing is trained or predicted: the probabilities are read from the `probs.npz` of
    each run. Deep ensembles: Lakshminarayanan et al. 2017, arXiv:1612.01474.

    Args:
        runs: at least two finished ones with the same test images and classes; other
            seeds, other recipes or other architectures. Choose them by val accuracy.
        name: of the ensemble; by default the first run's with "-ensemble" behind it.

    Returns:
        A record of kind "ensemble", JSON-ready: `members`, the sums of their sizes and
        training times, `results` by part as a run record has them, and `against_best`,
        a paired test against the member that is best on val. "val" is among the results
        when all members have one split, "test_<tta>" when all have that TTA.

    Raises:
        ParameterError: fewer than two runs, or one run twice.
        DataError: runs that do not go together, or without `probs.npz`.
    """
    from fer_utils.experiments.running import results_of

    _require_several(runs)
    require_same_test(*runs)
    faces = faces_of(runs[0])
    probs = {
        part: _mean(runs, part, faces.part(part.split("_")[0]).labels)
        for part in _common_parts(runs)
    }
    first = runs[0].record
    known = ("name", "classes", "test_hash", "split_hash", "notice")
    return {
        "schema": SCHEMA,
        "kind": "ensemble",
        "status": "finished",
        "name": name or f"{first['name']}-ensemble",
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "members": [_member(run) for run in runs],
        "data": {key: first["data"].get(key) for key in known},
        "model": {key: _sum(runs, f"model.{key}") for key in ("parameters", "mflops")},
        "seconds": {"training": _sum(runs, "seconds.training")},
        "results": results_of(faces, probs),
        "against_best": _against_best(runs, probs["test"], faces.test.labels),
    }


def write_ensemble(record: dict, out_dir: str | Path) -> Path:
    """Write an ensemble's record, whole or not at all.

    Args:
        record: from `ensemble_record`.
        out_dir: its folder; gets `ensemble.json`.

    Returns:
        The file.
    """
    return write_record(Path(out_dir) / FILE, record)


def ensemble_summary(record: Mapping) -> str:
    """Return members, their mean and the ensemble as a plain-text table.

    Args:
        record: from `ensemble_record`.
    """
    parts = list(record["results"])
    members = record["members"]
    rows = [
        (m["name"], str(m["seed"]), *(_percent(m["accuracy"][p]) for p in parts))
        for m in members
    ]
    means = [statistics.fmean(m["accuracy"][p] for m in members) for p in parts]
    rows.append((f"mean of the {len(members)}", "", *map(_percent, means)))
    found = [_with_ends(record["results"][part]) for part in parts]
    rows.append((record["name"], "", *found))
    heads = ("run", "seed", *(part.replace("_", ", ", 1) for part in parts))
    lines = aligned([heads, *rows], right=(1,))
    best = record["against_best"]
    notice = record["data"]["notice"]
    return "\n".join(
        [
            *lines,
            "",
            f"Paired test: {best['summary']}",
            f"It costs {record['model']['parameters']:,} parameters and "
            f"{record['model']['mflops']:,.0f} MFLOPs for one face.",
            *([f"Note: {notice}."] if notice else []),
        ]
    )


def _require_several(runs: Sequence[StoredRun]) -> None:
    if len(runs) < 2:
        raise ParameterError(
            f"an ensemble needs at least two runs, received {len(runs)}."
        )
    counts = Counter(run.folder.resolve() for run in runs)
    twice = [run.id for run in runs if counts[run.folder.resolve()] > 1]
    if twice:
        raise ParameterError(f"{twice[0]} is named twice: each run has one vote.")


def _common_parts(runs: Sequence[StoredRun]) -> list[str]:
    """Return "val" if all chose on the same images, "test", and every common TTA."""
    first = runs[0].get("results")
    parts = [p for p in first if all(p in run.get("results") for run in runs)]
    splits = {run.get("data.split_hash") for run in runs}
    one_split = len(splits) == 1 and None not in splits
    return [p for p in parts if p.startswith("test") or (p == "val" and one_split)]


def _mean(runs: Sequence[StoredRun], part: str, labels) -> np.ndarray:
    probs = [stored_probs(run, labels, part) for run in runs]
    return np.mean(probs, axis=0)  # (N, K)


def _against_best(runs: Sequence[StoredRun], probs, labels) -> dict:
    from fer_utils.evaluation import paired_test

    best = max(runs, key=lambda run: run.get("results.val.metrics.accuracy", 0.0))
    test = paired_test(probs, stored_probs(best, labels), labels)
    summary = test.summary("the ensemble", f"{best.record['name']} (best on val)")
    return {"member": best.record["name"], **asdict(test), "summary": summary}


def _member(run: StoredRun) -> dict:
    results = run.get("results")
    return {
        "name": run.record["name"],
        "seed": run.get("experiment.seed"),
        "key": run.get("key"),
        "accuracy": {p: r["metrics"]["accuracy"] for p, r in results.items()},
    }


def _sum(runs: Sequence[StoredRun], path: str) -> float:
    return round(sum(run.get(path) or 0 for run in runs), 2)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _with_ends(result: Mapping) -> str:
    low, high = (100 * end for end in result["intervals"]["accuracy"])
    return f"{_percent(result['metrics']['accuracy'])} [{low:.1f}, {high:.1f}]"
