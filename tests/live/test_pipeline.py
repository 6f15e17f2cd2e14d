"""The pipeline: whatever the frames, each has a result; faces are calm and followed."""

import doctest
import importlib
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_utils import models
from fer_utils.data.synthetic import draw_faces
from fer_utils.errors import DataError, ParameterError
from fer_utils.live.detectors import Detections
from fer_utils.live.frames import Frame
from fer_utils.live.pipeline import Pipeline
from fer_utils.live.predictor import Predictor

YUNET = Path(os.environ.get("FER_WEIGHTS_DIR") or "nowhere") / (
    "face_detection_yunet_2023mar.onnx"
)


class ByBrightness:
    """A model: bright faces are happy, dark ones sad, grey ones either."""

    class_names = ("happy", "sad")
    input_shape = (None, 8, 8, 1)
    calls = 0

    def __call__(self, pixels):
        self.calls += 1
        mean = pixels.reshape(len(pixels), -1).mean(1)
        return np.stack([mean - 128, 128 - mean], 1) / 16


class Script:
    """A detector that finds what it is told to, frame by frame."""

    def __init__(self, *boxes):
        self.boxes, self.calls = list(boxes), 0

    def detect(self, image):
        boxes = self.boxes[min(self.calls, len(self.boxes) - 1)]
        self.calls += 1
        return Detections(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.full(len(boxes), 0.9, np.float32),
        )


class Source(list):
    """Frames with a pace, or without one (a folder of pictures)."""

    def __init__(self, images, fps=25.0):
        pace = fps or 1.0
        super().__init__(Frame(i, i / pace, image) for i, image in enumerate(images))
        self.fps = fps


def grey(value, shape=(90, 160)):
    return np.full((*shape, 3), value, np.uint8)


BOX, OTHER = (10, 10, 50, 50), (100, 20, 140, 60)


def results(pipeline, images, fps=25.0):
    return [result for _, result in pipeline.run(Source(images, fps))]


@pytest.mark.parametrize("every", ["auto", 1, 15])
@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_every_frame_has_its_result(every, count):
    pipeline = Pipeline(ByBrightness(), Script([BOX]), every=every)
    pairs = list(pipeline.run(Source([grey(200)] * count)))
    assert [frame.index for frame, _ in pairs] == list(range(count))
    for frame, result in pairs:
        assert (result.index, result.seconds) == (frame.index, frame.seconds)
        assert [face.id for face in result.faces] == [1]
        assert result.faces[0].label == "happy"
        assert set(result.timings_ms) == {
            "detect",
            "track",
            "predict",
            "smooth",
            "total",
        }
        assert result.timings_ms["total"] >= result.timings_ms["detect"] >= 0


@pytest.mark.parametrize("every", ["auto", 1, 3])
def test_no_face_is_an_empty_tuple(every):
    pipeline = Pipeline(ByBrightness(), Script([]), every=every)
    assert all(r.faces == () for r in results(pipeline, [grey(9)] * 5))


def test_twenty_faces_are_all_labelled():
    boxes = [(x, y, x + 15, y + 15) for x in range(0, 160, 32) for y in (0, 20, 40, 60)]
    (result,) = results(Pipeline(ByBrightness(), Script(boxes)), [grey(200)])
    assert [face.id for face in result.faces] == list(range(1, 21))
    assert {face.label for face in result.faces} == {"happy"}


def test_a_face_is_what_the_brief_says():
    (result,) = results(Pipeline(ByBrightness(), Script([BOX])), [grey(200)])
    (face,) = result.faces
    np.testing.assert_array_equal(face.box_xyxy, np.array(BOX, np.float32))
    assert face.box_xyxy.dtype == face.probs.dtype == np.float32
    assert face.score == pytest.approx(0.9)
    assert face.probs.shape == (2,)
    assert face.probs.sum() == pytest.approx(1)
    assert face.unsure is False


