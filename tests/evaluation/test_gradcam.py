"""Grad-CAM on networks whose evidence lies where we put it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from fer_utils import models
from fer_utils.backend import keras, layers
from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation import grad_cam, gradcam

SIZE = 12
BRIGHT, DARK = (slice(1, 4), slice(1, 4)), (slice(8, 11), slice(7, 10))


def two_spots(n=1):
    """Return grey faces with a bright spot above and a dark spot below."""
    pixels = np.full((n, SIZE, SIZE, 1), 128, np.uint8)
    pixels[:, *BRIGHT], pixels[:, *DARK] = 255, 0
    return pixels


def light_and_dark(nested=False, channels=1, gain=1.0):
    """Return a model whose class 0 is 'much is bright', class 1 'much is dark'."""
    pixels = keras.Input((SIZE, SIZE, channels), dtype="uint8")
    x = layers.Rescaling(2 / 255, -1.0)(pixels)  # (B, H, W, C) in [-1, 1]
    conv = layers.Conv2D(2, 1, activation="relu", name="conv")
    if nested:
        inside = keras.Input((SIZE, SIZE, channels))
        net = keras.Model(inside, layers.ReLU(name="last")(conv(inside)), name="inner")
        x = layers.MaxPooling2D(SIZE // 2)(net(x))
    else:
        x = layers.MaxPooling2D(2)(layers.Dropout(0.5)(conv(x)))
    head = layers.Dense(2, name="logits")
    model = keras.Model(pixels, head(layers.GlobalAveragePooling2D()(x)))
    bright_dark = np.tile([[[[1.0, -1.0]]]], (1, 1, channels, 1)) / channels
    conv.set_weights([bright_dark, np.array([-0.1, -0.1])])
    head.set_weights([gain * np.eye(2), np.zeros(2)])
    return model


def hottest(heat):
    return np.unravel_index(heat.argmax(), heat.shape)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(("label", "place"), [(0, BRIGHT), (1, DARK)])
def test_heat_lies_where_the_evidence_for_that_class_is(nested, label, place):
    heat = grad_cam(light_and_dark(nested), two_spots(), [label]).heat[0]
    inside = np.zeros((SIZE, SIZE), bool)
    inside[place] = True
    assert inside[hottest(heat)]
    assert heat[inside].mean() > 0.9
    assert heat[~inside].max() < 0.1


def test_the_default_explains_the_answer():
    pixels = two_spots()
    pixels[0, *BRIGHT] = 128  # only the dark spot is left
    result = grad_cam(light_and_dark(), pixels)
    assert result.explained.tolist() == [1]
    assert hottest(result.heat[0])[0] >= 8


@pytest.mark.parametrize(
    ("n", "batch_size"),
    [
        (0, 64),  # nothing to explain
        (1, 64),
        (3, 2),  # a last batch that is not full
    ],
)
def test_there_is_one_map_in_0_to_1_per_face(n, batch_size):
    result = grad_cam(light_and_dark(), two_spots(n), batch_size=batch_size)
    assert result.heat.shape == (n, SIZE, SIZE)
    assert result.heat.dtype == np.float32
    assert result.probs.shape == (n, 2)
    assert all(heat.min() == 0 and heat.max() == 1 for heat in result.heat)
    assert result.alt_text()
    result.plot()


def test_batches_do_not_mix():
    pixels = np.concatenate([two_spots(2), two_spots()[:, ::-1]])
    together = grad_cam(light_and_dark(), pixels, [0, 1, 0], batch_size=3).heat
    alone = grad_cam(light_and_dark(), pixels, [0, 1, 0], batch_size=1).heat
    assert np.allclose(together, alone, atol=1e-6)


def test_a_constant_model_has_no_evidence_and_no_nan():
    result = grad_cam(light_and_dark(gain=0.0), two_spots(2))
    assert not result.heat.any()
    assert "no evidence" in result.alt_text()
    result.plot()


def test_a_grey_face_goes_into_a_colour_model():
    result = grad_cam(light_and_dark(channels=3), two_spots()[..., 0])
    assert result.overlay().shape == (1, SIZE, SIZE, 3)
    assert result.overlay().dtype == np.uint8


@pytest.mark.parametrize(
    ("name", "options", "side"),
    [
        ("shallow_cnn", {}, None),
        ("deep_cnn", {"width": 0.1}, 12),  # before the last pooling
        ("compact", {"filters": (4, 4, 4, 4)}, 5),  # the last map has 2 x 2 cells
        ("mobilenet", {"alpha": 0.25, "weights": None}, 3),  # inside the backbone
    ],
)
def test_the_last_map_that_is_fine_enough_is_found(name, options, side):
    model = models.build(name, **options)
    path = gradcam._path_of_last_map(model)
    sides = gradcam._maps(model)[path]
    assert min(sides) >= 3
    assert side is None or sides == (side, side)
    assert path.startswith("backbone/") == (name == "mobilenet")


def test_captions_name_label_answer_and_probability(faces):
    model = models.build("shallow_cnn", (16, 16, 1), faces.classes)
    result = grad_cam(model, faces.take([0]), [1])
    label, shown = result.captions()
    assert label == "label: happy"
    own = result.probs[0].argmax() == 1
    assert shown.startswith("→ sad (" if own else "for sad (")
    assert shown.endswith("\u00a0%)")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "conw"}, "no such layer. Did you mean 'conv'"),
        ({"layer": "logits"}, r"has no map \(B, h, w, channels\)"),
        ({"layer": "conv/deeper"}, "no such layer"),  # conv is no nested model
        ({"labels": [2]}, r"whole number in \[0, 1\], received 2"),
        ({"labels": [0, 1]}, r"expected shape \(1,\)"),
        ({"batch_size": 0}, "batch_size=0"),
    ],
)
def test_bad_arguments_are_explained(options, message):
    with pytest.raises(ParameterError, match=message):
        grad_cam(light_and_dark(), two_spots(), **options)


def test_a_model_without_a_map_is_refused():
    pixels = keras.Input((SIZE, SIZE, 1), dtype="uint8")
    flat = layers.Flatten()(layers.Rescaling(1 / 255)(pixels))
    model = keras.Model(pixels, layers.Dense(2)(flat))
    with pytest.raises(ParameterError, match="no convolution"):
        grad_cam(model, two_spots())


def test_a_backend_without_gradients_is_named(monkeypatch):
    monkeypatch.setattr(gradcam, "gradient", None)
    with pytest.raises(ParameterError, match="KERAS_BACKEND=tensorflow"):
        grad_cam(light_and_dark(), two_spots())


def test_faces_of_another_size_are_refused():
    with pytest.raises(DataError, match="16 x 16"):
        grad_cam(light_and_dark(), np.zeros((1, 16, 16), np.uint8))


def test_the_model_itself_is_left_as_it_was():
    model = light_and_dark(nested=True)
    before = model.get_config(), model.predict(two_spots(), verbose=0)
    grad_cam(model, two_spots())
    assert model.get_config() == before[0]
    assert np.array_equal(model.predict(two_spots(), verbose=0), before[1])


CODE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from test_gradcam import keras, hottest, light_and_dark, two_spots, grad_cam
heat = grad_cam(light_and_dark(), two_spots(2), [0, 1]).heat
places = [[int(side) for side in hottest(h)] for h in heat]
print(json.dumps([keras.backend.backend(), *places]))
"""


def test_jax_finds_the_same_places():
    pytest.importorskip("jax")
    done = subprocess.run(
        [sys.executable, "-c", CODE, os.path.dirname(__file__)],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    used, bright, dark = json.loads(done.stdout.splitlines()[-1])
    assert used == "jax"
    assert max(bright) <= 3
    assert min(dark) >= 7
