"""Minutes, epochs and FLOPs to an accuracy: `compact` against the study's deep CNN.

    fer run --preset sprint --data fer2013 --no-lessons
    python benchmarks/time_to_accuracy.py [--runs reports/runs/sprint/fer2013]

The first command trains both on the same cores, each with its own recipe, resumable;
this one reads their records (and the epochs so far of a run that is not finished) and
prints when each first reached an accuracy on val, with ratios to the baseline, the deep
CNN. Val, because it is measured after every epoch: test is looked at once.

FLOPs are those of convolutions and dense layers, a backward pass counted as two forward
passes. `--figure FILE` draws the curves.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_utils import models
from fer_utils.errors import DataError
from fer_utils.experiments import Experiment
from fer_utils.experiments.checkpoints import read_state
from fer_utils.experiments.record import read_record
from fer_utils.experiments.running import load_faces
from fer_utils.experiments.runs import notebook_parameters
from fer_utils.models.cost import mflops

BASELINE = "deep_cnn-augmented-tuned"
ACCURACIES = (0.50, 0.55, 0.60, 0.65, 0.6862, 0.70)  # .6862: the study's best


@dataclass(frozen=True)
class Curve:
    """Best val accuracy so far after each epoch, and what it had cost until then."""

    name: str
    minutes: np.ndarray
    petaflops: np.ndarray
    accuracy: np.ndarray

    def first(self, accuracy: float) -> int | None:
        """Return the first epoch (from 0) that reached an accuracy, or None."""
        reached = np.flatnonzero(self.accuracy >= accuracy)
        return int(reached[0]) if len(reached) else None


def read(folder: Path) -> Curve:
    """Read the record of a run, or the state of an unfinished one.

    Raises:
        DataError: neither is there.
    """
    record, state = folder / "record.json", read_state(folder)
    if record.is_file():
        found = read_record(record)
        history, images = found["training"]["history"], found["training"]["images"]
        settings = found["experiment"]
    elif state:
        rows, known = state["history"], Experiment.parameter_names()
        history = {k: [row[k] for row in rows] for k in ("val_accuracy", "seconds")}
        injected = notebook_parameters(folder / "notebook.ipynb")
        settings = {k: v for k, v in injected.items() if k in known}
        images = len(load_faces(Experiment.from_dict(settings)).train)
    else:
        raise DataError(f"{folder}: no run here. Start it: see the first lines here.")
    model = models.build(settings["model"], **settings["model_options"])
    epoch = 3 * mflops(model) * images / 1e9  # PFLOPs
    accuracy = np.maximum.accumulate(history["val_accuracy"])
    minutes = np.cumsum(history["seconds"]) / 60
    return Curve(folder.name, minutes, epoch * np.arange(1, len(minutes) + 1), accuracy)


def table(ours: Curve, baseline: Curve) -> str:
    """Return the comparison, a line per accuracy."""
    lines = ["val accuracy   run                            epochs  minutes  PFLOPs"]
    for accuracy in sorted({*ACCURACIES, float(baseline.accuracy[-1])}):
        reached = {}
        for curve in (ours, baseline):
            at = curve.first(accuracy)
            reached[curve.name] = at
            text = "not reached in " + str(len(curve.minutes)) + " epochs"
            if at is not None:
                text = (
                    f"{at + 1:6d}  {curve.minutes[at]:7.1f}  {curve.petaflops[at]:6.2f}"
                )
            lines.append(f"{accuracy:12.2%}   {curve.name:<30} {text}")
        if None not in reached.values():
            lines.append(f"{'':15}baseline costs {ratio(ours, baseline, accuracy)}")
    return "\n".join(lines)


def ratio(ours: Curve, baseline: Curve, accuracy: float) -> str:
    """Say how much more the baseline cost until it reached what both reached."""
    at, base_at = ours.first(accuracy), baseline.first(accuracy)
    time = baseline.minutes[base_at] / ours.minutes[at]
    work = baseline.petaflops[base_at] / ours.petaflops[at]
    return f"{time:.1f}x the minutes, {work:.1f}x FLOPs"


def draw(curves: list[Curve], path: Path) -> None:
    """Draw accuracy over minutes and over FLOPs."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for ax, cost, label in (
        (axes[0], "minutes", "minutes of training"),
        (axes[1], "petaflops", "PFLOPs (log scale)"),
    ):
        for curve, colour in zip(curves, ("#D55E00", "#0072B2"), strict=True):
            x = getattr(curve, cost)
            ax.plot(x, 100 * curve.accuracy, color=colour, label=curve.name)
        ax.axhline(68.62, color="#8C8C8C", linestyle=":", label="68.62 %")
        ax.set(xlabel=label, ylabel="best val accuracy so far, %", ylim=(20, 75))
        ax.spines[["top", "right"]].set_visible(False)
    axes[1].set_xscale("log")
    axes[0].legend(frameon=False, loc="lower right")
    common = min(float(curve.accuracy[-1]) for curve in curves)
    figure.suptitle(
        "Accuracy on FER2013's val split for what it costs\n"
        f"To {common:.1%}, {curves[1].name} costs {ratio(*curves, common)}",
        fontsize=11,
    )
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default="reports/runs/sprint/fer2013")
    parser.add_argument("--ours", default="compact-sprint")
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    ours, baseline = (read(arguments.runs / n) for n in (arguments.ours, BASELINE))
    print(table(ours, baseline))
    if arguments.figure:
        draw([ours, baseline], arguments.figure)


if __name__ == "__main__":
    main()