@pytest.mark.parametrize(
    ("box", "shown"),
    [
        ((-20, -10, 30, 40), (0, 0, 30, 40)),
        ((140, 60, 200, 120), (140, 60, 160, 90)),
        ((-50, -50, 500, 500), (0, 0, 160, 90)),
        ((-60, 10, -20, 50), None),  # quite outside
    ],
)
def test_boxes_are_shown_within_the_frame(box, shown):
    (result,) = results(Pipeline(ByBrightness(), Script([box])), [grey(200)])
    boxes = [face.box_xyxy.tolist() for face in result.faces]
    assert boxes == ([] if shown is None else [list(shown)])


@pytest.mark.parametrize(
    ("value", "threshold", "unsure"),
    [(200, 0.6, False), (128, 0.6, True), (128, 0.4, False), (200, 1.0, True)],
)
def test_a_face_is_unsure_below_the_threshold(value, threshold, unsure):
    pipeline = Pipeline(ByBrightness(), Script([BOX]), unsure_below=threshold)
    (result,) = results(pipeline, [grey(value)])
    assert result.faces[0].unsure is unsure


def labels_of(pipeline, images, fps):
    return [r.faces[0].label for r in results(pipeline, images, fps)]


@pytest.mark.parametrize("fps", [10, 25, 50])
def test_a_change_shows_after_the_same_time_at_any_frame_rate(fps):
    # grey levels near enough that the change is no new scene
    images = [grey(138)] * (3 * fps) + [grey(118)] * (2 * fps)
    labels = labels_of(Pipeline(ByBrightness(), Script([BOX]), smooth=0.6), images, fps)
    change = labels.index("sad") / fps - 3
    assert 0.2 < change < 0.55  # half faded: 0.6 s * ln 2 = 0.42 s
    assert set(labels[labels.index("sad") :]) == {"sad"}  # no flicker


def test_without_smoothing_a_change_shows_at_once():
    images = [grey(138)] * 10 + [grey(118)] * 10
    labels = labels_of(Pipeline(ByBrightness(), Script([BOX]), smooth=0), images, 25)
    assert labels == ["happy"] * 10 + ["sad"] * 10


def test_a_new_scene_begins_with_new_faces():
    seen = results(
        Pipeline(ByBrightness(), Script([BOX])), [grey(200)] * 9 + [grey(40)] * 9
    )
    assert [r.faces[0].id for r in seen] == [1] * 9 + [2] * 9
    assert [r.faces[0].label for r in seen] == ["happy"] * 9 + ["sad"] * 9


def test_pictures_without_a_pace_are_each_labelled_for_themselves():
    images = [grey(138), grey(118), grey(138)]
    detector = Script([BOX])
    seen = results(Pipeline(ByBrightness(), detector, every=15), images, fps=None)
    assert [r.faces[0].label for r in seen] == ["happy", "sad", "happy"]
    assert [r.faces[0].id for r in seen] == [1, 2, 3]
    assert detector.calls == 3


def test_every_15_searches_predicts_and_holds():
    model, detector = ByBrightness(), Script([BOX], [OTHER])
    pipeline = Pipeline(model, detector, every=15)
    model.calls = 0
    seen = results(pipeline, [grey(200)] * 31)
    assert detector.calls == model.calls == 3
    assert [seen[i].faces[0].box_xyxy[0] for i in (0, 14)] == [10, 10]
    assert seen[0].faces is seen[14].faces
    assert seen[15].faces[-1].box_xyxy[0] == 100


def test_held_faces_do_not_linger_beside_the_new_ones():
    seen = results(
        Pipeline(ByBrightness(), Script([BOX], [OTHER]), every=15), [grey(200)] * 16
    )
    assert [face.id for face in seen[15].faces] == [2]


def test_auto_searches_seldom_and_predicts_always():
    model, detector = ByBrightness(), Script([BOX])
    pipeline = Pipeline(model, detector)
    model.calls = 0
    results(pipeline, [grey(200)] * 100)
    assert model.calls == 100
    assert 20 <= detector.calls <= 25


def test_an_earlier_time_begins_a_new_clip():
    pipeline = Pipeline(ByBrightness(), Script([BOX]))
    clip = Source([grey(200)] * 3)
    ids = [pipeline.process(frame).faces[0].id for frame in [*clip, *clip]]
    assert ids == [1, 1, 1, 2, 2, 2]


