"""`fer course …` on a small checkout of its own."""

import json

import pytest

from fer_utils.cli import main
from fer_utils.course import build, timing
from fer_utils.errors import DataError

SETUP = ("setup", {}, "import time\n\ntime.sleep(0.3)")
TASK = ("task", {}, "## Exercise 5.1: Two *(predict, 5 min)*\n\nWhat is 1 + 1?")
ANSWER = (
    "ask",
    {},
    "### BEGIN SOLUTION\n### STUDENT: two = ...\ntwo = 2\n### END SOLUTION",
)
CHECK = ("check", {"nbgrader": {"points": 1}}, "assert two == 2")
NOTE = ("note", {"tags": ["instructor"]}, "**For the teacher.** Ask why.")
END = ("end", {}, "## How far are you?")


def cell(id, metadata, text):
    made = {"cell_type": "markdown", "id": id, "metadata": metadata, "source": text}
    if id in ("setup", "ask", "check"):
        made |= {"cell_type": "code", "execution_count": None, "outputs": []}
    return made


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with one solutions notebook and one lesson; `fer` runs in it."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    title = ("title", {}, "# Two")
    cells = [cell(*one) for one in (title, SETUP, TASK, ANSWER, CHECK, NOTE, END)]
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}}
    text = json.dumps(notebook | {"nbformat": 4, "nbformat_minor": 5})
    for folder in ("notebooks/solutions", "notebooks"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "05_two.ipynb").write_text(text)
    (tmp_path / "experiments.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def source(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(c["source"]) for c in cells]


def test_a_changed_solution_makes_the_students_build_out_of_date(root, capsys):
    assert main(["course", "build", "--check"]) == 1
    assert "notebooks/exercises/05_two.ipynb: out of date" in capsys.readouterr().err
    assert main(["course", "build"]) == 0
    assert main(["course", "build", "--check"]) == 0
    path = root / "notebooks" / "exercises" / "05_two.ipynb"
    assert "# YOUR ANSWER HERE\ntwo = ..." in source(path)
    path.write_text(path.read_text(encoding="utf-8").replace("1 + 1", "1 + 2"))
    assert main(["course", "build", "--check"]) == 1


def test_a_build_whose_solution_is_gone_is_taken_away(root):
    main(["course", "build"])
    (root / "notebooks" / "solutions" / "05_two.ipynb").unlink()
    assert build.outdated(root) == ["05_two.ipynb"]
    assert main(["course", "build"]) == 0
    assert not list((root / "notebooks" / "exercises").iterdir())


@pytest.mark.parametrize("kind", ["solution", "instructor", "recall"])
def test_other_builds_need_a_folder(root, kind, capsys):
    assert main(["course", "build", "--kind", kind]) == 2
    assert "name a folder with --out" in capsys.readouterr().err
    assert main(["course", "build", "--kind", kind, "--out", "made"]) == 0
    assert (root / "made" / "05_two.ipynb").is_file()


def test_the_instructors_plan_says_what_is_not_measured(root):
    main(["course", "build", "--kind", "instructor", "--out", "made"])
    plan = source(root / "made" / "05_two.ipynb")[1]
    assert "1 exercises, 5 minutes" in plan
    assert "| 5.1 Two | predict | 5 | 1 | not measured |" in plan


def test_measured_seconds_come_to_the_instructor(root, capsys):
    assert main(["course", "time", "05"]) == 0
    assert "05_two: 0." in capsys.readouterr().out
    seconds = timing.read(root)["seconds"]["05_two"]
    assert set(seconds) == {"setup", "ask", "check"}
    assert seconds["setup"] >= 0.3
    main(["course", "build", "--kind", "instructor", "--out", "made"])
    text = source(root / "made" / "05_two.ipynb")
    assert "cores." in text[1]
    assert "not measured" not in text[1]
    assert text[2].startswith("# measured: 0.")
    assert not list(root.rglob("fer-progress.json"))


@pytest.mark.parametrize("content", ["", "[]", '{"seconds": 3}'])
def test_damaged_times_are_named(root, content):
    (root / "notebooks" / timing.FILE).write_text(content)
    with pytest.raises(DataError, match="Delete it and run `fer course time`"):
        timing.read(root)


def test_a_cell_that_stops_is_named(root):
    path = root / "notebooks" / "solutions" / "05_two.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("two = 2", "two = 3"))
    with pytest.raises(DataError, match="a cell stopped"):
        timing.measure(path)


def test_an_unknown_lesson_is_named(root, capsys):
    assert main(["course", "time", "50"]) == 2
    assert "no exercises of lesson '50'" in capsys.readouterr().err


def test_the_class_is_a_table_and_a_page(tmp_path, capsys):
    one = {"passed": False, "attempts": 2, "last": "2026-03-01", "last_hint": "Look."}
    content = {"student": "ada", "exercises": {"q05_1": one}}
    (tmp_path / "ada.json").write_text(json.dumps(content))
    assert main(["course", "overview", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "ada  works on q05_1" in said
    assert "stuck in q05_1: Look." in said
    assert "works on q05_1" in (tmp_path / "overview.html").read_text(encoding="utf-8")


def test_the_list_has_every_exercise_with_its_kind(capsys):
    assert main(["course", "list"]) == 0
    assert (
        "q05_2  implement  12 min  3 points  Write macro-F1" in capsys.readouterr().out
    )
