"""Which rows may be compared, which not, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fer_utils.experiments.report_tables import TEST_FIELDS, Group, same_test
from fer_utils.experiments.report_values import Run, Value, get_field

__all__ = ["Caveat", "Difference", "Unlike", "caveats", "differences", "unlike"]

# Named pairs up to this many tables; beyond, each table beside the first only.
_ALL_PAIRS = 5


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same in two runs.

    Attributes:
        name: what it is, for a person.
        values: of the first and of the second; empty where they say nothing to a
            person, as two hashes.
    """

    name: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Unlike:
    """Two tables whose numbers must not be compared.

    Attributes:
        first, second: their numbers, from 1.
        reasons: what differs.
    """

    first: int
    second: int
    reasons: tuple[Difference, ...]


@dataclass(frozen=True)
class Caveat:
    """What differs between the rows of one table though their accuracies compare.

    Attributes:
        text: the caveat.
        values: what there is, each once.
    """

    text: str
    values: tuple[Value, ...] = ()


def unlike(tables: Sequence[Group]) -> list[Unlike]:
    """Say for the tables of a report why rows of one do not compare with another's.

    Args:
        tables: from `groups`.
    """
    last = len(tables) if len(tables) <= _ALL_PAIRS else 1
    return [
        Unlike(i + 1, j + 1, differences(tables[i].first, tables[j].first))
        for i in range(last)
        for j in range(i + 1, len(tables))
    ]


def differences(first: Run, second: Run) -> tuple[Difference, ...]:
    """Return why two test accuracies do not compare; empty when they do."""
    if same_test(first) == same_test(second):
        return ()
    found = []
    for path, name in TEST_FIELDS.items():
        if get_field(first.record, path) == get_field(second.record, path):
            continue
        if path == "data.counts.test":
            path = "results.test.n"
        values = tuple(run.value(path, _style(path)) for run in (first, second))
        same = values[0].raw == values[1].raw
        found.append(Difference(f"other {name}", () if same else values))
    if not any(one.name == "other test images" for one in found):
        hashes = [get_field(run.record, "data.test_hash") for run in (first, second)]
        named = None not in hashes
        if named and hashes[0] != hashes[1]:
            found.append(Difference("other test images"))
        elif not named:
            found.append(Difference("test images that a record does not name"))
    return tuple(found)


def _style(path: str) -> str:
    return "count" if path == "results.test.n" else "plain"


def caveats(table: Group) -> list[Caveat]:
    """Return what a fair reader must know besides the accuracies of one table."""
    return list(_caveats(table.runs))


def _caveats(runs: Sequence[Run]) -> Iterator[Caveat]:
    if len(_kinds(runs, "data.content_hash")) > 1:
        yield Caveat(
            "The rows were not all trained on the same images; images for training:",
            _kinds(runs, "training.images", "count"),
        )
    for text, path in (
        (
            "Measured on more than one processor, so minutes do not compare:",
            "environment.processor",
        ),
        ("On more than one backend:", "environment.backend"),
        ("With more than one version of Keras:", "environment.keras"),
        ("With more than one precision in training:", "experiment.precision"),
    ):
        found = _kinds(runs, path)
        if len(found) > 1:
            yield Caveat(text, found)
    dirty = [r for r in runs if get_field(r.record, "environment.git_dirty")]
    if dirty:
        some = dirty if len(dirty) < len(runs) else ()
        yield Caveat(
            "Made with changes to the code that no commit holds: "
            + ("" if some else "all runs."),
            tuple(run.value("name") for run in some),
        )
    if not all(get_field(run.record, "data.test_hash") for run in runs):
        yield Caveat("A record does not name its test images; the data as a whole do.")


def _kinds(runs: Sequence[Run], path: str, style="plain") -> tuple[Value, ...]:
    found = {}
    for run in runs:
        value = run.value(path, style)
        if value.raw is not None:
            found.setdefault(repr(value.raw), value)
    return tuple(found.values())
