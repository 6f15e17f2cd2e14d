"""The predictor: crops as the model was trained on, one call per frame."""

import cv2
import numpy as np
import pytest

from fer_utils import models
from fer_utils.errors import DataError, ParameterError
from fer_utils.live.predictor import Predictor, face_square

RNG = np.random.default_rng(0)
FRAME = RNG.integers(0, 256, (90, 120, 3), np.uint8)


class Recorder:
    """A model that is no Keras model: keeps what it is given, answers with means."""

    class_names = ("happy", "sad")

    def __init__(self, shape=(None, 8, 8, 1), **attributes):
        self.input_shape, self.batches = shape, []
        self.__dict__.update(attributes)

    def __call__(self, pixels):
        assert pixels.dtype == np.uint8
        self.batches.append(pixels.copy())
        mean = pixels.reshape(len(pixels), -1).mean(1) / 100
        return np.stack([mean, np.zeros_like(mean)], 1)  # (B, 2) logits


@pytest.fixture(scope="module")
def model():
    return models.build("compact", (16, 16, 1), filters=(8,))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 8, 9, 20])
def test_each_face_gets_its_own_probabilities_however_many_there_are(model, n):
    boxes = np.hstack([c := RNG.uniform(0, 60, (n, 2)), c + 30])
    together = Predictor(model).probs(FRAME, boxes)
    assert together.shape == (n, 7)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-5)
    alone = [Predictor(model, max_faces=1).probs(FRAME, [box])[0] for box in boxes[:3]]
    np.testing.assert_allclose(together[:3], np.reshape(alone, (-1, 7)), atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_keras_model_says_the_same_as_keras_itself(channels):
    model = models.build("compact", (16, 16, channels), filters=(8,))
    image = RNG.integers(0, 256, (16, 16, 3), np.uint8)
    code = cv2.COLOR_BGR2GRAY if channels == 1 else cv2.COLOR_BGR2RGB
    pixels = cv2.cvtColor(image, code).reshape(1, 16, 16, channels)
    logits = np.asarray(model(pixels, training=False), np.float64)[0]
    expected = np.exp(logits) / np.exp(logits).sum()
    probs = Predictor(model).probs(image, [(0, 0, 16, 16)])
    np.testing.assert_allclose(probs[0], expected, atol=1e-5)


def test_a_saved_models_temperature_is_used(model, tmp_path):
    boxes = [(0, 0, 40, 40)]
    plain = Predictor(model).probs(FRAME, boxes)
    path = models.save(model, tmp_path / "m.keras", temperature=3.0)
    soft = Predictor(models.load(path)).probs(FRAME, boxes)
    expected = plain ** (1 / 3)
    np.testing.assert_allclose(soft, expected / expected.sum(), atol=1e-5)


@pytest.mark.parametrize(
    ("n", "max_faces", "calls"),
    [
        (0, 8, []),  # nobody: no call
        (1, 8, [1]),
        (3, 8, [4]),  # filled up
        (5, 8, [6]),
        (8, 8, [8]),
        (20, 8, [8, 8, 4]),
        (2, 1, [1, 1]),
        (3, 3, [3]),
    ],
)
def test_a_frame_takes_as_few_calls_of_fixed_sizes_as_it_can(n, max_faces, calls):
    recorder = Recorder()
    predictor = Predictor(recorder, max_faces=max_faces)
    del recorder.batches[:]  # the one that warms up
    probs = predictor.probs(FRAME, [(0, 0, 20, 20)] * n)
    assert [len(batch) for batch in recorder.batches] == calls
    assert len(probs) == n


@pytest.mark.parametrize(
    ("max_faces", "sizes"),
    [(1, (1,)), (2, (1, 2)), (3, (1, 2, 3)), (8, (1, 2, 4, 6, 8))],
)
def test_batch_sizes_end_at_the_most_faces(max_faces, sizes):
    assert Predictor(Recorder(), max_faces=max_faces).batch_sizes == sizes


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((None, 8, 8, 1), [29, 150, 76]),  # luma of pure blue, green, red
        ((None, 8, 8, 3), [(0, 0, 255), (0, 255, 0), (255, 0, 0)]),  # RGB
    ],
)
def test_colours_are_turned_into_what_the_model_takes(shape, expected):
    recorder = Recorder(shape)
    predictor = Predictor(recorder)
    for colour, value in zip(np.eye(3, dtype=np.uint8) * 255, expected, strict=True):
        predictor.probs(np.tile(colour, (20, 20, 1)), [(2, 2, 18, 18)])
        seen = recorder.batches[-1][0]
        assert seen.shape == shape[1:]
        assert (seen == value).all()


