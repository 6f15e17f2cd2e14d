"""What makes a run stale: code that it imports, and nothing else."""

import ast
import json
import shutil
from pathlib import Path

import pytest

from fer_utils import models
from fer_utils.experiments import Experiment, identity

ROOT = Path(__file__).parents[2]
MODELS = set(models.names())


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package's source that a test may edit."""
    copy = tmp_path / "fer_utils"
    shutil.copytree(
        ROOT / "fer_utils",
        copy,
        ignore=lambda folder, names: [
            n for n in names if "." in n and not n.endswith(".py")
        ],
    )
    monkeypatch.setattr(identity, "PACKAGE", copy)
    return copy


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "experiment.ipynb"
    shutil.copy(ROOT / "notebooks" / "experiment.ipynb", path)
    return path


def parts(model="shallow_cnn", notebook=None, **settings):
    experiment = Experiment.from_dict({"name": "a", "model": model, **settings})
    return identity.experiment_parts(experiment, "data-hash", notebook)


def edit(path: Path, old: str, new: str):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def edit_cell(path: Path, tag: str, old: str, new: str):
    """Change the first cell of a notebook that has a tag or type and a text."""
    content = json.loads(path.read_text())
    for cell in content["cells"]:
        source = "".join(cell["source"])
        kinds = [cell["cell_type"], *cell["metadata"].get("tags", ())]
        if tag in kinds and old in source:
            cell["source"] = source.replace(old, new, 1)
            path.write_text(json.dumps(content))
            return
    raise AssertionError(f"no {tag} cell with {old!r}")


