"""Where tasks are executed: three kinds of `concurrent.futures.Executor`.

`in_process` for looking into a run with a debugger, `process_pool` for one machine,
`dask_cluster` for many. None of them schedules or retries anything itself: the standard
library and dask do.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from fer_utils.errors import FerError, ParameterError
from fer_utils.experiments.record import cores

__all__ = ["dask_cluster", "in_process", "open_executor", "process_pool"]

_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
_WAIT_SECONDS = 60  # for a scheduler to answer and its first worker to connect


@contextlib.contextmanager
def open_executor(
    jobs: int = 1,
    dask: str | None = None,
    threads: int | None = None,
    paths: tuple[str, ...] = (),
) -> Iterator[Executor]:
    """Open the executor that `fer run` was asked for; stop its work when it is left.

    Args:
        jobs: processes at a time on this machine; 0 works in this very process.
        dask: "local:N" or a scheduler's address; then `jobs` does not count.
        threads: of each run; None shares the cores of a machine out.
        paths: that dask's workers must see.

    Yields:
        An Executor.

    Raises:
        ParameterError: jobs, threads or dask is malformed.
        FerError: no scheduler or no usable worker is there.
    """
    if threads is not None and threads < 1:
        raise ParameterError(f"threads={threads}: expected at least 1.")
    if dask:
        with dask_cluster(dask, threads, paths) as executor:
            yield executor
        return
    pool = process_pool(jobs, threads) if jobs else in_process()
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        getattr(pool, "kill", lambda: None)()
        raise
    pool.shutdown()


# --- this machine --------------------------------------------------------------------


def in_process() -> ThreadPoolExecutor:
    """Return an executor that works here, one task after the other."""
    return ThreadPoolExecutor(1)


def process_pool(jobs: int, threads: int | None = None) -> ProcessPerTask:
    """Return an executor with a new process for every task.

    Args:
        jobs: processes at a time, at least 1.
        threads: of each; None shares the cores out.

    Raises:
        ParameterError: jobs is less than 1.
    """
    if jobs < 1:
        raise ParameterError(f"--jobs {jobs}: expected at least 1.")
    if threads is None and jobs > 1:
        threads = max(1, cores() // jobs)
    return ProcessPerTask(jobs, threads)


class ProcessPerTask(ThreadPoolExecutor):
    """A process for every task: one that is killed takes no other task with it.

    A `ProcessPoolExecutor` whose process is killed fails all of its tasks, the waiting
    ones too; here each task has a pool of one.
    """

    def __init__(self, jobs: int, threads: int | None):
        super().__init__(jobs)
        self._threads_each = threads
        self._pids: set[int] = set()

    def submit(self, function: Callable, /, *args):
        """Schedule function(*args) in a process of its own."""
        return super().submit(self._apart, function, args)

    def _apart(self, function: Callable, args: tuple):
        with ProcessPoolExecutor(
            1,
            mp_context=_context(),
            initializer=_start_worker,
            initargs=(self._threads_each,),
        ) as pool:
            pid = pool.submit(os.getpid).result()
            self._pids.add(pid)
            try:
                return pool.submit(function, *args).result()
            finally:
                self._pids.discard(pid)

    def kill(self) -> None:
        """Stop what is at work, kernels included; records are whole all the same."""
        for pid in list(self._pids):
            _kill_tree(pid)


def _context():
    """Return how processes start: from one that has imported papermill, if possible."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["papermill", "nbconvert"])
    return context


def _start_worker(threads: int | None) -> None:
    """Leave Ctrl-C to the runner, and die with it: no orphan goes on writing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setsid"):  # papermill listens to Ctrl-C too: keep it away
        os.setsid()
    if threads:
        os.environ.update(dict.fromkeys(_THREADS, str(threads)))

    def watch():
        multiprocessing.parent_process().join()
        _kill_tree(os.getpid())

    threading.Thread(target=watch, daemon=True).start()


def _kill_tree(pid: int) -> None:
    """Kill a process and what it started; itself last if it is this one."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        # The upper ones first, or they would record that the lower ones died.
        tree = [top, *top.children(recursive=True)]
        for process in sorted(tree, key=lambda p: p.pid == os.getpid()):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


# --- a cluster -----------------------------------------------------------------------


