"""`build`: from a solutions notebook to what a student, or a teacher, gets.

A solutions notebook marks what it knows: answers stand between `### BEGIN SOLUTION` and
`### END SOLUTION`, where lines after `### STUDENT: ` are what a student sees instead;
cells tagged "answer" explain an answer, cells tagged "instructor" speak to the teacher.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path

from fer_utils.errors import DataError, ParameterError, did_you_mean
from fer_utils.files import write_text

__all__ = ["KINDS", "build", "instructor", "outdated", "recall", "solution_lines"]
__all__ += ["student", "write_all"]

_BLOCK = re.compile(
    r"^[ \t]*### BEGIN SOLUTION\n(.*?)^[ \t]*### END SOLUTION[ \t]*\n?",
    re.DOTALL | re.MULTILINE,
)
_STUDENT = "### STUDENT:"
_HERE = "# YOUR ANSWER HERE\n"


def student(notebook: dict) -> dict:
    """Return the notebook without answers.

    Raises:
        DataError: a BEGIN without its END, or an END without its BEGIN.
    """
    made = _without_tags(notebook, {"answer", "instructor"})
    for number, cell in enumerate(made["cells"]):
        if cell["cell_type"] == "code":
            text = _BLOCK.sub(_stub, _source(cell))
            if "### BEGIN SOLUTION" in text or "### END SOLUTION" in text:
                raise DataError(
                    f"cell {number}: a solution begins or ends alone. Put `### BEGIN "
                    "SOLUTION` and `### END SOLUTION` on lines of their own around it."
                )
            cell["source"] = _lines(text.rstrip("\n"))
    return made


def _stub(block: re.Match) -> str:
    lines = [line.strip() for line in block[1].splitlines()]
    kept = [_after_mark(line) for line in lines if line.startswith(_STUDENT)]
    return _HERE + "".join(f"{line}\n" for line in kept)


def _after_mark(line: str) -> str:
    return line.removeprefix(_STUDENT).removeprefix(" ")


def instructor(notebook: dict) -> dict:
    """Return the notebook with answers and the notes for the teacher."""
    made = copy.deepcopy(notebook)
    for cell in made["cells"]:
        lines = _source(cell).splitlines(keepends=True)
        kept = [line for line in lines if not line.lstrip().startswith(_STUDENT)]
        cell["source"] = _lines("".join(kept))
    return made


def recall(lesson: dict) -> dict:
    """Return a lesson without its prose and code: headings, to fill from memory.

    Its setup stays: the imports cell and the parameters cell.
    """
    made, has_setup = copy.deepcopy(lesson), False
    cells = []
    for cell in made["cells"]:
        if cell["cell_type"] == "markdown":
            heads = [n for n in _source(cell).splitlines() if re.match(r"#+ ", n)]
            if heads:
                cell["source"] = _lines("\n\n".join(heads))
                cells.append(cell)
            continue
        is_setup = not has_setup or "parameters" in cell["metadata"].get("tags", ())
        has_setup = True
        if not is_setup:
            cell["source"] = _lines(_first_comment(_source(cell)))
        cells.append(cell)
    made["cells"] = cells
    return made


def _first_comment(source: str) -> str:
    """Return what a cell is about in one line, as a thing to do."""
    comments = [n for n in source.splitlines() if n.startswith("# ")]
    return comments[0] if comments else "# What belongs here?"


# kind -> (folder of the sources, how one is built)
KINDS: dict[str, tuple[str, Callable[[dict], dict]]] = {
    "student": ("solutions", student),
    "solution": ("solutions", lambda notebook: _without_tags(notebook, {"instructor"})),
    "instructor": ("solutions", instructor),
    "recall": (".", recall),
}


def build(root: str | Path, kind: str = "student") -> dict[str, str]:
    """Build every notebook of one kind.

    Args:
        root: the repository's folder.
        kind: "student", "solution", "instructor" or "recall".

    Returns:
        {file name: JSON text}.

    Raises:
        ParameterError: the kind is unknown.
        DataError: a source cannot be built; it is named.
    """
    if kind not in KINDS:
        raise ParameterError(f"unknown build {kind!r}." + did_you_mean(kind, KINDS))
    folder, make = KINDS[kind]
    built = {}
    sources = (Path(root) / "notebooks" / folder).glob("[0-9][0-9]_*.ipynb")
    for path in sorted(sources):
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))
            made = make(notebook)
        except (DataError, ValueError, KeyError) as error:
            raise DataError(f"{path}: {error}") from None
        built[path.name] = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    return built


def write_all(root: str | Path, kind: str, out: str | Path) -> list[Path]:
    """Write every notebook of one kind, and take away those without a source.

    Returns:
        The files, in order.
    """
    out, built = Path(out), build(root, kind)
    for old in out.glob("[0-9][0-9]_*.ipynb"):
        if old.name not in built:
            old.unlink()
    return [write_text(out / name, text) for name, text in built.items()]


def outdated(root: str | Path) -> list[str]:
    """Return the committed student notebooks that are not what would be built now."""
    folder = Path(root) / "notebooks" / "exercises"
    built = build(root, "student")
    there = {p.name: p.read_text(encoding="utf-8") for p in folder.glob("*.ipynb")}
    return sorted(n for n in built | there if built.get(n) != there.get(n))


def solution_lines(notebook: dict) -> set[str]:
    """Return the lines of a solutions notebook that no student may see.

    Lines that the student's stub shows anyway, blank ones and lone brackets do not
    count.
    """
    hidden, shown = set(), set()
    for cell in notebook["cells"]:
        source = _source(cell)
        if {"answer", "instructor"} & set(cell["metadata"].get("tags", ())):
            hidden |= {line.strip() for line in source.splitlines()}
            continue
        for block in _BLOCK.finditer(source):
            for line in map(str.strip, block[1].splitlines()):
                stub = line.startswith(_STUDENT)
                (shown if stub else hidden).add(_after_mark(line).strip())
        shown |= {line.strip() for line in _BLOCK.sub("", source).splitlines()}
    return {line for line in hidden - shown if len(line) > 12}


def _without_tags(notebook: dict, tags: set[str]) -> dict:
    made = copy.deepcopy(notebook)
    made["cells"] = [
        cell
        for cell in made["cells"]
        if not tags & set(cell["metadata"].get("tags", ()))
    ]
    return made


def _source(cell: dict) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
