"""Is one row better than another, or only luckier on these test images?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fer_utils.errors import FerError
from fer_utils.experiments.report_answers import Answers, TestSet, answers, speaker
from fer_utils.experiments.report_tables import Group
from fer_utils.experiments.report_values import Run, Value

__all__ = ["Comparison", "Pair", "compare_rows"]

ALPHA = 0.05
_MOST_IN_A_MATRIX = 12  # columns that still fit a page


@dataclass(frozen=True)
class Pair:
    """Two runs on the same test images.

    Attributes:
        first, second: Run.
        test: `evaluation.PairedTest`, first minus second.
        adjusted: its p-value, adjusted for all pairs of the table.
    """

    first: Run
    second: Run
    test: object
    adjusted: float

    @property
    def apart(self) -> bool:
        """Whether the difference is more than luck, at 5 % over all pairs."""
        return self.adjusted < ALPHA

    def value(self, part: str, style: str) -> Value:
        """Return one number of the test, for the page."""
        raw = self.adjusted if part == "adjusted" else getattr(self.test, part)
        return self._value(part, style, raw)

    def end(self, index: int) -> Value:
        """Return one end of the interval."""
        return self._value(f"interval.{index}", "signed", self.test.interval[index])

    def _value(self, part: str, style: str, raw: float) -> Value:
        ids = (self.first.id, self.second.id)
        return Value(ids, f"paired_test.{part}", style, raw, "computed")


@dataclass(frozen=True)
class Comparison:
    """Every pair of rows of one table.

    Attributes:
        runs: those compared, best on val first; one for each row.
        pairs: all of them, by position (i, j), i < j.
        why: why there are none, or which rows are left out; sentences.
        several_seeds: whether a run speaks for a row of several seeds.
    """

    runs: tuple[Run, ...] = ()
    pairs: dict[tuple[int, int], Pair] | None = None
    why: tuple[str, ...] = ()
    several_seeds: bool = False

    @property
    def against_best(self) -> list[Pair]:
        """The first run against each of the others."""
        return [self.pairs[0, j] for j in range(1, len(self.runs))]

    @property
    def matrix(self) -> bool:
        """Whether a matrix of all pairs tells more than `against_best` and fits."""
        return 2 < len(self.runs) <= _MOST_IN_A_MATRIX


def compare_rows(table: Group, images: TestSet) -> Comparison:
    """Compare the rows of a table pairwise: exact McNemar test and paired bootstrap.

    p-values are adjusted for the number of pairs with the procedure of Benjamini and
    Yekutieli (2001), which holds under any dependence between the tests (scipy).

    Args:
        table: from `groups`.
        images: the table's test set; needs labels.
    """
    if len(table.rows) < 2:
        return Comparison(why=("A table of one row has nothing to compare.",))
    if images.labels is None:
        return Comparison(why=(f"Rows were not compared: {images.why.rstrip('.')}.",))
    read = [answers(speaker(row)) for row in table.rows]
    usable, left_out = _usable(read, images.labels)
    if len(usable) < 2:
        return Comparison(why=(*left_out, "So there are no two rows to compare."))
    return Comparison(
        runs=tuple(one.run for one in usable),
        pairs=_pairs(usable, images.labels),
        why=left_out,
        several_seeds=any(len(row.runs) > 1 for row in table.rows),
    )


def _usable(read: Sequence[Answers], labels) -> tuple[list[Answers], tuple[str, ...]]:
    """Keep what fits the labels; name what does not."""
    from fer_utils.evaluation.checks import checked_labels, checked_probs

    usable, left_out = [], []
    for one in read:
        why = one.why
        if not why:
            try:
                checked_labels(labels, checked_probs(one.probs))
                usable.append(one)
                continue
            except FerError as error:
                why = str(error)
        left_out.append(f"{one.run.record['name']} is left out: {why.rstrip('.')}.")
    return usable, tuple(left_out)


def _pairs(usable: Sequence[Answers], labels) -> dict[tuple[int, int], Pair]:
    from scipy.stats import false_discovery_control

    from fer_utils.evaluation import paired_test

    places = [(i, j) for i in range(len(usable)) for j in range(i + 1, len(usable))]
    tests = [
        paired_test(usable[i].probs, usable[j].probs, labels, n_bootstrap=2000)
        for i, j in places
    ]
    adjusted = false_discovery_control([test.p_value for test in tests], method="by")
    return {
        (i, j): Pair(usable[i].run, usable[j].run, test, float(p))
        for (i, j), test, p in zip(places, tests, adjusted, strict=True)
    }
