"""`run_preset`: tasks through an executor; a failed one does not stop the others."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from pathlib import Path

from fer_utils.experiments.execution import execute, mark_failed
from fer_utils.experiments.executors import open_executor
from fer_utils.experiments.progress import Board
from fer_utils.experiments.tasks import Outcome, Task

__all__ = ["run_preset"]

_LOOK_SECONDS = 1.0


def run_preset(
    tasks: list[Task],
    *,
    jobs: int = 1,
    force: bool = False,
    dask: str | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
) -> list[Outcome]:
    """Execute tasks; a failed one does not stop the others, a done one is left alone.

    Args:
        tasks: as `plan` returns them.
        jobs: processes at a time; the cores are shared out among them. 0 works in this
            process, for a debugger.
        force: execute finished tasks again.
        dask: "local:N" or the address of a dask scheduler, instead of `jobs`.
        threads: of each run; None shares the cores out. The last bits of a result
            depend on it: set it where runs on different executors are to be equal.
        executor: any other concurrent.futures.Executor, instead of `jobs` and `dask`.

    Returns:
        One Outcome per task, in the order of `tasks`.

    Raises:
        KeyboardInterrupt: after stopping what was running; finished records are kept.
        FerError: the executor cannot be had.
    """
    done = [] if force else [t for t in tasks if t.is_done()]
    outcomes = {id(t): Outcome(t, "already done") for t in done}
    waiting = [t for t in tasks if id(t) not in outcomes]
    for task in done:
        print(f"already done  {task.name}", flush=True)
    if waiting:
        with _opened(executor, jobs, dask, threads, waiting) as pool:
            for outcome in _execute_all(pool, waiting, force):
                outcomes[id(outcome.task)] = outcome
    return [outcomes[id(t)] for t in tasks]


def _opened(executor, jobs, dask, threads, tasks: list[Task]):
    if executor:
        return contextlib.nullcontext(executor)
    for task in tasks:  # a worker that sees these sees where to write
        Path(task.folder).mkdir(parents=True, exist_ok=True)
    paths = {p for task in tasks for p in (task.notebook, task.folder)}
    return open_executor(jobs, dask, threads, tuple(sorted(paths)))


def _execute_all(pool: Executor, tasks: list[Task], force: bool) -> Iterator[Outcome]:
    board = Board(tasks)
    futures = {pool.submit(execute, task, force): task for task in tasks}
    pending = set(futures)
    try:
        while pending:
            done, pending = wait(pending, _LOOK_SECONDS, FIRST_COMPLETED)
            for future in done:
                outcome = _outcome(futures[future], future)
                board.end(outcome)
                yield outcome
            board.look()
    finally:
        board.close()


def _outcome(task: Task, future: Future) -> Outcome:
    try:
        return Outcome(task, *future.result())
    except CancelledError:  # a scheduler that went away, not the run's fault
        return Outcome(task, "interrupted", 0.0, "its scheduler took it back")
    except Exception as problem:  # a process that died is this run's failure
        error = f"its process died: {type(problem).__name__}: {problem}"
        mark_failed(task, error)
        return Outcome(task, "failed", 0.0, error)
