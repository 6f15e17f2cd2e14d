"""`fer course build|list|overview|site`."""

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
    overview.add_argument("--out", metavar="FILE", help="also write one HTML page")
    overview.set_defaults(call=_overview)
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


def _overview(options) -> int:
    from fer_utils.course.overview import read_class, write_page

    group = read_class(options.folder)
    print(group)
    if options.out:
        print(write_page(group, options.out))
    return 0
