"""Memory of the live pipeline over ten minutes, and whether a file loses a frame.

    python benchmarks/live_memory.py [--minutes 10] [--figure FILE]

One clip of 20 s with up to three faces that come and go is run again and again: decode
in a thread, detect, predict, smooth, draw, and a row per face to a CSV. The resident
memory of the process is noted once a second. The ratio printed is that of the last
minute's median to the baseline, the second minute's: the first minute still compiles
and fills caches.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from fer_utils import live, load_pretrained

SEGMENTS = (("happy", 5.0), (None, 2.0), ("surprise", 6.0), ("neutral", 7.0))


def measure(minutes: float, folder: Path) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Return seconds, resident MB, frames that there were and frames that came out."""
    clip = live.face_clip(folder / "clip.mp4", segments=SEGMENTS, faces=3)
    pipeline = live.Pipeline(load_pretrained())
    process, began = psutil.Process(), time.perf_counter()
    seconds, megabytes, there, seen = [], [], 0, 0
    while time.perf_counter() - began < 60 * minutes:
        there += len(clip.labels)
        with (
            live.VideoFile(clip.path) as source,
            live.threaded(source) as frames,
            live.Csv(folder / "faces.csv", pipeline.classes) as csv,
        ):
            for frame, result in pipeline.run(frames):
                live.draw(frame.image, result, pipeline.classes, fps=25.0)
                csv.write(result)
                seen += 1
                now = time.perf_counter() - began
                if now >= len(seconds):
                    seconds.append(now)
                    megabytes.append(process.memory_info().rss / 1e6)
    return np.array(seconds), np.array(megabytes), there, seen


def ratio(seconds: np.ndarray, megabytes: np.ndarray) -> tuple[float, float]:
    """Return the median MB of the second minute and of the last."""
    minute = min(60.0, seconds[-1] / 4)
    second = megabytes[(seconds >= minute) & (seconds < 2 * minute)]
    last = megabytes[seconds >= seconds[-1] - minute]
    return float(np.median(second)), float(np.median(last))


def draw(seconds: np.ndarray, megabytes: np.ndarray, title: str, path: Path) -> None:
    """Write the curve of memory over time."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
    ax.plot(seconds / 60, megabytes, color="#0072B2")
    ax.set(
        xlabel="minutes",
        ylabel="resident memory (MB)",
        title=title,
        ylim=(0, 1.25 * megabytes.max()),
    )
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds, megabytes, there, seen = measure(arguments.minutes, Path(folder))
    second, last = ratio(seconds, megabytes)
    minutes = seconds[-1] / 60
    print(f"{minutes:.1f} minutes, {seen} of {there} frames, {there - seen} lost")
    print(
        f"resident memory: {second:.0f} MB in the second minute, {last:.0f} MB in the "
        f"last, ratio {last / second:.3f}; most {megabytes.max():.0f} MB"
    )
    if arguments.figure:
        title = f"Live pipeline: {seen:,} frames in {minutes:.0f} minutes, none lost"
        if seen != there:
            title = f"Live pipeline: {there - seen} of {there:,} frames lost"
        draw(seconds, megabytes, title, arguments.figure)
        print(arguments.figure)


if __name__ == "__main__":
    main()
