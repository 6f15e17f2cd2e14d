"""Sinks: files appear whole or not at all, and say what a frame showed."""

import csv
import json
import warnings
from types import SimpleNamespace

import cv2
import matplotlib
import numpy as np
import pytest

from fer_utils.errors import DataError, ParameterError
from fer_utils.live import sinks, sources, timelines

matplotlib.use("Agg")
CLASSES = ("happy", "sad", "neutral")


def face(number=1, probs=(0.7, 0.2, 0.1), label="happy", unsure=False):
    return SimpleNamespace(
        id=number,
        box_xyxy=np.array([1.25, 2, 30.5, 40], np.float32),
        score=np.float32(0.9),
        probs=np.array(probs, np.float32),
        label=label,
        unsure=np.bool_(unsure),
    )


def result(index=0, seconds=None, faces=()):
    seconds = index / 10 if seconds is None else seconds
    return SimpleNamespace(
        index=index, seconds=seconds, faces=tuple(faces), timings_ms={}
    )


def picture(value=0, width=32, height=24):
    return np.full((height, width, 3), value % 256, np.uint8)


def frames_of(path):
    with sources.VideoFile(path) as video:
        return video.size, list(video)


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# Csv and Jsonl


def test_a_csv_has_a_row_per_face_and_one_for_an_empty_frame(tmp_path):
    path = tmp_path / "new" / "out.csv"
    unsure = face(2, (0.4, 0.3, 0.3), "unsure", True)
    with sinks.Csv(path, CLASSES) as out:
        out.write(result(0, faces=[face(1), unsure]))
        out.write(result(1), picture())
        assert not path.exists()  # not before it is whole
    first, second, empty = read_csv(path)
    assert first == {
        "frame": "0",
        "seconds": "0.0",
        "face": "1",
        "x1": "1.25",
        "y1": "2.0",
        "x2": "30.5",
        "y2": "40.0",
        "score": "0.9",
        "label": "happy",
        "unsure": "0",
        "happy": "0.7",
        "sad": "0.2",
        "neutral": "0.1",
    }
    assert (second["face"], second["label"], second["unsure"]) == ("2", "unsure", "1")
    assert (empty["frame"], empty["seconds"]) == ("1", "0.1")
    assert set(list(empty.values())[2:]) == {""}
    assert list(path.parent.iterdir()) == [path]


def test_a_jsonl_has_a_line_per_frame(tmp_path):
    path = tmp_path / "out.jsonl"
    with sinks.Jsonl(path, CLASSES) as out:
        out.write(result(0, faces=[face(3)]))
        out.write(result(1))
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert first == {
        "frame": 0,
        "seconds": 0.0,
        "faces": [
            {
                "face": 3,
                "box_xyxy": [1.25, 2.0, 30.5, 40.0],
                "score": 0.9,
                "label": "happy",
                "unsure": False,
                "probs": {"happy": 0.7, "sad": 0.2, "neutral": 0.1},
            }
        ],
    }
    assert second == {"frame": 1, "seconds": 0.1, "faces": []}


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        (sinks.Csv, "a.csv", ",".join(sinks.csv_columns(CLASSES)) + "\n"),
        (sinks.Jsonl, "a.jsonl", ""),
    ],
)
def test_no_frames_make_an_empty_table(tmp_path, kind, name, content):
    with kind(tmp_path / name, CLASSES):
        pass
    assert (tmp_path / name).read_text() == content


@pytest.mark.parametrize(
    "classes",
    [(), ("happy", "happy"), ("happy", "label")],  # none, twice, a column's name
)
@pytest.mark.parametrize(("kind", "name"), [(sinks.Csv, "a.csv")])
def test_class_names_must_be_different_columns(tmp_path, kind, name, classes):
    with pytest.raises(ParameterError, match="expected different class names"):
        kind(tmp_path / name, classes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [sinks.Csv, sinks.Jsonl])
