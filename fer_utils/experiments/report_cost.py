"""Cost against accuracy: which rows are not beaten on both at once."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from fer_utils.experiments.report_tables import Group

__all__ = ["CostAccuracy", "Point", "costs", "frontier"]

_BLUE, _GREY = "#0072B2", "#8C8C8C"
_COSTS = (
    ("mflops", "MFLOPs for one face", 1),
    ("parameters", "parameters", 1),
    ("minutes", "minutes of training", 60),
)
_MOST_NAMES = 14  # more would cover each other


@dataclass(frozen=True)
class Point:
    """One row.

    Attributes:
        name: of the experiment.
        cost: above 0.
        accuracy: on test, in [0, 1].
        interval: its 95 % interval, or the range over seeds, or None.
    """

    name: str
    cost: float
    accuracy: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class CostAccuracy:
    """The rows of one table by one cost.

    Attributes:
        cost: what the cost is, with its unit.
        points: one per row that knows its cost, at least two.
        notice: of the data.
    """

    cost: str
    points: tuple[Point, ...]
    notice: str = ""

    def plot(self, ax=None):
        """Draw the rows, join those that none beats, and return the Axes.

        Args:
            ax: matplotlib Axes; a new figure by default.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots(figsize=(4.6, 3.6), layout="constrained")[1]
        _draw(ax, self.points)
        ax.set(xlabel=f"{self.cost} (log scale)", ylabel="accuracy on test")
        title = f"Accuracy against {self.cost.split(' of ')[0].split(' for ')[0]}"
        notice = f" ({self.notice})" if self.notice else ""
        ax.set_title(title + notice, loc="left", fontsize=11)
        return ax

    def alt_text(self) -> str:
        """Describe the figure in words."""
        names = ", ".join(
            f"{p.name} ({100 * p.accuracy:.1f} %)" for p in frontier(self.points)
        )
        return (
            f"Test accuracy of {len(self.points)} rows against {self.cost}: no row is "
            f"both cheaper and better than {names}."
        )


def costs(table: Group) -> list[CostAccuracy]:
    """Return accuracy against each cost that tells the rows of a table apart.

    Args:
        table: from `groups`. Minutes are left out where the rows were trained on more
            than one processor; parameters stand in where no operations were counted.
    """
    found = {}
    for name, label, unit in _COSTS:
        points = tuple(_points(table, name, unit))
        different = len({point.cost for point in points}) > 1
        if different and not (name == "minutes" and _machines(table) > 1):
            found[name] = CostAccuracy(label, points, table.first.notice)
    if "mflops" in found:
        found.pop("parameters", None)
    return list(found.values())


def _machines(table: Group) -> int:
    path = "environment.processor"
    return len({run.value(path).text for run in table.runs})


def _points(table: Group, name: str, unit: float):
    for row in table.rows:
        cost, test = row.cells[name].value.raw, row.cells["test"]
        if cost and test.value.raw is not None:
            ends = test.interval or test.range
            interval = tuple(end.raw for end in ends) if ends else None
            yield Point(row.name, cost / unit, test.value.raw, interval)


def frontier(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats on cost and accuracy, cheapest first.

    Example:
        >>> points = [Point("a", 1, 0.5), Point("b", 2, 0.4), Point("c", 3, 0.6)]
        >>> [point.name for point in frontier(points)]
        ['a', 'c']
    """
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p.cost, -p.accuracy)):
        if not front or point.accuracy > front[-1].accuracy:
            front.append(point)
    return front


def _draw(ax, points: Sequence[Point]) -> None:
    front = frontier(points)
    ax.set_xscale("log")
    ax.plot(
        [p.cost for p in front],
        [p.accuracy for p in front],
        "--",
        color=_BLUE,
        linewidth=1,
    )
    for point in points:
        colour = _BLUE if point in front else _GREY
        if point.interval:
            ax.plot([point.cost] * 2, point.interval, color=colour, linewidth=1.5)
        ax.plot(point.cost, point.accuracy, "o", color=colour, markersize=6)
    _names(ax, points if len(points) <= _MOST_NAMES else front)
    _ticks(ax, [point.cost for point in points])
    ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    ax.margins(x=0.12, y=0.12)
    ax.spines[["top", "right"]].set_visible(False)


def _names(ax, points: Sequence[Point]) -> None:
    """Write each name on the side with more room, and never two on one height."""
    middle = statistics.median(point.cost for point in points)
    low, high = ax.get_ylim()
    step, taken = (high - low) / 16, {True: [], False: []}
    for point in sorted(points, key=lambda p: -p.accuracy):
        left = point.cost > middle
        height = point.accuracy
        while any(abs(height - other) < step for other in taken[left]):
            height -= step / 4
        taken[left].append(height)
        ax.annotate(
            point.name,
            (point.cost, height),
            xytext=(-7 if left else 7, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            fontsize=8,
            bbox={"facecolor": "white", "alpha": 0.75, "pad": 0.6, "edgecolor": "none"},
        )


def _ticks(ax, values: Sequence[float]) -> None:
    """Name plain numbers; a log axis over less than a decade would name none."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    spread = max(values) / min(values)
    steps = (1, 1.5, 2, 3, 5, 7) if spread < 5 else (1, 2, 5) if spread < 50 else (1,)
    ax.xaxis.set_major_locator(LogLocator(subs=steps))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
