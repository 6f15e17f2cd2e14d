"""The contract of the exercises: every answer passes, every mistake is taught.

For each lesson: its solutions pass their checks; untouched student cells fail with a
hint; typical wrong answers get a hint of their own; no answer is in the student build.
"""

import ast
import importlib.util
import json
import re
from pathlib import Path

import nbformat
import pytest

from fer_utils.course import build
from fer_utils.course.checks import exercises, lessons

ROOT = Path(__file__).parents[2]
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("[0-9][0-9]_*.ipynb"))
BLOCK = re.compile(r"### BEGIN SOLUTION\n.*?### END SOLUTION\n?", re.DOTALL)


def code_cells(notebook):
    return [c for c in notebook["cells"] if c["cell_type"] == "code"]


def source(cell):
    return "".join(cell["source"])


def grade_id(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def run(code, names):
    """Run a cell as Jupyter does, and return the value of its last expression."""
    tree = ast.parse(code, "<answer>")
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<answer>", "exec"), names)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "<answer>", "eval"), names)


def run_all(notebook):
    """Run every code cell; return the names and {exercise: what its check said}."""
    from matplotlib import pyplot

    pyplot.close("all")
    names, said = {"display": lambda *things: None}, {}
    for cell in code_cells(notebook):
        value = run(source(cell).rstrip().removesuffix(";"), names)
        if grade_id(cell).startswith("check-"):
            said[grade_id(cell).removeprefix("check-")] = value
    return names, said


def wrong_answers(lesson):
    path = Path(__file__).parent / "wrong" / f"lesson{lesson}.py"
    spec = importlib.util.spec_from_file_location(f"wrong{lesson}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.WRONG


@pytest.fixture(scope="module", params=SOLUTIONS, ids=lambda p: p.stem)
def lesson(request, tmp_path_factory):
    """A solutions notebook after all of its cells ran."""
    import matplotlib

    matplotlib.use("Agg")
    with pytest.MonkeyPatch.context() as patch:
        file = tmp_path_factory.mktemp("progress") / "fer-progress.json"
        patch.setenv("FER_PROGRESS", str(file))
        patch.delenv("FER_CHECK_STRICT", raising=False)
        notebook = json.loads(request.param.read_text(encoding="utf-8"))
        names, said = run_all(notebook)
        yield request.param.stem[:2], notebook, names, said


def test_every_solution_passes_its_check(lesson, counted):
    number, _, _, said = lesson
    assert sorted(said) == [one.id for one in exercises(number)]
    assert 3 <= len(said) <= 6
    assert {k: str(r) for k, r in said.items() if not r.passed} == {}
    counted[number]["exercises"] += len(said)
    counted[number]["solutions pass"] += sum(r.passed for r in said.values())


def test_every_untouched_cell_gets_a_hint(lesson, counted):
    number, notebook, _, _ = lesson
    _, said = run_all(build.student(notebook))
    assert sorted(said) == [one.id for one in exercises(number)]
    for result in said.values():
        assert not result.passed
        assert len(result.message) > 20
        assert "stopped with" not in result.message  # a stub must not crash
        counted[number]["untouched cells hinted"] += 1


def test_every_typical_mistake_gets_its_own_hint(lesson, counted):
    number, notebook, names, _ = lesson
    cells = {grade_id(c): source(c) for c in code_cells(notebook) if grade_id(c)}
    wrong = wrong_answers(number)
    assert set(wrong) == {one.id for one in exercises(number)}
    for id, mistakes in wrong.items():
        assert len({fragment for _, fragment in mistakes}) >= 3
        for code, fragment in mistakes:
            mine = dict(names)
            run(BLOCK.sub(lambda _, code=code: code + "\n", cells[id]), mine)
            result = run(cells[f"check-{id}"], mine)
            assert not result.passed, (id, code)
            assert fragment in result.message, (id, code)
            counted[number]["mistakes hinted"] += 1


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda p: p.stem)
def test_no_answer_is_in_the_student_build(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    secret = build.solution_lines(notebook)
    made = build.build(ROOT, "student")[path.name]
    shown = "\n".join(source(c) for c in json.loads(made)["cells"])
    assert len(secret) > 3
    assert {line for line in secret if line in shown} == set()
    assert "### STUDENT" not in shown
    assert "SOLUTION" not in shown


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda p: p.stem)
def test_the_other_builds_keep_what_they_are_for(path):
    """A learner may compare with answers; only a teacher sees the notes."""
    made = {
        kind: build.build(ROOT, kind)[path.name]
        for kind in ("recall", "solution", "instructor")
    }
    for text in made.values():
        nbformat.validate(nbformat.reads(text, as_version=4))
    assert "For the teacher" not in made["solution"]
    assert "**Answer" in made["solution"]
    assert made["instructor"].count("For the teacher") > len(exercises(path.stem[:2]))
    assert made["recall"].count("For the teacher") == 0


def test_the_committed_student_notebooks_are_up_to_date():
    assert build.outdated(ROOT) == [], "run `fer course build`"


def test_every_lesson_with_checks_has_its_notebook():
    assert [p.stem[:2] for p in SOLUTIONS] == list(lessons())


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda p: p.stem)
def test_an_exercise_stands_in_its_four_parts(path):
    """Task, answer cell and check cell follow each other; points agree."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    ids = [grade_id(c) for c in cells]
    for one in exercises(path.stem[:2]):
        answer, check = ids.index(one.id), ids.index(f"check-{one.id}")
        assert answer < check
        assert cells[answer]["metadata"]["nbgrader"]["solution"]
        marked = cells[check]["metadata"]["nbgrader"]
        assert (marked["grade"], marked["points"]) == (True, one.points)
        before = "".join(source(c) for c in cells[:answer])
        number = f"{int(one.lesson)}.{one.id.split('_')[1]}"
        assert f"## Exercise {number}: {one.title}" in before
        assert f"*({one.kind}, {one.minutes} min)*" in before
