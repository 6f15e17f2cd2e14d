"""`bench`: how large, how fast and how right are several forms of a model, here?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fer_utils.errors import DataError, ParameterError
from fer_utils.export.comparing import logits_of
from fer_utils.export.loading import ENDINGS, Exported, load_exported

__all__ = ["Bench", "Measured", "bench"]

# Wong's colour-blind-safe palette; the name of each row says its format as well.
_COLOURS = {"keras": "#0072B2", "tflite": "#D55E00", "onnx": "#009E73"}


@dataclass(frozen=True)
class Measured:
    """One model on this machine.

    Attributes:
        name: as given.
        format: "keras", "tflite" or "onnx".
        megabytes: of the file; NaN for a model that was given without one.
        load_seconds: from the file to the first answer; NaN likewise.
        ms_per_face: median milliseconds by batch size.
        accuracy: share of the images labelled as they are; None without labels.
        images: that the accuracy was measured on.
    """

    name: str
    format: str
    megabytes: float
    load_seconds: float
    ms_per_face: Mapping[int, float]
    accuracy: float | None = None
    images: int = 0


@dataclass(frozen=True)
class Bench:
    """Several models, measured in turns on the same machine.

    Attributes:
        rows: one per model, in the order given.
        threads: that TFLite and ONNX files computed with.
        notice: a sentence that tables and figures must carry; "" for real data.
    """

    rows: Sequence[Measured] = field(default_factory=tuple)
    threads: int = 1
    notice: str = ""

    def table(self):
        """Return a pandas DataFrame, a row per model."""
        import pandas as pd

        lines = {}
        for row in self.rows:
            line = {
                "format": row.format,
                "MB": row.megabytes,
                "load s": row.load_seconds,
            }
            for size, ms in row.ms_per_face.items():
                line[f"ms per face, batch {size}"] = ms
            if row.accuracy is not None:
                line["accuracy"] = row.accuracy
            lines[row.name] = line
        return pd.DataFrame.from_dict(lines, "index")

    def plot(self, title: str = "Size, speed, accuracy"):
        """Draw a row per model: its size, its time per face, and its accuracy.

        Returns:
            The Figure; without labels it has no panel for the accuracy.
        """
        import matplotlib.pyplot as plt

        names = [row.name for row in self.rows]
        panels = self._panels()
        figure, axes = plt.subplots(
            1,
            len(panels),
            sharey=True,
            squeeze=False,
            figsize=(3.4 * len(panels) + 0.8, 0.45 * len(names) + 1.4),
            layout="constrained",
        )
        colours = [_COLOURS[row.format] for row in self.rows]
        for ax, (label, values, form) in zip(axes[0], panels, strict=True):
            bars = ax.barh(names, np.nan_to_num(values), color=colours, height=0.62)
            words = ["no file" if np.isnan(v) else form.format(v) for v in values]
            ax.bar_label(bars, words, padding=3, fontsize=9)
            ax.set(xlabel=label, xlim=(0, 1.28 * np.nanmax([*values, 1e-9])))
            ax.spines[["top", "right"]].set_visible(False)
        axes[0][0].invert_yaxis()  # the first row on top
        notice = f" ({self.notice})" if self.notice else ""
        figure.suptitle(f"{title}{notice}", x=0.01, ha="left", fontsize=11)
        return figure

    def _panels(self) -> list[tuple[str, list[float], str]]:
        """Return (axis label, a value per row, its format) of each panel."""
        size = min(self.rows[0].ms_per_face)
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        times = [row.ms_per_face[size] for row in self.rows]
        panels = [
            ("MB of the file", [row.megabytes for row in self.rows], "{:.2f}"),
            (f"ms per face, batch {size}, {threads}", times, "{:.2f}"),
        ]
        if all(row.accuracy is not None for row in self.rows):
            right = [100 * row.accuracy for row in self.rows]
            panels.append(("accuracy, %", right, "{:.1f}"))
        return panels

    def alt_text(self) -> str:
        """Return what the figure shows, in words."""
        size = min(self.rows[0].ms_per_face)
        parts = [
            f"{r.name}: {r.ms_per_face[size]:.2f} ms, {r.megabytes:.1f} MB"
            + (f", {r.accuracy:.1%}" if r.accuracy is not None else "")
            for r in self.rows
        ]
        return f"Accuracy against milliseconds per face. {'; '.join(parts)}."


def bench(
    models: Mapping[str, object],
    pixels: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    batch_sizes: Sequence[int] = (1, 32),
    threads: int = 1,
    seconds: float = 1.0,
    notice: str = "",
    progress: bool = False,
) -> Bench:
    """Measure models in turns: size, load time, milliseconds per face, accuracy.

    The models take turns, so that whatever else the machine does meets all of them; the
    median is reported. A Keras model computes with the threads of its backend, set
    before Python starts (`fer bench` does that).

    Args:
        models: name -> path of a `.keras`, `.tflite` or `.onnx` file, or a model.
        pixels: uint8 (N, H, W, C), at least as many as the largest batch.
        labels: int (N,), positions in the models' classes, for the accuracy.
        batch_sizes: each at least 1.
        threads: for TFLite and ONNX.
        seconds: to spend on each model and batch size.
        notice: a sentence for the table and the figure.
        progress: show a bar.

    Returns:
        Bench.

    Raises:
        ParameterError: no model, a batch size below 1, or seconds not above 0.
        DataError: too few images, or a file that cannot be read.
    """
    _check(models, pixels, batch_sizes, seconds)
    opened = {name: _opened(given, threads, pixels) for name, given in models.items()}
    times = _times([o.call for o in opened.values()], pixels, batch_sizes, seconds)
    rows = []
    for (name, one), by_size in zip(
        opened.items(), _shown(times, progress), strict=True
    ):
        accuracy = None
        if labels is not None:
            answers = logits_of(one.model, pixels).argmax(1)
            accuracy = float((answers == labels).mean())
        rows.append(
            Measured(
                name,
                one.format,
                one.megabytes,
                one.load_seconds,
                by_size,
                accuracy,
                0 if labels is None else len(pixels),
            )
        )
    return Bench(tuple(rows), threads, notice)


@dataclass(frozen=True)
class _Opened:
    model: object
    format: str
    megabytes: float
    load_seconds: float

    @property
    def call(self):
        return getattr(self.model, "predict_on_batch", self.model)


def _opened(given, threads: int, pixels) -> _Opened:
    if isinstance(given, Exported):
        given = given.path
    if not isinstance(given, (str, Path)):
        return _Opened(given, "keras", float("nan"), float("nan"))
    path = Path(given)
    began = time.perf_counter()
    if path.suffix in ENDINGS:
        model = load_exported(path, threads)
        model(pixels[:1])
    else:
        from fer_utils.models import load

        model = load(path)
        model.predict_on_batch(pixels[:1])
    took = time.perf_counter() - began
    return _Opened(model, path.suffix[1:], path.stat().st_size / 1e6, took)


def _check(models, pixels, batch_sizes, seconds) -> None:
    if not models:
        raise ParameterError("no model to measure. Name at least one.")
    for size in batch_sizes:
        if type(size) is not int or size < 1:
            raise ParameterError(
                f"batch size {size!r}: expected a whole number above 0."
            )
    if not seconds > 0:
        raise ParameterError(f"seconds={seconds}: expected a number above 0.")
    if len(pixels) < max(batch_sizes):
        raise DataError(
            f"{len(pixels)} images are fewer than one batch of {max(batch_sizes)}. "
            "Pass more images or smaller batches."
        )


def _times(calls, pixels, batch_sizes, seconds) -> list[dict[int, float]]:
    """Return for each call the median ms per face of each batch size."""
    found: list[dict[int, float]] = [{} for _ in calls]
    for size in batch_sizes:
        batch = np.ascontiguousarray(pixels[:size])
        taken: list[list[float]] = [[] for _ in calls]
        for call in calls:
            call(batch)  # shapes are prepared at the first call
        end = time.perf_counter() + seconds * len(calls)
        while time.perf_counter() < end or not taken[-1]:
            for call, times in zip(calls, taken, strict=True):
                began = time.perf_counter()
                call(batch)
                times.append(time.perf_counter() - began)
        for one, times in zip(found, taken, strict=True):
            one[size] = 1000 * float(np.median(times)) / size
    return found


def _shown(rows, progress: bool):
    from tqdm import tqdm

    return tqdm(rows, desc="accuracy", disable=not progress, leave=False)
