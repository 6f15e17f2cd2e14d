"""Figures as result objects: `Thing(result).plot()` returns Axes or a Figure.

Every object also has `alt_text()`, one sentence for a person who cannot see the figure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data.faceset import SPLITS
from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation.calibration import Reliability
from fer_utils.evaluation.metrics import Report

__all__ = [
    "AugmentationGallery",
    "ConfusionMatrix",
    "FaceGrid",
    "LearningCurves",
    "PerClass",
    "SplitCounts",
    "draw_reliability",
]

# Of Wong's palette: apart for colour-blind readers and in grey print.
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#8C8C8C"


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """Which class is taken for which.

    Attributes:
        report: Report.
    """

    report: Report

    def plot(self, ax=None, ratio: bool = True):
        """Draw the matrix and return its Axes.

        Args:
            ax: matplotlib Axes; a new figure by default.
            ratio: shares of each true class instead of counts.
        """
        import seaborn as sns

        ax = _axes(ax, self._size())
        counts, classes = self.report.confusion, self.report.classes
        sns.heatmap(
            self.shares() if ratio else counts,
            ax=ax,
            annot=True,
            fmt=".2f" if ratio else "d",
            cmap="Blues",
            vmin=0,
            vmax=1 if ratio else None,
            square=True,
            linewidths=0.5,
            annot_kws={"fontsize": 9},
            xticklabels=classes,
            yticklabels=classes,
            cbar_kws={"label": "share of the true class" if ratio else "images"},
        )
        ax.set(xlabel="predicted label", ylabel="true label")
        ax.tick_params(axis="x", rotation=35)
        ax.tick_params(axis="y", rotation=0)
        accuracy = self.report.metrics["accuracy"]
        details = f"{self.report.n:,} images, accuracy {_percent(accuracy)}"
        return _titled(ax, "Confusion matrix", details, self.report.notice)

    def shares(self) -> np.ndarray:
        """Return float (K, K), rows as shares of their class; 0 where it is absent."""
        counts = self.report.confusion
        total = counts.sum(1, keepdims=True)
        return np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)

    def alt_text(self) -> str:
        """Describe the figure in words."""
        classes, recall = self.report.classes, np.diag(self.shares())
        present = np.flatnonzero(self.report.confusion.sum(1))
        best = present[recall[present].argmax()]
        worst = present[recall[present].argmin()]
        text = (
            f"Confusion matrix of {self.report.n:,} images in {len(classes)} classes: "
            f"{classes[best]} is recognised best ({_percent(recall[best])}), "
            f"{classes[worst]} worst ({_percent(recall[worst])})"
        )
        wrong = self.report.confusion.copy()
        np.fill_diagonal(wrong, 0)
        true, predicted = np.unravel_index(wrong.argmax(), wrong.shape)
        if wrong.max():
            text += (
                f"; the most frequent mistake is {classes[true]} taken for "
                f"{classes[predicted]} ({wrong.max():,} times)"
            )
        return text + "."

    def _size(self) -> tuple[float, float]:
        side = max(3.8, 2.2 + 0.62 * len(self.report.classes))
        return side + 1, side


@dataclass(frozen=True, eq=False)
class PerClass:
    """Recall, precision and F1 of each class.

    Attributes:
        report: Report.
    """

    report: Report

    def plot(self, ax=None):
        """Draw three bars per class and return the Axes."""
        from matplotlib.patches import Patch

        classes, rows = self.report.classes, self.report.per_class
        ax = _axes(ax, (8, 4))
        styles = {"recall": (1, ""), "precision": (0.6, ""), "f1": (0.6, "///")}
        colours = [_colour(name) for name in classes]
        for position, (measure, (alpha, hatch)) in enumerate(styles.items()):
            ax.bar(
                np.arange(len(classes)) + (position - 1) * 0.27,
                [rows[name][measure] for name in classes],
                width=0.25,
                color=[(colour, alpha) for colour in colours],
                edgecolor="#333333",
                linewidth=0.8,
                hatch=hatch,
            )
        names = {"recall": "recall", "precision": "precision", "f1": "F1"}
        keys = [
            Patch(facecolor=(_GREY, a), edgecolor="#333333", hatch=h, label=names[m])
            for m, (a, h) in styles.items()
        ]
        ticks = [f"{name}\nn = {rows[name]['support']:,}" for name in classes]
        ax.set_xticks(np.arange(len(classes)), ticks)
        ax.set(
            ylim=(0, 1), ylabel="score", xlabel="true label, with its number of images"
        )
        ax.legend(
            handles=keys,
            ncols=3,
            loc="lower right",
            bbox_to_anchor=(1, 1),
            frameon=False,
        )
        details = f"macro-F1 {self.report.metrics['macro_f1']:.3f}"
        return _titled(_clean(ax), "Scores per class", details, self.report.notice)

    def alt_text(self) -> str:
        """Describe the figure in words."""
        scores = {
            name: row["f1"]
            for name, row in self.report.per_class.items()
            if row["support"]
        }
        best, worst = max(scores, key=scores.get), min(scores, key=scores.get)
        return (
            f"Bars of recall, precision and F1 for {len(self.report.classes)} classes: "
            f"F1 is highest for {best} ({scores[best]:.2f}) and lowest for {worst} "
            f"({scores[worst]:.2f})."
        )


@dataclass(frozen=True, eq=False)
class LearningCurves:
    """Loss and accuracy over the epochs.

    Attributes:
        history: {"loss": [...], "accuracy": [...], "val_loss": [...], "val_accuracy":
            [...], "learning_rate": [...]}, one number per epoch; any may be missing.
        notice: a sentence that the figure must carry.
    """

    history: Mapping[str, Sequence[float]]
    notice: str = ""

    def best_epoch(self) -> int | None:
        """Return the epoch (from 1) with the best val accuracy, or else val loss."""
        for name, sign in (("val_accuracy", 1), ("val_loss", -1)):
            values = sign * np.asarray(self.history.get(name, []), np.float64)
            if np.isfinite(values).any():
                return int(np.nanargmax(values)) + 1
        return None

    def plot(self, title: str = "Learning curves"):
        """Draw loss, accuracy and, where known, learning rate; return the Figure."""
        import matplotlib.pyplot as plt

        panels = [
            (name, label)
            for name, label in (
                ("loss", "loss (nats)"),
                ("accuracy", "accuracy"),
                ("learning_rate", "learning rate"),
            )
            if name in self.history or f"val_{name}" in self.history
        ]
        if not panels:
            raise DataError(
                "this history has neither loss nor accuracy, received: "
                f"{', '.join(self.history) or 'nothing'}."
            )
        figure, all_axes = plt.subplots(
            1, len(panels), figsize=(8, 3.2), layout="constrained", squeeze=False
        )
        for ax, (name, label) in zip(all_axes[0], panels, strict=True):
            self._panel(ax, name, label)
        handles, names = all_axes[0, 0].get_legend_handles_labels()
        figure.legend(
            handles, names, loc="outside lower center", ncols=3, frameon=False
        )
        figure.suptitle(_title(title, self.notice), fontsize=11)
        return figure

    def _panel(self, ax, name: str, label: str):
        from matplotlib.ticker import MaxNLocator

        styles = {name: (_BLUE, "--", "train"), f"val_{name}": (_ORANGE, "-", "val")}
        if name == "learning_rate":
            styles = {name: ("#333333", "-", "_nolegend_")}
            ax.set_yscale("log")
        epochs = self._epochs()
        for key, (colour, line, who) in styles.items():
            values = self.history.get(key, [])
            marker = "o" if epochs < 15 else ""
            x = np.arange(1, len(values) + 1)
            ax.plot(x, values, line, color=colour, marker=marker, ms=3.5, label=who)
        best = self.best_epoch()
        if best is not None:
            name = f"best epoch ({best}), by val"
            ax.axvline(best, color=_GREY, linestyle=":", label=name)
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        ax.set(xlabel="epoch", title=label, xlim=(0.5, max(1, epochs) + 0.5))
        _clean(ax)

    def _epochs(self) -> int:
        return max((len(values) for values in self.history.values()), default=0)

    def alt_text(self) -> str:
        """Describe the figure in words."""
        epochs = self._epochs()
        text = f"Learning curves over {epochs} epoch{'s' if epochs != 1 else ''}"
        best = self.best_epoch()
        if best is None:
            return text + "."
        if np.size(self.history.get("val_accuracy", [])):
            value = _percent(self.history["val_accuracy"][best - 1])
            text += f": val accuracy is highest in epoch {best} ({value})"
        else:
            value = self.history["val_loss"][best - 1]
            text += f": val loss is lowest in epoch {best} ({value:.3f})"
        return text + "."


@dataclass(frozen=True, eq=False)
class FaceGrid:
    """A gallery of faces.

    Attributes:
        faces: FaceSet, or uint8 (N, H, W) or (N, H, W, C).
        columns: faces per row, at least 1.
        captions: one per face; by default the label name of a FaceSet's faces.
        notice: a sentence that the figure must carry; by default the FaceSet's.
    """

    faces: object
    columns: int = 8
    captions: Sequence[str] | None = None
    notice: str = ""

    def __post_init__(self):
        if self.columns < 1:
            raise ParameterError(f"columns={self.columns}: expected at least 1.")
        if self.captions is not None and len(self.captions) != len(self.faces):
            raise ParameterError(
                f"captions: received {len(self.captions)} for {len(self.faces)} faces."
            )

    def plot(self, title: str = ""):
        """Draw the faces and return the Figure."""
        captions = self._captions()
        return _image_grid(
            self._images(), self.columns, captions, title, self._whole_notice()
        )

    def alt_text(self) -> str:
        """Describe the figure in words."""
        captions = [c for c in self._captions() if c]
        shown = f", captioned {'; '.join(captions[:3])}" if captions else ""
        more = " and so on" if len(captions) > 3 else ""
        plural = "" if len(self.faces) == 1 else "s"
        return f"Gallery of {len(self.faces)} face image{plural}{shown}{more}."

    def _images(self) -> np.ndarray:
        return getattr(self.faces, "pixels", None) if self._is_set() else self.faces

    def _is_set(self) -> bool:
        return hasattr(self.faces, "pixels")

    def _captions(self) -> list[str]:
        if self.captions is not None:
            return list(self.captions)
        if self._is_set():
            return [self.faces.classes[label] for label in self.faces.labels]
        return [""] * len(self.faces)

    def _whole_notice(self) -> str:
        return self.notice or getattr(self.faces, "notice", "")


@dataclass(frozen=True, eq=False)
class SplitCounts:
    """How many images each class has in each split.

    Attributes:
        faces: FaceSet.
    """

    faces: object

    def plot(self, ax=None):
        """Draw bars, one panel of splits per class, and return the Axes."""
        ax = _axes(ax, (8, 4))
        counts = self.faces.counts()
        shades = {"train": (1.0, ""), "val": (0.6, ""), "test": (0.6, "///")}
        for position, split in enumerate(SPLITS):
            alpha, hatch = shades[split]
            bars = ax.bar(
                np.arange(len(self.faces.classes)) + (position - 1) * 0.28,
                list(counts[split].values()),
                width=0.27,
                color=(_BLUE, alpha),
                edgecolor="#333333",
                linewidth=0.8,
                hatch=hatch,
                label=f"{split} ({sum(counts[split].values()):,})",
            )
            ax.bar_label(bars, fmt="{:,.0f}", fontsize=8, rotation=90, padding=3)
        ax.set_xticks(np.arange(len(self.faces.classes)), self.faces.classes)
        ax.set(ylabel="images", xlabel="label")
        ax.yaxis.set_major_formatter("{x:,.0f}")
        ax.margins(y=0.18)
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)
        return _titled(
            _clean(ax), f"Classes of {self.faces.name}", "", self.faces.notice
        )

    def alt_text(self) -> str:
        """Describe the figure in words."""
        train = self.faces.counts()["train"]
        most, least = max(train, key=train.get), min(train, key=train.get)
        return (
            f"Bars of the number of images per class and split of {self.faces.name}, "
            f"{len(self.faces):,} in all: in train the largest class is {most} "
            f"({train[most]:,}), the smallest {least} ({train[least]:,})."
        )


@dataclass(frozen=True, eq=False)
class AugmentationGallery:
    """What augmentation does: a row per image or setting, a column per draw.

    Attributes:
        images: uint8 or float (R, C, H, W) or (R, C, H, W, channels), in [0, 255].
        row_names: R names for the left edge, optional.
        column_names: C names for the top edge, optional.
        notice: a sentence that the figure must carry.
    """

    images: np.ndarray
    row_names: Sequence[str] | None = None
    column_names: Sequence[str] | None = None
    notice: str = ""

    def __post_init__(self):
        shape = np.shape(self.images)
        if len(shape) not in (4, 5) or 0 in shape:
            raise ParameterError(
                "images: expected (rows, columns, H, W) or (rows, columns, H, W, "
                f"channels), none of them 0, received {shape}."
            )
        wanted = {"row_names": shape[0], "column_names": shape[1]}
        for name, length in wanted.items():
            names = getattr(self, name)
            if names is not None and len(names) != length:
                raise ParameterError(
                    f"{name}: expected {length}, received {len(names)}."
                )

    def plot(self, title: str = "What augmentation does"):
        """Draw the images and return the Figure."""
        images = np.asarray(self.images)
        rows, columns = images.shape[:2]
        captions = [""] * (rows * columns)
        if self.column_names is not None:
            captions[:columns] = self.column_names
        flat = images.reshape(rows * columns, *images.shape[2:])
        figure = _image_grid(flat, columns, captions, title, self.notice)
        for ax, name in zip(figure.axes[::columns], self.row_names or (), strict=False):
            ax.set_ylabel(
                name, rotation=0, ha="right", va="center", fontsize=9, visible=True
            )
        return figure

    def alt_text(self) -> str:
        """Describe the figure in words."""
        rows, columns = np.shape(self.images)[:2]
        names = ", ".join(self.row_names or ())
        return (
            f"Grid of {rows} by {columns} face images that shows random augmentations"
            + (f" ({names})." if names else ".")
        )


def draw_reliability(result: Reliability, ax=None):
    """Draw a reliability diagram and return its Axes; see `Reliability.plot`."""
    ax = _axes(ax, (5.6, 5))
    n_bins = len(result.count)
    centres = (np.arange(n_bins) + 0.5) / n_bins
    filled = result.count > 0
    share = result.count / result.count.sum()
    ax.bar(
        centres,
        share,
        1 / n_bins,
        color="#DDDDDD",
        edgecolor="white",
        label="share of images",
    )
    ax.plot([0, 1], [0, 1], "--", color=_GREY, label="perfect calibration")
    ax.plot(
        result.confidence[filled],
        result.accuracy[filled],
        "o-",
        color=_BLUE,
        clip_on=False,  # an accuracy of 1 lies on the edge
        label="accuracy at this confidence",
    )
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy")
    ax.set_aspect("equal")
    ax.legend(loc="upper left", frameon=False, fontsize=9)
    details = f"{result.count.sum():,} images, ECE {result.ece:.3f}"
    return _titled(_clean(ax), "Reliability", details, result.notice)


def _image_grid(images, columns: int, captions, title: str, notice: str):
    """Draw images in a grid; unused places stay empty."""
    import matplotlib.pyplot as plt

    columns = max(1, min(columns, len(images)))
    rows = max(1, math.ceil(len(images) / columns))
    cell = min(1.9, 8 / columns)  # inches; 8 fill a notebook's width
    width = max(3.5, cell * columns)
    # A caption must stay above its own face: long ones take several lines.
    wrapped = [_wrapped(caption, cell, 9) for caption in captions]
    lines = max((text.count("\n") + 1 for text in wrapped if text), default=0)
    heading = _wrapped(_title(title, notice), width, 11)
    height = rows * (cell + 0.17 * lines + 0.05) + 0.2 * heading.count("\n")
    height += 0.35 if heading else 0
    figure, all_axes = plt.subplots(
        rows, columns, figsize=(width, height), layout="compressed", squeeze=False
    )
    for ax in all_axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for ax, image, caption in zip(all_axes.flat, images, wrapped, strict=False):
        image = np.clip(np.asarray(image), 0, 255).astype(np.uint8)
        image = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
        ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        ax.set_title(caption, fontsize=9, pad=3)
    if not len(images):
        all_axes[0, 0].text(0.5, 0.5, "no faces to show", ha="center", va="center")
    if heading:
        figure.suptitle(heading, fontsize=11)
    return figure


def _wrapped(text: str, width_inches: float, points: int) -> str:
    """Break a text into lines; a letter is about half as wide as the font is high."""
    import textwrap

    characters = int(width_inches * 72 / (0.57 * points))
    return "\n".join(textwrap.wrap(text, max(8, characters)))


def _axes(ax, size: tuple[float, float]):
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def _clean(ax):
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _titled(ax, title: str, details: str, notice: str):
    """Set a title on the left, with details and the notice in small print below it."""
    small = " · ".join(part for part in (details, notice) if part)
    ax.set_title(title, loc="left", fontsize=12, pad=22 if small else 6)
    if small:
        note = ax.annotate(
            small,
            (0, 1),
            xytext=(0, 7),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=9,
            color="#444444",
        )
        note.set_in_layout(False)  # a long line must not squeeze the figure
    return ax


def _title(title: str, notice: str) -> str:
    return f"{title} ({notice})" if title and notice else title or notice


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _colour(name: str) -> str:
    try:
        return fer_labels.colour(name)
    except ParameterError:  # a class that no emotion vocabulary has
        return _GREY
