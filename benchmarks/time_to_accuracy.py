"""Epochs, minutes and FLOPs to an accuracy: `compact` against the study's deep CNN.

    python benchmarks/time_to_accuracy.py           # from the reference records
    fer run --preset sprint --data fer2013 --no-lessons    # on your own cores, then
    python benchmarks/time_to_accuracy.py --runs reports/runs/sprint/fer2013 --print \
        --baseline deep_cnn-augmented-tuned --ours compact-sprint

The first command writes reports/time_to_accuracy.md and its figure. The others train
both, each with its own recipe, resumable, and print the same of these runs (of the
epochs so far, if one is not finished). The accuracy is that on val, because it is
measured after every epoch: test is looked at once.

FLOPs are those of convolutions and dense layers, a backward pass counted as two forward
passes. Minutes are told twice: as the clock ran, and as they would have been had every
epoch been as fast as the run's fastest, because trainings on a shared machine wait for
other jobs.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_utils.errors import DataError
from fer_utils.experiments.checkpoints import read_state
from fer_utils.experiments.record import read_record
from fer_utils.experiments.runs import notebook_parameters
from fer_utils.files import write_text

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "reports" / "reference" / "fer2013"
BASELINE = "deep_cnn-augmented-tuned-24-epochs"
OURS = ("compact-24-epochs", "compact", "compact-seed1", "compact-seed2")
STUDY = 0.6862  # the study's best test accuracy, on its own split
ACCURACIES = (0.50, 0.55, 0.60, 0.65, STUDY)
COLOURS = ("#0072B2", "#D55E00", "#E69F00", "#CC79A7", "#009E73")


@dataclass(frozen=True)
class Curve:
    """Best val accuracy so far after each epoch, and what it had cost until then.

    Attributes:
        name: of the run, with its seed.
        minutes: float (epochs,), as the clock ran.
        undisturbed: float (epochs,), every epoch as fast as the fastest.
        petaflops: float (epochs,).
        accuracy: float (epochs,), never falls.
    """

    name: str
    minutes: np.ndarray
    undisturbed: np.ndarray
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
        settings, cost = found["experiment"], found["model"]["mflops"]
    elif state:
        rows = state["history"]
        history = {k: [row[k] for row in rows] for k in ("val_accuracy", "seconds")}
        settings, images, cost = _of_unfinished(folder)
    else:
        raise DataError(f"{folder}: no run here. Start it: see the first lines here.")
    count = np.arange(1, len(history["seconds"]) + 1)
    return Curve(
        name=f"{settings['name'].partition('-seed')[0]}, seed {settings['seed']}",
        minutes=np.cumsum(history["seconds"]) / 60,
        undisturbed=count * min(history["seconds"]) / 60,
        petaflops=count * 3 * cost * images / 1e9,
        accuracy=np.maximum.accumulate(history["val_accuracy"]),
    )


def _of_unfinished(folder: Path) -> tuple[dict, int, float]:
    from fer_utils import models
    from fer_utils.experiments import Experiment
    from fer_utils.experiments.running import load_faces
    from fer_utils.models.cost import mflops

    injected = notebook_parameters(folder / "notebook.ipynb")
    known = Experiment.parameter_names()
    settings = {k: v for k, v in injected.items() if k in known}
    experiment = Experiment.from_dict(settings)
    model = models.build(experiment.model, **experiment.model_options)
    return experiment.to_dict(), len(load_faces(experiment).train), mflops(model)


def tables(baseline: Curve, ours: Sequence[Curve]) -> str:
    """Return what each run had cost at each accuracy, and the ratios, as Markdown."""
    curves = (baseline, *ours)
    wanted = sorted({*ACCURACIES, float(baseline.accuracy[-1])})
    lines = [["val accuracy", *(curve.name for curve in curves)]]
    lines += [[f"{a:.2%}", *(_cost(curve, a) for curve in curves)] for a in wanted]
    ratios = [["val accuracy", *(curve.name for curve in ours)]]
    ratios += [
        [f"{a:.2%}", *(ratio(curve, baseline, a) for curve in ours)]
        for a in wanted
        if baseline.first(a) is not None
    ]
    return (
        "Epochs; minutes undisturbed (as the clock ran); PFLOPs, until the accuracy on "
        f"val was first reached:\n\n{_markdown(lines)}\n\nWhat {baseline.name} costs "
        f"more than each:\n\n{_markdown(ratios)}"
    )


def _markdown(lines: list[list[str]]) -> str:
    head, *rows = lines
    rule = ["---:", *("---" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def _cost(curve: Curve, accuracy: float) -> str:
    at = curve.first(accuracy)
    if at is None:
        return f"not in {len(curve.minutes)} epochs"
    minutes = f"{curve.undisturbed[at]:.1f} ({curve.minutes[at]:.1f})"
    return f"{at + 1}; {minutes}; {curve.petaflops[at]:.2f}"


def ratio(ours: Curve, baseline: Curve, accuracy: float) -> str:
    """Say how much more the baseline cost until it reached what both reached."""
    at, base_at = ours.first(accuracy), baseline.first(accuracy)
    if at is None:
        return "not reached"
    time = baseline.undisturbed[base_at] / ours.undisturbed[at]
    work = baseline.petaflops[base_at] / ours.petaflops[at]
    return f"{time:.1f}x the minutes, {work:.1f}x the FLOPs"


def page(baseline: Curve, ours: Sequence[Curve]) -> str:
    """Return reports/time_to_accuracy.md."""
    found = [(curve, curve.first(STUDY)) for curve in ours]
    times = [
        f"{curve.undisturbed[at]:.0f} min ({curve.name})"
        for curve, at in found
        if at is not None
    ]
    verdict = f"reached after {', '.join(times)}" if times else "not reached by any"
    alt = "curves of val accuracy over minutes and over FLOPs, as in the tables below"
    return f"""# What an accuracy costs

