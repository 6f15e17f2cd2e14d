"""`build`: from a solutions notebook to what a student, or a teacher, gets.

A solutions notebook marks what it knows: answers stand between `### BEGIN SOLUTION` and
`### END SOLUTION`, where lines after `### STUDENT: ` are what a student sees instead;
cells tagged "answer" explain an answer, cells tagged "instructor" speak to the teacher.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from fer_utils.course import timing
from fer_utils.errors import DataError, ParameterError, did_you_mean
from fer_utils.files import write_text

__all__ = ["KINDS", "build", "instructor", "outdated", "recall", "solution_lines"]
__all__ += ["sources", "student", "write_all"]

_BLOCK = re.compile(
    r"^[ \t]*### BEGIN SOLUTION\n(.*?)^[ \t]*### END SOLUTION[ \t]*\n?",
    re.DOTALL | re.MULTILINE,
)
_STUDENT = "### STUDENT:"
_HEADING = re.compile(
    r"^## Exercise (?P<number>[\d.]+): (?P<title>.+?) "
    r"\*\((?P<kind>\w+), (?P<minutes>\d+) min\)\*",
    re.MULTILINE,
)
_WORTH_TELLING = 0.1  # seconds
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


def instructor(
    notebook: dict, seconds: Mapping[str, float] | None = None, measured: str = ""
) -> dict:
    """Return the notebook with answers, the notes for the teacher, and a plan.

    Args:
        notebook: a solutions notebook.
        seconds: {cell id: seconds}, from `timing.measure`.
        measured: when and where, for the plan.
    """
    made, seconds = copy.deepcopy(notebook), seconds or {}
    for cell in made["cells"]:
        lines = _source(cell).splitlines(keepends=True)
        kept = [line for line in lines if not line.lstrip().startswith(_STUDENT)]
        took = seconds.get(cell.get("id", ""), 0)
        if cell["cell_type"] == "code" and took >= _WORTH_TELLING:
            kept.insert(0, f"# measured: {took:.1f} s\n")
        cell["source"] = _lines("".join(kept))
    plan = _plan(notebook, seconds, measured)
    if plan:
        made["cells"].insert(1, _markdown(plan))
    return made


def _plan(notebook: dict, seconds: Mapping[str, float], measured: str) -> str:
    """Return a table of the exercises: kind, minutes, points, measured seconds."""
    rows, part = [], {"seconds": 0.0}  # before the first heading: the setup
    parts = [part]
    for cell in notebook["cells"]:
        heading = _HEADING.search(_source(cell))
        if heading:
            part = {**heading.groupdict(), "seconds": 0.0}
            parts.append(part)
        elif re.match(r"## ", _source(cell)) and len(parts) > 1:
            break  # the progress cell and what to do next
        part["seconds"] += seconds.get(cell.get("id", ""), 0)
        points = cell["metadata"].get("nbgrader", {}).get("points")
        part["points"] = points or part.get("points", 0)
    for one in parts[1:]:
        took = f"{one['seconds']:.1f}" if seconds else "not measured"
        rows.append(
            f"| {one['number']} {one['title']} | {one['kind']} | {one['minutes']} "
            f"| {one['points']} | {took} |"
        )
    if not rows:
        return ""
    minutes = sum(int(one["minutes"]) for one in parts[1:])
    total = f", {sum(seconds.values()):.0f} s of computing" if seconds else ""
    setup = f" Setup: {parts[0]['seconds']:.1f} s." if seconds else ""
    source = f" Measured {measured}." if seconds and measured else ""
    head = "| exercise | kind | minutes | points | computer, s |\n|---|---|---|---|---|"
    return (
        f"**For the teacher: the plan.** {len(rows)} exercises, {minutes} minutes"
        f"{total}.{setup}{source}\n\n{head}\n" + "\n".join(rows)
    )


def _markdown(text: str) -> dict:
    return {
        "cell_type": "markdown",
        "id": "plan",
        "metadata": {"tags": ["instructor"]},
        "source": _lines(text),
    }


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
KINDS: dict[str, tuple[str, Callable[..., dict]]] = {
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
    times = timing.read(root) if kind == "instructor" else None
    built = {}
    for path in sources(root, folder):
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))
            made = make(notebook, *_times(times, path.stem))
        except (DataError, ValueError, KeyError) as error:
            raise DataError(f"{path}: {error}") from None
        built[path.name] = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    return built


def _times(times: dict | None, stem: str) -> tuple:
    """Return what the instructor's build needs of the times of one notebook."""
    if times is None:
        return ()
    return times["seconds"].get(stem), times["measured"].get(stem, "")


def sources(root: str | Path, folder: str = "solutions") -> list[Path]:
    """Return the notebooks of lessons in a folder of `notebooks/`, in order."""
    return sorted((Path(root) / "notebooks" / folder).glob("[0-9][0-9]_*.ipynb"))


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
    """Return the lines of a solutions notebook that no student may see anywhere.

    What the student's stub shows anyway, blank lines and lone brackets do not count.
    """
    hidden, stub = set(), set()
    for cell in notebook["cells"]:
        source = _source(cell)
        if {"answer", "instructor"} & set(cell["metadata"].get("tags", ())):
            hidden |= {line.strip() for line in source.splitlines()}
            continue
        for block in _BLOCK.finditer(source):
            for line in map(str.strip, block[1].splitlines()):
                part = stub if line.startswith(_STUDENT) else hidden
                part.add(_after_mark(line).strip())
    shown = "\n".join(stub)
    return {line for line in hidden if len(line) > 12 and line not in shown}


def _without_tags(notebook: dict, tags: set[str]) -> dict:
    made = copy.deepcopy(notebook)
    made["cells"] = [
        cell
        for cell in made["cells"]
        if not tags & set(cell["metadata"].get("tags", ()))
    ]
    return made


def _source(cell: dict) -> str:
    return "".join(cell["source"])  # a string, or its lines


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
