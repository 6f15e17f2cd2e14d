"""`run_preset`: every lesson and experiment of a grid, headlessly, with papermill."""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from fer_utils.errors import FerError, ParameterError
from fer_utils.experiments.experiment import Experiment
from fer_utils.experiments.grid import load_grid
from fer_utils.experiments.record import SCHEMA, read_record
from fer_utils.experiments.running import load_faces
from fer_utils.files import write_json, write_text

__all__ = ["Outcome", "Task", "plan", "run_preset"]


@dataclass(frozen=True)
class Task:
    """One notebook to execute.

    Attributes:
        kind: "lesson" or "experiment".
        name: for the person who watches.
        notebook: the source.
        folder: where the executed notebook, its HTML and the record go.
        stem: the executed notebook's file name without ending.
        parameters: what papermill injects.
        key: what makes a finished record this task's.
    """

    kind: str
    name: str
    notebook: str
    folder: str
    stem: str
    parameters: dict = field(default_factory=dict)
    key: str = ""

    @property
    def record_path(self) -> Path:
        name = "record" if self.kind == "experiment" else self.stem
        return Path(self.folder) / f"{name}.json"

    def is_done(self) -> bool:
        """Return whether a finished record with this task's key is there."""
        try:
            record = read_record(self.record_path)
        except FerError:
            return False
        return record["status"] == "finished" and record["key"] == self.key


@dataclass(frozen=True)
class Outcome:
    """How a task ended: "finished", "failed" or "already done"."""

    task: Task
    status: str
    seconds: float = 0.0
    error: str = ""


def plan(
    root: str | Path,
    preset: str,
    *,
    data_name: str = "synthetic",
    only: str | None = None,
    lessons: bool = True,
    grid: str | Path | None = None,
    out_dir: str | Path | None = None,
) -> list[Task]:
    """List the tasks of a preset, lessons first, after checking all of them.

    Args:
        root: the repository's folder, with `notebooks/` and `experiments.yaml`.
        preset: a name in the grid file.
        data_name: the data set that every lesson and experiment uses.
        only: a shell pattern; only matching lessons and experiments.
        lessons: False leaves the lessons out.
        grid: another grid file.
        out_dir: default `reports/runs/<preset>/<data>` below root.

    Returns:
        Tasks in order.

    Raises:
        ParameterError: the grid is invalid or nothing matches.
        DataError: the data set is not there.
    """
    from fnmatch import fnmatch

    root = Path(root).resolve()
    chosen = load_grid(grid or root / "experiments.yaml", preset, {"data": data_name})
    folder = Path(out_dir or root / "reports" / "runs" / preset / data_name).resolve()
    tasks = []
    if lessons and chosen.lessons == "all":
        tasks += _lesson_tasks(root, folder, data_name, quick=preset != "full")
    tasks += _experiment_tasks(root, folder, chosen.experiments)
    if only:
        names = [t.name for t in tasks]
        tasks = [t for t in tasks if fnmatch(t.name, only)]
        if not tasks:
            raise ParameterError(
                f"--only {only!r} matches nothing. Known: {', '.join(names)}."
            )
    return tasks


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
        pool = executor or _process_pool(jobs)
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


def _process_pool(jobs: int) -> ProcessPoolExecutor:
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


def _lesson_tasks(
    root: Path, folder: Path, data_name: str, quick: bool
) -> Iterator[Task]:
    notebooks = sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    package = _hash_files(sorted(Path(__file__).parents[1].rglob("*.py")))
    for notebook in notebooks:
        parameters = {"data_name": data_name, "quick": quick}
        content = [_hash_files([notebook]), package, parameters]
        key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
        yield Task(
            kind="lesson",
            name=notebook.stem,
            notebook=str(notebook),
            folder=str(folder / "lessons"),
            stem=notebook.stem,
            parameters=parameters,
            key=key,
        )


def _experiment_tasks(root: Path, folder: Path, experiments) -> Iterator[Task]:
    hashes: dict[tuple, str] = {}
    for experiment in experiments:
        where = folder / experiment.name
        yield Task(
            kind="experiment",
            name=experiment.name,
            notebook=str(root / "notebooks" / "experiment.ipynb"),
            folder=str(where),
            stem="notebook",
            parameters={**experiment.to_dict(), "out_dir": str(where)},
            key=experiment.key(_content_hash(experiment, hashes)),
        )


def _content_hash(experiment: Experiment, known: dict[tuple, str]) -> str:
    selection = (
        experiment.data,
        experiment.max_images,
        str(experiment.classes),
        experiment.protocol,
        experiment.remove_duplicates,
    )
    if selection not in known:
        known[selection] = load_faces(experiment).content_hash
    return known[selection]


def _hash_files(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _title(notebook: Path) -> str:
    first = json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]["source"]
    text = first if isinstance(first, str) else "".join(first)
    return text.lstrip("# ").splitlines()[0]
