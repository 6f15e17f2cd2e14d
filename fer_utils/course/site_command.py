"""`fer course site`: the course as a small web site."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

__all__ = ["add_site_command"]


def add_site_command(actions, root: Callable[[], Path]) -> None:
    """Add `site` to the actions of `fer course`.

    Args:
        actions: what `ArgumentParser.add_subparsers` returned.
        root: finds the checkout.
    """
    site = actions.add_parser("site", help="lessons and docs as an offline web site")
    add = site.add_argument
    add("out", metavar="OUT", help="folder of the site, for example site")
    add(
        "--executed",
        metavar="DIR",
        help="show the outputs of executed lessons, from the lessons folder that "
        "`fer run --data synthetic` leaves under reports/runs",
    )
    site.set_defaults(call=lambda options: _site(options, root()))


def _site(options, root: Path) -> int:
    from fer_utils.course.site import write_site

    print(f"site: {write_site(root, options.out, executed=options.executed)}")
    return 0