def test_a_model_with_an_oblong_input_gets_its_shape():
    recorder = Recorder((None, 12, 8, 3))
    Predictor(recorder).probs(FRAME, [(0, 0, 30, 30)])
    assert recorder.batches[-1].shape == (1, 12, 8, 3)


def numbered(height, width):
    """Return an image whose pixels say where they are: (row, column, 0)."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, 0 * rows], -1).astype(np.uint8)


@pytest.mark.parametrize(
    ("box", "margin", "rows", "columns"),
    [
        ((10, 10, 14, 14), 0, range(10, 14), range(10, 14)),
        ((10, 10, 12, 14), 0, range(10, 14), range(9, 13)),  # square: the longer side
        ((10, 10, 14, 14), 0.5, range(9, 15), range(9, 15)),
        ((-2, -2, 2, 2), 0, [0, 0, 0, 1], [0, 0, 0, 1]),  # edges repeat
        ((28, 18, 32, 22), 0, [18, 19, 19, 19], [28, 29, 29, 29]),
        ((0, 0, 30, 20), 0, range(20), range(5, 25)),  # the whole frame: its middle
        ((5, 5, 5, 5), 0, [4], [4]),  # an empty box is one pixel
        ((900, 900, 904, 904), 0, [19] * 4, [29] * 4),  # far outside
        (
            (-1e6, -1e6, 1e6 + 30, 1e6 + 20),
            0,
            range(20),
            range(5, 25),
        ),  # absurdly large
    ],
)
def test_the_square_around_a_box_is_cut_out(box, margin, rows, columns):
    square = face_square(numbered(20, 30), box, margin)
    assert square.shape[0] == square.shape[1] == len(rows)
    np.testing.assert_array_equal(square[:, 0, 0], rows)
    np.testing.assert_array_equal(square[0, :, 1], columns)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_the_smallest_frames_have_squares_too(shape):
    square = face_square(numbered(*shape), (0, 0, shape[1], shape[0]))
    assert square.shape == (min(shape), min(shape), 3)
    assert Predictor(Recorder()).probs(numbered(*shape), [(0, 0, 5, 5)]).shape == (1, 2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Predictor(lambda pixels: pixels), "class_names"),
        (lambda: Predictor(models.build("compact", (8, 8, 1), 3)), "class_names"),
        (lambda: Predictor(Recorder((None, None, None, 1))), "H and W fixed"),
        (lambda: Predictor(Recorder((None, 8, 8, 2))), "C 1 .grey. or 3"),
        (lambda: Predictor(Recorder((None, 64))), "expected .None, H, W, C."),
        (lambda: Predictor(Recorder(), max_faces=0), "max_faces=0"),
        (lambda: Predictor(Recorder(), max_faces=2.5), "max_faces=2.5"),
        (lambda: Predictor(Recorder(), margin=-1), "margin=-1"),
    ],
)
def test_what_cannot_be_predicted_with_is_refused(build, message):
    with pytest.raises(ParameterError, match=message):
        build()


def test_a_grey_frame_is_refused():
    with pytest.raises(DataError, match="expected a colour image"):
        Predictor(Recorder()).probs(FRAME[..., 0], [])
