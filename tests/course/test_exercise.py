"""Checks: ✓, a hint, or what the learner's code raised; and what is kept of them."""

import json

import pytest

from fer_utils.course import build, check, progress
from fer_utils.course.exercise import EXERCISES, Result, exercise, require
from fer_utils.course.overview import Difficulty, read_class, write_page
from fer_utils.errors import DataError, ParameterError


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    path = tmp_path / "fer-progress.json"
    monkeypatch.setenv("FER_PROGRESS", str(path))
    monkeypatch.setenv("FER_STUDENT", "learner")
    monkeypatch.delenv("FER_CHECK_STRICT", raising=False)
    return path


@pytest.fixture
def two():
    @exercise("q99_1", title="Two", kind="predict", minutes=1, points=1, start="Begin.")
    def q99_1(answer):
        require(isinstance(answer, int), f"Expected a number, received {answer!r}.")
        return None if 4 / answer == 2 else "Count again."

    yield q99_1
    del EXERCISES["q99_1"]


@pytest.mark.parametrize(
    ("answer", "passed", "message"),
    [
        (..., False, "Begin."),
        (None, False, "Begin."),
        ("2", False, "Expected a number, received '2'."),
        (3, False, "Count again."),
        (0, False, "ZeroDivisionError: division by zero"),  # the code's own error
        (2, True, ""),
    ],
)
def test_an_answer_is_right_or_gets_a_hint(two, answer, passed, message):
    result = two.check(answer)
    assert result.passed is passed
    assert message in result.message
    assert ("✓" if passed else "✗") in result._repr_html_()


def test_a_hint_is_shown_as_text_not_as_html(two):
    result = two.check("<b>")
    assert "<b>'" not in result._repr_html_()
    assert "&lt;b&gt;" in result._repr_html_()


def test_a_hint_marks_words_as_markdown_does():
    page = Result("q99_1", "Two", False, "Each *class*, see `q05_2`.")._repr_html_()
    assert "Each <em>class</em>, see <code>q05_2</code>." in page


def test_an_unknown_kind_is_an_error():
    with pytest.raises(ParameterError, match="expected one of predict"):
        exercise("q99_2", title="", kind="guess", minutes=1, points=1)


def test_an_unknown_exercise_is_named():
    with pytest.raises(AttributeError, match="no exercise 'q05_9'. Did you mean"):
        check.q05_9(1)


def test_attempts_are_counted_and_solved_stays_solved(file):
    check.q05_1(...)
    check.q05_1(("happy", "happy"), None)
    kept = progress.read(file)
    assert kept["student"] == "learner"
    one = kept["exercises"]["q05_1"]
    assert (one["passed"], one["attempts"]) == (False, 2)
    assert one["last_hint"]
    assert "q05_1  Which two" in str(check.progress("05"))
    assert "… begun" in str(check.progress("05"))


def test_a_damaged_file_is_kept_aside(file):
    file.write_text('{"stud')
    check.q05_1(...)
    assert progress.read(file)["exercises"]["q05_1"]["attempts"] == 1
    assert (file.parent / "fer-progress.json.damaged").read_text() == '{"stud'


