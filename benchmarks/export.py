"""The shipped network as Keras, TFLite and ONNX: size, speed, accuracy, side by side.

    python benchmarks/export.py [--model compact-fer2013] [--out reports/export]

Exports the model in five forms, calibrated on training faces, and measures all of them
in turns, on one thread, against the Keras model as the baseline (`ratio`). Accuracy is
of all test images: nothing is chosen here. Writes OUT.csv and OUT.md.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

for _name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_name, "1")  # TensorFlow reads them when it starts

FORMS = (
    ("float32.tflite", "float32"),
    ("float16.tflite", "float16"),
    ("int8.tflite", "int8"),
    ("float32.onnx", "float32"),
    ("int8.onnx", "int8"),
)
_CALIBRATION = 300


def measured(name: str, seconds: float):
    """Return (table of all forms, number of test images, data set's name)."""
    import numpy as np

    from fer_utils import data, load_pretrained
    from fer_utils.export import bench, export, load_exported, parity
    from fer_utils.pretrained import path

    model = load_pretrained(name)
    faces = data.load(model.metadata["experiment"]["data"])
    some = np.random.default_rng(0).choice(len(faces.train), _CALIBRATION, False)
    calibration = faces.train.take(some).images()
    test = faces.test
    with tempfile.TemporaryDirectory(prefix="fer-bench-") as folder:
        files = {f"{name}.keras": path(name)}
        for file, precision in FORMS:
            files[file] = export(
                model,
                Path(folder) / file,
                precision=precision,
                calibration=calibration,
            )
        result = bench(files, test.images(), test.labels, seconds=seconds)
        table = result.table()
        for file, _ in FORMS:
            found = parity(model, load_exported(files[file]), test.images())
            table.loc[file, "answers otherwise"] = found.changed
    first = table.iloc[0]
    table["ratio"] = first["ms per face, batch 1"] / table["ms per face, batch 1"]
    table["points"] = 100 * (table["accuracy"] - first["accuracy"])
    return table, len(test), faces.name


def page(table, images: int, data_name: str) -> str:
    """Return the table as a page of Markdown."""
    lines = [
        "# One network, six forms",
        "",
        "Made by `python benchmarks/export.py`; do not edit.",
        "",
        "| form | MB | load, s | ms per face, batch 1 | batch 32 | times as fast | "
        "accuracy | points | answers otherwise |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in table.iterrows():
        changed = row["answers otherwise"]
        changed = "" if changed != changed else f"{changed:.2%}"
        lines.append(
            f"| {name} | {row['MB']:.2f} | {row['load s']:.3f} | "
            f"{row['ms per face, batch 1']:.2f} | {row['ms per face, batch 32']:.2f} | "
            f"{row['ratio']:.1f} | {row['accuracy']:.2%} | {row['points']:+.2f} | "
            f"{changed} |"
        )
    return "\n".join(
        [
            *lines,
            "",
            f"Accuracy on all {images:,} test images of {data_name}, faces as they "
            "are, without test-time augmentation. One thread each; the forms took "
            "turns, and the median is shown. The integers were calibrated on "
            f"{_CALIBRATION} training faces. *Times as fast* is against the Keras "
            "model in the same run; *answers otherwise* is the share of test images "
            "with another most likely class than the Keras model's.",
            "",
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="compact-fer2013")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--out", type=Path, default=Path("reports/export"))
    options = parser.parse_args()
    table, images, data_name = measured(options.model, options.seconds)
    text = page(table, images, data_name)
    table.rename_axis("form").to_csv(options.out.with_suffix(".csv"))
    options.out.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