def test_probabilities_must_fit_the_classes(tmp_path, kind):
    out = kind(tmp_path / f"a{kind.endings[0]}", CLASSES)
    with pytest.raises(ParameterError, match="3 classes were given, a face has 1"):
        out.write(result(faces=[face(probs=[1.0])]))
    with pytest.warns(UserWarning, match="stopped after 0 frames"):
        out.close(whole=False)


# Whole or not at all


def open_sink(kind, folder):
    if kind is sinks.Mp4:
        return kind(folder / "out.mp4", 10, (32, 24))
    return kind(folder / f"out{kind.endings[0]}", CLASSES)


FILES = [sinks.Csv, sinks.Jsonl, sinks.Mp4]


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_old_file_stays_and_the_partial_one_is_named(
    tmp_path, kind, error
):
    out = open_sink(kind, tmp_path)
    out.path.write_text("an earlier one")
    with (
        pytest.warns(UserWarning, match="stopped after 2 frames.*out.partial"),
        pytest.raises(error),
        out,
    ):
        out.write(result(0, faces=[face()]), picture())
        out.write(result(1, faces=[face()]), picture())
        raise error
    assert out.path.read_text() == "an earlier one"
    assert out.partial.name == f"out.partial{kind.endings[0]}"
    if kind is sinks.Mp4:
        assert len(frames_of(out.partial)[1]) == 2
    else:
        assert len(out.partial.read_text().splitlines()) >= 2


@pytest.mark.parametrize("kind", FILES)
def test_a_new_file_replaces_the_old_and_the_partial_one(tmp_path, kind):
    out = open_sink(kind, tmp_path)
    out.path.write_text("an earlier one")
    with out:
        out.write(result(0, faces=[face()]), picture())
    out.close()  # a second time does nothing
    assert list(tmp_path.iterdir()) == [out.path]
    assert out.path.read_bytes() != b"an earlier one"
    with pytest.raises(ParameterError, match="is closed"):
        out.write(result(1), picture())


@pytest.mark.parametrize("kind", FILES)
def test_a_wrong_ending_or_place_is_an_error(tmp_path, kind):
    rest = (10, (32, 24)) if kind is sinks.Mp4 else (CLASSES,)
    with pytest.raises(ParameterError, match=f"ends in {kind.endings[0]}"):
        kind(tmp_path / "out.txt", *rest)
    (tmp_path / f"out{kind.endings[0]}").mkdir()
    with pytest.raises(DataError, match="cannot be written: it is a folder"):
        kind(tmp_path / f"out{kind.endings[0]}", *rest)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        kind(tmp_path / "file" / f"out{kind.endings[0]}", *rest)


# Mp4


@pytest.mark.parametrize(
    ("n", "fps", "size", "expected"),
    [
        (1, 25, (1, 1), (2, 2)),  # the smallest grows to even sides
        (3, 30000 / 1001, (33, 25), (34, 26)),  # odd sides
        (7, 0.5, (32, 24), (32, 24)),
        (4, 120, (24, 32), (24, 32)),
    ],
)
def test_a_video_has_every_picture(tmp_path, n, fps, size, expected):
    with sinks.Mp4(tmp_path / "a.mp4", fps, size) as out:
        for i in range(n):
            out.write(result(i), picture(60 * i, *size))
    found_size, found = frames_of(tmp_path / "a.mp4")
    assert found_size == expected
    assert len(found) == n
    np.testing.assert_allclose(
        [f.seconds for f in found], np.arange(n) / fps, rtol=2e-3
    )
    tones = [int(f.image.mean()) for f in found]
    np.testing.assert_allclose(tones, [60 * i % 256 for i in range(n)], atol=6)


def test_an_odd_size_loses_no_column(tmp_path):
    image = picture(0, 33, 25)
    image[:, 16:] = 200
    with sinks.Mp4(tmp_path / "a.mp4", 5, (33, 25)) as out:
        out.write(result(), image)
    found = frames_of(tmp_path / "a.mp4")[1][0].image
    assert found[:, -1].mean() > 180  # the copied column
    assert found.shape == (26, 34, 3)


