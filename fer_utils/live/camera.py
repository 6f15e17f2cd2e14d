"""The browser camera: a notebook widget that works wherever the kernel runs.

The browser takes the picture, so a kernel on a JupyterHub needs no camera. Each small
JPEG comes as a binary message and is answered with boxes and probabilities; the browser
sends the next one only after the answer, so a slow kernel makes it slower, never late.
Pictures live in memory until they are answered, and nowhere else.

The messages, as the browser's half in `static/camera.js` knows them too:

    browser -> {"kind": "hello", "view", "number"}: is anybody there?
    kernel  -> {"kind": "hello", "view", "number"}
    browser -> {"kind": "frame", "view", "number"} and one buffer, the JPEG
    kernel  -> {"kind": "answer", "view", "number", "width", "height", "faces", …}
             | {"kind": "error", "view", "number", "message"}
"""

from __future__ import annotations

import base64
import math
import threading
import time
from pathlib import Path

import anywidget
import traitlets

from fer_utils.errors import DataError, FerError, ParameterError
from fer_utils.live.icons import icon_png
from fer_utils.live.overlay import NOTICE, colour_bgr

__all__ = ["BrowserCamera"]

_STATIC = Path(__file__).parent / "static"


class BrowserCamera(anywidget.AnyWidget):
    """A camera picture in the notebook with the perceived expression labels on it.

    Args:
        pipeline: a `Pipeline`, or a model from which one is made.
        classes: class names in label order; by default the pipeline's.
        width: pixels across of what is sent, 64 to 1920; the height follows.
        quality: of the JPEGs, above 0, at most 1.
        mirror: show the picture as a mirror does.
        answer_within: seconds without an answer until the widget says that the kernel
            is busy or gone.
        **options: for the `Pipeline`, when a model is given.

    Attributes:
        state: what the browser says: "stopped", "starting", "running", or the failure:
            "denied", "no camera", "in use", "insecure", "no answer", "error".
        result: the latest `Result` (numbers, no picture), None before the first.
        answered: how many frames were answered.

    Raises:
        ParameterError: a value is out of range, the classes are not known, or options
            are given for a pipeline that exists already.

    Example:
        >>> BrowserCamera(load_pretrained("compact-fer2013"))  # doctest: +SKIP
    """

    _esm = _STATIC / "camera.js"
    _css = _STATIC / "camera.css"
    settings = traitlets.Dict().tag(sync=True)
    state = traitlets.Unicode("stopped").tag(sync=True)

    def __init__(
        self,
        pipeline,
        *,
        classes=None,
        width: int = 480,
        quality: float = 0.8,
        mirror: bool = True,
        answer_within: float = 5.0,
        **options,
    ):
        _check(width, quality, answer_within)
        pipeline, classes = _as_pipeline(pipeline, classes, options)
        super().__init__()
        self._pipeline = pipeline
        # JupyterLab may run callbacks on a thread of their own, so two can meet here.
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self.result = None
        self.answered = 0
        self.settings = {
            "classes": list(classes),
            "colours": [_hex(colour_bgr(c, i)) for i, c in enumerate(classes)],
            "icons": {c: _data_address(c) for c in (*classes, "unsure")},
            "width": int(width),
            "quality": float(quality),
            "mirror": bool(mirror),
            "answer_within": float(answer_within),
            "notice": NOTICE,
        }
        self.on_msg(self._receive)

    def _receive(self, _widget, content, buffers) -> None:
        """Answer one message of the browser, whatever is in it."""
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind not in ("hello", "frame"):
            return
        sender = {key: content.get(key) for key in ("view", "number")}
        if kind == "hello":
            self.send({**sender, "kind": "hello"})
            return
        try:
            with self._lock:
                answer = self._answer(buffers)
        # An exception in a widget callback would vanish in a log: show it instead.
        except Exception as error:
            message = str(error) if isinstance(error, FerError) else repr(error)
            answer = {"kind": "error", "message": message}
        self.send({**sender, **answer})

    def _answer(self, buffers) -> dict:
        image = _decoded(buffers)
        result = self._pipeline.process(self._frame(image))
        self.result = result
        self.answered += 1
        height, width = image.shape[:2]
        return {
            "kind": "answer",
            "width": width,
            "height": height,
            "faces": [_plain(face) for face in result.faces],
            "timings_ms": {k: _number(v) for k, v in result.timings_ms.items()},
        }

    def _frame(self, image):
        from fer_utils.live.frames import Frame

        return Frame(self.answered, time.monotonic() - self._began, image)


def _check(width, quality, answer_within) -> None:
    for name, value, low, high in (
        ("width", width, 64, 1920),
        ("quality", quality, 0.05, 1),
        ("answer_within", answer_within, 0.1, 600),
    ):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise ParameterError(
                f"BrowserCamera: {name} must be between {low} and {high}, "
                f"received {value!r}."
            )


def _as_pipeline(pipeline, classes, options):
    """Return a pipeline and its class names."""
    if not hasattr(pipeline, "process"):
        from fer_utils.live.pipeline import Pipeline

        classes = classes or getattr(pipeline, "class_names", None)
        pipeline = Pipeline(pipeline, **options)
    elif options:
        raise ParameterError(
            f"BrowserCamera: {', '.join(sorted(options))} cannot change a pipeline "
            "that exists already. Give them to Pipeline(…), or pass the model instead."
        )
    classes = classes or getattr(pipeline, "classes", None)
    if not classes:
        raise ParameterError(
            "BrowserCamera: the class names are not known. Pass classes=[…] in label "
            "order."
        )
    return pipeline, tuple(classes)


def _decoded(buffers):
    """Return the BGR image of the first buffer."""
    import cv2
    import numpy as np

    data = np.frombuffer(buffers[0], np.uint8) if buffers else np.empty(0, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise DataError(
            f"the browser sent {data.size} bytes that are no picture. "
            "Press Start again."
        )
    return image


def _plain(face) -> dict:
    """Return what the browser draws, as plain JSON."""
    return {
        "id": int(face.id),
        "box": [_number(v) for v in face.box_xyxy],
        "label": "unsure" if face.unsure else str(face.label),
        "probs": [_number(v) for v in face.probs],
    }


def _number(value) -> float:
    # JSON has no NaN, and a browser that meets one drops the whole message.
    value = float(value)
    return round(value, 4) if math.isfinite(value) else 0.0


def _hex(bgr) -> str:
    blue, green, red = bgr
    return f"#{red:02x}{green:02x}{blue:02x}"


def _data_address(label: str) -> str:
    return "data:image/png;base64," + base64.b64encode(icon_png(label)).decode()
