"""Seconds of a training step: fused batch norm and bfloat16 against plain Keras.

    python benchmarks/training_step.py [--model compact] [--batch-size 128] [--steps 8]

Prints, for each variant, milliseconds per step and the ratio to the baseline, which is
Keras' own batch norm in float32, in the same process. Interleaved rounds, best of each:
a shared machine disturbs all variants alike.
"""

import argparse
import time

import numpy as np

from fer_utils import models, training
from fer_utils.backend import keras
from fer_utils.training.fused import with_fused_batch_norm

BASELINE = "Keras' batch norm, float32"
VARIANTS = {
    BASELINE: (False, "float32"),
    "fused batch norm, float32": (True, "float32"),
    "Keras' batch norm, bfloat16": (False, "mixed_bfloat16"),
    "fused batch norm, bfloat16": (True, "mixed_bfloat16"),
}


def trainee(name: str, fused: bool, precision: str):
    """Return a compiled model that trains with the wide augmentation in front."""
    keras.config.set_dtype_policy(precision)
    try:
        model = models.build(name)
    finally:
        keras.config.set_dtype_policy("float32")
    pixels = keras.Input((48, 48, 1), dtype="uint8")
    augmented = training.augmentation("wide")(pixels)
    network = with_fused_batch_norm(model) if fused else model
    whole = keras.Model(pixels, network(augmented))
    whole.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    return whole


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="compact")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=8)
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (arguments.batch_size, 48, 48, 1), np.uint8)
    targets = np.eye(7, dtype=np.float32)[rng.integers(0, 7, arguments.batch_size)]
    trainees = {n: trainee(arguments.model, *v) for n, v in VARIANTS.items()}
    for whole in trainees.values():
        whole.train_on_batch(images, targets)  # compiles
    best = dict.fromkeys(trainees, float("inf"))
    for _ in range(3):
        for name, whole in trainees.items():
            began = time.perf_counter()
            for _ in range(arguments.steps):
                whole.train_on_batch(images, targets)
            seconds = (time.perf_counter() - began) / arguments.steps
            best[name] = min(best[name], seconds)
    print(f"{arguments.model}, batch {arguments.batch_size}, baseline: {BASELINE}")
    for name, seconds in best.items():
        ratio = best[BASELINE] / seconds
        print(f"{name:<28} {1000 * seconds:6.0f} ms/step  {ratio:4.2f}x")


if __name__ == "__main__":
    main()
