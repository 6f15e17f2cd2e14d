"""People judge a model's worst mistakes: a log of decisions, and what it is worth.

The log is a csv to which lines are only ever added, also by undo. So it survives a
kernel that stops, and tells later who decided what, and when.
"""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from fer_utils.errors import DataError, ParameterError, did_you_mean

__all__ = [
    "FAULTS",
    "VERDICTS",
    "Agreement",
    "Decision",
    "ReviewLog",
    "ReviewScore",
    "agreement",
    "planted_decisions",
    "read_decisions",
    "score",
    "without_flagged",
    "worst_mistakes",
]

VERDICTS = ("label wrong", "model wrong", "not a face", "ambiguous")
FAULTS = (
    "label wrong",
    "not a face",
)  # the verdicts that speak against a training face
_UNDO = "undo"


@dataclass(frozen=True)
class Decision:
    """What one person decided about one face.

    Attributes:
        time: when, ISO 8601 in UTC.
        reviewer: who.
        data: the data set's name.
        row: the face's entry in `faces.rows`.
        label: its given label.
        predicted: the model's answer, "" where it is not known.
        verdict: one of `VERDICTS`, or "undo" in the log.
    """

    time: str
    reviewer: str
    data: str
    row: int
    label: str
    predicted: str
    verdict: str


_COLUMNS = tuple(field.name for field in fields(Decision))


class ReviewLog:
    """One reviewer's decisions in a csv that several reviewers may share.

    Args:
        path: of the csv; it is made with the first decision.
        reviewer: who decides, for example initials.

    Raises:
        ParameterError: the reviewer has no name.
        DataError: the file is another csv.

    Example:
        >>> import tempfile
        >>> log = ReviewLog(tempfile.mkdtemp() + "/review.csv", "A")
        >>> log.add("synthetic", 17, "fear", "sad", "label wrong")
        >>> log.verdicts("synthetic")
        {17: 'label wrong'}
        >>> log.undo().row
        17
        >>> log.verdicts("synthetic")
        {}
    """

    def __init__(self, path: str | os.PathLike, reviewer: str):
        self.path = Path(path)
        self.reviewer = " ".join(str(reviewer).split())
        if not self.reviewer:
            raise ParameterError(
                "reviewer: expected a name or initials, received nothing. Agreement of "
                "two people needs to know who decided."
            )
        self._mine = [
            d for d in read_decisions(self.path) if d.reviewer == self.reviewer
        ]

    def __len__(self) -> int:
        return len(self._mine)

    def decisions(self) -> list[Decision]:
        """Return this reviewer's decisions that hold, the last one of each face."""
        return _last_of_each_face(self._mine)

    def verdicts(self, data: str) -> dict[int, str]:
        """Return row -> verdict for the faces of one data set."""
        return {d.row: d.verdict for d in self.decisions() if d.data == data}

    def add(self, data: str, row: int, label: str, predicted: str, verdict: str):
        """Append a decision.

        Raises:
            ParameterError: unknown verdict.
            DataError: the file cannot be written; nothing was decided then.
        """
        if verdict not in VERDICTS:
            raise ParameterError(
                f"unknown verdict {verdict!r}." + did_you_mean(verdict, VERDICTS)
            )
        values = (self.reviewer, data, int(row), label, predicted, verdict)
        decision = Decision(_now(), *values)
        _append(self.path, decision)
        self._mine.append(decision)

    def undo(self) -> Decision | None:
        """Append that the last decision does not hold, and return it; None if none.

        An earlier decision about the same face holds again.
        """
        if not self._mine:
            return None
        last = self._mine[-1]
        _append(self.path, Decision(_now(), *astuple(last)[1:-1], _UNDO))
        return self._mine.pop()


@dataclass(frozen=True)
class Agreement:
    """How far two reviewers agree on the faces that both have judged.

    Attributes:
        first: a reviewer.
        second: the other.
        n: how many faces both have judged.
        observed: share of them with the same verdict.
        kappa: Cohen's kappa, 0 where chance explains the agreement, 1 where it is
            perfect; nan where both gave one and the same verdict to all faces.
        table: int64 (4, 4), how often which verdicts met, the first's in rows.
    """

    first: str
    second: str
    n: int
    observed: float
    kappa: float
    table: np.ndarray

    def summary(self) -> str:
        """Return the agreement in one sentence."""
        kappa = (
            "kappa is not defined: both gave one verdict to all"
            if np.isnan(self.kappa)
            else f"Cohen's kappa {self.kappa:.2f}"
        )
        return (
            f"{self.first} and {self.second} judged {self.n} faces alike in "
            f"{self.observed:.0%}; {kappa}."
        )


