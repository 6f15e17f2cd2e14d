"""The contract test says at the end what it counted."""

from collections import Counter, defaultdict

import pytest

PARTS = ("exercises", "solutions pass", "untouched cells hinted", "mistakes hinted")
COUNTED = pytest.StashKey()


@pytest.fixture(scope="session")
def counted(request):
    """{lesson: Counter of PARTS}, printed below the tests."""
    return request.config.stash.setdefault(COUNTED, defaultdict(Counter))


def pytest_terminal_summary(terminalreporter, config):
    lessons = config.stash.get(COUNTED, {})
    rows = {f"lesson {number}": lessons[number] for number in sorted(lessons)}
    if len(rows) > 1:
        rows["all"] = sum(lessons.values(), Counter())
    if rows:
        terminalreporter.section("exercises: the contract")
    for name, counts in rows.items():
        told = ", ".join(f"{counts[part]:3} {part}" for part in PARTS)
        terminalreporter.write_line(f"{name:<9}  {told}")
