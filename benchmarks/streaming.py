"""Train on a folder that stays on disk, against the same images in memory.

    python benchmarks/streaming.py [--images 20000] [--side 48] [--model shallow_cnn]

Writes a made folder in AffectNet's layout (`train_set/images/N.jpg` with
`annotations/N_exp.npy`): drawn faces, enlarged and tinted, as JPEG files in colour.
Then trains two epochs on it, each time in a fresh process: once with the pixels on
disk, once with all of them loaded first. Printed are seconds to list the folder, images
per second of the second epoch (the first one compiles) and the process's peak memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

DRAWN = 2000  # different faces; each is tinted anew for every file


def write_folder(root: Path, images: int, size: int) -> None:
    """Write nine tenths of the images for training, the rest for testing."""
    from PIL import Image

    from fer_utils import labels
    from fer_utils.data.synthetic import synthetic

    faces = synthetic(DRAWN)
    codes = np.array(labels.mapping(faces.classes, labels.AFFECTNET8))[faces.labels]
    tints = np.random.default_rng(0).uniform(0.6, 1.0, (images, 3))
    tested = images // 10

    def write(number: int) -> None:
        face = number % DRAWN
        grey = Image.fromarray(faces.pixels[face]).resize((size, size))
        colour = np.asarray(grey)[..., None] * tints[number]  # (size, size, 3)
        folder = root / ("val_set" if number < tested else "train_set")
        image = Image.fromarray(colour.astype(np.uint8))
        image.save(folder / f"images/{number}.jpg", quality=90)
        np.save(folder / f"annotations/{number}_exp.npy", str(codes[face]))

    for name in ("train_set", "val_set"):
        for sub in ("images", "annotations"):
            (root / name / sub).mkdir(parents=True)
    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(images)))


def train(root: Path, side: int, model: str, in_memory: bool) -> dict:
    """Train two epochs in this process; return what was measured."""
    import resource

    from fer_utils import models, training
    from fer_utils.backend import keras
    from fer_utils.data import affectnet

    began = time.perf_counter()
    faces = affectnet.load(root, side=side)
    listing = time.perf_counter() - began
    if in_memory:
        faces = faces.loaded()
    ready = time.perf_counter() - began
    keras.utils.set_random_seed(0)
    network = models.build(model, faces.images().shape[1:], faces.classes)
    config = training.TrainConfig(
        epochs=2, batch_size=64, sampling="balanced", early_stopping_patience=0
    )
    run = training.fit(network, faces, config, progress="none")
    seen = len(faces.train) + len(faces.val)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "listing_s": listing,
        "ready_s": ready,
        "images_per_s": seen / run.history["seconds"][1],
        "peak_gb": peak / (1e9 if sys.platform == "darwin" else 1e6),
        "loss": run.history["loss"],
        "train": len(faces.train),
    }


def in_fresh_process(arguments: argparse.Namespace, root: Path, kind: str) -> dict:
    """Run this file once more for one kind of training; return what it printed."""
    command = [sys.executable, __file__, "--side", str(arguments.side)]
    command += ["--model", arguments.model, "--folder", str(root), "--only", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def report(found: dict[str, list[dict]]) -> None:
    """Print the best of each kind's rounds, and the ratio."""
    best = {k: max(rows, key=lambda r: r["images_per_s"]) for k, rows in found.items()}
    for kind, row in best.items():
        print(
            f"{kind:>6}: {row['images_per_s']:7.0f} images/s, peak "
            f"{max(r['peak_gb'] for r in found[kind]):.2f} GB, ready to train after "
            f"{row['ready_s']:.1f} s (listing {row['listing_s']:.1f} s)"
        )
    rate = best["disk"]["images_per_s"] / best["memory"]["images_per_s"]
    same = best["disk"]["loss"] == best["memory"]["loss"]
    print(f"rate on disk / in memory: {rate:.2f}; losses equal: {same}")


def main() -> None:
    """Write the folder, train on it and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=112, help="of a file, in pixels")
    parser.add_argument("--side", type=int, default=48, help="trained on, in pixels")
    parser.add_argument("--model", default="shallow_cnn")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=("disk", "memory"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        row = train(
            arguments.folder,
            arguments.side,
            arguments.model,
            arguments.only == "memory",
        )
        print(json.dumps(row))
        return
    with tempfile.TemporaryDirectory() as folder:
        root, began = Path(folder), time.perf_counter()
        write_folder(root, arguments.images, arguments.size)
        print(
            f"{arguments.images:,} files of {arguments.size} x {arguments.size} in "
            f"{time.perf_counter() - began:.0f} s; {os.cpu_count()} cores, load "
            f"{os.getloadavg()[0]:.1f}"
        )
        found = {"disk": [], "memory": []}
        for _ in range(arguments.rounds):
            for kind, rows in found.items():
                rows.append(in_fresh_process(arguments, root, kind))
        report(found)


if __name__ == "__main__":
    main()
