"""The kernel's half of the browser camera: messages in, answers out, one at a time."""

import threading
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from fer_utils.errors import ParameterError
from fer_utils.live.camera import BrowserCamera

CLASSES = ("happy", "sad")


class OneFace:
    """Stands for a pipeline: one face in the middle, happy on a light picture."""

    classes = CLASSES

    def __init__(self, seconds=0.0, faces=1):
        self.frames, self.seconds, self.faces = [], seconds, faces
        self.inside, self.most_inside = 0, 0

    def process(self, frame):
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        time.sleep(self.seconds)
        self.frames.append(frame)
        height, width = frame.image.shape[:2]
        share = float(frame.image.mean() / 255)
        face = SimpleNamespace(
            id=4,
            box_xyxy=np.float32([width / 4, height / 4, 3 * width / 4, 3 * height / 4]),
            score=np.float32(0.9),
            probs=np.float32([share, 1 - share]),
            label=CLASSES[int(share < 0.5)],
            unsure=False,
        )
        self.inside -= 1
        faces = (face,) * self.faces
        return SimpleNamespace(index=0, seconds=0.0, faces=faces, timings_ms={"all": 1})


def jpeg(height=90, width=160, grey=250):
    pixels = np.full((height, width, 3), grey, np.uint8)
    return memoryview(cv2.imencode(".jpg", pixels)[1].tobytes())


@pytest.fixture
def wired(monkeypatch):
    """Return a function that makes a camera and the list of what it sends."""

    def make(pipeline=None, **options):
        camera = BrowserCamera(pipeline or OneFace(), **options)
        sent = []
        monkeypatch.setattr(camera, "send", lambda content: sent.append(content))
        return camera, sent

    return make


def say(camera, buffers, kind="frame", number=1, view="a"):
    """Deliver a message the way ipywidgets does."""
    content = {"kind": kind, "view": view, "number": number}
    camera._handle_custom_msg(content, buffers)


def test_a_picture_is_answered_with_boxes_labels_and_probabilities(wired):
    camera, sent = wired()
    say(camera, [jpeg()], number=7, view="left")
    (answer,) = sent
    assert (answer["kind"], answer["view"], answer["number"]) == ("answer", "left", 7)
    assert (answer["width"], answer["height"]) == (160, 90)
    (face,) = answer["faces"]
    assert (face["id"], face["label"]) == (4, "happy")
    assert face["box"] == [40, 22.5, 120, 67.5]
    assert sum(face["probs"]) == pytest.approx(1, abs=1e-3)


def test_no_face_is_an_empty_list(wired):
    camera, sent = wired(OneFace(faces=0))
    say(camera, [jpeg()])
    assert sent[0]["faces"] == []


def test_a_hello_is_answered_without_the_pipeline(wired):
    camera, sent = wired()
    say(camera, [], kind="hello", number=3)
    assert sent == [{"kind": "hello", "view": "a", "number": 3}]
    assert camera.answered == 0


@pytest.mark.parametrize(
    "buffers",
    [
        [],  # none came
        [b""],  # an empty one
        [b"not a jpeg at all"],
        [bytes(jpeg())[:40]],  # cut off in its header
        [memoryview(b"\xff\xd8\xff")],  # only a beginning
    ],
)
def test_a_bad_picture_is_answered_with_an_error_and_the_next_works(wired, buffers):
    camera, sent = wired()
    say(camera, buffers, number=1)
    say(camera, [jpeg()], number=2)
    assert (sent[0]["kind"], sent[0]["number"]) == ("error", 1)
    assert "no picture" in sent[0]["message"]
    assert sent[1]["kind"] == "answer"


@pytest.mark.parametrize("content", [None, "frame", {}, {"kind": "other"}, [1]])
def test_a_message_of_another_kind_is_ignored(wired, content):
    camera, sent = wired()
    camera._handle_custom_msg(content, [])
    assert sent == []


def test_an_error_in_the_pipeline_reaches_the_browser_and_frees_the_lock(wired):
    pipeline = OneFace()
    camera, sent = wired(pipeline)
    working = pipeline.process
    pipeline.process = lambda frame: 1 / 0
    say(camera, [jpeg()])
    pipeline.process = working
    say(camera, [jpeg()])
    assert sent[0]["kind"] == "error"
    assert "ZeroDivisionError" in sent[0]["message"]
    assert sent[1]["kind"] == "answer"


