"""`against_reference`: is your run inside the interval of the run that is kept here?"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_utils.errors import ParameterError, did_you_mean
from fer_utils.experiments.grid import load_grid
from fer_utils.experiments.reference import planned, reference_runs, repository_root
from fer_utils.experiments.report_tables import Run, get_field, groups

__all__ = ["AgainstReference", "against_reference"]

_TEST = "results.test"
_BLUE, _ORANGE = "#0072B2", "#D55E00"  # of Wong's palette


@dataclass(frozen=True)
class AgainstReference:
    """Your test accuracy beside that of the reference.

    Attributes:
        name: of the experiment.
        accuracy: yours, in [0, 1].
        interval: its 95 % interval (low, high), or None when it is not known.
        reference: the reference's accuracy (the mean over its seeds), or None when
            there is no such run.
        reference_interval: its 95 % interval; of several seeds, what their intervals
            span together; or None.
        records: ids of the reference records, folders below `reports/reference`.
        obstacles: why the two cannot be compared; empty when they can.
        differences: what else is different, though the comparison is fair.
        notice: of your data.
    """

    name: str
    accuracy: float
    interval: tuple[float, float] | None
    reference: float | None
    reference_interval: tuple[float, float] | None
    records: tuple[str, ...]
    obstacles: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    notice: str = ""

    @property
    def inside(self) -> bool | None:
        """Whether yours lies in the reference's interval; None: not comparable."""
        if self.obstacles or self.reference_interval is None:
            return None
        low, high = self.reference_interval
        return low <= self.accuracy <= high

    @property
    def text(self) -> str:
        """The comparison in a few sentences of Markdown, for a notebook."""
        yours = f"Your run: **{_range(self.accuracy, self.interval)}** on test"
        yours += f" ({self.notice})." if self.notice else "."
        if self.reference is None:
            return f"{yours} {' '.join(self.obstacles)}"
        seeds = f", mean of {len(self.records)} seeds" if len(self.records) > 1 else ""
        ids = ", ".join(f"`{record}`" for record in self.records)
        theirs = _range(self.reference, self.reference_interval)
        parts = [yours, f"The reference, {ids}: **{theirs}**{seeds}.", self._verdict()]
        if self.differences:
            parts.append(f"Also different: {'; '.join(self.differences)}.")
        return " ".join(parts)

    def _verdict(self) -> str:
        if self.obstacles:
            return f"The two are **not comparable**: {'; '.join(self.obstacles)}."
        if self.inside is None:
            return "The reference has no interval."
        if self.inside:
            return "Yours lies **inside** the reference's interval."
        side = "above" if self.accuracy > self.reference else "below"
        return f"Yours lies **outside** the reference's interval, {side} it."

    def plot(self, ax=None):
        """Draw both accuracies with their intervals and return the Axes.

        Args:
            ax: matplotlib Axes; a new figure by default.
        """
        bars = [("your run", self.accuracy, self.interval, _BLUE)]
        if self.reference is not None:
            ends = self.reference_interval
            bars.append(("reference", self.reference, ends, _ORANGE))
        ax = _axes(ax)
        for place, (_, accuracy, ends, colour) in enumerate(bars):
            ax.barh(place, accuracy, 0.6, color=colour)
            if ends:
                ax.plot(ends, (place, place), color="black", marker="|", markersize=12)
            top = ends[1] if ends else accuracy
            ax.text(top + 0.02, place, f"{100 * accuracy:.1f} %", va="center")
        ax.set_yticks(range(len(bars)), [bar[0] for bar in bars])
        ax.set(xlim=(0, 1.1), ylim=(len(bars) - 0.4, -0.6))
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
        ax.set_xlabel("accuracy on test, with 95 % interval")
        ax.set_title(self._title(), loc="left", fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
        return ax

    def _title(self) -> str:
        unlike = "not comparable" if self.obstacles and self.records else ""
        words = (f"Your run against {self.name}", unlike, self.notice)
        return " · ".join(word for word in words if word)

    def alt_text(self) -> str:
        """Describe the figure in words."""
        text = f"Bars: your run {_range(self.accuracy, self.interval)}"
        if self.reference is not None:
            theirs = _range(self.reference, self.reference_interval)
            text += f", the reference {theirs}"
        return text + (", not comparable." if self.obstacles else ".")


def against_reference(
    result,
    experiment: str,
    *,
    faces=None,
    run=None,
    differences: Sequence[str] = (),
    root: str | Path | None = None,
) -> AgainstReference:
    """Put a test accuracy beside that of the kept run of the same experiment.

    The two are compared only on the same test images: same data set, classes and split,
    no sample. Where they differ, the result says so and gives no verdict.

    Args:
        result: `evaluation.Report` on test, or an accuracy in [0, 1].
        experiment: name of a row of the preset `full`, or of a reference run.
        faces: the FaceSet you used; without it nobody can say whether the test images
            are the same.
        run: what `training.fit` returned; tells different epochs and sizes.
        differences: what else is different, in words.
        root: the repository's folder; by default it is searched.

    Returns:
        AgainstReference; without reference records its text says so.

    Raises:
        ParameterError: an accuracy out of [0, 1], or a name that nobody knows.

    Example:
        >>> import tempfile
        >>> against_reference(0.5, "deep_cnn", root=tempfile.mkdtemp()).inside
    """
    accuracy, interval = _measured(result, faces)
    root = Path(root) if root else repository_root()
    runs = _find(root, experiment, faces)
    notice = faces.notice if faces is not None else getattr(result, "notice", "")
    if not runs:
        why = (_nothing_here(root, experiment),)
        return AgainstReference(
            experiment, accuracy, interval, None, None, (), why, (), notice
        )
    return AgainstReference(
        name=experiment,
        accuracy=accuracy,
        interval=interval,
        reference=statistics.fmean(_values(runs, f"{_TEST}.metrics.accuracy")),
        reference_interval=_span(runs),
        records=tuple(one.id for one in runs),
        obstacles=_obstacles(runs[0].record, faces),
        differences=(*_unlike(runs, faces, run), *differences),
        notice=notice,
    )


def _measured(result, faces) -> tuple[float, tuple[float, float] | None]:
    """Return accuracy and interval; of a bare accuracy, Wilson's interval (1927)."""
    if hasattr(result, "metrics"):
        return result.metrics["accuracy"], result.intervals.get("accuracy")
    accuracy = float(result)
    if not 0 <= accuracy <= 1:
        raise ParameterError(
            f"accuracy={result!r}: expected a share in [0, 1], for example 0.65."
        )
    if faces is None or not len(faces.test):
        return accuracy, None
    from scipy.stats import binomtest

    n = len(faces.test)
    ends = binomtest(round(accuracy * n), n).proportion_ci(method="wilson")
    return accuracy, (float(ends.low), float(ends.high))


def _find(root: Path | None, name: str, faces) -> tuple[Run, ...]:
    """Return the finished runs of an experiment that differ in their seed only."""
    if root is None:
        return ()
    runs = reference_runs(root)
    grid = root / "experiments.yaml"
    plan = load_grid(grid, "full", {"data": "fer2013"}) if grid.is_file() else None
    experiments = plan.experiments if plan else ()
    rows = [row for group in groups(runs) for row in group.rows]
    found = [row.runs for row in rows if name in _names(row.runs, experiments)]
    known = {e.name for e in experiments} | {run.record["name"] for run in runs}
    if known and name not in known:
        raise ParameterError(
            f"unknown experiment {name!r}." + did_you_mean(name, known)
        )
    data_name = faces.name if faces is not None else "fer2013"
    found.sort(key=lambda seeds: _values(seeds, "data.name")[0] != data_name)
    return found[0] if found else ()


def _names(runs: Sequence[Run], experiments) -> set[str]:
    names = {run.record["name"] for run in runs}
    return names | {e.name for run in runs if (e := planned(run, experiments))}


def _nothing_here(root: Path | None, name: str) -> str:
    if root is None or not (root / "reports" / "reference").is_dir():
        return (
            "There is no folder `reports/reference` here, so there is nothing to "
            "compare it with: open the lesson in a checkout of the repository."
        )
    return (
        f"There is no reference run of `{name}` yet. `fer run --preset full --data "
        f"fer2013 --no-lessons --only {name}` makes one."
    )


def _values(runs: Sequence[Run], path: str) -> list:
    return [get_field(run.record, path) for run in runs]


def _span(runs: Sequence[Run]) -> tuple[float, float] | None:
    ends = _values(runs, f"{_TEST}.intervals.accuracy")
    if None in ends:
        return None
    return min(low for low, _ in ends), max(high for _, high in ends)


def _obstacles(record: dict, faces) -> tuple[str, ...]:
    """Say why two test accuracies are not of the same test images."""
    if faces is None:
        return ("it is not known which faces yours is of (pass `faces=`)",)
    theirs = record["data"]
    if faces.name != theirs["name"]:
        yours = f"{faces.name} ({faces.notice})" if faces.notice else faces.name
        return (f"your faces are {yours}, the reference's {theirs['name']}",)
    if list(faces.classes) != theirs["classes"]:
        yours, other = ", ".join(faces.classes), ", ".join(theirs["classes"])
        return (f"your classes are {yours}, the reference's {other}",)
    if _same_test(theirs, faces):
        return ()
    n, whole = len(faces.test), get_field(record, f"{_TEST}.n")
    if n < whole:
        return (f"your test set has {n:,} images, the reference's {whole:,}",)
    split = get_field(record, "experiment.protocol")
    return (f"your {n:,} test images are not those of its {split} split",)


def _same_test(theirs: dict, faces) -> bool:
    if "test_hash" in theirs:
        return theirs["test_hash"] == faces.test.content_hash
    return theirs["counts"]["test"] == faces.counts()["test"]  # a record from before


def _unlike(runs: Sequence[Run], faces, run) -> list[str]:
    """Name what is different in training, as (name, yours, theirs) of whole numbers."""
    pairs = []
    if faces is not None:
        pairs.append(("training images", len(faces.train), "training.images"))
    if run is not None:
        pairs.append(("epochs", run.epochs, "training.epochs"))
        pairs.append(("parameters", run.model.count_params(), "model.parameters"))
    words = []
    for name, yours, path in pairs:
        theirs = _values(runs, path)
        if None not in theirs and yours not in theirs:
            numbers = " / ".join(f"{n:,}" for n in dict.fromkeys(theirs))
            words.append(f"{yours:,} {name} against {numbers}")
    return words


def _range(accuracy: float, interval: tuple[float, float] | None) -> str:
    text = f"{100 * accuracy:.1f} %"
    if interval is None:
        return text
    low, high = (100 * end for end in interval)
    return f"{text} [{low:.1f}, {high:.1f} %]"


def _axes(ax):
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(7, 1.9), layout="constrained")[1]
