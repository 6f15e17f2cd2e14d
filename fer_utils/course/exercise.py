"""`exercise`: a check that says ✓ or gives a hint that teaches, never the answer."""

from __future__ import annotations

import html
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from fer_utils.errors import ParameterError

__all__ = ["EXERCISES", "KINDS", "Exercise", "Hint", "Result", "exercise", "require"]

KINDS = ("predict", "modify", "implement", "interpret")
_START = "Not answered yet. Replace the ... in the cell above, run it, then this one."

EXERCISES: dict[str, Exercise] = {}


class Hint(Exception):
    """What a check says about an answer that is not right."""


def require(condition: object, hint: str) -> None:
    """Go on when a condition holds, else end the check with a hint.

    Example:
        >>> require(1 + 1 == 2, "Count again.")
    """
    if not condition:
        raise Hint(hint)


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        id: of the exercise, for example "q03_2".
        title: of the exercise.
        passed: whether the answer is right.
        message: the hint; "" when it is right.
    """

    id: str
    title: str
    passed: bool
    message: str = ""

    def __str__(self) -> str:
        sign = "✓" if self.passed else "✗"
        return " ".join(filter(None, (sign, self._name, self._word, self.message)))

    __repr__ = __str__

    @property
    def _name(self) -> str:
        return self.title if self.title.endswith("?") else f"{self.title}:"

    @property
    def _word(self) -> str:
        if self.passed:
            return "right."
        # The hint for an empty cell says it itself.
        return "" if self.message.startswith("Not answered yet") else "not yet."

    def _repr_html_(self) -> str:
        from mistune import create_markdown

        # A sign, a word and a bar tell right from not yet; colour only underlines it.
        sign, colour = ("✓", "#1a7f37") if self.passed else ("✗", "#b45f06")
        # Hints mark words as Markdown does; what a learner wrote is no HTML.
        message = create_markdown(escape=True, hard_wrap=True)(self.message)
        return (
            f'<div style="border-left:4px solid {colour};padding:.3em .8em">'
            f'<b><span style="color:{colour}">{sign}</span> '
            f"{html.escape(self._name)} {self._word}</b>{message}</div>"
        )


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    Attributes:
        id: "q", the lesson, "_" and a number, for example "q03_2".
        title: a few words.
        kind: one of `KINDS`.
        minutes: that a learner may take.
        points: for a teacher who marks.
        start: the hint for an answer that is not begun.
        function: (answer, …) -> None, or a hint.
    """

    id: str
    title: str
    kind: str
    minutes: int
    points: int
    start: str
    function: Callable

    @property
    def lesson(self) -> str:
        """The number of the lesson, for example "03"."""
        return self.id[1:3]

    def check(self, answer: object, *context, **named) -> Result:
        """Check an answer; what it raises becomes a hint.

        Args:
            answer: what the learner wrote; ... and None are not begun.
            context: what else the check needs from the notebook.
            named: the same, by name.
        """
        if answer is ... or answer is None:
            return Result(self.id, self.title, False, self.start)
        try:
            hint = self.function(answer, *context, **named)
        except Hint as problem:
            hint = str(problem)
        except Exception as problem:  # the learner's own code failed: teach, not crash
            hint = _of_exception(problem, answer)
        return Result(self.id, self.title, not hint, hint or "")


def exercise(
    id: str, *, title: str, kind: str, minutes: int, points: int, start: str = _START
) -> Callable[[Callable], Exercise]:
    """Make an exercise of a function that checks an answer.

    The function returns None for a right answer, else a hint; `require` may end it with
    one.

    Args:
        id: for example "q03_2", unique.
        title: a few words.
        kind: "predict", "modify", "implement" or "interpret".
        minutes: that a learner may take.
        points: for a teacher who marks.
        start: the hint for an answer that is not begun.

    Raises:
        ParameterError: the kind is unknown.

    Example:
        >>> @exercise("q99_1", title="Two", kind="predict", minutes=1, points=1)
        ... def q99_1(answer):
        ...     return None if answer == 2 else "Count again."
        >>> q99_1.check(3)
        ✗ Two: not yet. Count again.
        >>> del EXERCISES["q99_1"]
    """
    if kind not in KINDS:
        raise ParameterError(
            f"{id}: kind={kind!r}: expected one of {', '.join(KINDS)}."
        )

    def register(function: Callable) -> Exercise:
        made = Exercise(id, title, kind, minutes, points, start, function)
        EXERCISES[id] = made
        return made

    return register


_CELLS = ("ipykernel", "<ipython-input", "<answer>")  # file names of notebook cells


def _of_exception(problem: Exception, answer: object) -> str:
    """Name the error, and the line of the learner's cell it came from."""
    error = f"{type(problem).__name__}: {problem}"
    frames = traceback.extract_tb(problem.__traceback__)
    own = [f for f in frames if any(mark in f.filename for mark in _CELLS)]
    if not own:
        return (
            f"The check cannot work with this answer, a {type(answer).__name__}: it "
            f"stopped with {error}. Read in the task what kind of thing is asked."
        )
    return (
        f"Your code stopped with {error} in line {own[-1].lineno} of your cell "
        f"({own[-1].line or own[-1].name}). Call it yourself in a new cell, with a "
        "small input, and look at what comes out."
    )
