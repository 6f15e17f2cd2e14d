import keras
import numpy as np
import pytest

from fer_utils.data.faceset import FaceSet
from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation import predict, predict_logits
from fer_utils.evaluation.prediction import _shifted, _views


@pytest.fixture(scope="module", params=[1, 3], ids=["grey", "rgb"])
def model(request):
    keras.utils.set_random_seed(0)
    pixels = keras.Input((24, 24, request.param), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, keras.layers.Dense(3)(x))


def faces(n, *channels):
    rng = np.random.default_rng(0)
    return rng.integers(256, size=(n, 24, 24, *channels), dtype=np.uint8)


@pytest.mark.parametrize(
    ("n", "channels", "tta"),
    [
        (0, (), "none"),
        (0, (3,), "ten_crop"),
        (1, (), "flip"),
        (5, (), "ten_crop"),
        (5, (1,), "none"),  # batches of 2, 2 and 1
        (5, (3,), "flip"),
    ],
)
def test_probabilities_come_out_for_any_images_and_any_model(model, n, channels, tta):
    probs = predict(model, faces(n, *channels), tta=tta, batch_size=2)
    assert probs.shape == (n, 3)
    assert probs.dtype == np.float32
    np.testing.assert_allclose(probs.sum(1), 1, rtol=1e-6)


def test_a_face_set_gives_what_its_pixels_give(model):
    pixels = faces(4)
    faceset = FaceSet(pixels, [0, 1, 0, 1], ["test"] * 4, ("sad", "happy"))
    np.testing.assert_array_equal(predict(model, faceset), predict(model, pixels))


@pytest.mark.parametrize("call", [predict, predict_logits])
def test_a_face_set_with_other_classes_is_refused(model, call):
    """Its labels would be compared with the wrong answers, and nobody would notice."""
    faceset = FaceSet(faces(2), [0, 1], ["test"] * 2, ("sad", "happy"))
    model.class_names = ("happy", "sad")
    with pytest.raises(DataError, match="numbered differently"):
        call(model, faceset)
    assert len(call(model, faceset.images())) == 2
    assert len(call(model, faceset.in_classes(model.class_names))) == 2


def test_grey_repeated_to_colour_and_back_is_the_same_grey(model):
    grey = faces(3)
    colour = np.repeat(grey[..., None], 3, -1)
    np.testing.assert_allclose(predict(model, grey), predict(model, colour), atol=1e-6)


def test_flip_averages_the_probabilities_of_both_mirror_images(model):
    images = faces(3)
    both = predict(model, images), predict(model, images[:, :, ::-1].copy())
    averaged = predict(model, images, tta="flip")
    np.testing.assert_allclose(averaged, np.mean(both, 0), atol=1e-6)
    np.testing.assert_allclose(
        averaged, predict(model, images[:, :, ::-1].copy(), tta="flip"), atol=1e-6
    )


@pytest.mark.parametrize(("tta", "views"), [("none", 1), ("flip", 2), ("ten_crop", 10)])
def test_each_augmentation_sees_so_many_different_views(tta, views):
    seen = [view.tobytes() for view in _views(faces(2, 1), tta)]
    assert len(seen) == len(set(seen)) == views


def test_cropping_the_middle_of_a_shift_is_cropping_a_corner():
    images = faces(2, 1)
    for down in (-1, 1):
        for right in (-1, 1):
            centre = _shifted(images, down, right)[:, 1:-1, 1:-1]
            top, left = 1 - down, 1 - right
            corner = images[:, top : top + 22, left : left + 22]
            np.testing.assert_array_equal(centre, corner)


def test_temperature_softens_and_keeps_the_prediction(model):
    images = faces(5)
    sharp, soft = (predict(model, images, temperature=t) for t in (1, 5))
    assert (soft.max(1) < sharp.max(1)).all()
    np.testing.assert_array_equal(sharp.argmax(1), soft.argmax(1))


def test_logits_are_what_the_model_returns(model):
    images = faces(2, model.input_shape[-1])
    expected = keras.ops.convert_to_numpy(model(images))
    np.testing.assert_allclose(predict_logits(model, images), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("images", "options", "error", "words"),
    [
        (faces(1), {"tta": "flipp"}, ParameterError, "Did you mean 'flip'"),
        (faces(1), {"temperature": 0}, ParameterError, "temperature=0"),
        (faces(1), {"temperature": float("nan")}, ParameterError, "temperature=nan"),
        (faces(1), {"batch_size": 0}, ParameterError, "batch_size=0"),
        (faces(1) / 255, {}, DataError, "float64.*rescales"),  # scaled twice otherwise
        (faces(1)[0], {}, DataError, "expected a FaceSet"),  # one image, no batch
        (faces(1, 2), {}, DataError, r"\(1, 24, 24, 2\)"),
        (faces(1)[:, :20], {}, DataError, "takes 24 x 24. Resize"),
    ],
)
def test_bad_input_is_named(model, images, options, error, words):
    with pytest.raises(error, match=words):
        predict(model, images, **options)
