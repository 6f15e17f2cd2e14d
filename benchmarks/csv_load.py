"""Time `data.load("fer2013")` from the csv against pandas, in the same run.

    FER_DATA_DIR=… python benchmarks/csv_load.py [fer2013.csv]

Each figure comes from a fresh process, best of several rounds; the csv is in the
system's disk cache. The kit's cold load includes hashing the file, parsing it and
writing its cache; the warm load reads that cache. CPU seconds count all threads and say
more than the clock on a busy machine. Peak memory is the process's own, with imports.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

KIT = """
from fer_utils import data
start, used = time.perf_counter(), time.process_time()
faces = data.load("fer2013", path=sys.argv[1])
seconds, cpu = time.perf_counter() - start, time.process_time() - used
shape = faces.pixels.shape
total = int(faces.pixels.sum(dtype=np.int64))
"""
PANDAS = """
import pandas as pd
start, used = time.perf_counter(), time.process_time()
frame = pd.read_csv(sys.argv[1])
pixels = np.array([np.array(x.split(" "), dtype=np.uint8) for x in frame["pixels"]])
seconds, cpu = time.perf_counter() - start, time.process_time() - used
shape = (len(pixels), 48, 48)
total = int(pixels.sum(dtype=np.int64))
"""
REPORT = """
import resource
unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB on Linux
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
found = dict(seconds=seconds, cpu=cpu, peak_mb=peak, shape=shape, total=total)
print(json.dumps(found))
"""


def main() -> None:
    """Print cold, warm and pandas seconds, peaks, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "csv", nargs="?", help="fer2013.csv; default: from FER_DATA_DIR"
    )
    parser.add_argument(
        "--repeats", type=int, default=3, help="runs of each, at least 1"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(options.csv) if options.csv else _find_csv(Path(folder))
        print(
            f"{csv.name}: {len(csv.read_bytes()) / 1e6:.0f} MB, {os.cpu_count()} CPUs"
        )
        rounds = [_round(csv, f"{folder}/cache{i}") for i in range(options.repeats)]
    best = {
        name: min((one[name] for one in rounds), key=lambda run: run["seconds"])
        for name in rounds[0]
    }
    print(f"{'':>6}  seconds  CPU seconds  peak MB")
    for name, run in best.items():
        numbers = f"{run['seconds']:9.3f}{run['cpu']:13.3f}{run['peak_mb']:9.0f}"
        print(f"{name:>6}{numbers}")
    for key, clock in (("seconds", "by the clock"), ("cpu", "in CPU seconds")):
        ratio = best["pandas"][key] / best["cold"][key]
        print(f"cold is {ratio:.1f} times faster than pandas {clock}")
    same = {(tuple(run["shape"]), run["total"]) for run in best.values()}
    print("same pixels:", len(same) == 1)


def _round(csv: Path, cache: str) -> dict[str, dict]:
    runs = {"cold": KIT, "warm": KIT, "pandas": PANDAS}
    return {name: _run(program, csv, cache) for name, program in runs.items()}


def _run(program: str, csv: Path, cache: str) -> dict:
    code = "import json, sys, time\nimport numpy as np\n" + program + REPORT
    done = subprocess.run(
        [sys.executable, "-c", code, str(csv)],
        env=os.environ | {"FER_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def _find_csv(folder: Path) -> Path:
    """Return the csv of the data folder, unpacked into `folder` if in an archive."""
    from fer_utils.data.registry import describe, find

    found = find(describe("fer2013"))
    if found.suffix == ".csv":
        return found
    with tarfile.open(found, "r:*") as archive:
        content = archive.extractfile("fer2013/fer2013.csv")
        (folder / "fer2013.csv").write_bytes(content.read())
    return folder / "fer2013.csv"


if __name__ == "__main__":
    main()