Made by `python benchmarks/time_to_accuracy.py` from the records in `reference/`; do not
edit.

![{alt}](figures/time_to_accuracy.png)

{tables(baseline, ours)}

The study reports {STUDY:.2%} for its deep CNN, on test images of its own split. On
val of the official split it is {verdict}. The kit's goal was at
most 15 minutes and a tenth of the deep CNN's operations.

All trainings ran on two cores with the kit's fast step
(`benchmarks/training_step.py`), the deep CNN too; in plain Keras it takes several times
as long. *Undisturbed* counts every epoch as long as the run's fastest, because other
jobs shared the cores; the clock's minutes contain these. The learning rate of `compact`
falls to zero with its last epoch, so that its accuracy comes late, and a shorter plan
is no part of a longer one.
"""


def draw(baseline: Curve, ours: Sequence[Curve], path: Path) -> None:
    """Draw accuracy over undisturbed minutes and over FLOPs."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for ax, cost, label in (
        (axes[0], "undisturbed", "minutes, undisturbed"),
        (axes[1], "petaflops", "PFLOPs (log scale)"),
    ):
        for curve, colour in zip((baseline, *ours), COLOURS, strict=False):
            x = getattr(curve, cost)
            ax.plot(x, 100 * curve.accuracy, color=colour, label=curve.name)
        ax.axhline(100 * STUDY, color="#8C8C8C", linestyle=":")
        ax.set(xlabel=label, ylabel="best val accuracy so far, %", ylim=(20, 75))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].text(0, 100 * STUDY + 0.6, f"{STUDY:.2%}: the study's best", fontsize=8)
    axes[1].set_xscale("log")
    axes[0].legend(frameon=False, loc="lower right", fontsize=8)
    first, common = ours[0], float(min(c.accuracy[-1] for c in (baseline, ours[0])))
    figure.suptitle(
        "Accuracy on FER2013's val split for what it costs\n"
        f"To {common:.1%}, {baseline.name}, costs {ratio(first, baseline, common)} of "
        f"{first.name}",
        fontsize=10,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--runs", type=Path, default=RUNS, help="folder of runs")
    add("--baseline", default=BASELINE, metavar="RUN")
    add("--ours", nargs="+", default=OURS, metavar="RUN")
    add("--print", action="store_true", help="write nothing, print the tables")
    add("--figure", type=Path, metavar="FILE", help="draw these curves")
    arguments = parser.parse_args()
    baseline = read(arguments.runs / arguments.baseline)
    ours = [read(arguments.runs / name) for name in arguments.ours]
    if arguments.print:
        print(tables(baseline, ours))
    else:
        reports = ROOT / "reports"
        print(write_text(reports / "time_to_accuracy.md", page(baseline, ours)))
        draw(baseline, ours, reports / "figures" / "time_to_accuracy.png")
    if arguments.figure:
        draw(baseline, ours, arguments.figure)


if __name__ == "__main__":
    main()
