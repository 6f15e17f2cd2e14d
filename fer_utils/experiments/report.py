"""`write_report`: run records -> one HTML page that needs nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import fer_utils
from fer_utils.experiments.report_details import details
from fer_utils.experiments.report_tables import (
    Group,
    Lesson,
    Run,
    groups,
    read_lessons,
    read_runs,
)
from fer_utils.experiments.templating import environment
from fer_utils.files import write_text

__all__ = ["write_report"]

TITLE = "Facial expression recognition: what was trained, and how well it does"


@dataclass(frozen=True)
class _Notice:
    """What a reader must know before the first number.

    Attributes:
        text: the notice of the data.
        everywhere: whether it holds for every run and lesson of the page.
    """

    text: str
    everywhere: bool


def write_report(
    runs_dir: str | Path, out: str | Path = "reports/index.html", *, title: str = TITLE
) -> Path:
    """Write one self-contained HTML page about every run record below a folder.

    A folder without records gives a page that says so and how to make some. Links to
    executed notebooks and records are relative to the page.

    Args:
        runs_dir: holds run folders (`record.json`, optionally `notebook.html`) and
            `lessons/` (`NAME.json`, `NAME.html`); may be missing.
        out: the page; missing folders are made.
        title: its heading.

    Returns:
        The path of the page.

    Raises:
        DataError: a record is not readable.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_report(folder / "no_runs", folder / "index.html").name
        'index.html'
    """
    runs, lessons = read_runs(runs_dir), read_lessons(runs_dir)
    tables = groups(runs)
    page = _pages(Path(out).parent).get_template("report.html.j2")
    return write_text(
        out,
        page.render(
            title=title,
            notices=_notices(runs, lessons),
            groups=tables,
            details=[details(run) for run in _in_table_order(tables, runs)],
            finished=[run for run in runs if run.finished],
            failed=[run for run in runs if not run.finished],
            lessons=lessons,
            generated=datetime.now(UTC),
            version=fer_utils.__version__,
        ),
    )


def _in_table_order(tables: Sequence[Group], runs: Sequence[Run]) -> list[Run]:
    shown = [run for table in tables for row in table.rows for run in row.runs]
    return shown + [run for run in runs if not run.finished]


def _notices(runs: Sequence[Run], lessons: Sequence[Lesson]) -> list[_Notice]:
    """Return each notice once; a lesson on sample data counts like a run on it."""
    notices = [run.notice for run in runs if run.finished]
    drawn = any(lesson.data.startswith("synthetic") for lesson in lessons)
    notices += ["synthetic sample data"] * drawn
    return [
        _Notice(text, everywhere=set(notices) == {text})
        for text in dict.fromkeys(notices)
        if text
    ]


def _pages(page_folder: Path):
    pages = environment(autoescape=True)
    pages.filters["link"] = lambda path: _link(Path(path), page_folder)
    pages.filters["anchor"] = lambda run: "run-" + quote(run.id, safe="")
    return pages


def _link(path: Path, page_folder: Path) -> str:
    """Return the address of a file as the page must write it."""
    try:
        relative = os.path.relpath(path.resolve(), page_folder.resolve())
    except ValueError:  # another drive, on Windows
        return path.resolve().as_uri()
    return quote(Path(relative).as_posix())
