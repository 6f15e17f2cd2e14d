"""The review of a model's worst mistakes in a notebook: look, decide, undo."""

from __future__ import annotations

import base64
import html
import io
import threading

import ipywidgets
import numpy as np

from fer_utils.course.progress import student
from fer_utils.course.review import VERDICTS, ReviewLog, worst_mistakes
from fer_utils.errors import FerError, ParameterError

__all__ = ["ReviewWidget"]

_SIDE = 160  # pixels on the screen; two faces and the bars fit side by side
_MEANINGS = {
    "label wrong": "The face shows something else than its label says",
    "model wrong": "The label fits; the model is wrong",
    "not a face": "There is no face to judge",
    "ambiguous": "Two labels would fit equally well",
}
_SHORT = {"width": "auto"}
_KEYS = (
    "By keyboard: Tab goes from button to button, Space presses it. The button stays "
    "chosen for the next face."
)


class ReviewWidget(ipywidgets.VBox):
    """Page through a model's surest mistakes and decide whose mistake each one is.

    Every decision is on disk before the next face is shown: run the cell again after a
    restart, and the review goes on where it was.

    Args:
        model: keras.Model, uint8 (B, H, W, C) -> logits (B, K), not trained on `faces`.
        faces: FaceSet of N faces; FER+ votes are shown where it has them.
        log: path of the csv with the decisions, or a `ReviewLog`.
        reviewer: who decides; None takes FER_STUDENT, else the user's name.
        index: positions of the faces to judge; None takes the k surest mistakes.
        k: how many of them at most.
        probs: float (N, K), if they are known already; None predicts.

    Attributes:
        review_log: the ReviewLog.
        position: which face of the list is shown, from 0.

    Raises:
        ParameterError: k below 1, or positions that are not in the set.
        DataError: the log is another csv.

    Example:
        >>> ReviewWidget(model, faces.train, "fer-review.csv")  # doctest: +SKIP
    """

    def __init__(
        self,
        model,
        faces,
        log="fer-review.csv",
        *,
        reviewer: str | None = None,
        index=None,
        k: int = 40,
        probs=None,
    ):
        if not isinstance(log, ReviewLog):
            log = ReviewLog(log, reviewer or student())
        self.review_log, self.position = log, 0
        self._predict(model, faces, index, k, probs)
        self._verdicts = log.verdicts(faces.name)
        # JupyterLab may run callbacks on threads of their own, so two can meet here.
        self._lock = threading.Lock()
        self._build()
        super().__init__(self._rows())
        self.add_class("fer-review")
        begun = len(self._verdicts.keys() & set(self._faces.rows.tolist()))
        self._go(self._next_open(0) if begun else 0)
        if begun:
            self._say(f"Welcome back: {begun} of {len(self._faces)} were decided.")

    # --- what is shown ------------------------------------------------------------

    def _predict(self, model, faces, index, k, probs) -> None:
        from fer_utils.evaluation import predict

        if probs is None:
            probs = predict(model, faces)
        chosen = worst_mistakes(probs, faces, k) if index is None else index
        chosen = np.asarray(chosen, int).reshape(-1)
        if len(chosen) and not 0 <= chosen.min() <= chosen.max() < len(faces):
            raise ParameterError(
                f"index: expected positions from 0 to {len(faces) - 1}, received "
                f"{chosen.min()} to {chosen.max()}."
            )
        self._faces, self._probs = faces.take(chosen), np.asarray(probs)[chosen]
        self._heat = _heat_of(model, self._faces)

    def _build(self) -> None:
        text = ipywidgets.HTML
        self._heading, self._pictures, self._bars = text(), text(), text()
        self._message = text()
        self._progress = ipywidgets.IntProgress(
            max=max(len(self._faces), 1),
            layout={"width": "10em"},
            style={"bar_color": "#0072B2"},
        )
        self._buttons = {}
        for verdict in VERDICTS:
            button = _button(verdict, _MEANINGS[verdict])
            button.on_click(lambda _, verdict=verdict: self.decide(verdict))
            self._buttons[verdict] = button
        self._undo = _button("Undo", "Take the last decision back", icon="undo")
        self._back = _button("Back", "The face before, without deciding", width="6em")
        self._skip = _button("Skip", "The next face, without deciding", width="6em")
        self._undo.on_click(lambda _: self.undo())
        self._back.on_click(lambda _: self.step(-1))
        self._skip.on_click(lambda _: self.step(1))
        self._hide = ipywidgets.Checkbox(
            description="hide the model's answer", indent=False, layout=_SHORT
        )
        self._hide.observe(lambda _: self.step(0), "value")

    def _rows(self) -> list:
        wrap = {"flex_flow": "row wrap", "align_items": "center"}
        row = ipywidgets.HBox
        notice = f" · {html.escape(self._faces.notice)}" if self._faces.notice else ""
        return [
            row([self._heading, self._progress], layout=wrap),
            row([self._pictures, self._bars], layout=wrap),
            row(list(self._buttons.values()), layout=wrap),
            row([self._undo, self._back, self._skip, self._hide], layout=wrap),
            self._message,
            ipywidgets.HTML(
                f"<div style='font-size:85%;line-height:1.4'>{_KEYS}{notice}</div>"
            ),
        ]

    # --- what the buttons do --------------------------------------------------------

    def decide(self, verdict: str) -> None:
        """Write a decision about the face that is shown, and show the next open one."""
        with self._lock:
            if not len(self._faces):
                return
            face = self.position
            label, answer = self._names(face)
            row = int(self._faces.rows[face])
            try:
                self.review_log.add(self._faces.name, row, label, answer, verdict)
            except FerError as error:
                self._say(str(error), problem=True)
                return
            self._verdicts[row] = verdict
            self._go(self._next_open(face + 1))
            self._say(f"Face {face + 1}: {verdict}.")

    def undo(self) -> None:
        """Take the last decision back and show its face again."""
        with self._lock:
            try:
                undone = self.review_log.undo()
            except FerError as error:
                self._say(str(error), problem=True)
                return
            if undone is None:
                self._say("There is nothing to undo.")
                return
            self._verdicts = self.review_log.verdicts(self._faces.name)
            places = np.flatnonzero(self._faces.rows == undone.row)
            self._go(int(places[0]) if len(places) else self.position)
            where = f"face {places[0] + 1}" if len(places) else "a face of another list"
            self._say(f"Undone: {undone.verdict} ({where}).")

    def step(self, by: int) -> None:
        """Show another face without deciding; by 0 draws this one again."""
        with self._lock:
            self._go((self.position + by) % max(len(self._faces), 1))
            self._say("")

    # --- helpers; the lock is held, or nobody else knows the widget yet ---------------

    def _names(self, face: int) -> tuple[str, str]:
        classes = self._faces.classes
        label, answer = self._faces.labels[face], self._probs[face].argmax()
        return classes[label], classes[answer]

    def _next_open(self, start: int) -> int:
        """Return the next face without a decision, or the one where it would be."""
        n = len(self._faces)
        order = [(start + i) % n for i in range(n)]
        rows = self._faces.rows
        free = (i for i in order if int(rows[i]) not in self._verdicts)
        return next(free, min(start, max(n - 1, 0)))

    def _go(self, face: int) -> None:
        self.position = face
        rows = self._faces.rows.tolist()
        done = sum(row in self._verdicts for row in rows)
        self._progress.value = done
        if not rows:
            self._heading.value = "<b>No mistakes to review.</b>"
            for button in (*self._buttons.values(), self._undo, self._back, self._skip):
                button.disabled = True
            return
        label, answer = self._names(face)
        said = self._verdicts.get(rows[face])
        state = f"decided: <b>{said}</b>" if said else "not decided yet"
        all_done = " <b>All are decided.</b>" if done == len(rows) else ""
        self._heading.value = (
            f"<span style='margin-right:1.5em'><b>Face {face + 1} of {len(rows)}</b> · "
            f"{state}</span><span style='margin-right:0.6em'>{done} decided.{all_done}"
            "</span>"
        )
        for verdict, button in self._buttons.items():
            button.icon = "check" if verdict == said else ""
        self._undo.disabled = not len(self.review_log)
        self._pictures.value = self._pictures_of(face, label, answer)
        self._bars.value = self._bars_of(face)

    def _pictures_of(self, face: int, label: str, answer: str) -> str:
        image = self._faces.images()[face]
        alt = f"A face labelled {label}"
        if not self._hide.value:
            alt += f"; the model answers {answer}"
        pictures = [_figure(image, f"label: <b>{label}</b>", alt)]
        if self._heat is not None and not self._hide.value:
            alt = f"The same face, bright where the evidence for {answer} lies"
            seen = f"seen for <b>{answer}</b> (Grad-CAM)"
            pictures.append(_figure(self._heat[face], seen, alt))
        style = "display:flex;flex-wrap:wrap;gap:12px;margin:6px 18px 6px 0"
        return f"<div style='{style}'>{''.join(pictures)}</div>"

    def _bars_of(self, face: int) -> str:
        if self._hide.value:  # who has read the model's answer agrees with it too often
            return self._votes_of(face)
        label, answer = self._names(face)
        lines = []
        for name, p in zip(self._faces.classes, self._probs[face], strict=True):
            marks = [
                mark
                for mark, who in (("label", label), ("model", answer))
                if who == name
            ]
            lines.append(
                _bar(name, float(p), " ← " + ", ".join(marks) if marks else "")
            )
        table = f"<table aria-label='probabilities'>{''.join(lines)}</table>"
        return f"<div style='line-height:1.35'>{table}{self._votes_of(face)}</div>"

    def _votes_of(self, face: int) -> str:
        if self._faces.votes is None:
            return ""
        from fer_utils.data import VOTE_COLUMNS

        votes = self._faces.votes[face]
        columns = VOTE_COLUMNS if len(votes) == len(VOTE_COLUMNS) else ()
        names = columns or self._faces.classes
        order = np.argsort(-np.asarray(votes, float), kind="stable")
        said = [f"{names[i]} {votes[i]:g}" for i in order if votes[i] > 0]
        return f"<div><b>FER+ votes:</b> {', '.join(said) or 'none'}</div>"

    def _say(self, text: str, problem: bool = False) -> None:
        style = "border-left:4px solid #D55E00;padding-left:0.6em" if problem else ""
        icon = "⚠ " if problem else ""
        self._message.value = (
            f"<div role='status' style='min-height:1.5em;{style}'>"
            f"{icon}{html.escape(text)}</div>"
        )