@dataclass(frozen=True)
class ReviewScore:
    """A review against faults that are known because they were planted.

    Attributes:
        n: how many faces were judged.
        flagged: how many were called "label wrong" or "not a face".
        planted: how many of the judged are faulty.
        found: how many of the faulty were flagged.
    """

    n: int
    flagged: int
    planted: int
    found: int

    def summary(self) -> str:
        """Return the score in one sentence."""
        return (
            f"Of {self.n} judged faces {self.planted} are faulty; you flagged "
            f"{self.flagged} and found {self.found} of the {self.planted}."
        )


def worst_mistakes(probs, faces, k: int = 40) -> np.ndarray:
    """Return the positions of the mistakes that the model was surest of, worst first.

    Args:
        probs: float (N, K), of a model that did not train on these faces.
        faces: FaceSet of N faces.
        k: how many at most, at least 1.

    Returns:
        int64 (M,), M <= k.

    Raises:
        ParameterError: k below 1, or arrays that do not fit.

    Example:
        >>> from fer_utils import data
        >>> faces = data.load("synthetic", n=7)
        >>> probs = np.eye(7)[(faces.labels + 1) % 7]
        >>> len(worst_mistakes(probs, faces, k=3))
        3
    """
    from fer_utils.evaluation import top_mistakes

    return top_mistakes((probs, faces.labels, faces.classes), k).index


def read_decisions(*paths: str | os.PathLike) -> list[Decision]:
    """Read logs and return the decisions that hold, in their order.

    What was undone is left out; of a face judged twice by one reviewer both are kept.
    A file that does not exist yet has no decisions; a line that was cut off when the
    computer stopped is left out with a warning.

    Args:
        *paths: of csv files.

    Raises:
        DataError: a file is not a log of decisions.
    """
    held: list[Decision] = []
    for path in map(Path, paths):
        for decision in _lines(path):
            if decision.verdict != _UNDO:
                held.append(decision)
                continue
            mine = (i for i in reversed(range(len(held))) if _undoes(decision, held[i]))
            position = next(mine, None)
            if position is not None:
                del held[position]
    return held


def agreement(
    decisions: Iterable[Decision], first: str | None = None, second: str | None = None
) -> Agreement:
    """Compare two reviewers by Cohen's kappa (Cohen 1960).

    Args:
        decisions: of both, from `read_decisions`.
        first: a reviewer; by default the first of the two in the decisions.
        second: the other.

    Returns:
        Agreement on the faces that both have judged.

    Raises:
        DataError: there are not two reviewers, or no face that both have judged.

    Example:
        >>> a = [Decision("", "A", "d", i, "", "", VERDICTS[i % 2]) for i in range(4)]
        >>> b = [Decision("", "B", "d", i, "", "", VERDICTS[i // 2]) for i in range(4)]
        >>> agreement(a + b).observed
        0.5
    """
    from sklearn.metrics import cohen_kappa_score, confusion_matrix

    decisions = list(decisions)
    first, second = _two_reviewers(decisions, first, second)
    mine, theirs = (_verdict_of_face(decisions, who) for who in (first, second))
    both = sorted(mine.keys() & theirs.keys())
    if not both:
        raise DataError(
            f"{first} and {second} have judged no face in common. Let both review the "
            "same list, from its start."
        )
    a, b = [mine[face] for face in both], [theirs[face] for face in both]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one verdict for all: 0 / 0, and said as nan
        kappa = float(cohen_kappa_score(a, b, labels=list(VERDICTS)))
    observed = float(np.mean([x == y for x, y in zip(a, b, strict=True)]))
    table = confusion_matrix(a, b, labels=list(VERDICTS))
    return Agreement(first, second, len(both), observed, kappa, table)


def without_flagged(
    faces, decisions: Iterable[Decision], parts: Sequence[str] = ("train",)
):
    """Return the set without the faces that the review flagged.

    A face is flagged when everybody who judged it said "label wrong" or "not a face".
    Only training faces are dropped: a test set without the faces on which model and
    label disagree would flatter the model.

    Args:
        faces: FaceSet.
        decisions: of one or more reviewers.
        parts: the splits from which faces are dropped.

    Returns:
        FaceSet; faces that were not judged stay.

    Example:
        >>> from fer_utils import data
        >>> faces = data.load("synthetic", n=70)
        >>> row = int(faces.train.rows[0])
        >>> said = Decision("", "A", "synthetic", row, "", "", "label wrong")
        >>> len(faces) - len(without_flagged(faces, [said]))
        1
    """
    flagged = _flagged_rows(decisions, faces.name)
    drop = np.isin(faces.rows, sorted(flagged)) & np.isin(faces.split, parts)
    return faces.take(~drop)


def score(decisions: Iterable[Decision], faces) -> ReviewScore:
    """Score a review against the faults that were planted in drawn faces.

    Args:
        decisions: of one or more reviewers.
        faces: FaceSet with the facts "label_is_wrong" and "is_face".

    Raises:
        DataError: the faces do not know their faults.
    """
    faulty = dict(zip(faces.rows.tolist(), _faulty(faces).tolist(), strict=True))
    decisions = [d for d in decisions if d.data == faces.name and d.row in faulty]
    judged = {d.row for d in decisions}
    flagged = _flagged_rows(decisions, faces.name)
    planted = {row for row in judged if faulty[row]}
    return ReviewScore(len(judged), len(flagged), len(planted), len(flagged & planted))


