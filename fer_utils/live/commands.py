"""`fer predict|video|webcam|screen`: one loop over a source, with sinks at its end."""

from __future__ import annotations

import sys
import time
from collections import Counter, deque
from contextlib import ExitStack
from pathlib import Path

from fer_utils.errors import DataError, ParameterError

__all__ = ["add_live_commands"]

_RECORDS = "nothing is kept unless you name a file"


def add_live_commands(commands, load_model) -> None:
    """Add the live commands to the command line.

    Args:
        commands: what `ArgumentParser.add_subparsers` returned.
        load_model: turns the value of --model into a keras.Model.
    """
    predict = _command(commands, "predict", "label the faces of pictures", _predict)
    predict.add_argument("pictures", nargs="+", metavar="PICTURE", help="or folder")
    predict.add_argument("--out", metavar="DIR", help="folder for drawn copies")

    video = _command(commands, "video", "label the faces of a video file", _video)
    video.add_argument("video", metavar="VIDEO")

    webcam = _command(commands, "webcam", f"label your own face; {_RECORDS}", _webcam)
    webcam.add_argument("--camera", type=int, default=0, metavar="N", help="default: 0")

    screen = _command(commands, "screen", f"label faces on screen; {_RECORDS}", _screen)
    screen.add_argument(
        "--region", metavar="L,T,W,H", help="left,top,width,height; default: all of it"
    )
    screen.add_argument("--fps", type=float, default=15.0, help="default: 15")
    for live in (webcam, screen):
        live.add_argument(
            "--seconds", type=float, help="stop after; default: q, Esc or Ctrl-C"
        )
        live.add_argument("--no-window", action="store_true", help="only write files")
    video.add_argument("--show", action="store_true", help="show it in a window")
    for moving in (video, webcam, screen):
        moving.add_argument("--out", metavar="MP4", help="video with what was found")
        moving.add_argument("--plot", metavar="PNG", help="probabilities over time")
        moving.add_argument("--no-bars", action="store_true", help="box and label only")
    for command in (predict, video, webcam, screen):
        _add_common(command, load_model)


def _command(commands, name: str, text: str, call):
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(live=call)
    return command


def _add_common(command, load_model) -> None:
    add = command.add_argument
    add("--csv", metavar="FILE", help="a row per face and frame")
    add("--jsonl", metavar="FILE", help="a line per frame")
    add(
        "--model",
        default="compact-fer2013",
        help="shipped name, or a .keras, .tflite or .onnx file",
    )
    add("--detector", default="yunet", help="yunet, haar, ssd, center or none")
    add(
        "--every",
        default="auto",
        metavar="K",
        help="look at every K-th frame and hold; default: auto",
    )
    add("--smooth", type=float, default=0.6, metavar="SECONDS", help="default: 0.6")
    add("--unsure-below", type=float, default=0.4, metavar="P", help="default: 0.4")
    command.set_defaults(call=lambda options: _call(options, load_model))


def _call(options, load_model) -> int:
    from fer_utils.live import Pipeline
    from fer_utils.live.overlay import NOTICE

    # Called once the source is open: a missing camera says so at once.
    def make_pipeline():
        return Pipeline(
            load_model(options.model),
            detector=options.detector,
            every=_every(options.every),
            smooth=options.smooth,
            unsure_below=options.unsure_below,
        )

    print(NOTICE, file=sys.stderr)
    return options.live(options, make_pipeline)


def _every(value: str) -> int | str:
    if value == "auto" or not value.isdigit():
        return value  # the pipeline says what is wrong with another word
    return int(value)


def _predict(options, make_pipeline) -> int:
    import cv2

    from fer_utils.live import draw, image_files

    with image_files(_pictures(options.pictures)) as source, ExitStack() as stack:
        pipeline = make_pipeline()
        sinks = _text_sinks(options, pipeline, stack)
        for frame, result in pipeline.run(source):
            path = Path(source.files[frame.index])
            _print_faces(path, result)
            for sink in sinks:
                sink.write(result)
            if options.out:
                drawn = draw(frame.image, result, pipeline.classes)
                out = Path(options.out) / f"{path.stem}.png"
                out.parent.mkdir(parents=True, exist_ok=True)
                if not cv2.imwrite(str(out), drawn):
                    raise DataError(f"{out}: cannot be written. Choose another DIR.")
    return 0


def _pictures(paths: list[str]):
    """Return one folder as it is, else the list of files."""
    return paths[0] if len(paths) == 1 else paths


def _print_faces(path: Path, result) -> None:
    if not result.faces:
        print(f"{path}: no face found")
    for number, face in enumerate(result.faces, start=1):
        left, top, right, bottom = (round(float(v)) for v in face.box_xyxy)
        word = f"unsure, perhaps {face.label}" if face.unsure else face.label
        print(
            f"{path}: {word} {face.probs.max():.0%}, face {number} at "
            f"({left}, {top})-({right}, {bottom})"
        )


