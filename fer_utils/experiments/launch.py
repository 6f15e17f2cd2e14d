"""Refuse a launch that would fail later, before the first epoch of the first run."""

from __future__ import annotations

import ast
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from fer_utils.errors import FerError, ParameterError, did_you_mean
from fer_utils.experiments import costs
from fer_utils.experiments.experiment import Experiment
from fer_utils.files import existing_parent

__all__ = ["Problem", "check", "notebook_problems"]

_RESERVE_MB = 100  # of disk, for everything else that goes on meanwhile


@dataclass(frozen=True)
class Problem:
    """Why a launch is refused.

    Attributes:
        about: "backend", "notebook", "data", "model", "output", "disk", "memory",
            "grid" or "option".
        text: what was found, what is expected, what to do.
        is_estimate: it may go well all the same; `--anyway` starts.
    """

    about: str
    text: str
    is_estimate: bool = False

    def __str__(self) -> str:
        return self.text


def check(
    experiments: Iterable[Experiment],
    notebooks: Mapping[Path, Mapping[str, object]],
    folder: Path,
    *,
    jobs: int = 1,
    here: bool = True,
) -> list[Problem]:
    """Return everything that would make this launch fail; nothing is written.

    Args:
        experiments: that are to be run.
        notebooks: {notebook: what is injected into it}.
        folder: of the run records.
        jobs: runs at a time.
        here: False when workers elsewhere do the work, whose memory is not known.

    Returns:
        Problems, empty when the launch is good.
    """
    experiments = list(experiments)
    problems = []
    for notebook, parameters in notebooks.items():
        problems += notebook_problems(notebook, parameters)
    problems += _kernel()
    problems += _data(experiments, notebooks)
    refused = list(_output([folder, *(folder / e.name for e in experiments)]))
    problems += refused
    if costs.backend_problem():
        return [Problem("backend", costs.backend_problem()), *problems]
    usable, wrong = _models(experiments)
    problems += wrong
    lessons = sum("data_name" in parameters for parameters in notebooks.values())
    if not refused:
        problems += _disk(usable, folder, lessons, jobs)
    if here:
        problems += _memory(usable, jobs)
    return problems


# --- notebooks -----------------------------------------------------------------------


def notebook_problems(notebook: Path, parameters: Mapping) -> Iterator[Problem]:
    """Compare a notebook's `parameters` cell with what would be injected into it.

    papermill only warns about a name that the notebook does not have, and never
    compares types.
    """
    shown = costs.short_path(notebook)
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", ())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        text = f"{shown}: not a readable notebook ({error!r})."
        yield Problem("notebook", text)
        return
    if not tagged:
        text = (
            f"{shown}: no cell has the tag 'parameters', so nothing could be set. "
            "In JupyterLab select the cell with the settings and add the tag under "
            "Property Inspector > Common Tools > Cell Tags."
        )
        yield Problem("notebook", text)
        return
    try:
        taken = _assigned("".join(tagged[0]["source"]))
    except SyntaxError as error:
        text = f"{shown}: the parameters cell is not Python: {error}."
        yield Problem("notebook", text)
        return
    for name, value in parameters.items():
        if text := _unfit(name, value, taken):
            yield Problem("notebook", f"{shown}: {text}")


def _assigned(source: str) -> dict[str, object]:
    """Return {name: default} of a cell; Ellipsis for a default that is computed."""
    found = {}
    for node in ast.parse(source).body:
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name):
                try:
                    found[target.id] = ast.literal_eval(node.value)
                except (ValueError, TypeError):
                    found[target.id] = ...
    return found


def _unfit(name: str, value: object, taken: Mapping) -> str:
    if name not in taken:
        return (
            f"the parameters cell does not set {name!r}, which the runner injects."
            f"{did_you_mean(name, taken)} Add it to the cell."
        )
    default = taken[name]
    if default is ... or default is None or value is None or name in _several_types():
        return ""
    fits = type(value) is type(default)
    fits |= type(default) is float and type(value) is int
    fits |= isinstance(value, (list, tuple)) and isinstance(default, (list, tuple))
    if fits:
        return ""
    return (
        f"parameter {name!r}: the notebook's own value {default!r} is "
        f"{type(default).__name__}, the runner injects {value!r} "
        f"({type(value).__name__})."
    )


def _several_types() -> set[str]:
    return {f.name for f in fields(Experiment) if "|" in str(f.type)}