def planted_decisions(faces, index=None) -> list[Decision]:
    """Return what somebody would decide who knows the planted faults.

    Args:
        faces: FaceSet with the facts "label_is_wrong" and "is_face".
        index: positions of the faces to judge; None judges all.

    Returns:
        Decisions of the reviewer "planted truth".

    Raises:
        DataError: the faces do not know their faults.
    """
    _faulty(faces)  # or an error that says so
    chosen = faces if index is None else faces.take(index)
    columns = (chosen.rows, chosen.labels, *_facts(chosen))
    return [
        Decision("", "planted truth", faces.name, int(row), faces.classes[label], "", v)
        for row, label, wrong, is_face in zip(*columns, strict=True)
        for v in [
            "not a face" if not is_face else "label wrong" if wrong else "model wrong"
        ]
    ]


def _facts(faces):
    return faces.facts["label_is_wrong"], faces.facts["is_face"]


def _faulty(faces) -> np.ndarray:
    """Return bool (N,): the label is wrong, or there is no face."""
    if not {"label_is_wrong", "is_face"} <= set(faces.facts):
        raise DataError(
            f"{faces.name} does not know which of its labels are wrong, so nothing can "
            "be scored. Drawn faces do: data.load('synthetic'). With real photographs, "
            "compare two reviewers: agreement(decisions)."
        )
    wrong, is_face = _facts(faces)
    return wrong | ~is_face


def _flagged_rows(decisions: Iterable[Decision], data: str) -> set[int]:
    voices: dict[int, list[bool]] = {}
    decisions = [d for d in decisions if d.data == data]
    for who in dict.fromkeys(d.reviewer for d in decisions):
        for (_, row), verdict in _verdict_of_face(decisions, who).items():
            voices.setdefault(row, []).append(verdict in FAULTS)
    return {row for row, said in voices.items() if all(said)}


def _verdict_of_face(decisions, reviewer: str) -> dict[tuple[str, int], str]:
    mine = (d for d in decisions if d.reviewer == reviewer)
    return {(d.data, d.row): d.verdict for d in mine}


def _two_reviewers(decisions, first, second) -> tuple[str, str]:
    known = list(dict.fromkeys(d.reviewer for d in decisions))
    for name in (first, second):
        if name is not None and name not in known:
            raise DataError(f"no decision by {name!r}." + did_you_mean(name, known))
    free = [name for name in known if name not in (first, second)]
    pair = [name or (free.pop(0) if free else None) for name in (first, second)]
    if None in pair or pair[0] == pair[1]:
        raise DataError(
            "agreement needs two reviewers, received "
            f"{', '.join(known) or 'no decisions'}. Let a second person review the "
            "same faces under another name."
        )
    return pair[0], pair[1]


def _last_of_each_face(decisions: Iterable[Decision]) -> list[Decision]:
    return list({(d.data, d.row): d for d in decisions}.values())


def _undoes(undo: Decision, held: Decision) -> bool:
    """Tell whether a line undoes a decision: it repeats all but time and verdict."""
    return astuple(undo)[1:-1] == astuple(held)[1:-1]


def _lines(path: Path) -> list[Decision]:
    if not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error}).") from error
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if rows and tuple(rows[0]) != _COLUMNS:
        raise DataError(
            f"{path}: not a log of decisions. Expected the columns "
            f"{', '.join(_COLUMNS)}, received {', '.join(rows[0])[:100]}. Give the "
            "review another file name."
        )
    decisions = [(n, _parsed(row)) for n, row in enumerate(rows[1:], 2) if row]
    cut = [n for n, decision in decisions if decision is None]
    if cut:
        warnings.warn(
            f"{path}: left out line {', '.join(map(str, cut))}, which is no decision.",
            stacklevel=3,
        )
    return [decision for _, decision in decisions if decision is not None]


def _parsed(row: list[str]) -> Decision | None:
    known = len(row) == len(_COLUMNS) and row[-1] in (*VERDICTS, _UNDO)
    if not known or not row[3].isdigit():
        return None
    return Decision(row[0], row[1], row[2], int(row[3]), *row[4:])


def _append(path: Path, decision: Decision) -> None:
    """Add one line, on disk before this returns."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+b") as file:
            size = file.seek(0, os.SEEK_END)
            text = "" if size else _line(_COLUMNS)
            if size:
                file.seek(size - 1)
                text = "" if file.read(1) == b"\n" else "\n"  # a line was cut off
            file.write((text + _line(astuple(decision))).encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DataError(
            f"{path}: the decision could not be written ({error.strerror or error}). "
            "Give the review a file in a folder of yours."
        ) from error


def _line(values) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
