"""`fer`: parses, calls, prints; everything it does is a function of the package."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from fer_utils import __version__
from fer_utils.errors import FerError
from fer_utils.experiments.cross_command import add_cross_command
from fer_utils.live.commands import add_live_commands


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 well, 1 failed, 2 bad input)."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):  # a console may have no letter for ✓
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    warnings.formatwarning = lambda message, *place, **more: f"note: {message}\n"
    try:
        return options.call(options)
    except FerError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "\nStopped. Finished runs are kept; the same command goes on from here.",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:  # `fer … | head` closed the pipe: nothing left to say
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fer",
        description="Facial expression recognition: a course and research kit.",
    )
    parser.add_argument("--version", action="version", version=f"fer {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    _add_report(commands)
    _add_data(commands)
    add_cross_command(commands, _model)
    _add_ship(commands)
    add_live_commands(commands, _model)
    return parser


def _add_run(commands) -> None:
    run = commands.add_parser(
        "run", help="execute lessons and a grid of experiments, then write the report"
    )
    add = run.add_argument
    add("--preset", default="quick", help="a grid of experiments.yaml (default: quick)")
    add(
        "--data",
        default="synthetic",
        help="data set for everything (default: synthetic)",
    )
    add(
        "--only",
        metavar="PATTERN",
        help="only lessons and runs that match, e.g. 'deep*'",
    )
    add("--jobs", type=int, default=1, metavar="N", help="runs at a time (default: 1)")
    add("--no-lessons", action="store_true", help="leave the lessons out")
    add("--force", action="store_true", help="run finished ones again")
    add("--dry-run", action="store_true", help="list what would run, then stop")
    add("--grid", metavar="FILE", help="another grid file")
    add("--out", metavar="DIR", help="folder of the run records")
    run.set_defaults(call=_run)


def _run(options) -> int:
    from fer_utils.experiments.runner import run_preset
    from fer_utils.experiments.tasks import plan

    root = _root()
    tasks = plan(
        root,
        options.preset,
        data_name=options.data,
        only=options.only,
        lessons=not options.no_lessons,
        grid=options.grid,
        out_dir=options.out,
    )
    if options.dry_run:
        for task in tasks:
            state = "done" if task.is_done() else "to run"
            print(f"{state:<7} {task.kind:<11} {task.name}")
        return 0
    outcomes = run_preset(tasks, jobs=options.jobs, force=options.force)
    failed = [o for o in outcomes if o.status == "failed"]
    runs = Path(options.out) if options.out else root / "reports" / "runs"
    _write_report(runs, (runs if options.out else root / "reports") / "index.html")
    for outcome in failed:
        print(f"failed: {outcome.task.name}: {outcome.error}", file=sys.stderr)
    return 1 if failed else 0


def _add_report(commands) -> None:
    report = commands.add_parser("report", help="turn run records into one HTML page")
    report.add_argument("--runs", metavar="DIR", help="default: reports/runs")
    report.add_argument("--out", metavar="FILE", help="default: reports/index.html")
    report.add_argument(
        "--reference",
        action="store_true",
        help="write the results tables of reports/README.md and README.md instead",
    )
    report.set_defaults(call=_report)


def _report(options) -> int:
    if options.reference:
        from fer_utils.experiments import write_reference

        for path in write_reference(_root()):
            print(path)
        return 0
    runs = options.runs or _root() / "reports" / "runs"
    _write_report(Path(runs), Path(options.out or _root() / "reports" / "index.html"))
    return 0


def _write_report(runs: Path, out: Path) -> None:
    from fer_utils.experiments.report import write_report

    print(f"report: {write_report(runs, out)}")


def _add_data(commands) -> None:
    data = commands.add_parser("data", help="list, get and check data sets")
    actions = data.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="every known set, where it is, its terms")
    listing.set_defaults(call=_data_list)
    get = actions.add_parser("get", help="download a public data set")
    get.add_argument("name")
    get.set_defaults(call=_data_get)
    check = actions.add_parser("check", help="read a data set and compare its counts")
    check.add_argument("name", nargs="?", default="fer2013")
    check.add_argument("--path", help="file or folder; default: search")
    check.add_argument(
        "--skip-bad", action="store_true", help="list bad rows and load the rest"
    )
    check.set_defaults(call=_data_check)


def _data_list(options) -> int:
    from fer_utils.data.check import listing

    print(listing())
    return 0


def _data_get(options) -> int:
    from fer_utils.data.fetch import get

    print(get(options.name))
    return 0


def _data_check(options) -> int:
    from fer_utils.data.check import check

    result = check(options.name, path=options.path)
    print(result)
    if options.skip_bad:
        from fer_utils.data import load

        kept = load(options.name, path=options.path, skip_bad=True)
        print(f"without the bad ones: {kept}")
        return 0
    return 0 if result.ok else 1


def _add_ship(commands) -> None:
    ship = commands.add_parser("ship", help="a finished run -> shipped model and card")
    add = ship.add_argument
    add("run", metavar="RUN", help="folder with record.json and model.keras")
    add("name", metavar="NAME", help="of the shipped model")
    add("--seeds", nargs="*", default=[], metavar="RUN", help="runs of other seeds")
    add("--cross", metavar="FILE", help="a cross_dataset.json of this model")
    add("--out", metavar="DIR", help="default: fer_utils/pretrained")
    ship.set_defaults(call=_ship)


def _ship(options) -> int:
    from fer_utils.experiments.shipping import ship

    out = options.out or Path(__file__).parent / "pretrained"
    path = ship(
        options.run,
        options.name,
        out,
        other_seeds=options.seeds,
        cross_dataset=options.cross,
    )
    print(f"{path}\n{path.with_suffix('.md')}")
    return 0


def _model(name: str):
    """Load a shipped model by name, any other by path."""
    from fer_utils import models, pretrained

    if name in pretrained.names():
        return pretrained.load_pretrained(name)
    return models.load(name)


def _root() -> Path:
    """Return the folder with the notebooks: this one, or the editable checkout's."""
    for folder in (Path.cwd(), Path(__file__).resolve().parents[1]):
        if (folder / "experiments.yaml").is_file():
            return folder
    raise FerError(
        f"{Path.cwd()}: no experiments.yaml here. Run `fer` in the repository's folder."
    )


if __name__ == "__main__":
    sys.exit(main())
