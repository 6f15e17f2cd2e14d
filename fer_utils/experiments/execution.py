"""`execute`: one task's notebook with papermill, its HTML and its record."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from fer_utils.experiments.record import SCHEMA
from fer_utils.experiments.tasks import Task
from fer_utils.files import write_json, write_text

__all__ = ["execute"]


def execute(task: Task, force: bool = False) -> tuple[str, float, str]:
    """Execute one notebook; write its record if the notebook does not do so itself.

    Returns:
        (status, seconds, error).
    """
    began = time.perf_counter()
    folder = Path(task.folder)
    folder.mkdir(parents=True, exist_ok=True)
    if force:
        task.record_path.unlink(missing_ok=True)
    with _stderr_to(folder / f"{task.stem}.log"):
        error = _run_notebook(task, folder / f"{task.stem}.ipynb")
    seconds = round(time.perf_counter() - began, 1)
    _write_html(folder / f"{task.stem}.ipynb")
    if task.kind == "experiment" and not error and not task.is_done():
        # papermill calls a notebook whose kernel was killed completed: trust the
        # record.
        error = "the kernel ended without a record (killed, or out of memory?)"
    if task.kind == "lesson" or error:
        _write_record(task, seconds, error)
    return ("failed" if error else "finished"), seconds, error


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


def _run_notebook(task: Task, output: Path) -> str:
    """Return the error, or "" if every cell ran."""
    import papermill

    try:
        papermill.execute_notebook(
            task.notebook,
            str(output),
            parameters=task.parameters,
            kernel_name="python3",
            progress_bar=False,
            cwd=str(Path(task.notebook).parent),
        )
    except papermill.PapermillExecutionError as problem:
        return f"cell {problem.cell_index}: {problem.ename}: {problem.evalue}"
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    return ""


def _write_html(notebook: Path) -> None:
    from nbconvert import HTMLExporter

    if notebook.is_file():
        html, _ = HTMLExporter().from_filename(str(notebook))
        write_text(notebook.with_suffix(".html"), html)


def _write_record(task: Task, seconds: float, error: str) -> None:
    common = {
        "schema": SCHEMA,
        "kind": task.kind,
        "name": task.name,
        "key": task.key,
        "status": "failed" if error else "finished",
        "seconds": seconds,
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
    write_json(task.record_path, common)


def _title(notebook: Path) -> str:
    first = json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]["source"]
    text = first if isinstance(first, str) else "".join(first)
    return text.lstrip("# ").splitlines()[0]
