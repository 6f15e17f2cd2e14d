"""`plan`: what a preset means on this machine, as a list of tasks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fer_utils.errors import FerError, ParameterError
from fer_utils.experiments.experiment import Experiment
from fer_utils.experiments.grid import load_grid
from fer_utils.experiments.record import read_record
from fer_utils.experiments.running import load_faces

__all__ = ["Outcome", "Task", "plan"]


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