def test_no_frame_makes_no_video(tmp_path):
    with pytest.warns(UserWarning, match="there was no frame"):
        sinks.Mp4(tmp_path / "a.mp4", 5, (32, 24)).close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fps", "size", "message"),
    [
        (None, (32, 24), "needs one given, say 25"),  # a webcam that does not tell
        (0, (32, 24), "above 0"),
        (float("nan"), (32, 24), "above 0"),
        (1001, (32, 24), "at most 1000"),
        ("25", (32, 24), "above 0"),
        (25, (0, 24), "each at least 1"),
    ],
)
def test_a_video_needs_a_pace_and_a_size(tmp_path, fps, size, message):
    with pytest.raises(ParameterError, match=message):
        sinks.Mp4(tmp_path / "a.mp4", fps, size)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "image", [picture(0, 24, 32), picture().astype(float), picture()[..., 0]]
)
def test_a_picture_of_another_size_is_an_error(tmp_path, image):
    """OpenCV would leave it out without a word."""
    with (
        pytest.warns(UserWarning, match="stopped after 0 frames"),
        pytest.raises(ParameterError, match="A video has one size"),
        sinks.Mp4(tmp_path / "a.mp4", 5, (32, 24)) as out,
    ):
        out.write(result(), image)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        ([0, 0.1, 0.2], [0, 1, 2]),  # on time
        ([5, 5.1, 5.4], [0, 1, 1, 1, 2]),  # slow: repeated
        ([0, 0.01, 0.02, 0.1], [0, 3]),  # fast: left out
        ([0, 0.1, 3600], [0, 1, *[1] * 100, 2]),  # slept: ten seconds at most
    ],
)
def test_a_live_video_keeps_the_clock(tmp_path, seconds, shown):
    with sinks.Mp4(tmp_path / "a.mp4", 10, (32, 24), keep_time=True) as out:
        for i, time in enumerate(seconds):
            out.write(result(i, time), picture(60 * i))
    found = frames_of(tmp_path / "a.mp4")[1]
    assert [round(f.image.mean() / 60) for f in found] == shown


def test_a_full_disk_is_noticed(tmp_path):
    """OpenCV does not say so: what was written is counted."""
    out = sinks.Mp4(tmp_path / "a.mp4", 5, (32, 24))
    out.write(result(), picture())
    out._finish()
    out.partial.write_bytes(out.partial.read_bytes()[:100])
    with pytest.raises(DataError, match="1 pictures were written, 0 are in the file"):
        out.close()
    assert not out.path.exists()


# Window


@pytest.mark.skipif(not sinks.sys.platform.startswith("linux"), reason="Linux only")
@pytest.mark.parametrize(
    ("display", "message"),
    [
        ("", "there is no display"),
        (":4711", "':4711' cannot be reached"),  # OpenCV would end Python here
    ],
)
def test_no_display_is_a_clear_error(monkeypatch, display, message):
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    with pytest.raises(DataError, match=f"{message}.*--out out.mp4"):
        sinks.Window()


