"""What the course's site is made of: lessons, executed or not, and pages of `docs/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fer_utils.errors import DataError

__all__ = ["Doc", "Lesson", "read_docs", "read_lessons"]

_FIRST_DOCS = (
    "syllabus",
    "teaching",
    "grading",
    "responsible_use",
    "accessibility",
    "glossary",
)


@dataclass(frozen=True)
class Doc:
    """One page of `docs/`: its file, and its text as a notebook of one cell."""

    source: Path
    notebook: object

    @property
    def href(self) -> str:
        """Return its page's file name."""
        return f"{self.source.stem}.html"

    @property
    def title(self) -> str:
        """Return its heading."""
        return _title(_first_text(self.notebook))

    @property
    def subtitle(self) -> str:
        """Return the line under its heading."""
        return _subtitle(_first_text(self.notebook))


@dataclass(frozen=True)
class Lesson(Doc):
    """One lesson of the course.

    Attributes:
        source: its notebook.
        notebook: what is shown: the notebook, or an executed copy of it.
        is_executed: whether it has outputs.
        exercise_source: the exercise notebook that belongs to it, or None.
        exercises: how many exercises that has.
    """

    is_executed: bool
    exercise_source: Path | None
    exercises: int

    @property
    def number(self) -> str:
        """Return its two digits."""
        return self.source.stem[:2]

    @property
    def time(self) -> str:
        """Return how long quick mode takes, in the lesson's own words, or ""."""
        text = " ".join(_first_text(self.notebook).split())
        found = re.search(
            r"[Qq]uick:? (.+?)(?:,|\.| on two)", text.partition("Time")[2]
        )
        return found[1] if found else ""


def read_lessons(folder: Path, executed: str | Path | None) -> list[Lesson]:
    """Read every lesson, with the outputs of its executed copy if there is one.

    Args:
        folder: of the notebooks.
        executed: folder of executed copies of the same names, or None.

    Returns:
        The lessons in order.

    Raises:
        DataError: if no copy is there, or one cannot be shown.
    """
    paths = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if executed and not any((Path(executed) / path.name).is_file() for path in paths):
        raise DataError(
            f"{executed}: no executed lesson here. Expected files like "
            f"{paths[0].name}; `fer run --data synthetic` leaves them in "
            "reports/runs/<preset>/synthetic/lessons."
        )
    return [_read_lesson(path, executed) for path in paths]


def _read_lesson(path: Path, executed: str | Path | None) -> Lesson:
    notebook, copy = _read(path), None
    if executed and (Path(executed) / path.name).is_file():
        copy = _read(Path(executed) / path.name)
        _check_copy(Path(executed) / path.name, copy, notebook)
    exercises = path.parent / "exercises" / path.name
    if not exercises.is_file():
        return Lesson(path, copy or notebook, copy is not None, None, 0)
    headings = [
        cell
        for cell in _read(exercises).cells
        if cell.cell_type == "markdown" and re.match(r"#+ Exercise \d", cell.source)
    ]
    return Lesson(path, copy or notebook, copy is not None, exercises, len(headings))


def _read(path: Path):
    import nbformat

    return nbformat.read(path, as_version=4)


def _check_copy(path: Path, copy, notebook) -> None:
    """Raise a DataError if an executed lesson should not be shown."""
    injected, codes = [], []
    for cell in copy.cells:
        if cell.cell_type == "code":
            is_injected = "injected-parameters" in cell.metadata.get("tags", ())
            (injected if is_injected else codes).append(cell.source)
    wanted = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    if codes != wanted:
        raise DataError(
            f"{path}: executed from another version of the lesson. "
            "Run it again, or leave it out of the folder."
        )
    # Photos of real people stay out of a page that may be put on the web.
    if any(re.search(r"data_name = ['\"](?!synthetic)", cell) for cell in injected):
        raise DataError(
            f"{path}: executed on real photos, whose terms forbid to publish them. "
            "Run the lessons with --data synthetic."
        )
    errors = [
        output.ename
        for cell in copy.cells
        for output in cell.get("outputs", ())
        if output.output_type == "error"
    ]
    if errors:
        raise DataError(f"{path}: stopped with {errors[0]}. Run the lesson again.")


def read_docs(folder: Path) -> list[Doc]:
    """Read the pages of `docs/`, except its README, the most needed first.

    Args:
        folder: of the Markdown files; it may be missing.

    Returns:
        The pages.
    """
    from nbformat.v4 import new_markdown_cell, new_notebook

    order = {name: place for place, name in enumerate(_FIRST_DOCS)}
    paths = [path for path in folder.glob("*.md") if path.stem != "README"]
    paths.sort(key=lambda path: (order.get(path.stem, len(order)), path.stem))
    return [
        Doc(path, new_notebook(cells=[new_markdown_cell(path.read_text("utf-8"))]))
        for path in paths
    ]


def _first_text(notebook) -> str:
    return next(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def _title(text: str) -> str:
    return text.splitlines()[0].removeprefix("# ").strip()


def _subtitle(text: str) -> str:
    """Return the italic paragraph under the heading, without its asterisks."""
    found = re.match(r"# [^\n]*\n\s*\*(?!\*)(.+?)\*\s*(?:\n\s*\n|$)", text, re.DOTALL)
    return " ".join(found[1].split()) if found else ""