@contextlib.contextmanager
def dask_cluster(
    address: str, threads: int | None = None, paths: tuple[str, ...] = ()
) -> Iterator[Executor]:
    """Connect to dask and return its executor.

    Workers that declare the resource GPU get one run per GPU; then the others get none.
    A run whose worker dies is given to another worker by dask.

    Args:
        address: "local:N" starts N workers here; else a scheduler's, "tcp://host:8786".
        threads: of each run; None shares the cores of a worker's machine out.
        paths: that every worker must see.

    Yields:
        An Executor.

    Raises:
        ParameterError: the address is malformed.
        FerError: dask is not installed, nobody answers, or a worker is of no use.
    """
    try:
        from distributed import Client
    except ImportError:
        raise FerError(
            "--dask needs dask.distributed: pip install 'fer-utils[cluster]'."
        ) from None
    # A scheduler that goes away is reported by the runs that it takes along.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        if address.startswith("local:"):
            address = stack.enter_context(_local_cluster(address)).scheduler_address
        try:
            client = stack.enter_context(
                Client(address, timeout=_WAIT_SECONDS, set_as_default=False)
            )
            client.wait_for_workers(1, timeout=_WAIT_SECONDS)
        except (OSError, TimeoutError) as error:
            raise FerError(
                f"--dask {address}: {_why(error)} Start a scheduler with `dask "
                "scheduler` and workers with `dask worker ADDRESS --nthreads 1`."
            ) from None
        except ValueError as error:
            raise ParameterError(f"--dask {address}: {error}") from None
        hosts = _checked_workers(client, paths)
        slots = {"GPU": 1} if _has_gpus(client) else {}
        # What was queued is taken back when the client closes.
        yield _DaskExecutor(client, slots, hosts, threads)


def _why(error: Exception) -> str:
    text = str(error)
    if "worker" in text:
        return f"a scheduler answers, but no worker came in {_WAIT_SECONDS} s."
    return f"no scheduler answers in {_WAIT_SECONDS} s."


@contextlib.contextmanager
def _local_cluster(address: str):
    from distributed import LocalCluster

    number = address.removeprefix("local:")
    if not number.isdecimal() or int(number) < 1:
        raise ParameterError(f"--dask {address}: expected local:N with N at least 1.")
    with LocalCluster(
        n_workers=int(number),
        threads_per_worker=1,
        dashboard_address=None,
        memory_limit=0,  # the kernels use the memory, not the workers
        silence_logs="CRITICAL",
    ) as cluster:
        yield cluster


def _checked_workers(client, paths: tuple[str, ...]) -> Counter:
    """Return {host: workers}; refuse workers that could not do a run."""
    from fer_utils import __version__

    problems, hosts = [], Counter()
    nthreads = client.nthreads()
    for worker, (host, version, missing) in client.run(_introduce, paths).items():
        hosts[host] += 1
        if nthreads.get(worker, 1) != 1:
            problems.append(
                f"{worker} has {nthreads[worker]} threads, and a run needs a process of"
                " its own: start it with --nthreads 1 --nworkers N."
            )
        if version != __version__:
            problems.append(
                f"{worker} has fer_utils {version or 'not installed'}, here it is "
                f"{__version__}: install the same version there."
            )
        problems += [
            f"{worker} on {host} does not see {path}: runs read and write there; use "
            "a folder that all machines share (--out)."
            for path in missing[:1]
        ]
    if problems:
        raise FerError("\n".join(["the workers cannot do this:", *problems]))
    return hosts


def _introduce(paths: tuple[str, ...]) -> tuple[str, str, list[str]]:
    """Run on a worker: who and what it is."""
    from fer_utils import __version__

    missing = [path for path in paths if not Path(path).exists()]
    return socket.gethostname(), __version__, missing


def _has_gpus(client) -> bool:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return any(worker.get("resources", {}).get("GPU") for worker in workers)


class _DaskExecutor(Executor):
    """dask's own executor; each task also hears how many threads it may use."""

    def __init__(self, client, slots: Mapping, hosts: Mapping, threads: int | None):
        self._executor = client.get_executor(
            pure=False, **({"resources": slots} if slots else {})
        )
        self._hosts, self._threads = dict(hosts), threads

    def submit(self, function: Callable, /, *args):
        """Schedule function(*args) on a worker."""
        return self._executor.submit(
            _on_worker, self._hosts, self._threads, function, *args
        )

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for the tasks, or take back those that nobody works on yet."""
        self._executor.shutdown(wait=wait and not cancel_futures)


def _on_worker(hosts: Mapping, threads: int | None, function: Callable, *args):
    if threads is None and "TF_NUM_INTRAOP_THREADS" not in os.environ:
        # A machine that came later has as many workers as the fullest one, we guess.
        workers = hosts.get(socket.gethostname(), max(hosts.values()))
        threads = max(1, cores() // workers) if workers > 1 else None
    if threads:
        os.environ.update(dict.fromkeys(_THREADS, str(threads)))
    return function(*args)
