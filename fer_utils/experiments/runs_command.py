"""`fer runs`: list, compare, average, export and log the runs that are stored."""

from __future__ import annotations

from pathlib import Path

from fer_utils.errors import FerError
from fer_utils.experiments.runs import SORTS, STATUSES

__all__ = ["add_runs_command"]


def add_runs_command(commands, root=None) -> None:
    """Add `fer runs` to the command line.

    Args:
        commands: what `ArgumentParser.add_subparsers` returned.
        root: a function that returns the repository's folder; by default the runs are
            looked for in `reports/runs` of the current folder.
    """
    runs = commands.add_parser("runs", help="list, compare and export finished runs")
    actions = runs.add_subparsers(required=True, metavar="ACTION")
    _add_list(actions, root)
    _add_diff(actions, root)
    _add_ensemble(actions, root)
    _add_export(actions, root)
    _add_mlflow(actions, root)


def _action(actions, name: str, text: str, call, root):
    parser = actions.add_parser(name, help=text)
    parser.add_argument("--runs", metavar="DIR", help="default: reports/runs")
    parser.set_defaults(call=lambda options: call(options, _folder(options, root)))
    return parser


def _folder(options, root) -> Path:
    if options.runs:
        return Path(options.runs)
    try:
        return (root() if root else Path.cwd()) / "reports" / "runs"
    except FerError:  # not in the repository: what --runs says is all there is
        return Path.cwd() / "reports" / "runs"


def _add_filters(parser) -> None:
    add = parser.add_argument
    add("--model", default="*", metavar="PATTERN", help="for example '*_cnn'")
    add("--data", default="*", metavar="PATTERN", help="for example fer2013")
    add("--status", default="*", choices=STATUSES, help=", ".join(STATUSES))
    add(
        "--sort",
        default="name",
        choices=SORTS,
        metavar="COLUMN",
        help=f"{', '.join(SORTS)} (default: name)",
    )


def _add_list(actions, root) -> None:
    parser = _action(actions, "list", "every run, one line each", _list, root)
    _add_filters(parser)


def _add_diff(actions, root) -> None:
    text = "what two runs have not in common, and a paired test"
    parser = _action(actions, "diff", text, _diff, root)
    for name in ("a", "b"):
        parser.add_argument(name, metavar=name.upper(), help="a run's folder or name")


def _add_ensemble(actions, root) -> None:
    text = "several runs as one: the mean of their answers"
    parser = _action(actions, "ensemble", text, _ensemble, root)
    add = parser.add_argument
    add("run", nargs="+", metavar="RUN", help="a run's folder or name; two or more")
    add("--name", default="", help="default: the first run's name and -ensemble")
    add("--out", metavar="DIR", help="also write DIR/ensemble.json")


def _add_export(actions, root) -> None:
    text = "every run as a row of one CSV or Parquet table"
    parser = _action(actions, "export", text, _export, root)
    parser.add_argument("file", metavar="FILE", help="ends in .csv or .parquet")
    _add_filters(parser)


def _add_mlflow(actions, root) -> None:
    text = "send finished runs to MLflow; needs the extra [mlflow]"
    parser = _action(actions, "log-mlflow", text, _log_mlflow, root)
    add = parser.add_argument
    add("--uri", help="tracking server or folder; default: what MLFLOW_TRACKING_URI is")
    add("--experiment", default="fer_utils", help="default: fer_utils")
    _add_filters(parser)


def _selected(options, folder: Path) -> list:
    from fer_utils.experiments.runs import find_runs, select

    return select(
        find_runs(folder),
        model=options.model,
        data=options.data,
        status=options.status,
        sort=options.sort,
    )


def _list(options, folder: Path) -> int:
    from fer_utils.experiments.runs import find_runs, table

    chosen = _selected(options, folder)
    if chosen:
        print(table(chosen))
        return 0
    print(_nothing(find_runs(folder), folder))
    return 0


def _nothing(runs: list, folder: Path) -> str:
    if not runs:
        return f"No run below {folder}. `fer run --no-lessons` makes some."
    have = {
        name: ", ".join(sorted({getattr(run, name) for run in runs} - {""}))
        for name in ("model", "data", "status")
    }
    words = "; ".join(f"{name}: {values}" for name, values in have.items())
    return f"No run matches. There are {len(runs)} runs ({words})."


def _diff(options, folder: Path) -> int:
    from fer_utils.experiments.runs import find_run
    from fer_utils.experiments.runs_diff import diff

    print(diff(find_run(options.a, folder), find_run(options.b, folder)))
    return 0


def _ensemble(options, folder: Path) -> int:
    from fer_utils.experiments.ensembles import (
        ensemble_record,
        ensemble_summary,
        write_ensemble,
    )
    from fer_utils.experiments.runs import find_run

    runs = [find_run(name, folder) for name in options.run]
    record = ensemble_record(runs, options.name)
    print(ensemble_summary(record))
    if options.out:
        print(write_ensemble(record, options.out))
    return 0


def _export(options, folder: Path) -> int:
    from fer_utils.experiments.runs import export

    chosen = _selected(options, folder)
    path = export(chosen, options.file)
    print(f"{path}: {len(chosen)} runs")
    return 0


def _log_mlflow(options, folder: Path) -> int:
    from fer_utils.experiments.mlflow_sink import log_runs

    logged = log_runs(
        _selected(options, folder),
        uri=options.uri,
        experiment=options.experiment,
        progress=print,
    )
    print(f"{len(logged)} runs logged to experiment {options.experiment!r}")
    return 0
