"""The figures of `CrossReport` and `LeakageDemo`."""

from __future__ import annotations

import numpy as np

from fer_utils import labels as fer_labels

__all__ = ["draw", "draw_leakage"]

_EDGE, _GREY = "#333333", "#8C8C8C"


def draw(report, ax=None):
    """Draw recall per shared class with 95 % intervals; see `CrossReport.plot`."""
    from matplotlib.patches import Patch

    from fer_utils.evaluation import plots

    ax = plots._axes(ax, (8, 4))
    styles = (("any class", report.any_class, 1.0, ""),)
    styles += (("shared classes only", report.shared_only, 0.6, "///"),)
    colours = [fer_labels.colour(name) for name in report.shared]
    for position, (_, answers, alpha, hatch) in enumerate(styles):
        _bars(ax, answers, position * 0.4 - 0.2, colours, alpha, hatch)
    rows = report.any_class.recall
    names = [f"{name}\n{rows[name]['support']:,}" for name in report.shared]
    ax.set_xticks(np.arange(len(names)), names)
    ax.set(ylim=(0, 1.02), ylabel="recall", xlabel="label, with its number of images")
    keys = [
        Patch(facecolor=(_GREY, a), edgecolor=_EDGE, hatch=h, label=f"answers: {name}")
        for name, _, a, h in styles
    ]
    ax.legend(
        handles=keys, ncols=2, loc="lower right", bbox_to_anchor=(1, 1), frameon=False
    )
    details = (
        f"accuracy {report.any_class.accuracy:.1%}, "
        f"shared only {report.shared_only.accuracy:.1%}"
    )
    title = f"The model on {report.data_name}"
    return plots._titled(plots._clean(ax), title, details, report.notice)


def _bars(ax, answers, shift: float, colours, alpha: float, hatch: str) -> None:
    rows = list(answers.recall.values())
    heights = np.array([row["recall"] or 0.0 for row in rows])
    ends = [row["interval"] or (row["recall"] or 0.0,) * 2 for row in rows]
    low, high = np.array(ends).reshape(-1, 2).T
    ax.bar(
        np.arange(len(rows)) + shift,
        heights,
        width=0.37,
        color=[(colour, alpha) for colour in colours],
        edgecolor=_EDGE,
        linewidth=0.8,
        hatch=hatch,
        yerr=(np.maximum(heights - low, 0), np.maximum(high - heights, 0)),
        error_kw={"ecolor": _EDGE, "elinewidth": 1, "capsize": 2},
    )


def draw_leakage(demo, ax=None):
    """Draw the accuracies of both splits; see `LeakageDemo.plot`."""
    from fer_utils.evaluation import plots

    ax = plots._axes(ax, (5.6, 3.4))
    names = ("split by image", "split by subject")
    values = (demo.by_image, demo.by_subject)
    bars = ax.barh(names, values, color=("#D55E00", "#0072B2"), height=0.6)
    ax.axvline(demo.majority, color=_EDGE, linestyle="--", linewidth=1)
    texts = ax.bar_label(bars, [f"{value:.1%}" for value in values], padding=4)
    for text in texts:  # the line must not cross a number
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
    ax.annotate(
        f"always the commonest class: {demo.majority:.1%}",
        (demo.majority, 1),
        xytext=(4, 4),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        fontsize=9,
    )
    ax.invert_yaxis()
    ax.set(xlim=(0, 1.12), xlabel="accuracy")
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.set_xticks(np.linspace(0, 1, 6))
    title = f"One nearest neighbour on raw pixels of {demo.data_name}"
    ax = plots._clean(ax)
    ax.set_title(title, loc="left", fontsize=12, pad=22)
    if demo.notice:
        ax.set_xlabel(f"accuracy ({demo.notice})")
    return ax
