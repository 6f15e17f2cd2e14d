"""`log_runs`: run records -> MLflow, for a group that keeps its numbers there.

The records stay what counts; this is a copy. A record that is there already, known by
its name, its key and the time it ended, is not sent again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from fer_utils.errors import DataError, ParameterError
from fer_utils.experiments.runs import StoredRun, flat

__all__ = ["log_runs"]

_TAG = "fer_utils.record"
_BATCH = 1000  # metrics a request, MLflow's own limit
_TEXT = 250  # letters of a parameter that every MLflow server takes


def log_runs(
    runs: Sequence[StoredRun],
    *,
    uri: str | None = None,
    experiment: str = "fer_utils",
    progress: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Send finished runs to MLflow: parameters, metrics, history by epoch, the record.

    Args:
        runs: from `runs.find_runs`; those that are not finished are left out.
        uri: tracking server or folder; None takes MLflow's own setting.
        experiment: name of the MLflow experiment; made if it is not there.
        progress: is called with a line for each run.

    Returns:
        Ids of the runs that were sent now.

    Raises:
        ParameterError: MLflow is not installed.
        DataError: no run is finished, or the server cannot be reached.
    """
    _require_mlflow()
    finished = [run for run in runs if run.status == "finished"]
    if not finished:
        raise DataError("no finished run to log. `fer runs list` shows what is there.")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    sent: list[str] = []
    try:
        client = MlflowClient(tracking_uri=uri)
        experiment_id = _experiment(client, experiment)
        for run in finished:
            if _is_there(client, experiment_id, run):
                progress(f"already there: {run.id}")
                continue
            _send(client, experiment_id, run)
            sent.append(run.id)
            progress(f"logged: {run.id}")
    except MlflowException as error:
        place = uri or "the place that MLFLOW_TRACKING_URI names"
        raise DataError(
            f"MLflow at {place} did not take the runs. {len(sent)} were sent; the same "
            f"command sends the rest. MLflow says: {str(error)[:500]}"
        ) from error
    return sent


def _require_mlflow() -> None:
    # Its own default is to try for minutes before it says that nobody answers.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    try:
        import mlflow  # noqa: F401
    except ImportError:
        raise ParameterError(
            "MLflow is not installed: `pip install mlflow-skinny` (the extra [mlflow] "
            "of this kit). Without it, `fer runs export runs.csv` writes a table."
        ) from None


def _experiment(client, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name)


def _identity(run: StoredRun) -> str:
    return "-".join(str(run.get(part)) for part in ("name", "key", "finished"))


def _is_there(client, experiment_id: str, run: StoredRun) -> bool:
    wanted = f"tags.`{_TAG}` = '{_identity(run)}' and attributes.status = 'FINISHED'"
    return bool(client.search_runs([experiment_id], wanted, max_results=1))


def _send(client, experiment_id: str, run: StoredRun) -> None:
    started, finished = (_milliseconds(run.get(k)) for k in ("started", "finished"))
    made = client.create_run(
        experiment_id, start_time=started, run_name=run.id, tags=_tags(run)
    )
    run_id = made.info.run_id
    metrics = [*_metrics(run, finished), *_history(run, finished)]
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _BATCH])
    for start in range(0, len(params := _params(run)), 100):
        client.log_batch(run_id, params=params[start : start + 100])
    client.log_artifact(run_id, str(run.folder / "record.json"))
    # Last: a run that was cut off is not FINISHED, so it is sent again.
    client.set_terminated(run_id, "FINISHED", end_time=finished)


def _milliseconds(text: object) -> int:
    return int(1000 * datetime.fromisoformat(str(text)).timestamp())


def _tags(run: StoredRun) -> dict[str, str]:
    tags = {
        _TAG: _identity(run),
        "key": run.get("key"),
        "data.test_hash": run.get("data.test_hash"),
        "mlflow.source.git.commit": run.get("environment.git_commit"),
        "mlflow.note.content": run.get("data.notice"),
        "determinism": run.get("determinism"),
    }
    return {name: str(value) for name, value in tags.items() if value}


def _params(run: StoredRun) -> list:
    from mlflow.entities import Param

    rows = flat(run).items()
    kept = ("experiment.", "environment.", "data.", "model.")
    return [
        Param(name.removeprefix("experiment."), str(value)[:_TEXT])
        for name, value in rows
        if name.startswith(kept) and value is not None
    ]


def _metrics(run: StoredRun, when: int) -> Iterator:
    from mlflow.entities import Metric

    for name, value in flat(run).items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and name.startswith(("results.", "seconds.", "training.", "peak_")):
            yield Metric(_name(name.removeprefix("results.")), value, when, 0)


def _history(run: StoredRun, when: int) -> Iterator:
    from mlflow.entities import Metric

    history = run.get("training.history") or {}
    for name, values in history.items() if isinstance(history, Mapping) else ():
        for epoch, value in enumerate(values, 1):
            if isinstance(value, int | float):
                yield Metric(f"epoch.{_name(name)}", value, when, epoch)


def _name(name: str) -> str:
    """MLflow takes letters, digits and `_-. /` in a metric's name."""
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)
