"""`fer course build|list|overview|site|time`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from fer_utils.course.site_command import add_site_command

__all__ = ["add_course_commands"]


def add_course_commands(commands, root: Callable[[], Path]) -> None:
    """Add the commands of the course to the command line.

    Args:
        commands: what `ArgumentParser.add_subparsers` returned.
        root: returns the repository's folder.
    """
    course = commands.add_parser("course", help="builds for students and teachers")
    actions = course.add_subparsers(required=True, metavar="ACTION")
    build = actions.add_parser("build", help="exercise notebooks from the solutions")
    add = build.add_argument
    add("--kind", default="student", help="student, solution, instructor or recall")
    add("--out", metavar="DIR", help="default for students: notebooks/exercises")
    add("--check", action="store_true", help="only say what is out of date; exit 1")
    build.set_defaults(call=lambda options: _build(options, root()))
    listing = actions.add_parser("list", help="every exercise, its kind and minutes")
    listing.set_defaults(call=_list)
    overview = actions.add_parser(
        "overview", help="where a class stands, from its progress files"
    )
    overview.add_argument("folder", metavar="FOLDER", help="with the students' JSON")
    overview.add_argument(
        "--out", metavar="FILE", help="the HTML page; default: FOLDER/overview.html"
    )
    overview.set_defaults(call=_overview)
    time = actions.add_parser(
        "time", help="measure the exercises' cells, for the instructor's build"
    )
    time.add_argument("lessons", nargs="*", metavar="NN", help="for example 03")
    time.set_defaults(call=lambda options: _time(options, root()))
    add_site_command(actions, root)


def _build(options, root: Path) -> int:
    from fer_utils.course import build
    from fer_utils.errors import ParameterError

    if options.check:
        old = build.outdated(root)
        for name in old:
            print(f"notebooks/exercises/{name}: out of date", file=sys.stderr)
        if old:
            print("Run `fer course build`.", file=sys.stderr)
        return 1 if old else 0
    if not options.out and options.kind != "student":
        raise ParameterError(
            f"--kind {options.kind}: name a folder with --out. Only the students' "
            "notebooks have a place in the repository."
        )
    out = options.out or root / "notebooks" / "exercises"
    for path in build.write_all(root, options.kind, out):
        print(path)
    return 0


def _list(options) -> int:
    from fer_utils.course.checks import exercises

    for one in exercises():
        print(
            f"{one.id}  {one.kind:<9}  {one.minutes:>2} min  {one.points} points  "
            f"{one.title}"
        )
    return 0


def _time(options, root: Path) -> int:
    from fer_utils.course import build, timing
    from fer_utils.errors import ParameterError, did_you_mean

    found = {p.stem[:2]: p for p in build.sources(root)}
    for number in options.lessons:
        if number not in found:
            raise ParameterError(
                f"no exercises of lesson {number!r}." + did_you_mean(number, found)
            )
    chosen = [found[n] for n in options.lessons or found]
    file = timing.write(root, chosen)
    for path in chosen:
        seconds = timing.read(root)["seconds"][path.stem]
        print(f"{path.stem}: {sum(seconds.values()):.1f} s")
    print(file)
    return 0


def _overview(options) -> int:
    from fer_utils.course.overview import read_class, write_page

    group = read_class(options.folder)
    print(group)
    print(write_page(group, options.out or Path(options.folder) / "overview.html"))
    return 0
