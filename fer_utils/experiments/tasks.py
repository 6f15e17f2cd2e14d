"""`plan`: what a preset means on this machine, as a list of tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fer_utils.errors import FerError
from fer_utils.experiments import identity
from fer_utils.experiments.checkpoints import read_state
from fer_utils.experiments.experiment import Experiment
from fer_utils.experiments.grid import Preset, load_grid
from fer_utils.experiments.locks import holder, is_locked
from fer_utils.experiments.record import read_record
from fer_utils.experiments.running import load_faces

__all__ = ["Outcome", "State", "Task", "plan"]


@dataclass(frozen=True)
class State:
    """Where a task stands.

    Attributes:
        name: "done", "running", "stale", "interrupted", "failed" or "new".
        reasons: why, in sentences. An interrupted run goes on after its last finished
            epoch; all but done ones are to be run.
    """

    name: str
    reasons: tuple[str, ...] = ()


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
        parts: of its identity, as `identity` makes them.
    """

    kind: str
    name: str
    notebook: str
    folder: str
    stem: str
    parameters: dict = field(default_factory=dict)
    parts: dict = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What makes a finished record this task's."""
        return identity.key(self.parts)

    @property
    def record_path(self) -> Path:
        name = "record" if self.kind == "experiment" else self.stem
        return Path(self.folder) / f"{name}.json"

    def is_done(self) -> bool:
        """Return whether a finished record with this task's key is there."""
        record, _ = self._record()
        return _is_finished(record) and record["key"] == self.key

    def state(self) -> State:
        """Look at what is on disk; trust only records and finished epochs."""
        if is_locked(self.folder, self.stem):
            return State("running", (f"by {holder(self.folder, self.stem)}",))
        return self._standing()

    def _standing(self) -> State:
        if self.is_done():
            return State("done")
        record, problem = self._record()
        if _is_finished(record):
            return State(
                "stale", tuple(identity.differences(record["parts"], self.parts))
            )
        failure = (_first_line(record.get("error")),) if record else ()
        if epochs := self._epochs_to_go_on_from():
            total = self.parameters.get("epochs", "?")
            return State("interrupted", (f"after epoch {epochs} of {total}", *failure))
        if record:
            return State("failed", failure)
        return State("stale", (problem,)) if problem else State("new")

    def _record(self) -> tuple[dict | None, str]:
        if not self.record_path.is_file():
            return None, ""
        try:
            return read_record(self.record_path), ""
        except FerError as error:
            return None, str(error)

    def _epochs_to_go_on_from(self) -> int:
        """Return the finished epochs of a training that this task would go on with."""
        state = read_state(self.folder)
        same = state.get("key") == identity.training_key(self.parts)
        return len(state["history"]) if same else 0


def _is_finished(record: dict | None) -> bool:
    return record is not None and record["status"] == "finished"


def _first_line(text: object) -> str:
    return str(text or "without a word").splitlines()[0]


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Attributes:
        task: the Task.
        status: "finished", "failed", "already done", "interrupted" (stopped from
            outside; it goes on next time) or "busy" (another runner works on it).
        seconds: spent on it now.
        error: why it failed, or who is at work on it.
    """

    task: Task
    status: str
    seconds: float = 0.0
    error: str = ""


def plan(
    root: str | Path,
    preset: str | Preset,
    *,
    data_name: str | None = None,
    lessons: bool = True,
    out_dir: str | Path | None = None,
) -> list[Task]:
    """List the tasks of a preset, lessons first, after checking all of them.

    Args:
        root: the repository's folder, with `notebooks/` and `experiments.yaml`.
        preset: a name in the grid file, or a Preset.
        data_name: the data set of the lessons, and of the experiments of a named
            preset; None is "synthetic".
        lessons: False leaves the lessons out.
        out_dir: default `reports/runs/<preset>/<data>` below root.

    Returns:
        Tasks in order.

    Raises:
        ParameterError: the grid is invalid.
        DataError: the data set is not there.
    """
    root, data_name = Path(root).resolve(), data_name or "synthetic"
    chosen = load_grid(root / "experiments.yaml", preset, {"data": data_name})
    default = root / "reports" / "runs" / chosen.name / data_name
    folder = Path(out_dir or default).resolve()
    tasks = []
    if lessons and chosen.lessons == "all":
        quick = chosen.name != "full"
        tasks += _lesson_tasks(root, folder, data_name, quick)
    return [*tasks, *_experiment_tasks(root, folder, chosen.experiments)]


def _lesson_tasks(
    root: Path, folder: Path, data_name: str, quick: bool
) -> Iterator[Task]:
    for notebook in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        parameters = {"data_name": data_name, "quick": quick}
        yield Task(
            kind="lesson",
            name=notebook.stem,
            notebook=str(notebook),
            folder=str(folder / "lessons"),
            stem=notebook.stem,
            parameters=parameters,
            parts=identity.lesson_parts(notebook, parameters),
        )


def _experiment_tasks(root: Path, folder: Path, experiments) -> Iterator[Task]:
    hashes: dict[tuple, str] = {}
    notebook = root / "notebooks" / "experiment.ipynb"
    for experiment in experiments:
        where, content_hash = (
            folder / experiment.name,
            _content_hash(experiment, hashes),
        )
        yield Task(
            kind="experiment",
            name=experiment.name,
            notebook=str(notebook),
            folder=str(where),
            stem="notebook",
            parameters={**experiment.to_dict(), "out_dir": str(where)},
            parts=identity.experiment_parts(experiment, content_hash, notebook),
        )


def _content_hash(experiment: Experiment, known: dict[tuple, str]) -> str:
    selection = (
        experiment.data,
        str(experiment.data_options),
        experiment.max_images,
        str(experiment.classes),
        experiment.protocol,
        experiment.remove_duplicates,
    )
    if selection not in known:
        known[selection] = load_faces(experiment).content_hash
    return known[selection]