@pytest.mark.parametrize("name", ["FER_CHECK_STRICT", "NBGRADER_EXECUTION"])
def test_for_marking_a_wrong_answer_raises(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    with pytest.raises(AssertionError, match="Not answered yet"):
        check.q05_1(...)


CELL = """given = 1
### BEGIN SOLUTION
### STUDENT: def double(x):
### STUDENT:     ...
def double(x):
    return 2 * x + 0 * given
### END SOLUTION
"""


def notebook(*cells):
    made = [
        {"cell_type": kind, "metadata": {"tags": tags}, "source": text}
        for kind, text, tags in cells
    ]
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_a_student_gets_the_stub_and_no_answer():
    made = build.student(
        notebook(
            ("code", CELL, []),
            ("markdown", "Because two.", ["answer"]),
            ("markdown", "Ask them.", ["instructor"]),
        )
    )
    (cell,) = made["cells"]
    assert "".join(cell["source"]) == (
        "given = 1\n# YOUR ANSWER HERE\ndef double(x):\n    ..."
    )


def test_a_teacher_gets_answers_and_notes_without_marks_for_students():
    made = build.instructor(
        notebook(("code", CELL, []), ("markdown", "Ask them.", ["instructor"]))
    )
    text = "".join("".join(c["source"]) for c in made["cells"])
    assert "return 2 * x" in text
    assert "Ask them." in text
    assert "STUDENT" not in text


def test_what_is_secret_is_what_the_stub_does_not_show():
    assert build.solution_lines(notebook(("code", CELL, []))) == {
        "return 2 * x + 0 * given"
    }


def test_an_answer_in_the_task_is_still_a_secret():
    task = "Hint: return 2 * x + 0 * given"
    made = notebook(("markdown", task, []), ("code", CELL, []))
    (secret,) = build.solution_lines(made)
    assert secret in task


def test_a_lone_begin_is_named():
    with pytest.raises(DataError, match="cell 0: a solution begins or ends alone"):
        build.student(notebook(("code", "### BEGIN SOLUTION\nx = 1", [])))


def test_recall_keeps_setup_and_headings():
    made = build.recall(
        notebook(
            ("markdown", "# Title\n\nProse.", []),
            ("code", "import numpy", []),
            ("code", "seed = 0", ["parameters"]),
            ("markdown", "Only prose.", []),
            ("code", "# Count the labels.\nx = 1", []),
        )
    )
    assert ["".join(c["source"]) for c in made["cells"]] == [
        "# Title",
        "import numpy",
        "seed = 0",
        "# Count the labels.",
    ]


def test_an_unknown_build_is_named(tmp_path):
    with pytest.raises(ParameterError, match="Did you mean 'student'"):
        build.build(tmp_path, "studnt")


ODD = {"student": "x", "exercises": {"q05_1": {"passed": True, "attempts": "many"}}}


def a_class(folder, n=30):
    """Write files of students: one exercise is easy, one is hard."""
    for i in range(n):
        easy = {"passed": True, "attempts": 1, "last_hint": ""}
        hard = {"passed": i % 5 == 0, "attempts": 4, "last_hint": "Each class counts."}
        easy["last"], hard["last"] = "2026-03-01T10:00", f"2026-03-01T{9 + i % 5:02}:30"
        done = {"q05_1": easy, "q05_2": hard} if i else {}
        content = {"schema": 1, "student": f"student {i:02d}", "exercises": done}
        (folder / f"{i:02d}.json").write_text(json.dumps(content))


def test_a_class_of_thirty_shows_which_exercise_is_hard(tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    a_class(folder)
    (folder / "torn.json").write_text('{"stu')
    (folder / "odd.json").write_text(json.dumps(ODD))
    group = read_class(folder)
    found = {d.exercise.id: d for d in group.difficulties}
    assert (found["q05_1"].tried, found["q05_1"].solved) == (29, 29)
    assert (found["q05_2"].solved, found["q05_2"].is_hard) == (5, True)
    assert found["q05_2"].hint == "Each class counts."
    assert found["q05_3"].tried == 0
    assert not found["q05_1"].is_hard
    assert "30 students" in str(group)
    assert "torn.json" in str(group)
    assert "odd.json" in str(group)
    assert "stuck in q05_2: Each class counts." in str(group)
    places = {one.name: one.place for one in group.students}
    assert places["student 00"] == "not begun"
    assert places["student 04"] == "works on q05_2"
    assert places["student 05"] == "solved q05_1"  # the last thing that was tried
    page = write_page(group, tmp_path / "class.html").read_text(encoding="utf-8")
    assert page.count("<tr>") >= 30
    assert "<script" not in page
    assert "q05_3" in str(group).partition("nobody has tried: ")[2].splitlines()[0]
    assert page.count("q05_3") == 1  # named among those that nobody has tried
    assert page.count("title=") == len(group.students) * len(group.tried)


def test_an_empty_folder_says_what_to_collect(tmp_path):
    with pytest.raises(DataError, match=r"Collect the fer-progress\.json"):
        read_class(tmp_path)


def test_an_answer_of_the_wrong_kind_is_not_called_code(two):
    @exercise("q99_2", title="Sum", kind="implement", minutes=1, points=1)
    def q99_2(answer):
        return None if sum(answer) == 3 else "Count again."

    assert "cannot work with this answer, a int" in q99_2.check(3).message
    del EXERCISES["q99_2"]


def test_the_line_of_the_learners_error_is_named(two):
    @exercise("q99_2", title="Half", kind="implement", minutes=1, points=1)
    def q99_2(answer):
        return None if answer(0) else "Count again."

    names = {}
    exec(
        compile("def half(x):\n    y = 1\n    return y / x", "<answer>", "exec"), names
    )
    message = q99_2.check(names["half"]).message
    assert "ZeroDivisionError: division by zero in line 3 of your cell" in message
    del EXERCISES["q99_2"]


def test_a_folder_that_cannot_be_written_costs_no_hint(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FER_PROGRESS", str(tmp_path / "file" / "fer-progress.json"))
    with pytest.warns(UserWarning, match="Your progress is not kept"):
        assert not check.q05_1(...).passed


def test_an_exercise_that_left_the_course_is_no_trouble(tmp_path):
    old = {"passed": True, "attempts": 1}
    content = {"student": "ada", "exercises": {"q77_7": old}}
    (tmp_path / "ada.json").write_text(json.dumps(content))
    (ada,) = read_class(tmp_path).students
    assert (ada.solved, ada.place) == (0, "not begun")


@pytest.mark.parametrize(
    ("tried", "solved", "attempts", "hard"),
    [
        (0, 0, 0, False),  # nobody came so far: no reason to worry
        (1, 0, 1, True),
        (10, 5, 1, False),  # just half
        (10, 4, 1, True),
        (10, 10, 3, False),  # two hints each are what hints are for
        (10, 10, 3.5, True),  # all solved it, after a long time
    ],
)
def test_what_is_hard(tried, solved, attempts, hard):
    assert Difficulty(None, tried, solved, attempts, "").is_hard is hard


def test_a_hint_that_says_not_answered_says_so_once():
    result = Result("q99_1", "Two", False, "Not answered yet. Begin with 1.")
    assert str(result) == "✗ Two: Not answered yet. Begin with 1."
    assert "not yet." not in result._repr_html_()
