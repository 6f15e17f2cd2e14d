"""`fer export` and `fer bench`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fer_utils.errors import ParameterError

__all__ = ["add_export_commands"]

_CALIBRATION, _COMPARED = 300, 500


def add_export_commands(commands, load_model, locate) -> None:
    """Add both commands to the command line.

    Args:
        commands: what `ArgumentParser.add_subparsers` returned.
        load_model: turns a shipped name or a path into a model.
        locate: turns a shipped name or a path into a path.
    """
    export = commands.add_parser(
        "export", help="write a model as a TFLite or ONNX file"
    )
    add = export.add_argument
    add("model", metavar="MODEL", help="shipped name or .keras file")
    add("--format", default="tflite", help="tflite (default) or onnx")
    add("--out", metavar="FILE", help="default: MODEL-PRECISION.FORMAT, here")
    kind = export.add_mutually_exclusive_group()
    kind.add_argument("--float16", action="store_true", help="half the size (TFLite)")
    kind.add_argument("--int8", action="store_true", help="a quarter, and faster")
    add("--data", metavar="NAME", help="to calibrate and to compare; default: its own")
    add("--overwrite", action="store_true", help="replace a file that is there")
    export.set_defaults(call=lambda options: _export(options, load_model))

    bench = commands.add_parser(
        "bench", help="size, speed and accuracy of models, here"
    )
    add = bench.add_argument
    add(
        "models",
        nargs="+",
        metavar="MODEL",
        help="shipped name, or .keras/.tflite/.onnx",
    )
    add("--data", metavar="NAME", help="faces of val to measure on; default: its own")
    add("--split", default="val", help="val (default) or test")
    add("--threads", type=int, default=1, metavar="N", help="default: 1")
    add("--batch", type=int, nargs="+", default=[1, 32], metavar="B", help="1 and 32")
    add("--seconds", type=float, default=1.0, help="per model and batch; default: 1")
    add("--csv", metavar="FILE", help="write the table")
    add("--plot", metavar="PNG", help="draw size, speed and accuracy")
    bench.set_defaults(call=lambda options: _bench(options, locate))


def _export(options, load_model) -> int:
    from fer_utils.export import export, load_exported, parity

    precision = "int8" if options.int8 else "float16" if options.float16 else "float32"
    name = f"{Path(options.model).stem}-{precision}.{options.format}"
    path = Path(options.out or name)
    model = load_model(options.model)
    faces = _faces(options.data, model)
    calibration = _some(faces.train, _CALIBRATION)
    print(f"exporting {options.model} as {options.format}, {precision} …", flush=True)
    export(
        model,
        path,
        format=options.format,
        precision=precision,
        calibration=calibration,
        overwrite=options.overwrite,
    )
    val = _some(faces.val, _COMPARED, labels=True)
    note = f" ({faces.notice})" if faces.notice else ""
    print(f"on val of {faces.name}{note}: {parity(model, load_exported(path), *val)}")
    print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")
    return 0


def _bench(options, locate) -> int:
    if options.threads < 1:
        raise ParameterError(f"--threads {options.threads}: expected at least 1.")
    if options.split not in ("val", "test"):
        raise ParameterError(f"--split {options.split}: expected val or test.")
    if "keras" not in sys.modules:  # TensorFlow reads these when it starts
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            os.environ.setdefault(name, str(options.threads))
    from fer_utils.export import bench

    paths = {Path(name).name: locate(name) for name in options.models}
    if len(paths) < len(options.models):
        raise ParameterError("two models have the same file name: rename one of them.")
    faces = _faces(options.data, _opened(next(iter(paths.values()))))
    part = faces.part(options.split)
    result = bench(
        paths,
        part.images(),
        part.labels,
        batch_sizes=options.batch,
        threads=options.threads,
        seconds=options.seconds,
        notice=faces.notice,
        progress=sys.stderr.isatty(),
    )
    table = result.table()
    print(f"{len(part):,} faces of {options.split} of {faces.name}", end="")
    print(f" ({faces.notice})" if faces.notice else "", end="")
    print(f", {options.threads} thread(s)\n{table.round(4).to_string()}")
    if options.csv:
        table.rename_axis("model").to_csv(options.csv)
        print(options.csv)
    if options.plot:
        result.plot().savefig(options.plot, dpi=150)
        print(options.plot)
    return 0


def _opened(path: Path):
    from fer_utils import models
    from fer_utils.export.loading import ENDINGS, load_exported

    return load_exported(path) if Path(path).suffix in ENDINGS else models.load(path)


def _faces(name: str | None, model):
    """Load the named set, else the one the model was trained on, in its classes."""
    from fer_utils import data

    recorded = (getattr(model, "metadata", None) or {}).get("experiment") or {}
    if not (name := name or recorded.get("data")):
        raise ParameterError("which faces? This model does not say: pass --data NAME.")
    return data.load(name).in_classes(model.class_names)


def _some(faces, most: int, labels: bool = False):
    """Return pixels of at most so many faces, drawn evenly from the part."""
    import numpy as np

    index = np.unique(np.linspace(0, len(faces) - 1, min(most, len(faces))).astype(int))
    some = faces.take(index)
    return (some.images(), some.labels) if labels else some.images()
