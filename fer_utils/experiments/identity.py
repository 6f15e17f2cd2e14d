"""What makes a run the same run: its parameters, its data, its notebook, its code.

A finished record is done as long as these four are what they were. Code counts by what
it does, not by how it is written: comments, docstrings and layout are left out, and so
is every file of the package that the run does not import. So an edit to one model's
file makes that model's runs stale, and no others. A new training parameter changes
`training/config.py`, on which every run depends: all of them are stale then.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

__all__ = [
    "differences",
    "edited_since_start",
    "experiment_notebook",
    "experiment_parts",
    "key",
    "lesson_parts",
    "training_key",
]

PACKAGE = Path(__file__).resolve().parents[1]

# Not followed, because no number of a record depends on it in another way:
_KEEP_BOOKS = {
    f"fer_utils.experiments.{n}" for n in ("checkpoints", "identity", "locks", "record")
}
# what the room of data reads is hashed itself, as the parts' "data".
_BEHIND_THE_DATA = {"fer_utils.data"}
# Tables that say where a name is found; what is found there is followed and hashed.
_INDEXES = {"__all__", "_HOME", "_HOMES", "_NAMES", "_ROOMS"}
# Tables of which a run uses one entry: (file, table) -> the parameter that picks it.
_PICKED = {("training/recipes.py", "AUGMENTATIONS"): "augment"}


def experiment_parts(
    experiment, content_hash: str, notebook: str | Path | None = None
) -> dict:
    """Return everything that decides the numbers of an experiment, JSON-ready.

    Args:
        experiment: Experiment.
        content_hash: of the FaceSet that it trains, chooses and tests on.
        notebook: that runs it; None is `experiment_notebook()`.

    Returns:
        {"parameters": those that are not the default, without the name,
        "data": the content hash, "notebook": hash of its code cells,
        "code": {path in the package: hash} of every file that the run imports}.
    """
    chosen = json.loads(json.dumps(experiment.to_dict()))
    notebook = notebook or experiment_notebook()
    files = _closure(
        ["fer_utils.experiments.running"],
        models=[experiment.model],
        left_out=_KEEP_BOOKS | _BEHIND_THE_DATA,
    )
    return {
        "parameters": {
            name: value
            for name, value in chosen.items()
            if name != "name" and value != _defaults()[name]
        },
        "data": content_hash,
        "notebook": _notebook_hash(Path(notebook)) if notebook else "",
        "code": _hashes(files, chosen),
    }


def lesson_parts(
    notebook: str | Path, parameters: Mapping, content_hash: str = ""
) -> dict:
    """Return everything that decides what a lesson shows, JSON-ready.

    Args:
        notebook: the lesson's.
        parameters: that are injected into it.
        content_hash: of its data, if known.

    Returns:
        As `experiment_parts`; "code" is what the lesson's cells import.
    """
    cells = _code_cells(Path(notebook))
    tree = _parsed("\n".join(source for _, source in cells))
    words = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    named = [name for name in _model_names() if name in words]
    files = _closure(
        _imports(tree, "", figures=True),
        models=named or _model_names(),
        left_out=_KEEP_BOOKS,
        figures=True,
    )
    return {
        "parameters": json.loads(json.dumps(dict(parameters))),
        "data": content_hash,
        "notebook": _notebook_hash(Path(notebook), with_parameters=True),
        "code": _hashes(files, {}),
    }


def key(parts: Mapping) -> str:
    """Return 16 hex digits over all parts.

    Example:
        >>> key({"parameters": {"epochs": 3}, "data": "", "notebook": "", "code": {}})
        'ac58751c3a559504'
    """
    content = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def training_key(parts: Mapping) -> str:
    """Return the key of the training alone, which an interrupted run goes on with.

    An edit to the evaluation or to the notebook makes a run stale, but its finished
    epochs are as good as before.
    """
    code = {p: h for p, h in parts["code"].items() if not p.startswith("evaluation/")}
    parameters = {k: v for k, v in parts["parameters"].items() if k != "tta"}
    return key({**parts, "parameters": parameters, "notebook": "", "code": code})


def differences(recorded: Mapping | None, now: Mapping) -> list[str]:
    """Say in sentences why a record is no longer of this run.

    Args:
        recorded: the record's parts; None in records of older versions.
        now: the run's parts.

    Returns:
        One sentence per difference; none when the parts are equal.

    Example:
        >>> now = {"parameters": {"epochs": 6}, "data": "", "notebook": "", "code": {}}
        >>> differences({**now, "parameters": {"epochs": 5}}, now)
        ['epochs: 6, was 5']
    """
    if not recorded:
        return ["the record was written by an older version, which kept no parts"]
    reasons = _changed_parameters(recorded["parameters"], now["parameters"])
    for part, sentence in (
        ("data", "the data changed"),
        ("notebook", "the notebook's code changed"),
    ):
        if recorded[part] != now[part]:
            reasons.append(sentence)
    before, after = recorded["code"], now["code"]
    for path in sorted({*before, *after}):
        if path not in before:
            reasons.append(f"{path} is new to this run")
        elif path not in after:
            reasons.append(f"{path} is no longer part of this run")
        elif before[path] != after[path]:
            reasons.append(f"{path} changed")
    return reasons


def edited_since_start(parts: Mapping) -> list[str]:
    """Return the files of a run that were edited after this Python had loaded them.

    Args:
        parts: as `experiment_parts` returns them.
    """
    edited = []
    for name in parts["code"]:
        path = PACKAGE / name
        names = ["fer_utils", *Path(name).with_suffix("").parts]
        module = ".".join(names).removesuffix(".__init__")
        if module in sys.modules and _AT_START.get(path) not in (None, _stamp(path)):
            edited.append(name)
    return edited


def _changed_parameters(before: Mapping, after: Mapping) -> list[str]:
    def shown(values: Mapping, name: str) -> str:
        value = values.get(name, _defaults().get(name, "not set"))
        return value if isinstance(value, str) else json.dumps(value)

    return [
        f"{name}: {shown(after, name)}, was {shown(before, name)}"
        for name in sorted({*before, *after})
        if shown(before, name) != shown(after, name)
    ]


def _defaults() -> dict:
    from fer_utils.experiments.experiment import Experiment

    return json.loads(json.dumps(Experiment("defaults").to_dict()))


# --- the notebook --------------------------------------------------------------------


def experiment_notebook() -> Path | None:
    """Return the notebook of experiments: in this folder, in `notebooks`, or None.

    papermill executes it in its own folder, so the one that runs is found first.
    """
    for folder in (Path.cwd(), Path.cwd() / "notebooks", PACKAGE.parent / "notebooks"):
        if (folder / "experiment.ipynb").is_file():
            return folder / "experiment.ipynb"
    return None


def _code_cells(notebook: Path) -> list[tuple[bool, str]]:
    """Return (is the parameters cell, source) of each code cell."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [
        ("parameters" in c.get("metadata", {}).get("tags", ()), "".join(c["source"]))
        for c in cells
        if c["cell_type"] == "code"
    ]


