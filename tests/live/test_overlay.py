"""What is drawn on a frame: the frame's size and type stay, nothing leaves it."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from fer_utils.errors import ParameterError
from fer_utils.labels import CANONICAL, FER2013
from fer_utils.live import lettering, overlay
from fer_utils.live.icons import icon, icon_png

CLASSES = FER2013.classes


def a_face(box, top=3, share=0.8, unsure=False, classes=CLASSES, number=0):
    rest = (1 - share) / max(1, len(classes) - 1)
    probs = np.full(len(classes), rest, np.float32)
    probs[top] = share
    label = "unsure" if unsure else classes[top]
    return SimpleNamespace(
        id=number, box_xyxy=np.float32(box), probs=probs, label=label, unsure=unsure
    )


def a_result(*faces):
    return SimpleNamespace(index=0, seconds=0.0, faces=faces, timings_ms={})


def a_frame(height, width, grey):
    return np.full((height, width, 3), grey, np.uint8)


def changed(before, after):
    return (before != after).any(axis=2)


EDGE_FACES = [
    (-50, -50, 40, 40),  # over the upper left corner
    (600, 300, 900, 500),  # over the lower right corner
    (0, 0, 640, 360),  # the whole frame (detector "none")
    (-100, -100, 900, 900),  # more than the frame
    (10, 10, 10.2, 10.2),  # less than a pixel
    (300, 200, 290, 190),  # turned inside out
    (700, 400, 800, 500),  # outside
    (np.nan, 0, 10, 10),  # a number went missing
    (0, -np.inf, np.inf, 40),  # not finite
    (1e9, 1e9, 2e9, 2e9),  # beyond an int32
]


@pytest.mark.parametrize(
    ("height", "width"),
    [
        (1, 1),  # degenerate
        (2, 3),
        (9, 9),  # smaller than an icon
        (32, 32),
        (20, 200),  # lower than a line of text is long
        (200, 20),  # narrower than a word
        (48, 48),
        (101, 75),  # odd
        (360, 640),
    ],
)
@pytest.mark.parametrize("grey", [0, 255])
def test_any_frame_keeps_its_size_and_gets_a_face_drawn(height, width, grey):
    frame = a_frame(height, width, grey)
    kept = frame.copy()
    box = (width * 0.2, height * 0.2, width * 0.8, height * 0.8)
    drawn = overlay.draw(frame, a_result(a_face(box)), CLASSES, fps=30, notice=True)
    assert (drawn.shape, drawn.dtype) == (frame.shape, np.uint8)
    assert not np.shares_memory(drawn, frame)
    assert (frame == kept).all()
    assert changed(frame, drawn).any()


@pytest.mark.parametrize("box", EDGE_FACES, ids=str)
def test_a_face_at_any_place_is_drawn_or_left_out_without_an_error(box):
    frame = a_frame(360, 640, 90)
    drawn = overlay.draw(frame, a_result(a_face(box)), CLASSES, fps=30, notice=True)
    assert drawn.shape == frame.shape


@pytest.mark.parametrize("box", EDGE_FACES[5:9], ids=str)
def test_a_face_that_does_not_meet_the_frame_draws_nothing(box):
    frame = a_frame(360, 640, 90)
    assert (overlay.draw(frame, a_result(a_face(box)), CLASSES) == frame).all()


def test_no_face_is_only_a_copy():
    frame = a_frame(48, 64, 10)
    drawn = overlay.draw(frame, a_result(), CLASSES)
    assert (drawn == frame).all()
    assert drawn is not frame


def test_the_border_of_a_frame_larger_than_the_face_is_left_alone():
    frame = a_frame(720, 1280, 0)
    mark = changed(
        frame, overlay.draw(frame, a_result(a_face((500, 300, 700, 500))), CLASSES)
    )
    rows, columns = np.nonzero(mark)
    assert rows.min() > 200
    assert rows.max() < 520
    assert columns.min() > 480
    assert not mark[310:490, 510:690].any()  # the face itself is not covered


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_the_tag_is_readable_on_any_ground(grey):
    drawn = overlay.draw(
        a_frame(360, 640, grey), a_result(a_face((200, 100, 300, 220))), CLASSES
    )
    tag = drawn[80:96, 225:290].astype(float).mean(axis=2)
    assert tag.max() - tag.min() > 100


@pytest.mark.parametrize("grey", [0, 255])
def test_all_bars_are_there_and_as_long_as_the_probabilities(grey):
    classes = CLASSES[:4]
    face = a_face((100, 100, 200, 220), top=0, classes=classes)
    face.probs = np.float32([1.0, 0.5, 0.25, 0.0])
    drawn = overlay.draw(a_frame(360, 640, grey), a_result(face), classes)
    panel = drawn[:, 204:]  # right of the face's own line
    lengths = [
        int((panel == overlay.colour_bgr(name)).all(axis=2).sum(axis=1).max())
        for name in classes
    ]
    assert lengths[0] > 40
    assert lengths[1:] == [
        pytest.approx(lengths[0] / 2, abs=1),
        pytest.approx(lengths[0] / 4, abs=1),
        0,
    ]


def test_bars_can_be_left_out():
    frame, result = a_frame(360, 640, 0), a_result(a_face((100, 100, 200, 220)))
    with_bars = changed(frame, overlay.draw(frame, result, CLASSES))
    without = changed(frame, overlay.draw(frame, result, CLASSES, bars=False))
    assert with_bars[:, 230:].any()
    assert not without[:, 230:].any()


def test_a_face_that_fills_the_frame_has_its_bars_inside():
    frame, result = a_frame(360, 640, 0), a_result(a_face((0, 0, 640, 360)))
    with_bars = overlay.draw(frame, result, CLASSES)
    without = overlay.draw(frame, result, CLASSES, bars=False)
    assert changed(with_bars, without).any()


def test_twenty_faces_keep_their_boxes_free_of_other_tags():
    boxes = [
        (20 + 124 * (i % 5), 24 + 88 * (i // 5), 80 + 124 * (i % 5), 84 + 88 * (i // 5))
        for i in range(20)
    ]
    faces = [a_face(box, top=i % 7, number=i) for i, box in enumerate(boxes)]
    frame = a_frame(384, 640, 60)
    mark = changed(frame, overlay.draw(frame, a_result(*faces), CLASSES, fps=9))
    for left, top, right, bottom in boxes:
        assert mark[top - 3 : bottom + 3, left - 3 : right + 3].any()
        assert not mark[top + 22 : bottom - 22, left + 4 : right - 4].any()


def test_the_same_place_twenty_times_is_no_error():
    faces = [a_face((10, 10, 60, 60), number=i) for i in range(20)]
    assert overlay.draw(a_frame(64, 64, 0), a_result(*faces), CLASSES).any()


def test_an_unsure_face_is_grey_and_carries_no_class_colour():
    drawn = overlay.draw(
        a_frame(360, 640, 0),
        a_result(a_face((100, 100, 200, 220), unsure=True)),
        CLASSES,
        bars=False,
    )
    assert (drawn == (200, 200, 200)).all(axis=2).sum() > 300
    assert not (drawn == overlay.colour_bgr("happy")).all(axis=2).any()


@pytest.mark.parametrize(
    "probs",
    [
        [np.nan] * 7,  # a broken model
        [2.0, -1.0, 0, 0, 0, 0, 0],  # not probabilities
        [np.inf] * 7,
    ],
)
def test_probabilities_that_are_none_do_not_stop_the_video(probs):
    face = a_face((100, 100, 200, 220))
    face.probs = np.float32(probs)
    assert overlay.draw(a_frame(360, 640, 0), a_result(face), CLASSES).any()


def test_the_notice_covers_at_most_a_quarter_and_is_short_on_small_frames():
    for height, width in [(360, 640), (240, 320), (120, 160), (720, 1280)]:
        frame = a_frame(height, width, 120)
        rows = changed(
            frame, overlay.draw(frame, a_result(), CLASSES, notice=True)
        ).any(axis=1)
        assert 0 < rows.sum() <= height / 4
        assert rows[-1]
    tiny = a_frame(16, 16, 120)
    assert (overlay.draw(tiny, a_result(), CLASSES, notice=True) == tiny).all()


@pytest.mark.parametrize("fps", [0.0, 3.21, 30, 1234.5, float("inf"), float("nan")])
def test_any_frame_rate_can_be_written(fps):
    frame = a_frame(360, 640, 120)
    mark = changed(frame, overlay.draw(frame, a_result(), CLASSES, fps=fps))
    assert mark[:30, 500:].any()
    assert not mark[40:].any()


@pytest.mark.parametrize("classes", [CANONICAL, ("happy", "sad"), ("wütend", "高兴")])
def test_other_vocabularies_are_drawn_too(classes):
    face = a_face((100, 100, 200, 220), top=1, classes=classes)
    drawn = overlay.draw(a_frame(360, 640, 0), a_result(face), classes)
    assert drawn[:, 230:].any()


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((8, 8), np.uint8), "cv2.cvtColor"),  # grey
        (np.zeros((8, 8, 3), np.float32), "float32"),  # already scaled
        (np.zeros((0, 8, 3), np.uint8), "(0, 8, 3)"),  # empty
        (np.zeros((8, 8, 4), np.uint8), "(8, 8, 4)"),  # with alpha
        ("frame.png", "str"),
    ],
)
def test_what_is_no_frame_is_named(image, words):
    with pytest.raises(ParameterError) as caught:
        overlay.draw(image, a_result(), CLASSES)
    assert words in str(caught.value)


def test_probabilities_must_fit_the_classes():
    with pytest.raises(ParameterError, match="face 5 has 7 probabilities.*2 classes"):
        face = a_face((0, 0, 9, 9), number=5)
        overlay.draw(a_frame(32, 32, 0), a_result(face), ("happy", "sad"))


def test_every_class_has_its_own_icon_at_the_size_of_text():
    words = (*CANONICAL, "unsure", "another word")
    pictures = [icon(word, 18).astype(int) for word in words]
    for i, first in enumerate(pictures):
        for second in pictures[:i]:
            assert abs(first - second).mean() > 1
    assert icon_png("happy").startswith(b"\x89PNG")
    assert icon("happy", 1).shape == (1, 1, 4)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),  # nothing
        ("happy", "happy"),
        ("高", ""),  # not in the font: left out, no empty box
        ("a\U000f1234b", "ab"),  # a character of no font
        (" sad ", "sad"),
    ],
)
def test_what_the_font_lacks_is_left_out(text, shown):
    assert lettering.drawable(text) == shown
    assert lettering.mask(text, 12).shape[0] == lettering.line_height(12)


def test_without_matplotlib_the_font_inside_pillow_serves(monkeypatch):
    for cached in (lettering._font, lettering._dejavu, lettering.mask):
        cached.cache_clear()
    monkeypatch.setattr(lettering.importlib.util, "find_spec", lambda name: None)
    try:
        assert lettering.mask("happy", 14).max() > 200
    finally:
        for cached in (lettering._font, lettering._dejavu, lettering.mask):
            cached.cache_clear()
        lettering.line_height.cache_clear()
        overlay._tag.cache_clear()


def test_the_overlay_imports_neither_backend_nor_pandas():
    code = (
        "import numpy as np, sys; from types import SimpleNamespace as N;"
        "from fer_utils.live.overlay import draw;"
        "f = N(id=0, box_xyxy=[2, 2, 90, 90], probs=[1, 0], label='happy', unsure=0);"
        "draw(np.zeros((300, 300, 3), np.uint8), N(faces=[f]), ['happy', 'sad']);"
        "print([m for m in ('keras', 'tensorflow', 'pandas', 'matplotlib', 'sklearn')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