# --- the package's code --------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "stale"),
    [
        ("models/deep_cnn.py", {"deep_cnn"}),
        ("models/vgg5.py", {"vgg5"}),
        ("models/blocks.py", MODELS),
        ("models/__init__.py", MODELS),
        ("training/fitting.py", MODELS),
        ("training/affine.py", MODELS),  # imported inside a function
        ("training/config.py", MODELS),  # a new parameter is new code for every run
        ("evaluation/metrics.py", MODELS),  # behind a package's table of names
        ("labels.py", MODELS),
        ("backend.py", MODELS),
        ("experiments/running.py", MODELS),
        ("evaluation/plots.py", set()),  # a record has no figures
        ("evaluation/gradcam.py", set()),
        ("training/learning_rate.py", set()),
        ("data/fer2013.py", set()),  # what it reads is hashed
        ("data/synthetic/drawing.py", set()),
        ("experiments/record.py", set()),  # keeps books
        ("experiments/report.py", set()),
        ("experiments/grid.py", set()),
        ("live/overlay.py", set()),
        ("cli.py", set()),
    ],
)
def test_an_edit_makes_exactly_the_runs_stale_that_import_the_file(
    package, file, stale
):
    before = {model: parts(model) for model in MODELS}
    with open(package / file, "a") as source:
        source.write("\nEDITED = 1\n")
    after = {model: parts(model) for model in MODELS}
    found = {m for m in MODELS if identity.key(before[m]) != identity.key(after[m])}
    assert found == stale
    for model in stale:
        reasons = identity.differences(before[model], after[model])
        assert reasons == [f"{file} changed"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""', '"""Now a model with another docstring. '),
        ("    # Stem\n", "    # The first layers\n\n"),
        ("\ndef build(\n", "\n\n\ndef build(  # a comment\n"),
        ("__all__ = [", '__all__ = ["more", '),
        ("num_classes=7,\n", "num_classes = 7\n    ,\n"),  # layout
    ],
)
def test_comments_docstrings_and_layout_make_nothing_stale(package, old, new):
    before = parts("deep_cnn")
    edit(package / "models" / "deep_cnn.py", old, new)
    assert parts("deep_cnn") == before


def test_an_f_string_counts_alike_however_python_cuts_its_text():
    whole, cut, empty = (
        ast.JoinedStr([ast.Constant(text) for text in texts])
        for texts in (["ab"], ["a", "b"], ["", "ab", ""])
    )
    assert identity._normal(whole) == identity._normal(cut) == identity._normal(empty)
    assert identity._normal(whole) != identity._normal(ast.JoinedStr([]))


def test_a_changed_number_makes_stale(package):
    before = parts("deep_cnn")
    edit(package / "models" / "deep_cnn.py", "num_classes=7", "num_classes=8")
    assert parts("deep_cnn") != before


def test_a_new_model_or_name_makes_nothing_stale(package):
    before = parts()
    edit(package / "models" / "__init__.py", '"vgg5",', '"vgg5", "vgg6",')
    shutil.copy(package / "models" / "vgg5.py", package / "models" / "vgg6.py")
    edit(package / "experiments" / "__init__.py", "_HOME = {", '_HOME = {"x": "y",')
    edit(package / "evaluation" / "__init__.py", '"paired_test"', '"paired_test", "x"')
    assert parts() == before


def test_an_augmentation_makes_the_runs_stale_that_use_it(package):
    before = parts(), parts(augment="classic")
    recipes = package / "training" / "recipes.py"
    edit(recipes, '"classic": Recipe(', '"new": Recipe(), "classic": Recipe(')
    assert (parts(), parts(augment="classic")) == before
    edit(recipes, '"classic": Recipe(flip=True', '"classic": Recipe(flip=False')
    assert parts() == before[0]
    changed = identity.differences(before[1], parts(augment="classic"))
    assert changed == ["training/recipes.py changed"]


def test_a_file_that_is_imported_from_now_on_is_named(package):
    before = parts("deep_cnn")
    (package / "models" / "tricks.py").write_text("TRICK = 1\n")
    edit(
        package / "models" / "deep_cnn.py",
        "\ndef build",
        "\nfrom .tricks import TRICK\n\n\ndef build",
    )
    reasons = identity.differences(before, parts("deep_cnn"))
    assert reasons == [
        "models/deep_cnn.py changed",
        "models/tricks.py is new to this run",
    ]
    assert identity.differences(parts("deep_cnn"), before)[1] == (
        "models/tricks.py is no longer part of this run"
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import fer_utils.labels", {"fer_utils.labels"}),
        ("from fer_utils import labels as l", {"fer_utils", "fer_utils.labels"}),
        ("def f():\n    from fer_utils.files import write_json", {"fer_utils.files"}),
        (
            "from fer_utils import evaluation\nevaluation.reliability",
            {"fer_utils", "fer_utils.evaluation", "fer_utils.evaluation.calibration"},
        ),
        (
            "import fer_utils as f\nf.evaluation.reliability",
            {"fer_utils", "fer_utils.evaluation", "fer_utils.evaluation.calibration"},
        ),
        (
            "from fer_utils.training import fit",
            {"fer_utils.training", "fer_utils.training.fitting"},
        ),
        (
            "import fer_utils\nfer_utils.load_pretrained()",
            {"fer_utils", "fer_utils.pretrained"},
        ),
        ("from .faceset import FaceSet", {"fer_utils.data.faceset"}),
        ("from .. import errors", {"fer_utils", "fer_utils.errors"}),
        ("import numpy\nnumpy.linalg", set()),
        ("def plot(self):\n    from fer_utils.evaluation import plots", set()),
    ],
)
def test_every_way_to_import_is_followed(source, expected):
    tree = identity._parsed(source)
    found = identity._imports(tree, "fer_utils.data", figures=False)
    assert expected <= set(found) <= expected | {"fer_utils"}


# --- parameters, data and notebook ---------------------------------------------------


def test_parameters_are_those_that_are_not_the_default():
    chosen = parts(epochs=100, seed=3, model_options={"dropout_rates": (0, 0, 0, 0)})
    assert chosen["parameters"] == {
        "model_options": {"dropout_rates": [0, 0, 0, 0]},
        "seed": 3,
    }
    assert json.loads(json.dumps(chosen)) == chosen


def test_the_name_and_a_default_written_out_make_no_other_run():
    one = Experiment.from_dict({"name": "a", "seed": 0, "classes": "all"})
    other = Experiment.from_dict({"name": "b"})
    assert identity.experiment_parts(one, "d") == identity.experiment_parts(other, "d")


@pytest.mark.parametrize(
    ("tag", "old", "new", "stale"),
    [
        ("markdown", "Look before", "Look twice before", False),
        ("parameters", "epochs = 5", "epochs = 7", False),  # they are injected
        ("code", "faces = load", "# the faces\nfaces = load", False),
        ("code", "LearningCurves(", "LearningCurves(  ", False),
        ("code", "folder)\nrecord", "folder, force=True)\nrecord", True),
        ("code", "k=10", "k=12", True),
    ],
)
def test_only_code_of_the_notebook_counts(notebook, tag, old, new, stale):
    before = parts(notebook=notebook)
    edit_cell(notebook, tag, old, new)
    reasons = identity.differences(before, parts(notebook=notebook))
    assert reasons == (["the notebook's code changed"] if stale else [])


def test_the_notebook_in_the_working_folder_is_found_first(notebook, monkeypatch):
    assert identity.experiment_notebook().parent == ROOT / "notebooks"
    monkeypatch.chdir(notebook.parent)
    assert identity.experiment_notebook() == notebook
    assert parts() == parts(notebook=notebook)


def test_magic_and_a_cell_without_python_can_be_hashed(notebook):
    before = parts(notebook=notebook)
    edit_cell(notebook, "code", "faces = load", "%matplotlib inline\nfaces = load")
    magic = parts(notebook=notebook)
    assert identity.differences(before, magic) == ["the notebook's code changed"]
    edit_cell(notebook, "code", "%matplotlib inline", "!ls")
    assert parts(notebook=notebook) != magic


# --- reasons and keys ----------------------------------------------------------------

NOW = {
    "parameters": {"epochs": 6, "model": "vgg5"},
    "data": "d",
    "notebook": "n",
    "code": {"labels.py": "1"},
}


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({}, []),
        ({"parameters": {"epochs": 5, "model": "vgg5"}}, ["epochs: 6, was 5"]),
        ({"parameters": {"model": "vgg5"}}, ["epochs: 6, was 100"]),  # its default
        (
            {"parameters": {**NOW["parameters"], "class_weights": True}},
            ["class_weights: false, was true"],
        ),
        ({"data": "e"}, ["the data changed"]),
        ({"notebook": "", "data": "e"}, 2),
        ({"code": {}}, ["labels.py is new to this run"]),
    ],
)
def test_differences_are_said_in_sentences(change, reasons):
    found = identity.differences({**NOW, **change}, NOW)
    assert found == reasons or len(found) == reasons


@pytest.mark.parametrize("recorded", [None, {}])
def test_a_record_without_parts_is_of_an_older_version(recorded):
    (reason,) = identity.differences(recorded, NOW)
    assert "older version" in reason


def test_a_key_is_the_same_for_the_same_parts_in_any_order():
    assert identity.key(NOW) == identity.key(dict(reversed(NOW.items())))
    assert len(identity.key(NOW)) == 16


@pytest.mark.parametrize(
    ("file", "same"),
    [
        ("evaluation/metrics.py", True),  # finished epochs stay good
        ("training/fitting.py", False),
        ("models/shallow_cnn.py", False),
    ],
)
def test_epochs_are_kept_when_only_the_evaluation_changes(package, file, same):
    before = identity.training_key(parts())
    with open(package / file, "a") as source:
        source.write("\nEDITED = 1\n")
    assert (identity.training_key(parts()) == before) is same


def test_epochs_are_kept_when_only_the_judging_changes(notebook):
    before = parts(notebook=notebook)
    edit_cell(notebook, "code", "k=10", "k=12")
    after = parts(notebook=notebook, tta="flip")
    assert identity.key(before) != identity.key(after)
    assert identity.training_key(before) == identity.training_key(after)
    assert identity.training_key(before) != identity.training_key(parts(seed=1))


def test_a_file_edited_after_it_was_loaded_is_named(package, monkeypatch):
    stamps = {p: identity._stamp(p) for p in package.rglob("*.py")}
    monkeypatch.setattr(identity, "_AT_START", stamps)
    assert identity.edited_since_start(parts()) == []
    edit(package / "labels.py", "import", "import os\nimport")
    edit(package / "live" / "overlay.py", "import", "import os\nimport")  # no part
    assert identity.edited_since_start(parts()) == ["labels.py"]


# --- lessons -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lesson", "file", "stale"),
    [
        ("02_shallow_vs_deep_cnn", "models/deep_cnn.py", True),
        ("02_shallow_vs_deep_cnn", "models/vgg5.py", False),
        ("02_shallow_vs_deep_cnn", "evaluation/plots.py", True),  # it shows figures
        ("02_shallow_vs_deep_cnn", "data/synthetic/drawing.py", True),
        ("02_shallow_vs_deep_cnn", "live/overlay.py", False),
        ("06_video_and_webcam", "live/overlay.py", True),
        ("01_data_exploration", "training/fitting.py", False),
    ],
)
def test_a_lesson_is_stale_when_what_it_imports_changes(package, lesson, file, stale):
    notebook = ROOT / "notebooks" / f"{lesson}.ipynb"
    before = identity.lesson_parts(notebook, {"quick": True})
    with open(package / file, "a") as source:
        source.write("\nEDITED = 1\n")
    after = identity.lesson_parts(notebook, {"quick": True})
    expected = [f"{file} changed"] if stale else []
    assert identity.differences(before, after) == expected


def test_a_lessons_own_parameters_and_code_count_its_prose_does_not(tmp_path):
    path = tmp_path / "lesson.ipynb"
    shutil.copy(ROOT / "notebooks" / "02_shallow_vs_deep_cnn.ipynb", path)
    before = identity.lesson_parts(path, {"quick": True})
    edit_cell(path, "markdown", "# ", "# New: ")
    assert identity.lesson_parts(path, {"quick": True}) == before
    assert identity.lesson_parts(path, {"quick": False}) != before
    edit_cell(path, "parameters", "\n", "\nextra = 1\n")
    assert identity.lesson_parts(path, {"quick": True}) != before