def _video(options, make_pipeline) -> int:
    from fer_utils.live import VideoFile

    with VideoFile(options.video) as source:
        for out in (options.out, options.csv, options.jsonl):
            if out and Path(out).resolve() == Path(options.video).resolve():
                raise ParameterError(
                    f"{out}: that is the video itself. Choose another."
                )
        return _loop(source, make_pipeline(), options, window=options.show)


def _webcam(options, make_pipeline) -> int:
    from fer_utils.live import Webcam

    with Webcam(options.camera) as source:
        return _loop(source, make_pipeline(), options, window=not options.no_window)


def _screen(options, make_pipeline) -> int:
    from fer_utils.live import Screen

    with Screen(_region(options.region), fps=options.fps) as source:
        return _loop(source, make_pipeline(), options, window=not options.no_window)


def _region(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 4 or not all(p.strip().lstrip("-").isdigit() for p in parts):
        raise ParameterError(
            f"--region {text!r}: expected four whole numbers, left,top,width,height, "
            "for example 0,0,640,360."
        )
    return tuple(int(p) for p in parts)


def _loop(source, pipeline, options, window: bool) -> int:
    """Run the pipeline over a source, draw, write, and say what was seen."""
    from tqdm.auto import tqdm

    from fer_utils.live import threaded

    seconds = getattr(options, "seconds", None)
    seen = _Seen(keep=bool(options.plot))
    with ExitStack() as stack:
        sinks = _text_sinks(options, pipeline, stack)
        pictures = _picture_sinks(source, options, window, stack)
        frames = stack.enter_context(threaded(source))
        bar = tqdm(total=source.count, unit="frame", disable=None, file=sys.stderr)
        stack.callback(bar.close)
        try:
            for frame, result in pipeline.run(frames):
                seen.add(result)
                _write(frame, result, pipeline, sinks, pictures, options, seen.fps())
                bar.update()
                closed = any(getattr(p, "closed", False) for p in pictures)
                if closed or (seconds is not None and frame.seconds >= seconds):
                    break
        except KeyboardInterrupt:
            if not source.live:
                raise
            # That is how one stops a camera: what was written is whole.
    print(seen.summary())
    if options.plot:
        _plot(seen.results, pipeline.classes, Path(options.plot))
    return 0


def _write(frame, result, pipeline, sinks, pictures, options, fps) -> None:
    from fer_utils.live import draw

    for sink in sinks:
        sink.write(result)
    if pictures:
        drawn = draw(
            frame.image,
            result,
            pipeline.classes,
            bars=not options.no_bars,
            fps=fps,
            notice=True,
        )
        for sink in pictures:
            sink.write(result, drawn)


def _text_sinks(options, pipeline, stack: ExitStack) -> list:
    from fer_utils.live import Csv, Jsonl

    sinks = []
    if options.csv:
        sinks.append(stack.enter_context(Csv(options.csv, pipeline.classes)))
    if options.jsonl:
        sinks.append(stack.enter_context(Jsonl(options.jsonl, pipeline.classes)))
    return sinks


def _picture_sinks(source, options, window: bool, stack: ExitStack) -> list:
    from fer_utils.live import Mp4, Window

    sinks = []
    if options.out:
        fps = source.fps or 25.0
        mp4 = Mp4(options.out, fps, source.size, keep_time=source.live)
        sinks.append(stack.enter_context(mp4))
    if window:
        title = "fer: perceived expressions (q to stop)"
        sinks.append(stack.enter_context(Window(title)))
    return sinks


class _Seen:
    """What a loop has seen: numbers of fixed size, and all results only for a plot."""

    def __init__(self, keep: bool):
        self.results: list = []
        self._keep, self._began = keep, time.perf_counter()
        self._frames, self._followed, self._last_id = 0, 0, 0
        self._times: deque[float] = deque(maxlen=30)
        self._labels: Counter[str] = Counter()

    def add(self, result) -> None:
        self._frames += 1
        self._times.append(result.seconds)
        for face in result.faces:
            self._labels["unsure" if face.unsure else face.label] += 1
            if face.id > self._last_id:  # ids rise: a new face
                self._followed, self._last_id = self._followed + 1, face.id
        if self._keep:
            self.results.append(result)

    def fps(self) -> float | None:
        """Return frames per second of the source over its last 30 frames."""
        if len(self._times) < 2 or self._times[-1] <= self._times[0]:
            return None
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])

    def summary(self) -> str:
        if not self._frames:
            return "no frame"
        seconds, total = time.perf_counter() - self._began, self._labels.total()
        shares = ", ".join(
            f"{k} {n / total:.0%}" for k, n in self._labels.most_common()
        )
        return (
            f"{self._frames} frames in {seconds:.1f} s ({self._frames / seconds:.0f} "
            f"per second), {self._followed} faces followed"
            + (f": {shares}" if shares else "")
        )


def _plot(results, classes, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from fer_utils.live import timeline

    ax = timeline(results, classes).plot()
    path.parent.mkdir(parents=True, exist_ok=True)
    ax.figure.savefig(path, dpi=150, bbox_inches="tight")
