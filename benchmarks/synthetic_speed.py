"""Measure how many synthetic faces one core draws per second.

Compares `synthetic(n)` with the naive way, the same drawing called once per face, in
alternating rounds in one process, and prints the median of each.

    python benchmarks/synthetic_speed.py [--n 3000] [--rounds 5]
"""

import os

for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402

from fer_utils.data.synthetic import synthetic  # noqa: E402
from fer_utils.data.synthetic.drawing import render  # noqa: E402
from fer_utils.data.synthetic.sampling import draw_random_rows  # noqa: E402


def seconds(work) -> float:
    """Return the processor time that a call takes: other programs do not count."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=3000, help="faces per round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    few = max(1, options.n // 10)  # its rate does not depend on how many
    rows = draw_random_rows(few, seed=0)
    batch, single = [], []
    synthetic(10)
    for _ in range(options.rounds):
        batch.append(options.n / seconds(lambda: synthetic(options.n)))
        single.append(few / seconds(lambda: render(rows, chunk=1)))
    fast, slow = statistics.median(batch), statistics.median(single)
    print(f"synthetic({options.n}), everything   {fast:8,.0f} faces/s on one core")
    print(f"same drawing, one face per call {slow:6,.0f} faces/s on one core")
    print(f"ratio {fast / slow:.1f}, median of {options.rounds} alternating rounds")


if __name__ == "__main__":
    main()
