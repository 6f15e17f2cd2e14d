"""Choosing statements: the hints name a question, not the statement."""

import pytest

from fer_utils.course.exercises.statements import judged

CHOSEN = {"A": "Is A's question.", "D": "Is D's question."}
MISSING = {"B": "Is B's question.", "C": "Is C's question."}


@pytest.mark.parametrize("answer", [{"B", "C"}, ["c", "b"], "BC", "B, C", ("C", "B")])
def test_the_right_statements_pass_however_they_are_written(answer):
    assert judged(answer, "BC", CHOSEN, MISSING) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"A", "B", "C"}, "you chose does not hold. Is A's question."),
        ({"D"}, "you chose does not hold. Is D's question."),
        ({"B"}, "that holds is missing. Is C's question."),
        (set(), "Expected letters out of A, B, C, D"),
        ("", "Expected letters"),
        (3, "received 3"),
        ({"E"}, "received {'E'}"),
        (["yes", "no"], "Expected letters"),
    ],
)
def test_a_wrong_choice_gets_a_question(answer, words):
    assert words in judged(answer, "BC", CHOSEN, MISSING)
