"""`fer cross`: a trained model on another data set."""

from __future__ import annotations

from pathlib import Path

__all__ = ["add_cross_command"]


def add_cross_command(commands, load_model=None) -> None:
    """Add `fer cross` to the command line.

    Args:
        commands: what `ArgumentParser.add_subparsers` returned.
        load_model: turns the argument MODEL into a keras.Model; `models.load` by
            default, which takes the path of a `.keras` file.
    """
    cross = commands.add_parser(
        "cross", help="evaluate and fine-tune a model on another data set"
    )
    add = cross.add_argument
    add("model", metavar="MODEL", help="a .keras file, or the name of a shipped model")
    add("--data", default="ck48", help="data set with subjects (default: ck48)")
    add("--folds", type=int, default=10, help="folds by subject (default: 10)")
    add("--epochs", type=int, default=20, help="of each training (default: 20)")
    add("--learning-rate", type=float, default=1e-3, help="peak (default: 0.001)")
    add("--tta", default="none", help="none, flip or ten_crop (default: none)")
    add("--seed", type=int, default=0)
    add("--as-is", action="store_true", help="only evaluate, train nothing")
    add("--out", metavar="DIR", help="default: reports/runs/cross/MODEL-DATA")
    cross.set_defaults(call=lambda options: _cross(options, load_model))


def _cross(options, load_model) -> int:
    from fer_utils import data, models
    from fer_utils.evaluation import cross_evaluate
    from fer_utils.experiments.cross_dataset import (
        cross_dataset_record,
        cross_summary,
    )

    model = (load_model or models.load)(options.model)
    if options.as_is:
        faces = data.load(options.data)
        report = cross_evaluate(model, faces, tta=options.tta, seed=options.seed)
        print(report.summary(), report.table().round(3), sep="\n")
        return 0
    name = Path(options.model).stem
    out = options.out or Path("reports/runs/cross") / f"{name}-{options.data}"
    record = cross_dataset_record(
        model,
        out,
        data_name=options.data,
        name=name,
        folds=options.folds,
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        tta=options.tta,
        seed=options.seed,
    )
    print(cross_summary(record))
    return 0
