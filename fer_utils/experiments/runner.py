"""`run_preset`: tasks through an executor; a failed one does not stop the others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Executor, as_completed

from fer_utils.experiments.execution import execute
from fer_utils.experiments.executors import process_pool
from fer_utils.experiments.tasks import Outcome, Task

__all__ = ["run_preset"]


def run_preset(
    tasks: list[Task],
    *,
    jobs: int = 1,
    force: bool = False,
    executor: Executor | None = None,
) -> list[Outcome]:
    """Execute tasks; a failed one does not stop the others.

    Args:
        tasks: as `plan` returns them.
        jobs: processes at a time; the cores are shared out among them.
        force: execute finished tasks again.
        executor: any concurrent.futures.Executor; None is a process pool.

    Returns:
        One Outcome per task, in the order of `tasks`.

    Raises:
        KeyboardInterrupt: after stopping what was running; finished records are kept.
    """
    done = [] if force else [t for t in tasks if t.is_done()]
    outcomes = {id(t): Outcome(t, "already done") for t in done}
    waiting = [t for t in tasks if id(t) not in outcomes]
    for task in done:
        print(f"already done  {task.name}", flush=True)
    if waiting:
        pool = executor or process_pool(jobs)
        for outcome in _execute_all(pool, waiting, force):
            outcomes[id(outcome.task)] = outcome
    return [outcomes[id(t)] for t in tasks]


def _execute_all(pool: Executor, tasks: list[Task], force: bool) -> Iterator[Outcome]:
    from tqdm.auto import tqdm

    futures = {pool.submit(execute, task, force): task for task in tasks}
    # disable=None shows the bar on a terminal only; a log gets the lines alone.
    bar = tqdm(total=len(tasks), unit="run", disable=None, file=sys.stderr)
    try:
        for future in as_completed(futures):
            task = futures[future]
            try:
                status, seconds, error = future.result()
            except Exception as problem:  # a worker that died is this run's failure
                status, seconds, error = "failed", 0.0, f"worker died: {problem!r}"
            bar.update()
            bar.write(_line(task, status, seconds, error), file=sys.stdout)
            sys.stdout.flush()
            yield Outcome(task, status, seconds, error)
        pool.shutdown()
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in getattr(pool, "_processes", {}).values():
            process.terminate()
        raise
    finally:
        bar.close()


def _line(task: Task, status: str, seconds: float, error: str) -> str:
    last = error.strip().splitlines()[-1] if error else ""
    return f"{status:<12}  {task.name}  {seconds:.0f} s  {last}".rstrip()
