"""The floor plan: imports point one way, imports are light, environments agree."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fer_utils"

_BASE = {"errors", "files", "backend", "labels"}
ALLOWED = {
    "errors": set(),
    "files": set(),
    "backend": set(),
    "labels": {"errors"},
    "data": _BASE - {"backend"},
    "models": _BASE,
    "training": _BASE | {"data", "models"},
    "evaluation": _BASE | {"data", "models", "training"},
    "experiments": _BASE | {"data", "models", "training", "evaluation"},
    "live": _BASE | {"models"},
    "export": _BASE | {"models"},
    "pretrained": _BASE | {"models"},
    "course": None,  # on top of everything but the command line
    "cli": None,
}
# Clips for lessons and tests show drawn faces when no others are given.
# `fer export` and `fer bench` calibrate and measure on a data set that is named.
ALSO_ALLOWED = {"live/clips.py": {"data"}, "export/commands.py": {"data"}}


def imported_rooms(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "fer_utils":
                names = parts[1:2] or [alias.name for alias in node.names]
                yield from (n for n in names if not n.startswith("__"))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("fer_utils."):
                    yield alias.name.split(".")[1]


def rooms():
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room != "__init__":
            yield pytest.param(room, path, id=str(path.relative_to(PACKAGE)))


@pytest.mark.parametrize(("room", "path"), list(rooms()))
def test_imports_point_one_way(room, path):
    used = set(imported_rooms(path)) - {room}
    assert "cli" not in used
    if ALLOWED[room] is not None:
        place = path.relative_to(PACKAGE).as_posix()
        assert used <= ALLOWED[room] | ALSO_ALLOWED.get(place, set())


@pytest.mark.parametrize(
    "statement",
    [
        "import fer_utils",
        "import fer_utils.labels",
        "import fer_utils.data",
        "import fer_utils.models",
        "import fer_utils.training",
        "import fer_utils.evaluation",
        "import fer_utils.experiments",
        "import fer_utils.cli",
    ],
)
def test_importing_a_room_imports_no_backend(statement):
    heavy = [
        "keras",
        "tensorflow",
        "jax",
        "torch",
        "cv2",
        "pandas",
        "sklearn",
        "matplotlib",
        "papermill",
    ]
    code = f"{statement}; import sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_only_one_module_imports_keras_itself():
    importers = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) and node.names[0].name == "keras"
    ]
    assert set(importers) == {"backend.py"}


def test_conda_and_pip_ask_for_the_same():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    python, _, pip = conda["dependencies"]
    assert python == "python" + project["requires-python"]
    assert pip == {"pip": ["-c constraints.txt", "-e .[dev]"]}


def test_every_dependency_is_pinned_within_its_bounds():
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    for text in wanted:
        requirement = Requirement(text)
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), text
