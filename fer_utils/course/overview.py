"""`fer course overview`: where a class stands, from the students' progress files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

from fer_utils.course import progress
from fer_utils.course.checks import exercises
from fer_utils.course.exercise import Exercise
from fer_utils.errors import DataError
from fer_utils.experiments.runs import aligned
from fer_utils.experiments.templating import environment
from fer_utils.files import write_text

__all__ = ["Class", "Difficulty", "Student", "read_class", "write_page"]

_TEMPLATES = Path(__file__).parent / "templates"
_HARD = 0.5  # a smaller share of those who tried have solved it, or …
_LABORIOUS = 3  # … it took more attempts each
_HINT_WIDTH = 72  # of a hint in the terminal; the page has all of it


@dataclass(frozen=True)
class Student:
    """One learner.

    Attributes:
        name: as the file says.
        done: {exercise id: solved}, for each exercise with an attempt.
        at: id of the exercise that was tried last; "" before the first.
    """

    name: str
    done: Mapping[str, bool]
    at: str

    @property
    def solved(self) -> int:
        """How many exercises are solved."""
        return sum(self.done.values())

    @property
    def place(self) -> str:
        """Where the learner is, in words."""
        if not self.at:
            return "not begun"
        return f"{'solved' if self.done[self.at] else 'works on'} {self.at}"


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
        """Whether under half of those who tried solved it, or it took over three tries.

        Two hints are what an exercise is made for; a third one says that something is
        not clear.
        """
        few = self.solved < _HARD * self.tried
        return self.tried > 0 and (few or self.attempts > _LABORIOUS)

    @property
    def short_hint(self) -> str:
        """The hint in one line."""
        return shorten(self.hint, _HINT_WIDTH, placeholder=" …")


@dataclass(frozen=True)
class Class:
    """A class: its students and its exercises.

    Attributes:
        students: one per file, by name.
        difficulties: one per exercise, in order.
        problems: files that could not be read, and why.
    """

    students: tuple[Student, ...]
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
            for d in self.tried
        ]
        lines = [f"{len(self.students)} students", *aligned(rows, right=(1, 2, 3))]
        lines += [
            f"stuck in {d.exercise.id}: {d.short_hint}"
            for d in self.tried
            if d.is_hard and d.hint
        ]
        if self.untried:
            lines.append(f"nobody has tried: {', '.join(self.untried)}")
        most = len(self.difficulties)
        lines += aligned(
            [(f"{s.solved} of {most}", s.name, s.place) for s in self.students],
            right=(0,),
        )
        return "\n".join([*lines, *(f"not read: {p}" for p in self.problems)])

    @property
    def tried(self) -> tuple[Difficulty, ...]:
        """The exercises that somebody has tried."""
        return tuple(one for one in self.difficulties if one.tried)

    @property
    def untried(self) -> tuple[str, ...]:
        """The ids of the others."""
        return tuple(one.exercise.id for one in self.difficulties if not one.tried)


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
    ids = {one.id for one in known}
    students = sorted((_student(one, ids) for one in found), key=lambda one: one.name)
    difficulties = (_difficulty(one, found) for one in known)
    return Class(tuple(students), tuple(difficulties), tuple(problems))


def _student(content: dict, known: set[str]) -> Student:
    """Return a learner, with the exercises of this version of the course only."""
    done = {k: v for k, v in content["exercises"].items() if k in known}
    at = max(done, key=lambda id: (str(done[id].get("last", "")), id), default="")
    return Student(content["student"], {k: v["passed"] for k, v in done.items()}, at)


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
    pages = environment(autoescape=True, folder=_TEMPLATES)
    return write_text(out, pages.get_template("overview.html.j2").render(group=group))