def _button(label, tooltip, icon="", width="9.5em"):
    return ipywidgets.Button(
        description=label, tooltip=tooltip, icon=icon, layout={"width": width}
    )


def _heat_of(model, faces):
    """Return uint8 (M, H, W, 3), the faces under their Grad-CAM, or None without it."""
    from fer_utils.evaluation import grad_cam

    if not len(faces):
        return None
    try:
        return grad_cam(model, faces).overlay()
    except ParameterError:  # this Keras backend, or this model, has none
        return None


def _figure(image: np.ndarray, caption: str, alt: str) -> str:
    style = f"width:{_SIDE}px;height:{_SIDE}px;image-rendering:pixelated;display:block"
    return (
        f"<figure style='margin:0'><img style='{style}' alt='{html.escape(alt)}' "
        f"src='data:image/png;base64,{_png(image)}'>"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _png(image: np.ndarray) -> str:
    from PIL import Image

    image = image[..., 0] if image.shape[-1] == 1 else image
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _bar(name: str, p: float, mark: str) -> str:
    weight = "bold" if mark else "normal"
    fill = "#0072B2" if mark else "#8a8a8a"
    bar = f"width:{110 * p:.0f}px;height:0.8em;background:{fill};display:inline-block"
    return (
        f"<tr style='font-weight:{weight}'><td style='padding-right:8px'>{name}</td>"
        f"<td style='min-width:114px'><span style='{bar}'></span></td>"
        f"<td style='text-align:right'>{p:.0%}</td>"
        f"<td style='white-space:nowrap'>{mark}</td></tr>"
    )