def _notebook_hash(notebook: Path, with_parameters: bool = False) -> str:
    sources = [
        _normal(_parsed(source))
        for is_parameters, source in _code_cells(notebook)
        if with_parameters or not is_parameters
    ]
    # An empty cell does nothing.
    return _digest(repr([s for s in sources if s != _normal(ast.Module([], []))]))


def _parsed(source: str) -> ast.Module:
    """Parse a cell; a line for IPython (`%magic`, `!shell`) counts as its text."""
    lines = [
        repr(line) if line.lstrip().startswith(("%", "!")) else line
        for line in source.splitlines()
    ]
    return ast.parse("\n".join(lines))


# --- the code ------------------------------------------------------------------------


def _closure(
    roots: Iterable[str],
    models: Iterable[str],
    left_out: Iterable[str] = (),
    figures: bool = False,
) -> list[Path]:
    """Return the package's files that are imported from some modules on."""
    seen, waiting = set(), list(roots)
    while waiting:
        module = waiting.pop()
        if module in seen or module in left_out or not (path := _file(module)):
            continue
        seen.add(module)
        if "." in module:
            waiting.append(module.rpartition(".")[0])
        if module == "fer_utils.models":  # imports its one architecture by name
            waiting += [f"{module}.{name}" for name in models]
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        waiting += _imports(_tree(path), package, figures)
    return sorted(_file(module) for module in seen)


def _file(module: str) -> Path | None:
    package, *names = module.split(".")
    place = PACKAGE.joinpath(*names)
    for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
        if package == "fer_utils" and path.is_file():
            return path
    return None


def _imports(tree: ast.AST, package: str, figures: bool) -> list[str]:
    """Return the modules that a file may import when it is used, wherever it does."""
    found, bound = [], {"fer_utils": "fer_utils"}
    nodes = list(_walk(tree, figures))
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
            bound |= {a.asname: a.name for a in node.names if a.asname}
        elif isinstance(node, ast.ImportFrom):
            home = _absolute(node, package)
            found.append(home)
            for alias in node.names:
                found.append(_home_of(home, alias.name))
                bound[alias.asname or alias.name] = f"{home}.{alias.name}"
    for node in nodes:  # evaluation.evaluate: what a package imports on first use
        if isinstance(node, ast.Attribute):
            found += _of_attribute(node, bound)
    return [module for module in found if module.split(".")[0] == "fer_utils"]


