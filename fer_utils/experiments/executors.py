"""Where tasks are executed: any `concurrent.futures.Executor`; here a process pool."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor

from fer_utils.errors import ParameterError

__all__ = ["process_pool"]


def process_pool(jobs: int) -> ProcessPoolExecutor:
    if jobs < 1:
        raise ParameterError(f"--jobs {jobs}: expected at least 1.")
    return ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(os.getpid(), jobs),
    )


def _start_worker(parent: int, jobs: int) -> None:
    """Share the cores out, and die with the runner: no orphan goes on writing."""
    if jobs > 1:
        threads = str(max(1, (os.cpu_count() or 1) // jobs))
        for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
            os.environ[name] = threads

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
