"""`execute`: one task's notebook with papermill, its HTML and its record."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fer_utils.experiments.locks import LockedError, run_lock
from fer_utils.experiments.record import SCHEMA, write_record
from fer_utils.experiments.tasks import Task
from fer_utils.files import write_text

__all__ = ["execute", "mark_failed"]

# Whoever only asks whether a folder is locked holds the lock for an instant.
_INSTANT_SECONDS = 2.0
# A kernel notices within a second or two that the process above it was killed.
_ORPHAN_SECONDS = 30.0


def execute(task: Task, force: bool = False) -> tuple[str, float, str]:
    """Execute one notebook; write its record if the notebook does not do so itself.

    Any process on any machine that sees the task's folder may do this; a lock keeps a
    second one out.

    Args:
        task: as `plan` makes it.
        force: execute it even when a finished record is there.

    Returns:
        (status, seconds, error), as in `Outcome`.
    """
    began = time.perf_counter()
    try:
        with run_lock(task.folder, task.stem, wait=_INSTANT_SECONDS):
            if force:
                _forget(task)
            # Another runner may have done it while this one waited its turn.
            done = task.is_done()
            status, error = ("already done", "") if done else _execute(task, began)
    except LockedError as problem:
        status, error = "busy", str(problem)
    return status, round(time.perf_counter() - began, 1), error


def _forget(task: Task) -> None:
    task.record_path.unlink(missing_ok=True)
    if task.kind == "experiment":
        shutil.rmtree(Path(task.folder) / "checkpoint", ignore_errors=True)


def _execute(task: Task, began: float) -> tuple[str, str]:
    """Return (status, error)."""
    output = Path(task.folder) / f"{task.stem}.ipynb"
    with _stderr_to(output.with_suffix(".log")):
        kind, error = _run_notebook(task, output)
        _write_html(output)
    if kind == "KeyboardInterrupt":
        return "interrupted", "stopped in its kernel"
    if kind == "LockedError":
        return "busy", error
    if task.kind == "experiment" and not error and not task.is_done():
        error = "the notebook ended without writing its record"
    if task.kind == "lesson" or error:
        _write_record(task, time.perf_counter() - began, error)
    return ("failed" if error else "finished"), error


@contextlib.contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Send what kernels write to stderr into a file; the terminal gets a line a run."""
    before = os.dup(2)
    with open(path, "wb") as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)


def _run_notebook(task: Task, output: Path) -> tuple[str, str]:
    """Return (the exception's name, the error), both "" if every cell ran."""
    import papermill

    try:
        with _kernel_config() as config:
            notebook = papermill.execute_notebook(
                task.notebook,
                str(output),
                parameters=task.parameters,
                kernel_name="python3",
                progress_bar=False,
                cwd=str(Path(task.notebook).parent),
                config=config,
            )
    except papermill.PapermillExecutionError as problem:
        text = f"cell {problem.cell_index}: {problem.ename}: {problem.evalue}"
        return problem.ename, text
    except Exception as problem:
        name = type(problem).__name__
        if name != "DeadKernelError":
            return name, f"{name}: {problem}"
        return name, _death(json.loads(output.read_text(encoding="utf-8"))["cells"])
    # papermill may call a notebook whose kernel was killed completed.
    reached = [_was_reached(cell) for cell in notebook.cells]
    return ("", "") if all(reached) else ("DeadKernelError", _death(notebook.cells))


@contextlib.contextmanager
def _kernel_config() -> Iterator[object]:
    """Let the kernel talk over files of its own instead of TCP ports.

    Two kernels that start at the same moment may be given the same free port; one dies.
    """
    from traitlets.config import Config

    with tempfile.TemporaryDirectory(prefix="fer-", ignore_cleanup_errors=True) as own:
        connection = os.path.join(own, "kernel.json")
        settings = {"transport": "ipc", "connection_file": connection}
        # Windows has no such sockets, and their paths are limited to some 100 letters.
        usable = os.name == "posix" and len(connection) < 90
        yield Config({"KernelManager": settings} if usable else {})


def _was_reached(cell) -> bool:
    return cell["metadata"].get("papermill", {}).get("start_time") is not None


def _death(cells) -> str:
    last = max((i for i, cell in enumerate(cells) if _was_reached(cell)), default=0)
    return f"cell {last}: the kernel died (killed from outside, or out of memory)"


def _write_html(notebook: Path) -> None:
    from nbconvert import HTMLExporter

    if not notebook.is_file():
        return
    try:
        html, _ = HTMLExporter().from_filename(str(notebook))
        write_text(notebook.with_suffix(".html"), html)
    except Exception as problem:  # a page that cannot be made spoils no result
        print(f"{notebook}: no HTML page: {problem!r}", file=sys.stderr)


def mark_failed(task: Task, error: str) -> None:
    """Record a failure for a process that was killed and could not do it itself.

    A finished record stays, and so does a folder in which somebody else is at work.
    """
    held = [run_lock(task.folder, task.stem, wait=_INSTANT_SECONDS)]
    if task.kind == "experiment":  # its kernel may live for another moment
        held.append(run_lock(task.folder, wait=_ORPHAN_SECONDS))
    with contextlib.suppress(LockedError), contextlib.ExitStack() as stack:
        for lock in held:
            stack.enter_context(lock)
        if not task.is_done():
            _write_record(task, 0.0, error)


def _write_record(task: Task, seconds: float, error: str) -> None:
    common = {
        "schema": SCHEMA,
        "kind": task.kind,
        "name": task.name,
        "key": task.key,
        "parts": task.parts or None,
        "status": "failed" if error else "finished",
        "seconds": round(seconds, 1),
        "error": error or None,
    }
    if task.kind == "lesson":
        common |= {
            "title": _title(Path(task.notebook)),
            "data": task.parameters["data_name"],
        }
    else:
        common |= {
            "experiment": {k: v for k, v in task.parameters.items() if k != "out_dir"}
        }
    write_record(task.record_path, common)


def _title(notebook: Path) -> str:
    first = json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]["source"]
    return "".join(first).lstrip("# ").splitlines()[0]
