"""Two virtual devices train what one device trains; what cannot be shared is said."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from fer_utils import training
from fer_utils.errors import ParameterError

TESTS = os.path.join(os.path.dirname(__file__), "..")
CODE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from conftest import small_faces
from fer_utils import evaluation, training
from fer_utils.backend import keras
from fer_utils.errors import ParameterError

def tiny_network(classes=3):
    keras.utils.set_random_seed(0)
    pixels = keras.Input((16, 16, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(pixels)
    x = keras.layers.Conv2D(4, 3, strides=3, activation="relu")(x)
    x = keras.layers.GlobalMaxPooling2D()(keras.layers.BatchNormalization()(x))
    return keras.Model(pixels, keras.layers.Dense(classes)(x))

faces = small_faces(39)  # 13 each: an image is left over
even = faces.take([*range(12), *range(13, 25), *range(26, 39)])
config = training.TrainConfig(
    epochs=2, batch_size=8, augment="classic", early_stopping_patience=0)

def run(strategy, faces, config=config):
    with training.across_devices(strategy) as devices:
        done = training.fit(tiny_network(), faces, config, progress="none")
    probs = evaluation.predict(done.model, faces.test)
    return {**done.history, "devices": devices, "probs": probs.tolist()}

def refusal(do):
    try:
        do()
    except ParameterError as error:
        return str(error)

out = {name: run(name, even) for name in training.STRATEGIES}
out["odd"] = run("data_parallel", faces)
outside = tiny_network()
with training.across_devices():
    out["outside"] = refusal(lambda: training.fit(outside, faces, config))
odd = training.TrainConfig(batch_size=9)
out["batch"] = refusal(lambda: run("data_parallel", faces, odd))
out["few"] = refusal(lambda: run("data_parallel", faces.take([0, 1, 13, 26])))
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def two_devices():
    pytest.importorskip("jax")
    done = subprocess.run(
        [sys.executable, "-c", CODE, TESTS],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_two_devices_end_where_one_does(two_devices):
    one, two = two_devices["one_device"], two_devices["data_parallel"]
    assert (one["devices"], two["devices"]) == (1, 2)
    for name in ("loss", "val_loss", "probs"):
        np.testing.assert_allclose(two[name], one[name], rtol=2e-3, atol=2e-4)


def test_what_cannot_be_shared_is_left_out(two_devices):
    assert np.isfinite(two_devices["odd"]["loss"]).all()
    assert len(two_devices["odd"]["probs"]) == 13  # predictions leave nobody out


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("outside", "was built outside"),
        ("batch", "batch_size=9 cannot be shared by 2 devices"),
        ("few", "val has too few images (1)"),
    ],
)
def test_what_devices_cannot_do_is_said(two_devices, case, message):
    assert message in two_devices[case]


def test_an_unknown_strategy_is_refused():
    with (
        pytest.raises(ParameterError, match="Did you mean 'data_parallel'"),
        training.across_devices("data_paralel"),
    ):
        pass


def test_a_backend_or_machine_that_cannot_is_said():
    with (
        pytest.raises(ParameterError, match="KERAS_BACKEND=jax|two devices or more"),
        training.across_devices(),
    ):
        pass


def test_one_device_changes_nothing():
    with training.across_devices("one_device") as devices:
        assert devices == 1
