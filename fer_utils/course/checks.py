"""`check`: `check.q03_2(answer)` in a notebook says ✓ or gives a hint."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Callable

from fer_utils.course import exercises as exercise_modules
from fer_utils.course import progress
from fer_utils.course.exercise import EXERCISES, Exercise, Result
from fer_utils.errors import DataError, did_you_mean

__all__ = ["check", "exercises", "lessons"]


def lessons() -> tuple[str, ...]:
    """Return the numbers of the lessons that have exercises."""
    found = (m.name for m in pkgutil.iter_modules(exercise_modules.__path__))
    return tuple(n.removeprefix("lesson") for n in sorted(found) if n[:6] == "lesson")


def exercises(lesson: str | None = None) -> tuple[Exercise, ...]:
    """Return the exercises of a lesson such as "03", or of all, in order."""
    for number in lessons() if lesson is None else (lesson,):
        if number in lessons():
            importlib.import_module(f"{exercise_modules.__name__}.lesson{number}")
    found = (EXERCISES[id] for id in sorted(EXERCISES))
    return tuple(one for one in found if lesson in (None, one.lesson))


def _is_strict() -> bool:
    """Say whether a wrong answer raises: for automatic marking (nbgrader sets one)."""
    return any(
        os.environ.get(name, "") not in ("", "0")
        for name in ("FER_CHECK_STRICT", "NBGRADER_EXECUTION")
    )


class _Check:
    """The checks of all lessons, by the id of the exercise."""

    def __getattr__(self, id: str) -> Callable[..., Result | None]:
        known = {one.id: one for one in exercises(id[1:3])} if id[:1] == "q" else {}
        if id not in known:
            ids = [one.id for one in exercises()] if id[:1] == "q" else []
            message = f"no exercise {id!r}." + did_you_mean(id, ids or ["progress"])
            raise AttributeError(message)
        return lambda answer, *more, **named: _judge(known[id], answer, *more, **named)

    def __dir__(self) -> list[str]:
        return ["progress", *(one.id for one in exercises())]

    def progress(self, lesson: str | None = None) -> progress.Progress:
        """Return which exercises of a lesson, or of all, are solved."""
        try:
            done = progress.read(progress.path())["exercises"]
        except DataError:  # nothing was checked yet
            done = {}
        return progress.Progress.of(exercises(lesson), done)


def _judge(one: Exercise, answer, *more, **named) -> Result | None:
    result = one.check(answer, *more, **named)
    progress.note(result)
    if not _is_strict():
        return result
    if not result.passed:
        raise AssertionError(str(result))
    return None  # a marker takes any output of a passed check for a complaint


check = _Check()