class Screen:
    """Stands for OpenCV's windows."""

    def __init__(self, monkeypatch, keys=()):
        self.keys, self.shown, self.open = list(keys), [], False
        monkeypatch.setattr(sinks, "_check_display", lambda: None)
        monkeypatch.setattr(cv2, "namedWindow", self.show)
        monkeypatch.setattr(cv2, "imshow", lambda _, image: self.shown.append(image))
        monkeypatch.setattr(cv2, "resizeWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "waitKey", self.key)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: float(self.open))
        monkeypatch.setattr(cv2, "destroyWindow", self.hide)

    def show(self, *_):
        self.open = True

    def hide(self, *_):
        self.open = False

    def key(self, _):
        return self.keys.pop(0) if self.keys else -1


@pytest.mark.parametrize("key", [ord("q"), 27])
def test_a_key_ends_the_window(monkeypatch, key):
    screen = Screen(monkeypatch, [-1, key])
    with sinks.Window("title") as window:
        window.write(result(), picture())
        assert not window.closed
        window.write(result(), picture())
        assert window.closed
        window.write(result(), picture())
    assert len(screen.shown) == 2
    assert not screen.open


def test_the_close_button_ends_the_window_and_it_stays_closed(monkeypatch):
    screen = Screen(monkeypatch)
    window = sinks.Window("title")
    window.write(result(), picture())
    screen.hide()
    window.write(result(), picture())
    assert window.closed
    assert len(screen.shown) == 1


def test_an_opencv_without_windows_is_a_clear_error(monkeypatch):
    def headless(*_):
        raise cv2.error("not implemented")

    Screen(monkeypatch)
    monkeypatch.setattr(cv2, "namedWindow", headless)
    with pytest.raises(DataError, match="this OpenCV has none"):
        sinks.Window()


# Timeline

RESULTS = [
    result(0, faces=[face(1), face(2, (0.1, 0.8, 0.1))]),
    result(1, faces=[face(1, (0.2, 0.3, 0.5))]),
    result(2),
    result(3, faces=[face(1)]),
]


def written(tmp_path, kind):
    with kind(tmp_path / f"a{kind.endings[0]}", CLASSES) as out:
        for one in RESULTS:
            out.write(one)
    return out.path


@pytest.mark.parametrize(
    "source",
    [
        lambda folder: RESULTS,
        lambda folder: written(folder, sinks.Csv),
        lambda folder: str(written(folder, sinks.Jsonl)),
        lambda folder: read_csv(written(folder, sinks.Csv)),
    ],
)
def test_a_timeline_reads_results_and_what_the_sinks_wrote(tmp_path, source):
    found = sinks.timeline(source(tmp_path), CLASSES)
    np.testing.assert_allclose(found.seconds, [0, 0.1, 0.2, 0.3])
    assert list(found.probs) == [1, 2]
    assert found.main_face() == 1
    assert found.labels() == ["happy", "neutral", "", "happy"]
    assert found.labels(2) == ["sad", "", "", ""]
    np.testing.assert_allclose(found.probs[1][1], [0.2, 0.3, 0.5], atol=1e-6)


@pytest.mark.parametrize(
    ("results", "title"),
    [
        ([], "no face was found"),  # an empty clip
        ([result(0)], "no face was found"),  # one frame, nobody there
        (RESULTS[:1], "of face 1 (1 more)"),  # one frame
        (RESULTS[1:], "Perceived expression"),
    ],
)
def test_a_timeline_of_any_length_is_drawn(results, title):
    from matplotlib import pyplot

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = sinks.timeline(results, CLASSES, notice="sample data").plot()
        ax.figure.canvas.draw()
    assert title in ax.get_title(loc="left")
    assert ax.get_title(loc="right") == "sample data"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time in seconds", "probability")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == list(CLASSES[::-1])
    pyplot.close(ax.figure)


def test_a_timeline_draws_on_given_axes():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert sinks.timeline(RESULTS, CLASSES).plot(ax, face=2) is ax
    with pytest.raises(ParameterError, match="no face 9. Known: 1, 2"):
        sinks.timeline(RESULTS, CLASSES).plot(ax, face=9)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (None, "a.csv", "cannot be read"),
        ("frame,seconds\n0,0.0\n", "a.csv", "row 1: expected seconds, face"),
        ("seconds,face,happy,sad,neutral\n0,1,x,0,0\n", "a.csv", "row 1.*'x'"),
        ("seconds,face,happy,sad,neutral\n0,1,1\n", "a.csv", "row 1"),  # cut off
        ('{"seconds": 0', "a.jsonl", "no JSON lines"),
        ("[1]\n", "a.jsonl", "row 1"),
    ],
)
def test_a_bad_table_is_named(tmp_path, content, name, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message) as error:
        timelines.timeline(tmp_path / name, CLASSES)
    assert name in str(error.value)


def test_a_timeline_needs_classes_that_fit():
    with pytest.raises(ParameterError, match="at least one class"):
        timelines.timeline([], ())
    with pytest.raises(DataError, match="a face with 3 probabilities"):
        timelines.timeline(RESULTS, CLASSES[:2])