def test_two_threads_never_meet_in_the_pipeline(wired):
    pipeline = OneFace(seconds=0.02)
    camera, sent = wired(pipeline)
    threads = [
        threading.Thread(target=say, args=(camera, [jpeg()], "frame", i))
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pipeline.most_inside == 1
    assert sorted(a["number"] for a in sent) == list(range(8))
    assert camera.answered == 8


def test_every_picture_has_exactly_one_answer_in_its_order(wired):
    # The browser waits for it before it takes the next picture: back-pressure.
    camera, sent = wired()
    for number in range(5):
        say(camera, [jpeg(grey=40 * number)], number=number)
    assert [a["number"] for a in sent] == [0, 1, 2, 3, 4]
    assert [a["faces"][0]["label"] for a in sent] == ["sad"] * 4 + ["happy"]


def test_frames_are_numbered_and_their_seconds_grow(wired):
    pipeline = OneFace()
    camera, _ = wired(pipeline)
    for number in (1, 2, 3):
        say(camera, [jpeg()], number=number)
    assert [f.index for f in pipeline.frames] == [0, 1, 2]
    seconds = [f.seconds for f in pipeline.frames]
    assert seconds == sorted(seconds)
    assert seconds[0] >= 0


def test_no_picture_is_kept(wired):
    pipeline = OneFace()
    camera, _ = wired(pipeline)
    say(camera, [jpeg()])
    pipeline.frames.clear()
    kept = [v for v in vars(camera).values() if isinstance(v, np.ndarray)]
    assert kept == []
    assert not any(isinstance(v, np.ndarray) for v in vars(camera.result).values())


def test_what_json_lacks_does_not_break_an_answer(wired):
    pipeline = OneFace()
    found = pipeline.process(SimpleNamespace(image=np.zeros((8, 8, 3), np.uint8)))
    found.faces[0].probs = np.float32([np.nan, np.inf])
    pipeline.process = lambda frame: found
    camera, sent = wired(pipeline)
    say(camera, [jpeg()])
    assert sent[0]["faces"][0]["probs"] == [0, 0]


def test_an_unsure_face_is_called_unsure(wired):
    pipeline = OneFace()
    found = pipeline.process(SimpleNamespace(image=np.zeros((8, 8, 3), np.uint8)))
    found.faces[0].unsure = True
    pipeline.process = lambda frame: found
    camera, sent = wired(pipeline)
    say(camera, [jpeg()])
    assert sent[0]["faces"][0]["label"] == "unsure"


def test_the_browser_is_told_everything_it_draws_with():
    settings = BrowserCamera(OneFace(), width=320, mirror=False).settings
    assert settings["classes"] == ["happy", "sad"]
    assert settings["colours"][0].lower() == "#f0e442"
    assert set(settings["icons"]) == {"happy", "sad", "unsure"}
    assert settings["icons"]["happy"].startswith("data:image/png;base64,")
    assert (settings["width"], settings["mirror"]) == (320, False)
    for words in ("Perceived", "yourself", "at work or in education", "Art. 5(1)(f)"):
        assert words in settings["notice"]


def test_the_widget_brings_its_module_and_style():
    camera = BrowserCamera(OneFace())
    assert "export default { render }" in camera._esm
    assert ".fer-camera" in camera._css


@pytest.mark.parametrize(
    "words",
    [
        "localhost",  # insecure page
        "allow the camera",  # no permission
        "Plug one in",  # no camera
        "run the cell of this camera again",  # kernel gone
    ],
)
def test_every_failure_comes_with_its_fix(words):
    assert words in str(BrowserCamera(OneFace())._esm)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 0}, "between 64 and 1920"),
        ({"width": "wide"}, "'wide'"),
        ({"quality": 0}, "quality"),
        ({"quality": 80}, "between 0.05 and 1"),
        ({"answer_within": float("nan")}, "nan"),
        ({"smooth": 0.5}, "smooth cannot change a pipeline"),
    ],
)
def test_options_out_of_range_are_named(options, words):
    with pytest.raises(ParameterError) as caught:
        BrowserCamera(OneFace(), **options)
    assert words in str(caught.value)


def test_class_names_must_be_known():
    nameless = SimpleNamespace(process=lambda frame: None)
    with pytest.raises(ParameterError, match="label order"):
        BrowserCamera(nameless)
    assert BrowserCamera(nameless, classes=CLASSES).settings["classes"] == [*CLASSES]
