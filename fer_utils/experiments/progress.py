"""Show how a grid is getting on: a bar on a terminal, clean lines in a log."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

from fer_utils.experiments.checkpoints import read_state
from fer_utils.experiments.locks import owner_of
from fer_utils.experiments.tasks import Outcome, Task

__all__ = ["Board", "Standing", "standing"]

_LOG_SECONDS = 300.0  # between two lines about the runs at work
_TRAINING_SHARE = 0.9  # of a run; then it is evaluated and drawn
_BAR = "{desc} |{bar:16}| {elapsed}<{remaining}{postfix}"


@dataclass(frozen=True)
class Standing:
    """How far a training is.

    Attributes:
        epoch: finished ones.
        epochs: in all, if it does not stop early.
        val_accuracy: after the last epoch, in [0, 1]; None if not measured.
        seconds_left: for the epochs to come, at most.

    Example:
        >>> str(Standing(3, 6, 0.412, 130.0))
        'epoch 3/6, val 41 %, <= 2 min left'
    """

    epoch: int
    epochs: int
    val_accuracy: float | None
    seconds_left: float

    def __str__(self) -> str:
        parts = [f"epoch {self.epoch}/{self.epochs}"]
        if self.val_accuracy is not None:
            parts.append(f"val {self.val_accuracy:.0%}".replace("%", " %"))
        if self.seconds_left > 0:
            parts.append(f"<= {_short(self.seconds_left)} left")
        return ", ".join(parts)


def _short(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def standing(task: Task) -> Standing | None:
    """Read from a run's folder how far its training is; None before the first epoch."""
    history = read_state(task.folder).get("history")
    if not history:
        return None
    seconds = statistics.median(row["seconds"] for row in history[-5:])
    epochs = int(task.parameters.get("epochs", len(history)))
    accuracy = history[-1].get("val_accuracy")
    return Standing(
        len(history), epochs, accuracy, max(epochs - len(history), 0) * seconds
    )


class Board:
    """What `fer run` prints while it works.

    It only looks at folders, so it does not matter where the runs are at work.

    Args:
        tasks: that are to be executed.
    """

    def __init__(self, tasks: Iterable[Task]):
        from tqdm.auto import tqdm

        tasks = list(tasks)
        self._waiting = {id(t): (t, owner_of(t.folder, t.stem)) for t in tasks}
        self._at_work: dict[int, Task] = {}
        self._ended = 0
        self._bar = tqdm(
            total=len(tasks),
            desc=f"0/{len(tasks)} runs",
            bar_format=_BAR,
            smoothing=0,  # runs differ: judge the time left by all so far
            disable=None,  # on a terminal only; a log gets the lines alone
            file=sys.stderr,
        )
        self._spoke = time.monotonic()

    def look(self) -> None:
        """Say which runs have started and how far those at work are."""
        for key, (task, before) in list(self._waiting.items()):
            owner = owner_of(task.folder, task.stem)
            if owner and owner != before:
                del self._waiting[key]
                self._at_work[key] = task
                self.say(f"{'started':<12}  {task.name}  on {owner['host']}")
        standings = {t.name: standing(t) for t in self._at_work.values()}
        if self._bar.disable:
            self._say_now_and_then(standings)
        else:
            self._draw(standings)

    def _draw(self, standings: dict[str, Standing | None]) -> None:
        """Let the bar grow with every epoch, not only with every run."""
        known = [s for s in standings.values() if s and s.epochs]
        shares = (_TRAINING_SHARE * min(s.epoch / s.epochs, 1) for s in known)
        self._bar.n = self._ended + sum(shares)
        texts = [f"{name} {now}" if now else name for name, now in standings.items()]
        self._bar.set_postfix_str("; ".join(texts))

    def _say_now_and_then(self, standings: dict[str, Standing | None]) -> None:
        if time.monotonic() - self._spoke < _LOG_SECONDS:
            return
        for name, now in standings.items():
            self.say(f"{'at work':<12}  {name}  {now or ''}".rstrip())
        self._spoke = time.monotonic()

    def end(self, outcome: Outcome) -> None:
        """Say how one task ended."""
        self._waiting.pop(id(outcome.task), None)
        self._at_work.pop(id(outcome.task), None)
        self._ended += 1
        self._bar.n = max(self._bar.n, self._ended)
        self._bar.set_description_str(f"{self._ended}/{self._bar.total} runs")
        last = outcome.error.strip().splitlines()[-1] if outcome.error else ""
        text = f"{outcome.status:<12}  {outcome.task.name}  {outcome.seconds:.0f} s"
        self.say(f"{text}  {last}".rstrip())

    def say(self, text: str) -> None:
        """Print one line above the bar."""
        self._bar.write(text, file=sys.stdout)
        sys.stdout.flush()

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()
