"""`fer run`: checks, previews and executes lessons and a grid of experiments.

Exit codes: 0 all is well; 2 nothing was started, the launch is bad; 3 nothing failed,
but a run stays queued (time budget), was interrupted or was left to another runner;
10 + n when n runs failed (110 for a hundred and more); 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from fer_utils.training.config import STRATEGIES

__all__ = ["BAD_LAUNCH", "LEFT", "add_run_command", "exit_code"]

BAD_LAUNCH = 2
LEFT = 3
_FAILED = 10


def add_run_command(commands, root: Callable[[], Path], write_report: Callable) -> None:
    """Add `fer run` to the command line.

    Args:
        commands: what `ArgumentParser.add_subparsers` returned.
        root: returns the folder with `notebooks/` and `experiments.yaml`.
        write_report: called with (folder of the run records, path of the page).
    """
    run = commands.add_parser(
        "run",
        help="execute lessons and a grid of experiments, then write the report",
        epilog="Exit codes: 0 well; 2 bad launch, nothing started; 3 runs stay queued, "
        "were interrupted or left to another runner; 10+n when n runs failed; "
        "130 stopped.",
    )
    add = run.add_argument
    add("--preset", default="quick", help="a grid of experiments.yaml (default: quick)")
    add(
        "--data",
        metavar="NAME",
        help="data set for all lessons and runs (default: the grid's, else synthetic)",
    )
    add(
        "--only",
        metavar="PATTERN",
        action="append",
        help="only lessons and runs that match, e.g. 'deep*'; may be repeated",
    )
    add(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="settings",
        help="a parameter of every chosen experiment, e.g. epochs=3; repeatable",
    )
    add("--jobs", type=int, default=1, metavar="N", help="runs at a time (default: 1)")
    add(
        "--threads",
        type=int,
        metavar="N",
        help="threads of each run, for results that are equal bit for bit everywhere "
        "(default: the cores shared out)",
    )
    add(
        "--strategy",
        choices=STRATEGIES,
        help="data_parallel shares each batch of a run between the machine's devices "
        "(JAX backend); default: one_device",
    )
    add("--dask", metavar="ADDRESS", help="run on dask: local:N or tcp://host:port")
    add("--no-lessons", action="store_true", help="leave the lessons out")
    add("--force", action="store_true", help="run finished ones again")
    add("--dry-run", action="store_true", help="show runs, states and cost, then stop")
    add(
        "--explain", metavar="RUN", help="say what state a run is in and why, then stop"
    )
    add(
        "--time-budget",
        metavar="TIME",
        help="run what fits, e.g. 90m or 2h, and leave the rest queued",
    )
    add(
        "--anyway",
        action="store_true",
        help="start even when disk or memory seem too small",
    )
    add("--grid", metavar="FILE", help="another grid file")
    add("--out", metavar="DIR", help="folder of the run records")
    run.set_defaults(call=lambda options: _run(options, root(), write_report))


def _run(options, root: Path, write_report: Callable) -> int:
    from fer_utils.experiments import preview
    from fer_utils.experiments.runner import run_preset

    launch = _Launch(options, root)
    launch.check()
    if launch.problems:
        print(_refusal(launch.problems), file=sys.stderr)
        return BAD_LAUNCH
    for warning in launch.warnings:
        print(f"note: {warning}", file=sys.stderr)
    tasks = launch.tasks()
    rows = preview.preview(tasks, launch.estimator(), force=options.force)
    if options.explain:
        print(*preview.explain(rows, options.explain), sep="\n")
        return 0
    queued = []
    if launch.budget is not None:
        _, queued = preview.within(rows, launch.budget)
    if options.dry_run:
        print(preview.table(rows, queued))
        _say_queued(queued)
        return 0
    if options.strategy:
        os.environ["FER_STRATEGY"] = options.strategy  # the runs' processes inherit it
    chosen = [row for row in rows if row not in queued]
    print(preview.summary(chosen), flush=True)
    _say_queued(queued)
    outcomes = run_preset(
        [row.task for row in chosen],
        jobs=options.jobs,
        force=options.force,
        dask=options.dask,
        threads=options.threads,
    )
    runs = Path(options.out) if options.out else root / "reports" / "runs"
    write_report(runs, (runs if options.out else root / "reports") / "index.html")
    for outcome in outcomes:
        if outcome.status in ("failed", "busy", "interrupted"):
            text = f"{outcome.status}: {outcome.task.name}: {outcome.error}"
            print(text, file=sys.stderr)
    return exit_code([o.status for o in outcomes], len(queued))


def exit_code(statuses: list[str], queued: int = 0) -> int:
    """Return what `fer run` ends with.

    Args:
        statuses: of the outcomes.
        queued: how many due runs were not started.

    Example:
        >>> exit_code(["finished"]), exit_code(["finished"], 2), exit_code(["failed"])
        (0, 3, 11)
    """
    failed = statuses.count("failed")
    if failed:
        return _FAILED + min(failed, 100)
    return LEFT if queued or {"busy", "interrupted"} & set(statuses) else 0


def _say_queued(queued: list) -> None:
    from fer_utils.experiments.preview import duration

    for row in queued:
        length = "length unknown" if row.seconds is None else duration(row.seconds)
        print(f"queued  {row.task.name} ({length})")
    if any(row.seconds is None for row in queued):
        print("Run those of unknown length once without --time-budget.")


def _refusal(problems: list) -> str:
    many = f"{len(problems)} problems" if len(problems) > 1 else "1 problem"
    lines = [f"fer run: {many}, nothing was started."]
    for number, problem in enumerate(problems, 1):
        first, *rest = str(problem).splitlines()
        lines += [f"{number:>3}. {first}", *(f"     {line}" for line in rest)]
    if all(problem.is_estimate for problem in problems):
        lines.append("These are estimates: --anyway starts all the same.")
    return "\n".join(lines)


class _Launch:
    """The options of one `fer run`, turned into a checked preset."""

    def __init__(self, options, root: Path):
        self.options, self.root = options, Path(root).resolve()
        self.data_name = options.data or "synthetic"
        default = self.root / "reports" / "runs" / options.preset / self.data_name
        self.folder = Path(options.out).resolve() if options.out else default
        self.problems: list = []
        self.warnings: list = []
        self.budget: float | None = None
        self.preset = None
        self.lessons: dict[Path, dict] = {}

    def check(self) -> None:
        """Collect every problem before anything is started."""
        from fer_utils.experiments import Experiment, costs, launch

        self._check_options()
        overrides = self._overrides()
        if not costs.backend_problem():
            self._read_grid(overrides)
        experiments = self.preset.experiments if self.preset else ()
        notebooks = dict(self.lessons)
        # All inject the same names; if none is valid, a plain one tells as much.
        anyone = experiments[:1] or ([Experiment("x")] if self.problems else [])
        for experiment in anyone:
            notebook = self.root / "notebooks" / "experiment.ipynb"
            notebooks[notebook] = {**experiment.to_dict(), "out_dir": ""}
        found = launch.check(
            experiments,
            notebooks,
            self.folder,
            jobs=self.options.jobs,
            here=not self.options.dask,
        )
        if self.options.anyway or self.options.dry_run or self.options.explain:
            self.warnings = [p for p in found if p.is_estimate]
            found = [p for p in found if not p.is_estimate]
        self.problems += found

    def _problem(self, about: str, text: object) -> None:
        from fer_utils.experiments.launch import Problem

        self.problems.append(Problem(about, str(text)))

    def _check_options(self) -> None:
        import re

        from fer_utils.errors import ParameterError
        from fer_utils.experiments.preview import seconds_of

        if self.options.jobs < 1:
            self._problem("option", f"--jobs {self.options.jobs}: expected at least 1.")
        if self.options.threads is not None and self.options.threads < 1:
            text = f"--threads {self.options.threads}: expected at least 1."
            self._problem("option", text)
        if self.options.time_budget is not None:
            try:
                self.budget = seconds_of(self.options.time_budget)
            except ParameterError as error:
                self._problem("option", f"--time-budget: {error}")
        address = self.options.dask
        if address and not re.fullmatch(r"local:[1-9]\d*|\w+://\S+:\d+", address):
            text = f"--dask {address!r}: expected local:N or an address such as "
            self._problem("option", f"{text}tcp://127.0.0.1:8786.")

    def _overrides(self) -> dict:
        from fer_utils.errors import ParameterError
        from fer_utils.experiments.lined_yaml import read_value

        overrides = {"data": self.options.data} if self.options.data else {}
        for setting in self.options.settings:
            key, equals, value = setting.partition("=")
            if not equals or not key.strip():
                text = f"--set {setting}: expected KEY=VALUE, such as epochs=3."
                self._problem("option", text)
                continue
            try:
                overrides[key.strip()] = read_value(value)
            except ParameterError as error:
                self._problem("option", f"--set {setting}: {error}")
        return overrides

    def _read_grid(self, overrides: dict) -> None:
        from fer_utils.errors import ParameterError
        from fer_utils.experiments.costs import short_path
        from fer_utils.experiments.grid import GridError, load_grid

        options = self.options
        grid = options.grid or self.root / "experiments.yaml"
        try:
            preset = load_grid(
                short_path(grid), options.preset, overrides, options.only
            )
        except GridError as error:
            for text in error.problems:
                self._problem("grid", text)
            preset = error.preset  # what is valid is checked further
        except ParameterError as error:
            self._problem("grid", error)
            return
        if preset:
            self._choose(preset, complete=not self.problems)

    def _choose(self, preset, complete: bool) -> None:
        """Keep what --only and --no-lessons leave."""
        from dataclasses import replace
        from fnmatch import fnmatch

        parameters = {"data_name": self.data_name, "quick": preset.name != "full"}
        lessons = sorted((self.root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
        if self.options.no_lessons or preset.lessons == "none":
            lessons = []
        known = [n.stem for n in lessons] + [e.name for e in preset.experiments]
        for pattern in self.options.only or ():
            if complete and not any(fnmatch(name, pattern) for name in known):
                text = f"--only {pattern!r} matches nothing. Known: {', '.join(known)}."
                self._problem("option", text)
        patterns = self.options.only or ["*"]
        lessons = [n for n in lessons if any(fnmatch(n.stem, p) for p in patterns)]
        self.lessons = dict.fromkeys(lessons, parameters)
        self.preset = replace(
            preset.only(patterns), lessons="all" if lessons else "none"
        )
        if complete and not known:
            self._problem("grid", f"preset {preset.name!r} has nothing to run.")

    def tasks(self) -> list:
        """Return the tasks of the checked launch."""
        from fer_utils.experiments.tasks import plan

        wanted = {n.stem for n in self.lessons}
        tasks = plan(
            self.root,
            self.preset,
            data_name=self.data_name,
            lessons=bool(wanted),
            out_dir=self.folder,
        )
        return [t for t in tasks if t.kind != "lesson" or t.name in wanted]

    def estimator(self):
        """Return what earlier runs tell about durations."""
        from fer_utils.experiments.preview import Estimator
        from fer_utils.experiments.record import environment

        reports = self.root / "reports"
        folders = dict.fromkeys([reports / "runs", self.folder, reports / "reference"])
        return Estimator.from_folders(folders, environment())
