"""`write_report`: run records -> one HTML page that needs nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import fer_utils
from fer_utils.experiments.report_answers import TestSet, test_sets
from fer_utils.experiments.report_comparable import Caveat, caveats, unlike
from fer_utils.experiments.report_cost import costs
from fer_utils.experiments.report_details import Details, Figure, details
from fer_utils.experiments.report_figures import svg_figure
from fer_utils.experiments.report_pairs import Comparison, compare_rows
from fer_utils.experiments.report_reading import Found, find
from fer_utils.experiments.report_reference import beside_reference
from fer_utils.experiments.report_tables import Group, groups
from fer_utils.experiments.report_values import Run
from fer_utils.experiments.templating import environment
from fer_utils.files import write_text

__all__ = ["write_report"]

TITLE = "Facial expression recognition: what was trained, and how well it does"
_NO_FACES = TestSet(why="the faces were left out on purpose")


@dataclass(frozen=True)
class _Notice:
    """What a reader must know before the first number.

    Attributes:
        text: the notice of the data.
        everywhere: whether it holds for every run and lesson of the page.
    """

    text: str
    everywhere: bool


@dataclass(frozen=True)
class _Table:
    """One table of comparable rows and all that is told beside it.

    Attributes:
        group: its rows.
        caveats: what else differs between the rows.
        comparison: the rows pairwise.
        costs: accuracy against what a row costs.
        details: of every run, in the order of the rows.
    """

    group: Group
    caveats: tuple[Caveat, ...]
    comparison: Comparison
    costs: tuple[Figure, ...]
    details: tuple[Details, ...]


def write_report(
    runs_dir: str | Path,
    out: str | Path = "reports/index.html",
    *,
    title: str = TITLE,
    reference: str | Path | None = None,
    faces: bool = True,
    load: Callable | None = None,
) -> Path:
    """Write one self-contained HTML page about every run record below a folder.

    A folder without records gives a page that says so and how to make some; a record
    that cannot be read is listed with what is wrong with it. Links to executed
    notebooks and records are relative to the page. Printed, the page is a report of
    its own: the browser's print makes a PDF.

    Args:
        runs_dir: holds run folders (`record.json`, optionally `notebook.html` and
            `probs.npz`) and `lessons/` (`NAME.json`, `NAME.html`); may be missing.
        out: the page; missing folders are made.
        title: its heading.
        reference: folder of run records to put these runs beside; None leaves that
            out.
        faces: whether to load the test sets, for comparisons in pairs and for galleries
            of mistakes, which show faces of the data set. False for a page that goes
            public.
        load: takes the name of a data set, returns a FaceSet; default `data.load`.

    Returns:
        The path of the page.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_report(folder / "no_runs", folder / "index.html").name
        'index.html'
    """
    found = find(runs_dir)
    tables = [_table(*pair) for pair in _with_images(groups(found.runs), faces, load)]
    failed = [details(run) for run in found.runs if not run.finished]
    in_groups = [table.group for table in tables]
    page = _pages(Path(out).parent).get_template("report.html.j2")
    return write_text(
        out,
        page.render(
            title=title,
            notices=_notices(found),
            tables=tables,
            unlike=unlike(in_groups),
            beside=beside_reference(in_groups, reference),
            details=[one for table in tables for one in table.details] + failed,
            facets=_facets(found.runs),
            finished=[run for run in found.runs if run.finished],
            failed=[run for run in found.runs if not run.finished],
            found=found,
            generated=datetime.now(UTC),
            version=fer_utils.__version__,
        ),
    )


def _with_images(tables: Sequence[Group], faces: bool, load: Callable | None):
    images = test_sets(tables, load) if faces else [_NO_FACES] * len(tables)
    return zip(tables, images, strict=True)


def _table(group: Group, images: TestSet) -> _Table:
    return _Table(
        group=group,
        caveats=tuple(caveats(group)),
        comparison=compare_rows(group, images),
        costs=tuple(
            svg_figure(f"Test accuracy against {one.cost}", one.plot, one.alt_text())
            for one in costs(group)
        ),
        details=tuple(details(run, images) for run in group.runs),
    )


def _facets(runs: Sequence[Run]) -> list[str]:
    """Return the models that a reader may hide, if there is a choice."""
    models = sorted(
        {run.value("experiment.model").text for run in runs if run.finished}
    )
    return models if len(models) > 1 else []


def _notices(found: Found) -> list[_Notice]:
    """Return each notice once; a lesson on sample data counts like a run on it."""
    notices = [run.notice for run in found.runs if run.finished]
    drawn = any(lesson.data.startswith("synthetic") for lesson in found.lessons)
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