def _kernel() -> Iterator[Problem]:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        text = (
            "Jupyter has no kernel 'python3'. Install it with `python -m ipykernel "
            "install --sys-prefix`."
        )
        yield Problem("notebook", text)


# --- data and models -----------------------------------------------------------------


def _data(experiments, notebooks) -> Iterator[Problem]:
    """Load each selection once: then its hash is known."""
    reasons: dict[str, list[str]] = {}
    for name in {p["data_name"] for p in notebooks.values() if "data_name" in p}:
        try:
            costs.data_facts(Experiment("lessons", data=name))
        except FerError as error:
            # An unknown name is a problem of the experiments, if there are any.
            if not (experiments and isinstance(error, ParameterError)):
                reasons.setdefault(str(error), []).append("the lessons")
    for experiment in experiments:
        try:
            costs.data_facts(experiment)
        except FerError as error:
            reasons.setdefault(str(error), []).append(f"experiment {experiment.name!r}")
    for text, who in reasons.items():
        yield Problem("data", f"data for {_some(who)}: {text}")


def _models(experiments) -> tuple[list[Experiment], list[Problem]]:
    """Build each model once: a wrong value of an option shows here, not hours later."""
    usable, reasons = [], {}
    for experiment in experiments:
        try:
            costs.data_facts(experiment)
        except FerError:
            continue  # reported with the data
        try:
            costs.model_facts(experiment)
            usable.append(experiment)
        except Exception as error:  # a layer refuses its arguments in its own words
            name = "" if isinstance(error, FerError) else f"{type(error).__name__}: "
            options = experiment.to_dict()["model_options"]
            text = f"model {experiment.model!r} with {options}: {name}{error}"
            reasons.setdefault(text, []).append(f"experiment {experiment.name!r}")
    return usable, [Problem("model", f"{_some(w)}: {t}") for t, w in reasons.items()]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


# --- the machine ---------------------------------------------------------------------


def _output(folders: Iterable[Path]) -> Iterator[Problem]:
    places = dict.fromkeys(existing_parent(Path(f)) for f in folders)
    for place in places:
        if not place.is_dir():
            yield Problem(
                "output", f"{place} is a file: name another folder with --out."
            )
            continue
        try:
            tempfile.TemporaryFile(dir=place).close()
        except OSError as error:
            text = (
                f"{place} cannot be written to ({error.strerror}). Change its "
                "permissions, or name another folder with --out."
            )
            yield Problem("output", text)


def _disk(experiments, folder: Path, lessons: int, jobs: int) -> Iterator[Problem]:
    place = existing_parent(folder)
    new = [e for e in experiments if not (folder / e.name / "model.keras").is_file()]
    need = sum(map(costs.kept_mb, new)) + lessons * costs.NOTEBOOK_MB
    at_once = sorted(map(costs.checkpoint_mb, experiments), reverse=True)
    need += sum(at_once[: max(jobs, 1)])
    free = shutil.disk_usage(place).free / 1e6
    if need + _RESERVE_MB > free:
        text = (
            f"disk: these runs need about {need:,.0f} MB below {place} and "
            f"{_RESERVE_MB} MB should stay free, but {free:,.0f} MB are. Delete old "
            "runs, or name a folder on another disk with --out."
        )
        yield Problem("disk", text, is_estimate=True)


def _memory(experiments, jobs: int) -> Iterator[Problem]:
    largest = sorted(experiments, key=costs.memory_mb, reverse=True)[: max(jobs, 1)]
    need = sum(map(costs.memory_mb, largest))
    free = free_memory_mb()
    if largest and need > free:
        names = _some([repr(e.name) for e in largest])
        text = (
            f"memory: {names} need about {need:,.0f} MB at a time, but "
            f"{free:,.0f} MB are free. Lower --jobs or batch_size, or close other "
            "programs."
        )
        yield Problem("memory", text, is_estimate=True)


def free_memory_mb() -> float:
    """Return the memory that new processes may take, in MB, also in a container."""
    import psutil

    free = psutil.virtual_memory().available
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        stat = dict(s.split() for s in (group / "memory.stat").read_text().splitlines())
        free = min(free, limit - used + int(stat.get("inactive_file", 0)))
    except (OSError, ValueError):
        pass  # no limit, or not Linux
    return max(free, 0) / 1e6
