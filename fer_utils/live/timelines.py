"""Probabilities over time, from the rows or the file that a sink wrote."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.errors import DataError, ParameterError, did_you_mean

__all__ = ["Timeline", "timeline"]


@dataclass(frozen=True, eq=False)
class Timeline:
    """Every face's probabilities at every frame.

    Attributes:
        seconds: float64 (N,), the frames' times.
        probs: face number -> float32 (N, K); nan where the face was not seen.
        classes: tuple of K class names.
        notice: shown on the figure when the pictures were sample data.
    """

    seconds: np.ndarray
    probs: Mapping[int, np.ndarray]
    classes: tuple[str, ...]
    notice: str = ""

    def labels(self, face: int | None = None) -> list[str]:
        """Return the likeliest class at every frame, "" where the face is not seen.

        Args:
            face: the face's number; None for the one seen in most frames.
        """
        probs = self._of(face)
        seen = ~np.isnan(probs[:, 0])
        best = np.where(seen, np.nan_to_num(probs).argmax(1), -1)
        return [self.classes[i] if i >= 0 else "" for i in best]

    def main_face(self) -> int | None:
        """Return the number of the face seen in most frames; None without any."""
        seen = {face: (~np.isnan(p[:, 0])).sum() for face, p in self.probs.items()}
        return max(seen, key=seen.get) if seen else None

    def plot(self, ax=None, face: int | None = None):
        """Draw one face's probabilities over time, stacked to 1.

        Args:
            ax: matplotlib Axes, a new one by default.
            face: the face's number; None for the one seen in most frames.

        Returns:
            The Axes.
        """
        chosen = self.main_face() if face is None else face
        return _draw(self, self._of(chosen), chosen, ax)

    def _of(self, face: int | None) -> np.ndarray:
        face = self.main_face() if face is None else face
        if face is None:
            return np.full((len(self.seconds), len(self.classes)), np.nan, np.float32)
        if face not in self.probs:
            raise ParameterError(f"no face {face!r}." + did_you_mean(face, self.probs))
        return self.probs[face]


def timeline(
    rows: str | Path | Iterable, classes: Sequence[str], notice: str = ""
) -> Timeline:
    """Collect probabilities over time.

    Args:
        rows: a .csv or .jsonl that a sink wrote, its rows as dicts, or Results.
        classes: the class names to show, in order.
        notice: for the figure, such as "synthetic sample data".

    Returns:
        Timeline.

    Raises:
        DataError: the file is missing, or a row lacks a column or holds no number.

    Example:
        >>> rows = [{"seconds": 0.0, "face": 1, "happy": 0.9, "sad": 0.1}]
        >>> timeline(rows, ["happy", "sad"]).labels()
        ['happy']
    """
    classes = tuple(classes)
    if not classes:
        raise ParameterError("classes=(): expected at least one class name.")
    name = str(rows) if isinstance(rows, (str, Path)) else "rows"
    entries = []
    for number, row in enumerate(_rows(rows), start=1):
        try:
            entries.extend(_entries(row, classes))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"{name} row {number}: expected seconds, face and the classes "
                f"{', '.join(classes)} as a live sink writes them; received "
                f"{type(error).__name__}: {error}."
            ) from error
    return _collected(entries, classes, notice)


def _rows(rows) -> Iterable:
    if not isinstance(rows, (str, Path)):
        return rows
    path = Path(rows)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}.") from error
    if path.suffix.lower() == ".jsonl":
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise DataError(f"{path}: no JSON lines: {error}.") from error
    return csv.DictReader(text.splitlines())


def _entries(row, classes):
    """Return (seconds, face or None, probs or None) for what one row or Result says."""
    if not isinstance(row, Mapping):  # a Result
        seconds = row.seconds
        faces = [(face.id, list(face.probs)) for face in row.faces]
    elif "faces" in row:  # a line of a Jsonl
        seconds = row["seconds"]
        faces = [(f["face"], [f["probs"][c] for c in classes]) for f in row["faces"]]
    else:  # a row of a Csv
        seconds, face = row["seconds"], row["face"]
        empty = face is None or face == ""
        faces = [] if empty else [(face, [row[c] for c in classes])]
    found = [(float(seconds), int(i), [float(p) for p in ps]) for i, ps in faces]
    for _, _, probs in found:
        if len(probs) != len(classes):
            raise ValueError(f"a face with {len(probs)} probabilities")
    return found or [(float(seconds), None, None)]


def _collected(entries, classes, notice) -> Timeline:
    times = np.array(sorted({seconds for seconds, _, _ in entries}), np.float64)
    place = {seconds: i for i, seconds in enumerate(times.tolist())}
    probs: dict[int, np.ndarray] = {}
    for seconds, face, values in entries:
        if face is not None:
            empty = np.full((len(times), len(classes)), np.nan, np.float32)
            probs.setdefault(face, empty)[place[seconds]] = values
    return Timeline(times, dict(sorted(probs.items())), classes, notice)


def _draw(result: Timeline, probs, face, ax):
    if ax is None:
        from matplotlib import pyplot

        _, ax = pyplot.subplots(figsize=(8, 3), layout="constrained")
    step = np.median(np.diff(result.seconds)) if len(result.seconds) > 1 else 1.0
    edges = np.append(result.seconds, result.seconds[-1:] + step)
    tops = np.nan_to_num(np.cumsum(probs, axis=1), nan=0.0)
    tops = np.vstack([tops, tops[-1:]])  # the last frame lasts as long as the others
    below = np.zeros(len(tops))
    for name, top in zip(result.classes, tops.T, strict=True):
        ax.fill_between(
            edges, below, top, step="post", color=_colour(name), linewidth=0, label=name
        )
        below = top
    ax.set(xlim=(edges[0], edges[-1]) if len(edges) > 1 else (0, 1), ylim=(0, 1))
    ax.set(xlabel="time in seconds", ylabel="probability")
    ax.spines[["top", "right"]].set_visible(False)
    handles, names = ax.get_legend_handles_labels()
    ax.legend(
        handles[::-1], names[::-1], loc="center left", bbox_to_anchor=(1, 0.5),
        frameon=False,
    )  # fmt: skip
    ax.set_title(_title(result, face), loc="left")
    if result.notice:
        ax.set_title(result.notice, loc="right", fontsize=9, color="#555555")
    return ax


def _title(result: Timeline, face) -> str:
    if face is None:
        return "Perceived expression: no face was found"
    others = len(result.probs) - 1
    which = f" of face {face} ({others} more)" if others else ""
    return f"Perceived expression{which}"


def _colour(name: str) -> str:
    try:
        return fer_labels.colour(name)
    except ParameterError:  # a model with words of its own
        return "#333333"
