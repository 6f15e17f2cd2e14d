"""What the report tells about one run: figures, classes, settings, provenance."""

from __future__ import annotations

from dataclasses import dataclass

from fer_utils.experiments.report_answers import TestSet
from fer_utils.experiments.report_figures import Figure, svg_figure
from fer_utils.experiments.report_mistakes import Gallery, gallery
from fer_utils.experiments.report_values import Run, Value, get_field

__all__ = ["ClassRow", "Details", "Figure", "SourceRow", "details"]

_PROVENANCE = (
    ("run key", "key", "plain"),
    ("seed", "seed", "plain"),
    ("determinism", "determinism", "plain"),
    ("data set", "data.name", "plain"),
    ("data hash", "data.content_hash", "plain"),
    ("split hash", "data.split_hash", "plain"),
    ("hash of the test images", "data.test_hash", "plain"),
    ("git commit", "environment.git_commit", "plain"),
    ("uncommitted changes", "environment.git_dirty", "plain"),
    ("pinned versions, hash", "environment.constraints_hash", "plain"),
    ("Python", "environment.python", "plain"),
    ("Keras", "environment.keras", "plain"),
    ("backend", "environment.backend", "plain"),
    ("backend version", "environment.backend_version", "plain"),
    ("NumPy", "environment.numpy", "plain"),
    ("system", "environment.system", "plain"),
    ("processor", "environment.processor", "plain"),
    ("cores", "environment.cores", "count"),
    ("GPUs", "environment.gpus", "plain"),
    ("started", "started", "plain"),
    ("finished", "finished", "plain"),
    ("peak memory", "peak_memory_mb", "megabytes"),
    ("model file (MB)", "model.file_mb", "plain"),
    ("training images", "training.images", "count"),
    ("epochs done before a resume", "training.resumed_after", "count"),
)
_SOURCE_SCORES = (
    ("n", "count"),
    ("metrics.accuracy", "percent"),
    ("intervals.accuracy.0", "points"),
    ("intervals.accuracy.1", "percent"),
    ("metrics.macro_f1", "score"),
)
_MEASURES = (
    ("precision", "score"),
    ("recall", "score"),
    ("f1", "score"),
    ("support", "count"),
)


@dataclass(frozen=True)
class ClassRow:
    """One true class on test.

    Attributes:
        name: of the class.
        scores: precision, recall, F1, number of images.
        predicted: the share of its images that each class was predicted for, in the
            order of the classes.
    """

    name: str
    scores: tuple[Value, ...]
    predicted: tuple[Value, ...]


@dataclass(frozen=True)
class SourceRow:
    """The test result of one data set of a mix.

    Attributes:
        name: of the data set.
        scores: number of images, accuracy, the ends of its interval, macro-F1.
    """

    name: str
    scores: tuple[Value, ...]


@dataclass(frozen=True)
class Details:
    """One run in detail.

    Attributes:
        run: Run.
        figures: learning curves and reliability; those that the record has numbers for.
        classes: a row per class: scores, and its row of the confusion matrix.
        confusion_text: the confusion matrix in words.
        sources: a row per data set, if the run is of a mix.
        provenance: (label, value), what is needed to judge or repeat the run.
        parameters: (name, value), every parameter of the experiment.
        gallery: the surest mistakes, or None when nobody asked.
        problem: what could not be drawn, or "".
    """

    run: Run
    figures: tuple[Figure, ...] = ()
    classes: tuple[ClassRow, ...] = ()
    confusion_text: str = ""
    sources: tuple[SourceRow, ...] = ()
    provenance: tuple[tuple[str, Value], ...] = ()
    parameters: tuple[tuple[str, Value], ...] = ()
    gallery: Gallery | None = None
    problem: str = ""


def details(run: Run, images: TestSet | None = None) -> Details:
    """Return everything the report tells about one run.

    Args:
        run: a failed run has provenance and parameters only.
        images: the run's test set, for the gallery; None leaves the gallery out.
    """
    told = {"provenance": _provenance(run), "parameters": _parameters(run)}
    if not run.finished:
        return Details(run, **told)
    try:
        told |= {
            "figures": _figures(run),
            "classes": _classes(run),
            "confusion_text": _confusion_text(run),
            "sources": _sources(run),
        }
    except Exception as error:  # one odd record must not cost the page
        told["problem"] = f"{type(error).__name__}: {error}"
    return Details(run, **told, gallery=gallery(run, images) if images else None)


def _provenance(run: Run) -> tuple[tuple[str, Value], ...]:
    found = [(label, run.value(path, style)) for label, path, style in _PROVENANCE]
    listed = {path for _, path, _ in _PROVENANCE}
    for name in run.record.get("environment") or {}:  # whatever else it noted
        path = f"environment.{name}"
        if path not in listed:
            found.append((name.replace("_", " "), run.value(path)))
    phases = run.record.get("seconds")
    if isinstance(phases, dict):
        found += [(f"time: {p}", run.value(f"seconds.{p}", "seconds")) for p in phases]
    return tuple((label, v) for label, v in found if v.raw not in (None, []))


def _parameters(run: Run) -> tuple[tuple[str, Value], ...]:
    names = run.record.get("experiment", {})
    return tuple((name, run.value(f"experiment.{name}")) for name in names)


def _classes(run: Run) -> tuple[ClassRow, ...]:
    result = get_field(run.record, "results.test")
    if not result:
        return ()
    return tuple(
        ClassRow(
            name,
            tuple(
                run.value(f"results.test.per_class.{name}.{measure}", style)
                for measure, style in _MEASURES
            ),
            tuple(_share(run, result, i, j) for j in range(len(result["classes"]))),
        )
        for i, name in enumerate(result["classes"])
    )


def _sources(run: Run) -> tuple[SourceRow, ...]:
    return tuple(
        SourceRow(
            name,
            tuple(
                run.value(f"results_by_source.{name}.test.{field}", style)
                for field, style in _SOURCE_SCORES
            ),
        )
        for name in run.record.get("results_by_source") or {}
    )


def _share(run: Run, result: dict, i: int, j: int) -> Value:
    counts = result["confusion"][i]
    share = counts[j] / sum(counts) if sum(counts) else None
    return Value((run.id,), f"results.test.confusion.{i}.{j}", "whole", share, "share")


def _confusion_text(run: Run) -> str:
    from fer_utils.evaluation import ConfusionMatrix, Report

    result = get_field(run.record, "results.test")
    return ConfusionMatrix(Report.from_dict(result)).alt_text() if result else ""


def _figures(run: Run) -> tuple[Figure, ...]:
    from fer_utils.evaluation import LearningCurves, Report

    figures = []
    history = get_field(run.record, "training.history")
    if history:
        curves = LearningCurves(history, notice=run.notice)
        figures.append(svg_figure("Learning curves", curves.plot, curves.alt_text()))
    result = get_field(run.record, "results.test")
    if result:
        drawing = Report.from_dict(result).calibration
        name = "Reliability on test"
        figures.append(svg_figure(name, drawing.plot, drawing.alt_text()))
    return tuple(figures)
