"""`fer`: parses, calls, prints; everything it does is a function of the package."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from fer_utils import __version__
from fer_utils.course.commands import add_course_commands
from fer_utils.course.doctor_command import add_doctor_command
from fer_utils.errors import FerError
from fer_utils.experiments.cross_command import add_cross_command
from fer_utils.experiments.run_command import add_run_command
from fer_utils.experiments.runs_command import add_runs_command
from fer_utils.export.commands import add_export_commands
from fer_utils.live.commands import add_live_commands


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    0 is well, 1 failed, 2 bad input, 130 stopped; `fer run --help` has more.
    """
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
    add_run_command(commands, _root, _write_report)
    add_runs_command(commands, _root)
    _add_report(commands)
    _add_data(commands)
    add_cross_command(commands, _model)
    _add_ship(commands)
    add_export_commands(commands, _model, _locate)
    add_live_commands(commands, _model)
    add_course_commands(commands, _root)
    add_doctor_command(commands)
    return parser


def _add_report(commands) -> None:
    report = commands.add_parser("report", help="turn run records into one HTML page")
    report.add_argument("--runs", metavar="DIR", help="default: reports/runs")
    report.add_argument("--out", metavar="FILE", help="default: reports/index.html")
    report.add_argument(
        "--no-faces",
        action="store_true",
        help="no pictures of the data set, for a page that goes public",
    )
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
    out = Path(options.out or _root() / "reports" / "index.html")
    _write_report(Path(runs), out, faces=not options.no_faces)
    return 0


def _write_report(runs: Path, out: Path, faces: bool = True) -> None:
    from fer_utils.experiments.report import write_report

    reference = _root() / "reports" / "reference"
    print(f"report: {write_report(runs, out, reference=reference, faces=faces)}")


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
    """Load a shipped model by name, any other by path: .keras, .tflite or .onnx."""
    from fer_utils import models
    from fer_utils.export.loading import ENDINGS, load_exported

    path = _locate(name)
    return load_exported(path) if path.suffix in ENDINGS else models.load(path)


def _locate(name: str) -> Path:
    """Return where a shipped model lies, or the path that was given."""
    from fer_utils import pretrained

    return pretrained.path(name) if name in pretrained.names() else Path(name)


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
