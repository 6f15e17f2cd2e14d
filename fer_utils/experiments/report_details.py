"""What the report tells about one run: figures, classes, settings, provenance."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

from fer_utils.experiments.report_tables import Run, Value, get_field

__all__ = ["Details", "Figure", "details"]

_DPI = 140  # sharp on a phone at half the width
_COLOURS = 256  # a palette: half the size, and no one sees it in these figures

_PROVENANCE = (
    ("run key", "key", "plain"),
    ("data set", "data.name", "plain"),
    ("data hash", "data.content_hash", "plain"),
    ("split hash", "data.split_hash", "plain"),
    ("git commit", "environment.git_commit", "plain"),
    ("uncommitted changes", "environment.git_dirty", "plain"),
    ("Python", "environment.python", "plain"),
    ("Keras", "environment.keras", "plain"),
    ("backend", "environment.backend", "plain"),
    ("backend version", "environment.backend_version", "plain"),
    ("NumPy", "environment.numpy", "plain"),
    ("system", "environment.system", "plain"),
    ("processor", "environment.processor", "plain"),
    ("cores", "environment.cores", "count"),
    ("started", "started", "plain"),
    ("finished", "finished", "plain"),
    ("training", "seconds.training", "seconds"),
    ("prediction", "seconds.prediction", "seconds"),
    ("peak memory", "peak_memory_mb", "megabytes"),
    ("model file (MB)", "model.file_mb", "plain"),
    ("training images", "training.images", "count"),
    ("epochs done before a resume", "training.resumed_after", "count"),
)
_MEASURES = (
    ("precision", "score"),
    ("recall", "score"),
    ("f1", "score"),
    ("support", "count"),
)


@dataclass(frozen=True)
class Figure:
    """A figure that a page can hold in itself.

    Attributes:
        name: what it shows, for the caption.
        png: the image as a data URI.
        alt: the image in words.
        width, height: int, in pixels.
    """

    name: str
    png: str
    alt: str
    width: int
    height: int

    @property
    def ratio(self) -> float:
        """Width over height."""
        return round(self.width / self.height, 3)


@dataclass(frozen=True)
class Details:
    """One run in detail.

    Attributes:
        run: Run.
        figures: learning curves, confusion matrix, scores per class, reliability; those
            that the record has numbers for.
        classes: (class name, its precision, recall, F1 and number of images) on test.
        provenance: (label, value), what is needed to judge or repeat the run.
        parameters: (name, value), every parameter of the experiment.
    """

    run: Run
    figures: tuple[Figure, ...]
    classes: tuple[tuple[str, tuple[Value, ...]], ...]
    provenance: tuple[tuple[str, Value], ...]
    parameters: tuple[tuple[str, Value], ...]


def details(run: Run) -> Details:
    """Return everything the report tells about one run.

    Args:
        run: from `read_runs`; a failed run has provenance and parameters only.
    """
    provenance = [(label, run.value(path, s)) for label, path, s in _PROVENANCE]
    parameters = run.record.get("experiment", {})
    return Details(
        run=run,
        figures=_figures(run) if run.finished else (),
        classes=_classes(run) if run.finished else (),
        provenance=tuple((label, v) for label, v in provenance if v.raw is not None),
        parameters=tuple((k, run.value(f"experiment.{k}")) for k in parameters),
    )


def _classes(run: Run) -> tuple[tuple[str, tuple[Value, ...]], ...]:
    per_class = get_field(run.record, "results.test.per_class") or {}
    return tuple(
        (
            name,
            tuple(
                run.value(f"results.test.per_class.{name}.{measure}", style)
                for measure, style in _MEASURES
            ),
        )
        for name in per_class
    )


def _figures(run: Run) -> tuple[Figure, ...]:
    from fer_utils.evaluation import ConfusionMatrix, LearningCurves, PerClass, Report

    figures = []
    history = get_field(run.record, "training.history")
    if history:
        curves = LearningCurves(history, notice=run.notice)
        figures.append(_figure("Learning curves", curves.plot, curves.alt_text()))
    result = get_field(run.record, "results.test")
    if result:
        report = Report.from_dict(result)
        for name, drawing in (
            ("Scores per class on test", PerClass(report)),
            ("Confusion matrix on test", ConfusionMatrix(report)),
            ("Reliability on test", report.calibration),
        ):
            figures.append(_figure(name, drawing.plot, drawing.alt_text()))
    return tuple(figures)


def _figure(name: str, plot: Callable, alt: str) -> Figure:
    """Draw a figure and close it; `plot` returns Axes or a Figure."""
    import matplotlib.pyplot as plt
    from PIL import Image

    drawn = plot()
    figure = getattr(drawn, "figure", None) or drawn
    raw, small = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", dpi=_DPI, bbox_inches="tight", pad_inches=0.1)
    plt.close(figure)
    image = Image.open(raw).convert("RGB").quantize(_COLOURS)
    image.save(small, format="png", optimize=True)
    data = base64.b64encode(small.getvalue()).decode()
    return Figure(name, f"data:image/png;base64,{data}", alt, *image.size)
