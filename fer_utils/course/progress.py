"""What a learner has done, in one small JSON file that stays with the notebooks."""

from __future__ import annotations

import getpass
import html
import json
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fer_utils.course.exercise import Exercise, Result
from fer_utils.errors import DataError
from fer_utils.files import write_json

__all__ = ["FILE", "Progress", "note", "path", "read", "student"]

FILE = "fer-progress.json"
_SCHEMA = 1


def path() -> Path:
    """Return the file: FER_PROGRESS, else `fer-progress.json` in this folder."""
    return Path(os.environ.get("FER_PROGRESS") or FILE)


def read(file: str | Path) -> dict:
    """Read one learner's file.

    Returns:
        {"schema", "student", "exercises": {id: {"passed", "attempts", "first", "last",
        "last_hint"}}}.

    Raises:
        DataError: it is not such a file.
    """
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: not a readable progress file ({error}).") from None
    exercises = content.get("exercises") if isinstance(content, dict) else None
    whole = isinstance(exercises, dict) and all(map(_is_whole, exercises.values()))
    if not whole or not isinstance(content.get("student"), str):
        raise DataError(
            f"{file}: expected a progress file with a student and exercises. Ask for "
            f"the {FILE} that lies beside the exercise notebooks."
        )
    return content


def _is_whole(one) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(one.get("passed"), bool)
        and type(one.get("attempts")) is int
        and isinstance(one.get("last_hint", ""), str)
    )


def note(result: Result) -> None:
    """Add one attempt. A file that is damaged is kept aside, never overwritten.

    Where nothing can be written, it only warns: the learner still gets the hint.
    """
    try:
        _note(result)
    except OSError as error:
        warnings.warn(
            f"Your progress is not kept: {path()} cannot be written ({error}). Set "
            "FER_PROGRESS to a file in a folder of yours.",
            stacklevel=4,
        )


def _note(result: Result) -> None:
    file, now = path(), datetime.now(UTC).isoformat(timespec="seconds")
    content = {"schema": _SCHEMA, "student": student(), "exercises": {}}
    if file.exists():
        try:
            content = read(file)
        except DataError:
            file.replace(file.with_name(f"{file.name}.damaged"))
    before = content["exercises"].get(result.id, {})
    content["exercises"][result.id] = {
        # Once solved is solved: playing on costs nothing.
        "passed": result.passed or before.get("passed", False),
        "attempts": before.get("attempts", 0) + 1,
        "first": before.get("first", now),
        "last": now,
        "last_hint": result.message or before.get("last_hint", ""),
    }
    write_json(file, content)


def student() -> str:
    """Return who works here: FER_STUDENT, else the user's name."""
    try:
        return os.environ.get("FER_STUDENT") or getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"


@dataclass(frozen=True)
class Progress:
    """Where a learner stands.

    Attributes:
        rows: (id, title, minutes, passed, attempts) of each exercise.
    """

    rows: tuple[tuple[str, str, int, bool, int], ...]

    @classmethod
    def of(cls, exercises: Iterable[Exercise], done: Mapping) -> Progress:
        """Put exercises and what was done together."""
        return cls(
            tuple(
                (
                    one.id,
                    one.title,
                    one.minutes,
                    bool(done.get(one.id, {}).get("passed")),
                    int(done.get(one.id, {}).get("attempts", 0)),
                )
                for one in exercises
            )
        )

    @property
    def solved(self) -> int:
        """How many are solved."""
        return sum(row[3] for row in self.rows)

    def __str__(self) -> str:
        lines = [f"{self.solved} of {len(self.rows)} solved"]
        lines += [f"  {_sign(*row[3:])}  {row[0]}  {row[1]}" for row in self.rows]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{_sign(passed, attempts)}</td><td>{id}</td>"
            f'<td style="text-align:left">{html.escape(title)}</td>'
            f"<td>{attempts}</td></tr>"
            for id, title, _, passed, attempts in self.rows
        )
        return (
            f"<b>{self.solved} of {len(self.rows)} solved</b>"
            '<table><tr><th></th><th>exercise</th><th style="text-align:left">what'
            f"</th><th>attempts</th></tr>{rows}</table>"
        )


def _sign(passed: bool, attempts: int) -> str:
    if passed:
        return "✓ solved"
    return "… begun" if attempts else "○ to do"
