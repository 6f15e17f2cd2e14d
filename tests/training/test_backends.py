"""The same code trains and evaluates on another backend."""

import json
import os
import subprocess
import sys

import pytest

CODE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from conftest import small_faces
from fer_utils import evaluation, models
from fer_utils.backend import keras
from fer_utils.training import TrainConfig, fit

faces = small_faces(30)
model = models.build("shallow_cnn", (16, 16, 1), faces.classes)
config = TrainConfig(epochs=2, batch_size=5, augment="classic", ema_momentum=0.9,
                     mixup_alpha=0.2, schedule="cosine", early_stopping_patience=0)
run = fit(model, faces, config, progress="none")
probs = evaluation.predict(run.model, faces.test)
report = evaluation.evaluate(probs, faces.test.labels, faces.classes)
print(json.dumps([keras.backend.backend(), run.epochs, report.metrics["accuracy"]]))
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_model_is_trained_and_evaluated(backend):
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    tests = os.path.join(os.path.dirname(__file__), "..")
    done = subprocess.run(
        [sys.executable, "-c", CODE, tests],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    used, epochs, accuracy = json.loads(done.stdout.splitlines()[-1])
    assert (used, epochs) == (backend, 2)
    assert 0 <= accuracy <= 1
