"""The ensembles among the reference records, as lines of a table."""

from __future__ import annotations

from pathlib import Path

from fer_utils.experiments.ensembles import FILE
from fer_utils.experiments.record import read_record
from fer_utils.experiments.report_values import Run, get_field

__all__ = ["HEADINGS", "ensemble_cells", "ensembles"]

HEADINGS = (
    "ensemble",
    "members",
    "data",
    "val",
    "test [95 %]",
    "test, TTA",
    "macro-F1",
    "ECE",
    "parameters",
    "MFLOPs",
    "test, over the best member [95 %]",
)


def ensembles(folder: str | Path) -> list[Run]:
    """Return the record of each `ensemble.json` below a folder, by path.

    Args:
        folder: for example `reports/reference`; may be missing.

    Raises:
        DataError: such a file is not a record of an ensemble.
    """
    folder = Path(folder)
    return [
        Run(path.parent.relative_to(folder).as_posix(), read_record(path), path.parent)
        for path in sorted(folder.rglob(FILE))
    ]


def ensemble_cells(run: Run, folder: str) -> dict[str, str]:
    """Return what the results page says of an ensemble, by `HEADINGS`.

    Args:
        run: from `ensembles`.
        folder: what a link begins with.
    """
    classes = len(get_field(run.record, "data.classes"))
    cells = (
        f"[{run.record['name']}]({folder}/{run.id}/{FILE})",
        ", ".join(member["name"] for member in run.record["members"]),
        f"{run.value('data.name').text}, {classes} classes",
        _text(run, "results.val.metrics.accuracy"),
        _accuracy(run, "test"),
        _with_tta(run),
        run.value("results.test.metrics.macro_f1", "score").text,
        run.value("results.test.metrics.ece", "score").text,
        run.value("model.parameters", "count").text,
        run.value("model.mflops", "count").text,
        _gain(run),
    )
    return dict(zip(HEADINGS, cells, strict=True))


def _text(run: Run, path: str) -> str:
    return run.value(path, "percent").text


def _accuracy(run: Run, part: str) -> str:
    low = run.value(f"results.{part}.intervals.accuracy.0", "points").text
    high = _text(run, f"results.{part}.intervals.accuracy.1")
    return f"{_text(run, f'results.{part}.metrics.accuracy')} [{low}, {high}]"


def _with_tta(run: Run) -> str:
    extra = [part for part in run.record["results"] if part.startswith("test_")]
    texts = [f"{_accuracy(run, p)} {p.removeprefix('test_')}" for p in extra]
    return ", ".join(texts)


def _gain(run: Run) -> str:
    ends = ("difference", "interval.0", "interval.1")
    gain, low, high = (run.value(f"against_best.{e}", "signed").text for e in ends)
    return f"{gain} points [{low}, {high}]"
