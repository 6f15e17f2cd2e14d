"""`diff`: what two runs have not in common, and whether their results differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fer_utils.errors import DataError, FerError
from fer_utils.experiments.report_values import MISSING, plain
from fer_utils.experiments.run_probs import (
    faces_of,
    require_same_test,
    stored_probs,
)
from fer_utils.experiments.runs import StoredRun, aligned

__all__ = ["Change", "RunDiff", "diff", "paired"]

# (path, name, scale, decimals, unit)
_METRICS = (
    ("results.test.metrics.accuracy", "test accuracy", 100, 1, "%"),
    ("results.test.metrics.balanced_accuracy", "test balanced accuracy", 100, 1, "%"),
    ("results.test.metrics.macro_f1", "test macro-F1", 1, 3, ""),
    ("results.test.metrics.ece", "test ECE", 1, 3, ""),
    ("results.test.metrics.log_loss", "test log loss", 1, 3, ""),
    ("results.val.metrics.accuracy", "val accuracy", 100, 1, "%"),
    ("results.train.metrics.accuracy", "train accuracy", 100, 1, "%"),
    ("training.best_epoch", "best epoch", 1, 0, ""),
    ("model.parameters", "parameters", 1, 0, ""),
    ("seconds.training", "training", 1 / 60, 1, "min"),
    ("peak_memory_mb", "peak memory", 1, 0, "MB"),
)


@dataclass(frozen=True)
class Change:
    """One thing that differs: its name, then how it is in A and in B."""

    name: str
    a: str
    b: str


@dataclass(frozen=True)
class RunDiff:
    """Two runs side by side; `str()` is what `fer runs diff` prints.

    Attributes:
        a: id of the first run.
        b: id of the second run.
        changes: by section ("parameters", "data", "code", "environment") what differs;
            a section in which nothing does is empty.
        metrics: (name, A, B, B minus A) as text, of what both runs measured.
        verdict: the paired test in words, or why there is none.
        remarks: what must be said besides.
    """

    a: str
    b: str
    changes: Mapping[str, tuple[Change, ...]]
    metrics: tuple[tuple[str, str, str, str], ...]
    verdict: str
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"A  {self.a}", f"B  {self.b}"]
        for section, changes in self.changes.items():
            if not changes:
                lines += ["", f"{section}: the same"]
                continue
            rows = [(f"  {c.name}", c.a, c.b) for c in changes]
            lines += ["", *aligned([(section, "A", "B"), *rows])]
        if self.metrics:
            heads = ("results", "A", "B", "B - A")
            rows = [(f"  {name}", *texts) for name, *texts in self.metrics]
            lines += ["", *aligned([heads, *rows], right=(1, 2, 3))]
        return "\n".join([*lines, "", self.verdict, *self.remarks])


def diff(a: StoredRun, b: StoredRun) -> RunDiff:
    """Compare two runs.

    Args:
        a: the run to start from.
        b: the run to look at.

    Returns:
        RunDiff. The paired test needs `probs.npz` beside both records, the same test
        images, and the data to take the labels from; without one of these the verdict
        says which.

    Raises:
        DataError: a run has no readable record.
    """
    for run in (a, b):
        if not run.record.get("schema"):
            raise DataError(f"{run.id} is {run.status}, nothing to compare: {run.note}")
    changes = {
        "parameters": _changes(_parameters(a), _parameters(b)),
        "data": _changes(_data(a), _data(b)),
        "code": _code(a, b),
        "environment": _changes(_environment(a), _environment(b)),
    }
    return RunDiff(
        a=a.id,
        b=b.id,
        changes=changes,
        metrics=tuple(_metrics(a, b)),
        verdict=_verdict(a, b),
        remarks=tuple(_remarks(a, b)),
    )


def paired(a: StoredRun, b: StoredRun):
    """Test whether B is better than A on the test images that both answered.

    Returns:
        PairedTest of B against A: a positive difference means that B is better.

    Raises:
        DataError: the two cannot be paired; the message says why.
    """
    from fer_utils.evaluation import paired_test

    require_same_test(a, b)
    labels = faces_of(a).test.labels
    probs = [stored_probs(run, labels) for run in (b, a)]
    return paired_test(*probs, labels)


def _verdict(a: StoredRun, b: StoredRun) -> str:
    try:
        return "Paired test: " + paired(a, b).summary("B", "A")
    except FerError as reason:
        return f"No paired test: {reason}"


def _parameters(run: StoredRun) -> dict:
    values = run.get("experiment") or {}
    options = values.get("model_options") or {}
    flat = {k: v for k, v in values.items() if k not in ("name", "model_options")}
    return flat | {f"model_options.{k}": v for k, v in options.items()}


def _data(run: StoredRun) -> dict:
    data = dict(run.get("data") or {})
    counts = data.pop("counts", {})
    sizes = {f"{k} images": sum(v.values()) for k, v in counts.items()}
    hashes = {k: str(v)[:12] for k, v in data.items() if k.endswith("_hash")}
    return data | sizes | hashes


def _environment(run: StoredRun) -> dict:
    values = run.get("environment") or {}
    return {k: v for k, v in values.items() if not k.startswith("git_")}


def _changes(a: Mapping, b: Mapping) -> tuple[Change, ...]:
    return tuple(
        Change(name, _text(a.get(name)), _text(b.get(name)))
        for name in dict.fromkeys((*a, *b))
        if a.get(name) != b.get(name)
    )


def _text(value: object) -> str:
    return MISSING if value is None else plain(value)


def _code(a: StoredRun, b: StoredRun) -> tuple[Change, ...]:
    """Return what differs in the package's files; of old records, only the commit."""
    parts = [run.get("parts") for run in (a, b)]
    commit = _changes(_commit(a), _commit(b))
    if not all(parts):
        return commit
    files = _changes(*(_short(part.get("code") or {}) for part in parts))
    notebook = _changes(*({"notebook": part.get("notebook")} for part in parts))
    return (*files, *notebook, *commit)


def _short(hashes: Mapping) -> dict:
    return {path: str(value)[:8] for path, value in hashes.items()}


def _commit(run: StoredRun) -> dict:
    commit = run.get("environment.git_commit")
    dirty = " and uncommitted changes" if run.get("environment.git_dirty") else ""
    return {"git commit": f"{commit[:8]}{dirty}" if commit else None}


def _remarks(a: StoredRun, b: StoredRun) -> Iterable[str]:
    for run in (a, b):
        if run.note:
            yield f"{run.id}: {run.note}"
        if not run.get("parts"):
            yield f"{run.id}: written by an older version, its code files are unknown."
    notices = {str(run.get("data.notice") or "") for run in (a, b)} - {""}
    yield from (f"Note: {notice}." for notice in sorted(notices))


def _metrics(a: StoredRun, b: StoredRun) -> Iterable[tuple[str, str, str, str]]:
    for path, name, scale, decimals, unit in _METRICS:
        values = a.get(path), b.get(path)
        if None in values:
            continue
        ours, theirs = (value * scale for value in values)
        gap = "points" if unit == "%" else unit
        yield (
            name,
            f"{ours:,.{decimals}f} {unit}".strip(),
            f"{theirs:,.{decimals}f} {unit}".strip(),
            f"{theirs - ours:+,.{decimals}f} {gap}".strip(),
        )