def test_the_same_clip_gives_the_same_numbers_again():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (90, 160, 3), np.uint8) for _ in range(8)]
    runs = [results(Pipeline(ByBrightness(), Script([BOX])), images) for _ in range(2)]
    for one, two in zip(*runs, strict=True):
        np.testing.assert_array_equal(one.faces[0].probs, two.faces[0].probs)


@pytest.mark.parametrize("detector", ["haar", "center", "none"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (48, 48), (91, 161)])
def test_odd_frames_pass_through_a_keras_model(detector, shape):
    model = models.build("compact", (8, 8, 1), filters=(4,))
    frame = Frame(0, 0.0, grey(100, shape))
    result = Pipeline(model, detector).process(frame)
    assert len(result.faces) == (0 if detector == "haar" else 1)


def test_frames_may_change_their_size():
    pipeline = Pipeline(ByBrightness(), "none")
    for index, shape in enumerate([(90, 160), (30, 40), (1, 1), (200, 50)]):
        result = pipeline.process(Frame(index, index / 25, grey(200, shape)))
        assert result.faces[0].box_xyxy.tolist() == [0, 0, shape[1], shape[0]]


def test_a_predictor_of_ones_own_is_taken_as_it_is():
    predictor = Predictor(ByBrightness(), max_faces=2, margin=0.2)
    assert Pipeline(predictor, "none").predictor is predictor


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"detector": "yunett"}, "Did you mean 'yunet'"),
        ({"detector": 3}, "detector=3"),
        ({"every": 0}, "every=0"),
        ({"smooth": -1}, "smooth=-1"),
        ({"unsure_below": 2}, "unsure_below=2"),
        ({"max_faces": 0}, "max_faces=0"),
    ],
)
def test_bad_options_teach(options, message):
    with pytest.raises(ParameterError, match=message):
        Pipeline(ByBrightness(), **{"detector": "none", **options})


def test_what_is_no_frame_is_refused():
    with pytest.raises(DataError, match="expected a colour image"):
        Pipeline(ByBrightness(), "none").process(Frame(0, 0.0, grey(1)[..., 0]))


def moving_clip(frames=75):
    """Return frames with one drawn face that goes to and fro, and its true boxes."""
    face = cv2.resize(draw_faces(["neutral"], seed=0)[0], (140, 140))[..., None]
    images, boxes = [], []
    for i in range(frames):
        x, y = round(250 + 180 * np.sin(i / 12)), round(100 + 60 * np.cos(i / 9))
        image = grey(120, (360, 640))
        image[y : y + 140, x : x + 140] = face
        images.append(image)
        boxes.append((x, y, x + 140, y + 140))
    return images, np.array(boxes)


@pytest.mark.parametrize(
    "detector",
    [
        pytest.param(
            "yunet",
            marks=pytest.mark.skipif(
                not YUNET.is_file(), reason=f"FER_WEIGHTS_DIR has no {YUNET.name}"
            ),
        ),
        "haar",
    ],
)
def test_a_moving_face_is_one_face_and_followed(detector):
    images, truth = moving_clip()
    pipeline = Pipeline(ByBrightness(), detector)
    seen = results(pipeline, images)
    assert {tuple(face.id for face in r.faces) for r in seen} == {(1,)}
    middles = np.array([r.faces[0].box_xyxy.reshape(2, 2).mean(0) for r in seen])
    errors = np.abs(middles - truth.reshape(-1, 2, 2).mean(1))
    assert errors.max() < 28  # a fifth of the face
    assert sum(r.timings_ms["detect"] > 0 for r in seen) < 40  # of 75


@pytest.mark.parametrize(
    "module",
    ["detectors", "files", "pipeline", "predictor", "smoothing", "tracking"],
)
def test_the_examples_in_the_docstrings_run(module):
    found = doctest.testmod(
        importlib.import_module(f"fer_utils.live.{module}"),
        optionflags=doctest.IGNORE_EXCEPTION_DETAIL,
    )
    assert found.attempted
    assert not found.failed
