"""`fer course overview`: where a class stands, from the students' progress files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_utils.course import progress
from fer_utils.course.checks import exercises
from fer_utils.course.exercise import Exercise
from fer_utils.errors import DataError
from fer_utils.files import write_text

__all__ = ["Class", "Difficulty", "read_class", "write_page"]

_HARD = 0.5  # a smaller share of those who tried have solved it


@dataclass(frozen=True)
class Difficulty:
    """How a class fares with one exercise.

    Attributes:
        exercise: the Exercise.
        tried: students with at least one attempt.
        solved: students who have solved it.
        attempts: per student who tried, on average; 0 if nobody did.
        hint: the most frequent last hint of those who have not solved it; "".
    """

    exercise: Exercise
    tried: int
    solved: int
    attempts: float
    hint: str

    @property
    def is_hard(self) -> bool:
        """Whether fewer than half of those who tried have solved it."""
        return self.tried > 0 and self.solved < _HARD * self.tried


@dataclass(frozen=True)
class Class:
    """A class: its students and its exercises.

    Attributes:
        students: (name, {exercise id: passed}) by name.
        difficulties: one per exercise, in order.
        problems: files that could not be read, and why.
    """

    students: tuple[tuple[str, dict[str, bool]], ...]
    difficulties: tuple[Difficulty, ...]
    problems: tuple[str, ...] = ()

    def __str__(self) -> str:
        rows = [("exercise", "tried", "solved", "attempts", "")]
        rows += [
            (
                f"{d.exercise.id} {d.exercise.title}",
                str(d.tried),
                str(d.solved),
                f"{d.attempts:.1f}",
                "hard" if d.is_hard else "",
            )
            for d in self.difficulties
        ]
        width = max(len(row[0]) for row in rows)
        lines = [f"{len(self.students)} students"]
        lines += [
            f"{a:<{width}}  {b:>5}  {c:>6}  {d:>8}  {e}".rstrip()
            for a, b, c, d, e in rows
        ]
        most = len(self.difficulties)
        for name, done in self.students:
            lines.append(f"{sum(done.values()):>3} of {most}  {name}")
        return "\n".join([*lines, *(f"not read: {p}" for p in self.problems)])


def read_class(folder: str | Path) -> Class:
    """Read every `*.json` below a folder; a bad file is listed, not fatal.

    Raises:
        DataError: there is no such file at all.
    """
    files = sorted(Path(folder).rglob("*.json"))
    if not files:
        raise DataError(
            f"{folder}: no *.json here. Collect the {progress.FILE} that lies beside "
            "each student's notebooks, under a name of its own."
        )
    found, problems = [], []
    for file in files:
        try:
            found.append(progress.read(file))
        except DataError as error:
            problems.append(str(error))
    known = exercises()
    students = [
        (one["student"], {k: bool(v["passed"]) for k, v in one["exercises"].items()})
        for one in found
    ]
    difficulties = (_difficulty(one, found) for one in known)
    return Class(tuple(sorted(students)), tuple(difficulties), tuple(problems))


def _difficulty(exercise: Exercise, found: Sequence[dict]) -> Difficulty:
    tried = [
        one["exercises"][exercise.id]
        for one in found
        if one["exercises"].get(exercise.id, {}).get("attempts")
    ]
    stuck = Counter(t.get("last_hint", "") for t in tried if not t["passed"])
    return Difficulty(
        exercise=exercise,
        tried=len(tried),
        solved=sum(bool(t["passed"]) for t in tried),
        attempts=sum(t["attempts"] for t in tried) / max(len(tried), 1),
        hint=stuck.most_common(1)[0][0] if stuck else "",
    )


def write_page(group: Class, out: str | Path) -> Path:
    """Write one self-contained HTML page: a bar per exercise, a row per student."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("fer_utils.course"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return write_text(out, pages.get_template("overview.html.j2").render(group=group))
