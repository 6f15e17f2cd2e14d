"""Read a grid file: presets of experiments by name, every mistake reported."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from fer_utils.errors import ParameterError, did_you_mean
from fer_utils.experiments.experiment import Experiment

__all__ = ["Preset", "load_grid"]


@dataclass(frozen=True)
class Preset:
    """One named grid.

    Attributes:
        name: for example "quick".
        lessons: "all" or "none".
        experiments: in the order they are run.
    """

    name: str
    lessons: str
    experiments: tuple[Experiment, ...]

    def only(self, pattern: str | None) -> tuple[Experiment, ...]:
        """Return the experiments whose name fits a shell pattern such as "deep*"."""
        if not pattern:
            return self.experiments
        return tuple(e for e in self.experiments if fnmatch(e.name, pattern))


def load_grid(
    path: str | Path, preset: str, overrides: dict[str, object] | None = None
) -> Preset:
    """Read one preset of a grid file.

    Args:
        path: a YAML file with `presets: {name: {lessons, defaults, experiments}}`.
        preset: the name of the preset.
        overrides: parameters that replace the file's in every experiment.

    Returns:
        Preset with validated experiments.

    Raises:
        ParameterError: the file is missing or malformed, or any experiment is invalid;
            all invalid experiments are named at once.
    """
    presets = _section(_read(path), "presets", path)
    if preset not in presets:
        raise ParameterError(
            f"{path}: unknown preset {preset!r}." + did_you_mean(preset, presets)
        )
    content = presets[preset] or {}
    known = ("lessons", "defaults", "experiments")
    for key in content:
        if key not in known:
            raise ParameterError(
                f"{path}: preset {preset!r}: unknown key {key!r}."
                + did_you_mean(key, known)
            )
    lessons = content.get("lessons", "all")
    if lessons not in ("all", "none"):
        raise ParameterError(f"{path}: lessons={lessons!r}: expected 'all' or 'none'.")
    rows = content.get("experiments") or []
    experiments = _experiments(rows, content.get("defaults") or {}, overrides or {})
    return Preset(preset, lessons, experiments)


def _experiments(rows, defaults: dict, overrides: dict) -> tuple[Experiment, ...]:
    experiments, problems, seen = [], [], set()
    for row in rows:
        if not isinstance(row, dict):
            problems.append(f"expected a mapping with a name, received {row!r}.")
            continue
        try:
            experiment = Experiment.from_dict({**defaults, **row, **overrides})
        except ParameterError as error:
            problems.append(str(error))
            continue
        if experiment.name in seen:
            problems.append(f"experiment {experiment.name!r}: the name is used twice.")
        seen.add(experiment.name)
        experiments.append(experiment)
    if problems:
        raise ParameterError("\n".join(problems))
    return tuple(experiments)


def _read(path: str | Path) -> dict:
    import yaml

    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError:
        raise ParameterError(
            f"{path}: no such grid file. Run `fer` in the repository's folder, or name "
            "the "
            "file with --grid."
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ParameterError(f"{path}: not valid YAML: {error}") from None


def _section(content: object, key: str, path) -> dict:
    section = content.get(key) if isinstance(content, dict) else None
    if not isinstance(section, dict):
        raise ParameterError(f"{path}: expected a mapping {key!r} at the top level.")
    return section