def _walk(tree: ast.AST, figures: bool) -> Iterable[ast.AST]:
    """Walk a file. A record has no figures: what only `plot` imports is left out."""
    for node in ast.iter_child_nodes(tree):
        if not figures and isinstance(node, ast.FunctionDef) and node.name == "plot":
            continue
        yield node
        yield from _walk(node, figures)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module
    names = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*names, *([node.module] if node.module else [])])


def _of_attribute(node: ast.Attribute, bound: Mapping) -> list[str]:
    names, value = [node.attr], node.value
    while isinstance(value, ast.Attribute):
        names.insert(0, value.attr)
        value = value.value
    if not isinstance(value, ast.Name) or value.id not in bound:
        return []
    home = ".".join([bound[value.id], *names[:-1]])
    return [_home_of(home, names[-1])]


def _home_of(package: str, name: str) -> str:
    """Return the module that `package.name` is, or that the package takes it from."""
    if _file(f"{package}.{name}"):
        return f"{package}.{name}"
    path = _file(package)
    if not path or path.name != "__init__.py":
        return package
    home = _table(path).get(name)
    return f"{package}.{home}" if home else package


def _table(path: Path) -> dict[str, str]:
    """Return {public name: module} of a package that imports on first use."""
    table = {"load_pretrained": "pretrained"} if path.parent == PACKAGE else {}
    for node in _tree(path).body:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        name = getattr(node.targets[0], "id", "")
        if name == "_HOME":
            table |= ast.literal_eval(node.value)
        elif name == "_HOMES":
            homes = ast.literal_eval(node.value)
            table |= {n: home for home, names in homes.items() for n in names}
    return table


def _model_names() -> tuple[str, ...]:
    from fer_utils import models

    return models.names()


# --- hashes --------------------------------------------------------------------------


def _hashes(files: Iterable[Path], parameters: Mapping) -> dict[str, str]:
    hashes = {}
    for path in files:
        name = path.relative_to(PACKAGE).as_posix()
        picks = tuple(
            (table, parameters.get(parameter, ""))
            for (file, table), parameter in _PICKED.items()
            if file == name and parameters
        )
        hashes[name] = _hash_of(path, _stamp(path), picks)
    return hashes


@lru_cache(maxsize=4096)
def _hash_of(path: Path, stamp: tuple, picks: tuple) -> str:
    tree = _tree(path)
    body = [_part(node, dict(picks)) for node in tree.body if not _is_index(node)]
    return _digest(_normal(ast.Module([n for n in body if n], [])))


def _is_index(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and all(
        getattr(target, "id", "") in _INDEXES for target in node.targets
    )


def _part(node: ast.stmt, picks: Mapping) -> ast.stmt:
    """Return a table with the one entry that a run uses; all else as it is."""
    target = getattr(node, "target", None) or (getattr(node, "targets", None) or [0])[0]
    picked = picks.get(getattr(target, "id", ""))
    if picked is None or not isinstance(getattr(node, "value", None), ast.Dict):
        return node
    pairs = zip(node.value.keys, node.value.values, strict=True)
    kept = [(k, v) for k, v in pairs if getattr(k, "value", None) == picked]
    return ast.Assign([target], ast.Dict([k for k, _ in kept], [v for _, v in kept]))


def _tree(path: Path) -> ast.Module:
    return _parse_file(path, _stamp(path))


@lru_cache(maxsize=4096)
def _parse_file(path: Path, stamp: tuple) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _stamp(path: Path) -> tuple[int, int]:
    """Return what changes when a file is written: parsing it again is then due."""
    state = path.stat()
    return state.st_mtime_ns, state.st_size


def _normal(node: object) -> str:
    """Write syntax down without docstrings, and alike on every Python version.

    `ast.dump` also names the fields that are empty, and each version has new ones.
    """
    if isinstance(node, list):
        return "[" + ",".join(map(_normal, node)) + "]"
    if not isinstance(node, ast.AST):
        return f"{type(node).__name__}:{node!r}"
    fields = []
    if isinstance(node, ast.JoinedStr):
        node = _with_joined_texts(node)
    for name, value in ast.iter_fields(node):
        if name == "body" and _has_docstring(node):
            value = value[1:]
        if value is not None and value != [] and name not in ("ctx", "kind"):
            fields.append(f"{name}={_normal(value)}")
    return f"{type(node).__name__}({','.join(fields)})"


def _with_joined_texts(node: ast.JoinedStr) -> ast.JoinedStr:
    """Join the pieces of text in an f-string, which Python 3.12 cuts elsewhere."""
    values = []
    for value in node.values:
        before = values[-1] if values else None
        if not isinstance(value, ast.Constant):
            values.append(value)
        elif isinstance(before, ast.Constant):
            values[-1] = ast.Constant(before.value + value.value)
        elif value.value:
            values.append(value)
    return ast.JoinedStr(values)


def _has_docstring(node: ast.AST) -> bool:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


_AT_START = {path: _stamp(path) for path in PACKAGE.rglob("*.py")}
