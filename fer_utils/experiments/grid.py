"""Read a grid file: presets of experiments by name, every mistake with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from fer_utils.errors import ParameterError, did_you_mean
from fer_utils.experiments.axes import combinations, fill_name, matches, values_of
from fer_utils.experiments.experiment import Experiment
from fer_utils.experiments.lined_yaml import LinedDict, plain, read_yaml

__all__ = ["GridError", "Preset", "load_grid"]

_KEYS = ("lessons", "defaults", "axes", "name", "include", "exclude", "experiments")
_MOST = 10_000  # combinations of one experiment's axes


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

    def only(self, patterns: str | Iterable[str] | None) -> Preset:
        """Keep the experiments whose name fits a shell pattern such as "deep*"."""
        patterns = [patterns] if isinstance(patterns, str) else list(patterns or ["*"])
        kept = (
            e for e in self.experiments if any(fnmatch(e.name, p) for p in patterns)
        )
        return replace(self, experiments=tuple(kept))


class GridError(ParameterError):
    """A preset has mistakes.

    Attributes:
        problems: one text each, with file and line.
        preset: the Preset of the experiments that are valid, or None.
    """

    def __init__(self, problems: list[str], preset: Preset | None):
        super().__init__("\n".join(problems))
        self.problems, self.preset = problems, preset


def load_grid(
    path: str | Path,
    preset: str | Preset,
    overrides: Mapping[str, object] | None = None,
    only: Iterable[str] | None = None,
) -> Preset:
    """Read one preset of a grid file.

    A preset is a mapping of `lessons` ("all" or "none"), `defaults` (parameters of
    every experiment), `experiments` (a list; each its parameters), `axes`, `name`,
    `include` and `exclude`. Axes multiply: `{model: [vgg5, deep_cnn], seed: 0..4}` is
    ten experiments, or ten of each that `experiments` lists; an experiment's own `axes`
    replace the preset's, and `axes: {}` has none. `name` is a template such as
    "{model}-seed{seed}". `include` and `exclude` are lists of partial matches, such as
    `{model: deep_cnn, seed: [3, 4]}`: with `include` only what fits one of them is
    kept, and what fits one of `exclude` is left out.

    Args:
        path: a YAML file with a mapping `presets`.
        preset: the name of the preset; a Preset is returned as it is.
        overrides: parameters that replace the file's in every experiment. An axis of
            that name shrinks to the one value.
        only: shell patterns of names; the other experiments are returned as the file
            has them, without the overrides. None means all.

    Returns:
        Preset with validated experiments.

    Raises:
        ParameterError: the file is missing or not YAML, or has no such preset.
        GridError: a ParameterError with all mistakes of the preset at once, each with
            file and line.
    """
    if isinstance(preset, Preset):
        return preset
    content, repeated = read_yaml(_text(path), path)
    presets = content.get("presets") if isinstance(content, dict) else None
    if not isinstance(presets, dict):
        raise ParameterError(f"{path}: expected a mapping 'presets' at the top level.")
    if preset not in presets:
        raise ParameterError(
            f"{path}: unknown preset {preset!r}." + did_you_mean(preset, presets)
        )
    reader = _Reader(path, preset, presets.lines[preset], dict(overrides or {}))
    reader.only = list(only or ["*"])
    for line, text in repeated:
        reader.problem(line, text)
    result = reader.read(presets[preset])
    if reader.problems:
        raise GridError(reader.report(), result)
    return result


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = "not UTF-8 text" if isinstance(error, ValueError) else "no such grid file"
        raise ParameterError(
            f"{path}: {why}. Run `fer` in the repository's folder, or name the file "
            "with --grid."
        ) from None


class _Reader:
    """Collects the problems of one preset while it makes the experiments."""

    def __init__(self, path, name: str, line: int, overrides: dict):
        self.path, self.name, self.line = path, name, line
        self.overrides, self.only = overrides, ["*"]
        self.problems: dict[tuple[object, str], list[str]] = {}
        self.checked: dict[str, str] = {}

    def problem(self, where: object, text: str, experiment: str = "") -> None:
        """Note a problem; `where` is a line of the file or an option's text."""
        names = self.problems.setdefault((where, text), [])
        if experiment:
            names.append(experiment)

    def report(self) -> list[str]:
        """Return one text per problem, by line; one that many share stands once."""
        order = sorted(self.problems, key=lambda p: (isinstance(p[0], str), p[0]))
        return [self._sentence(*p, self.problems[p]) for p in order]

    def _sentence(self, where, text: str, names: list[str]) -> str:
        place = where if isinstance(where, str) else f"{self.path}:{where}"
        if not names:
            return f"{place}: {text}"
        shown = ", ".join(repr(n) for n in names[:3])
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        many = "s" if len(names) > 1 else ""
        return f"{place}: experiment{many} {shown}{more}: {text}"

    def read(self, content: object) -> Preset | None:
        if content is None:
            content = LinedDict(self.line)
        if not isinstance(content, LinedDict):
            self.problem(self.line, f"preset {self.name!r}: expected a mapping.")
            return None
        for key in content:
            if key not in _KEYS:
                text = f"preset {self.name!r}: unknown key {key!r}."
                self.problem(content.lines[key], text + did_you_mean(key, _KEYS))
        lessons = content.get("lessons", "all")
        if lessons not in ("all", "none"):
            text = f"lessons={lessons!r}: expected 'all' or 'none'."
            self.problem(content.lines["lessons"], text)
        experiments = self._experiments(content)
        return Preset(self.name, lessons, experiments)

    def _part(self, content: LinedDict, key: str, kind: type):
        """Return a part of the preset, empty when it is missing or no `kind`."""
        part = content.get(key)
        if part is None or isinstance(part, kind):
            return part if part is not None else (LinedDict() if kind is dict else [])
        what = {dict: "a mapping", list: "a list", str: "text"}[kind]
        text = f"{key}: expected {what}, received {plain(part)!r}."
        self.problem(content.lines[key], text)
        return LinedDict() if kind is dict else kind()

    def _experiments(self, content: LinedDict) -> tuple[Experiment, ...]:
        defaults = self._part(content, "defaults", dict)
        axes = self._part(content, "axes", dict)
        template = self._part(content, "name", str) if "name" in content else ""
        rows = self._part(content, "experiments", list)
        if not rows and axes:
            rows = [LinedDict(content.lines["axes"])]
        for key in self.overrides:
            if key == "name":
                self.problem("--set name", "every experiment would have one name.")
        found: list[tuple[int, Experiment]] = []
        for i, row in enumerate(rows):
            if isinstance(row, LinedDict):
                found += self._of_row(row, defaults, axes, template)
            else:
                text = f"expected a mapping with a name, received {plain(row)!r}."
                self.problem(rows.lines[i], text)
        found = self._chosen(found, content)
        self._refuse_equal_names(found)
        return tuple(experiment for _, experiment in found)

    def _of_row(self, row, defaults, preset_axes, preset_template):
        lines = {**defaults.lines, **row.lines}
        own = {k: v for k, v in row.items() if k != "axes"}
        axes_source = self._part(row, "axes", dict) if "axes" in row else preset_axes
        axes = self._axes(axes_source, row)
        template = self._template(own, preset_template)
        lines |= {axis: axes_source.lines[axis] for axis in axes}
        for values in combinations(axes):
            in_file = plain({**defaults, **own, **values})
            given = in_file | self.overrides
            for parameters in (in_file, given):
                parameters.pop("name", None)
            try:
                name = fill_name(template, values, {**_defaults(), **given})
            except KeyError as error:
                text = f"name {template!r}: unknown parameter {error.args[0]!r}."
                known = Experiment.parameter_names()
                where = lines.get("name", row.line)
                self.problem(where, text + did_you_mean(error.args[0], known))
                return
            places = lines | self._options()
            if not any(fnmatch(name, pattern) for pattern in self.only):
                given, places = in_file, lines
            if name:
                given = {"name": name, **given}
            if (experiment := self._experiment(given, places, row.line)) is not None:
                yield row.line, experiment

    def _options(self) -> dict[str, str]:
        """Return what the command line said, for the names of the overrides."""
        said = {key: f"--set {key}={value}" for key, value in self.overrides.items()}
        if "data" in self.overrides:
            said["data"] = f"--data {self.overrides['data']}"
        return said

    def _template(self, own: dict, preset_template: str) -> str:
        """Return the row's name; the preset's goes round it, or stands in for it."""
        name = str(own.get("name", ""))
        if not name or "{name}" in preset_template:
            return preset_template.replace("{name}", name)
        return name

    def _axes(self, source: LinedDict, row: LinedDict) -> dict[str, list]:
        axes, count = {}, 1
        for axis, values in source.items():
            line = source.lines[axis]
            known = [n for n in Experiment.parameter_names() if n != "name"]
            if axis not in known:
                text = f"unknown axis {axis!r}." + did_you_mean(axis, known)
                self.problem(line, text)
                continue
            if axis in row:
                text = f"{axis} is an axis too: remove one, or give it `axes: {{}}`."
                self.problem(row.lines[axis], text, str(row.get("name", "?")))
                continue
            try:
                axes[axis] = values_of(plain(values))
            except ValueError as error:
                self.problem(line, f"axis {axis!r}: {error}")
                continue
            if axis in self.overrides:
                axes[axis] = [self.overrides[axis]]
            count *= len(axes[axis])
        if count > _MOST:
            text = f"the axes make {count:,} experiments: expected at most {_MOST:,}."
            self.problem(source.line, text)
            return {}
        return axes

    def _experiment(self, given: dict, lines: Mapping, line: int) -> Experiment | None:
        if "name" not in given:
            self.problem(line, "an experiment needs a name.")
        good = "name" in given
        for key in given:
            if text := self._of_one(key, given):
                self.problem(lines.get(key, line), text, given.get("name", "?"))
                good = False
        if not good:
            return None
        try:
            return Experiment.from_dict(given)
        except ParameterError as error:  # two parameters that do not fit together
            self.problem(line, _without_name(error, given["name"]), given["name"])
            return None

    def _of_one(self, key: str, given: dict) -> str:
        """Return what is wrong with one parameter, "" if nothing is."""
        if key not in Experiment.parameter_names():
            known = Experiment.parameter_names()
            return f"unknown parameter {key!r}." + did_you_mean(key, known)
        probe = {"name": "x", key: given[key]}
        if key == "model_options":
            if not isinstance(given[key], dict):
                return f"model_options={given[key]!r}: expected a mapping."
            if "model" in given and not self._of_one("model", given):
                probe["model"] = given["model"]
        if (known := repr(probe)) not in self.checked:
            self.checked[known] = _probe(probe, key)
        return self.checked[known]

    def _chosen(self, found: list, content: LinedDict) -> list:
        include = self._patterns(content, "include")
        exclude = self._patterns(content, "exclude")
        if include:
            found = [f for f in found if self._is_matched(f[1], include)]
        kept = [f for f in found if not self._is_matched(f[1], exclude)]
        for key, patterns in (("include", include), ("exclude", exclude)):
            for pattern, line, used in patterns:
                # With an invalid experiment missing, nothing can be said of a match.
                if not used and not self.problems:
                    text = f"{key} {plain(pattern)!r} matches no experiment."
                    self.problem(line, text)
        return kept

    def _patterns(self, content: LinedDict, key: str) -> list:
        patterns, known = [], Experiment.parameter_names()
        rows = self._part(content, key, list)
        for pattern, line in zip(rows, getattr(rows, "lines", ()), strict=True):
            if not isinstance(pattern, dict) or not pattern:
                text = (
                    f"{key}: expected a mapping such as {{model: deep_cnn}}, received "
                )
                self.problem(line, f"{text}{plain(pattern)!r}.")
                continue
            wrong = [name for name in pattern if name not in known]
            for name in wrong:
                text = f"{key}: unknown parameter {name!r}." + did_you_mean(name, known)
                self.problem(pattern.lines[name], text)
            if not wrong:
                patterns.append((pattern, line, []))
        return patterns

    @staticmethod
    def _is_matched(experiment: Experiment, patterns: list) -> bool:
        parameters = experiment.to_dict()
        hits = [used for pattern, _, used in patterns if matches(pattern, parameters)]
        for used in hits:
            used.append(experiment.name)
        return bool(hits)

    def _refuse_equal_names(self, found: list) -> None:
        first: dict[str, tuple[int, str]] = {}
        for line, experiment in found:
            key = experiment.name.casefold()  # some file systems know no difference
            if key in first:
                other, name = first[key]
                also = f"also line {other}" + f" as {name!r}" * (
                    name != experiment.name
                )
                text = f"the name is used twice ({also})."
                self.problem(line, text, experiment.name)
            else:
                first[key] = (line, experiment.name)


def _defaults() -> dict:
    return Experiment("x").to_dict()


def _probe(parameters: dict, key: str) -> str:
    try:
        Experiment.from_dict(parameters)
    except ParameterError as error:
        return _without_name(error, "x")
    except (AttributeError, TypeError, ValueError):
        value = parameters[key]
        return f"{key}={value!r}: a value of type {type(value).__name__} does not fit."
    return ""


def _without_name(error: ParameterError, name: str) -> str:
    return str(error).removeprefix(f"experiment {name!r}: ")
