"""Sources: file sources lose nothing, live ones stay fresh, broken input teaches."""

import builtins
import gc
import struct
import threading
import time
import warnings

import cv2
import numpy as np
import pytest

from fer_utils.errors import DataError, ParameterError
from fer_utils.live import frames, sources


def picture(value=0, width=64, height=48):
    image = np.full((height, width, 3), value % 256, np.uint8)
    image[:4] = 255  # a bright upper edge, to see which way is up
    return image


def write_video(path, n=10, size=(64, 48), fps=25, code="mp4v"):
    # FFmpeg's writer cuts odd sides off; OpenCV's own for .avi does not.
    how = cv2.CAP_OPENCV_MJPEG if code == "MJPG" else cv2.CAP_FFMPEG
    writer = cv2.VideoWriter(str(path), how, cv2.VideoWriter_fourcc(*code), fps, size)
    for i in range(n):
        writer.write(picture(20 * i, *size))
    writer.release()
    return path


def turned(path):
    """Note in an mp4 that a player must turn it by a quarter."""
    content = bytearray(path.read_bytes())
    at = content.find(b"tkhd") + 44
    quarter = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    content[at : at + 36] = struct.pack(">9i", *quarter)
    path.write_bytes(content)
    return path


class Camera(frames.Source):
    """A live source: new frames whether or not anybody looks, then maybe an error."""

    live, name = True, "test camera"

    def __init__(self, n=1000, pause=0.001, error=None):
        self.n, self.pause, self.error, self.at = n, pause, error, 0
        self.released_in = None

    def _read(self):
        time.sleep(self.pause)
        if self.at >= self.n:
            if self.error:
                raise self.error
            return None
        self.at += 1
        return frames.Frame(self.at - 1, self.at * self.pause, picture())

    def _release(self):
        self.released_in = threading.current_thread().name


# Pictures in memory


@pytest.mark.parametrize(
    ("images", "fps", "seconds", "size"),
    [
        ([], 25, [], (0, 0)),  # no frames at all
        (np.zeros((0, 5, 4, 3), np.uint8), 25, [], (0, 0)),  # the same, as an array
        ([np.zeros((1, 1, 3), np.uint8)], 25, [0], (1, 1)),  # the smallest
        (np.zeros((3, 6, 8, 3), np.uint8), 2, [0, 0.5, 1], (8, 6)),
        ([np.zeros((6, 8), np.uint8)] * 2, None, [0, 1], (8, 6)),  # grey, no pace
        ([np.zeros((6, 8, 1), np.uint8)], 0.5, [0], (8, 6)),  # grey with a channel
    ],
)
def test_pictures_in_memory_become_frames(images, fps, seconds, size):
    with sources.in_memory(images, fps) as source:
        assert (source.count, source.size) == (len(seconds), size)
        assert source.fps == fps
        found = list(source)
    assert [frame.index for frame in found] == list(range(len(seconds)))
    assert [frame.seconds for frame in found] == seconds
    for frame in found:
        assert frame.image.dtype == np.uint8
        assert frame.image.shape == (size[1], size[0], 3)


@pytest.mark.parametrize(
    ("image", "received"),
    [
        (np.zeros((4, 4, 3), np.float32), "float32 (4, 4, 3)"),  # not in [0, 255]
        (np.zeros((4, 4, 4), np.uint8), "uint8 (4, 4, 4)"),  # a transparent picture
        (np.zeros(4, np.uint8), "uint8 (4,)"),
        (np.zeros((0, 4, 3), np.uint8), "uint8 (0, 4, 3)"),  # no pixels
    ],
)
def test_a_wrong_picture_is_named(image, received):
    good = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ParameterError) as error:
        list(sources.in_memory([good, image]))
    assert "image 1: expected uint8 (H, W, 3)" in str(error.value)
    assert f"received {received}" in str(error.value)


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf"), "25", True])
def test_a_wrong_fps_is_an_error(fps):
    with pytest.raises(ParameterError, match="expected a positive number"):
        sources.in_memory([], fps)


def test_an_ended_source_stays_ended_and_a_closed_one_says_so():
    ended = sources.in_memory([picture()])
    assert len(list(ended)) == 1
    ended.close()
    ended.close()
    assert list(ended) == []
    closed = sources.in_memory([picture()])
    closed.close()
    with pytest.raises(ParameterError, match="closed before its last frame"):
        next(closed)


# Picture files


def test_pictures_of_a_folder_come_in_natural_order(tmp_path):
    for name in ("b10.png", "b2.png", "B1.PNG", "ä 3.png"):
        content = cv2.imencode(".png", picture(len(name)))[1]
        (tmp_path / name).write_bytes(content.tobytes())
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "sub.png").mkdir()
    with sources.image_files(tmp_path) as source:
        assert [p.name for p in source.files] == [
            "B1.PNG",
            "b2.png",
            "b10.png",
            "ä 3.png",
        ]
        assert (source.count, source.size, source.fps) == (4, (64, 48), None)
        assert [(f.index, f.seconds) for f in source] == [(i, i) for i in range(4)]


def test_one_picture_or_a_list_is_a_source_too(tmp_path):
    for i in range(2):
        cv2.imwrite(str(tmp_path / f"{i}.png"), picture(i, width=20 + i))
    one = list(sources.image_files(str(tmp_path / "1.png")))
    assert one[0].image.shape == (48, 21, 3)
    both = [tmp_path / "1.png", tmp_path / "0.png"]
    found = list(sources.image_files(both, fps=4))
    assert [f.image.shape[1] for f in found] == [21, 20]
    assert [f.seconds for f in found] == [0, 0.25]


def test_a_photo_is_turned_as_its_camera_noted(tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by a quarter
    Image.fromarray(picture()).save(tmp_path / "phone.jpg", exif=exif)
    frame = next(sources.image_files(tmp_path))
    assert frame.image.shape == (64, 48, 3)
    assert frame.image[:, -4:].min() > 200  # the bright edge is on the right now


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16", "P", "1"])
def test_pictures_of_any_depth_become_three_channels(tmp_path, mode):
    from PIL import Image

    image = Image.new("L", (6, 4), 100)
    if mode == "I;16":
        image = Image.fromarray(np.full((4, 6), 40000, np.uint16))
    else:
        image = image.convert(mode)
    image.save(tmp_path / "x.png")
    image = next(sources.image_files(tmp_path)).image
    assert (image.dtype, image.shape) == (np.uint8, (4, 6, 3))


def test_a_bad_picture_is_an_error_or_left_out(tmp_path):
    (tmp_path / "0.png").write_bytes(b"no picture at all")
    cv2.imwrite(str(tmp_path / "1.png"), picture())
    (tmp_path / "2.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"0.png: no picture could be read \(17 bytes"):
        sources.image_files(tmp_path)
    with pytest.warns(UserWarning, match="left out: .*(0.png|2.jpg)") as said:
        found = list(sources.image_files(tmp_path, skip_bad=True))
    assert len(said) == 2
    assert [f.index for f in found] == [1]  # still its place in `files`


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder, "no pictures in this folder"),  # an empty folder
        (lambda folder: [], "no picture files were given"),
        (lambda folder: folder / "x.png", "no such file"),
    ],
)
def test_missing_pictures_are_named(tmp_path, make, message):
    with pytest.raises(DataError, match=message):
        sources.image_files(make(tmp_path))


def test_a_folder_of_bad_pictures_is_an_error_even_when_skipping(tmp_path):
    (tmp_path / "0.png").write_bytes(b"no")
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(DataError, match="none of the 1 picture files"),
    ):
        sources.image_files(tmp_path, skip_bad=True)


# Video files


@pytest.mark.parametrize(
    ("n", "fps", "size", "name", "code"),
    [
        (1, 25, (64, 48), "a.mp4", "mp4v"),  # a single frame
        (2, 0.5, (2, 2), "a.mp4", "mp4v"),  # tiny and slow
        (30, 30000 / 1001, (64, 48), "a.mp4", "mp4v"),  # television's pace
        (12, 120, (48, 64), "a.mp4", "mp4v"),  # upright and fast
        (9, 10, (63, 47), "a.avi", "MJPG"),  # odd sides
        (9, 10, (64, 48), "Ü b.avi", "MJPG"),  # an accent and a space
    ],
)
@pytest.mark.parametrize("ahead", [False, True])
def test_a_video_file_loses_no_frame(tmp_path, n, fps, size, name, code, ahead):
    path = write_video(tmp_path / name, n, size, fps, code)
    source = sources.VideoFile(path)
    source = sources.threaded(source) if ahead else source
    with source, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (source.count, source.size) == (n, size)
        assert source.fps == pytest.approx(fps, rel=1e-3)
        found = list(source)
    assert [f.index for f in found] == list(range(n))
    expected = np.arange(n) / fps
    np.testing.assert_allclose([f.seconds for f in found], expected, rtol=2e-3)
    for frame in found:
        assert frame.image.shape == (size[1], size[0], 3)
        assert frame.image.dtype == np.uint8
    if min(size) > 8:  # each picture is its own, in order
        grey = [int(f.image[-8:].mean()) for f in found]
        np.testing.assert_allclose(grey, [20 * i % 256 for i in range(n)], atol=6)


def test_a_phone_video_is_turned_upright(tmp_path):
    path = turned(write_video(tmp_path / "a.mp4"))
    with sources.VideoFile(path) as video:
        assert video.size == (48, 64)
        assert video.count == 10
        image = next(video).image
    assert image.shape == (64, 48, 3)
    assert image[:, -2:].min() > 150  # the bright edge went to the right


def broken(tmp_path, how):
    path = tmp_path / "clip.mp4"
    if how == "folder":
        path.mkdir()
    elif how == "text":
        path.write_text("not a video " * 50)
    elif how == "empty":
        path.touch()
    elif how == "no frames":
        write_video(path, n=0)
    elif how == "truncated":
        whole = write_video(tmp_path / "whole.mp4").read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "a few bytes":
        path.write_bytes(b"\0\0")
    return path


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("missing", "no such file"),
        ("folder", "is a folder, expected one video file"),
        ("empty", "the file is empty"),
        ("a few bytes", "not a video"),
        ("text", "not a video"),
        ("no frames", "no frame can be decoded"),
        ("truncated", r"index \(moov\) is missing"),  # a recording that was killed
    ],
)
def test_a_broken_video_says_what_is_wrong_and_nothing_else(
    tmp_path, how, message, capfd
):
    path = broken(tmp_path, how)
    with pytest.raises(DataError, match=message) as error:
        sources.VideoFile(path)
    assert "clip.mp4" in str(error.value)
    assert capfd.readouterr() == ("", "")  # OpenCV's own messages are kept back


def test_a_cut_video_gives_what_it_has_and_warns(tmp_path):
    whole = write_video(tmp_path / "a.avi", n=40, code="MJPG").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    with sources.VideoFile(tmp_path / "cut.avi") as video:
        assert video.count == 40
        with pytest.warns(UserWarning, match="says 40 frames, 1?[0-9] could be read"):
            found = list(video)
    assert 5 < len(found) < 40
    assert [f.index for f in found] == list(range(len(found)))


class Capture:
    """Stands for a cv2.VideoCapture: None is a damaged place, else (ms, picture)."""

    def __init__(self, steps):
        self.steps, self.ms = list(steps), 0

    def read(self):
        step = self.steps.pop(0) if self.steps else None
        self.ms = self.ms if step is None else step
        return step is not None, picture()

    def get(self, _):
        return self.ms

    def release(self):
        pass


@pytest.mark.parametrize(
    ("steps", "seconds"),
    [
        ([40, None, None, None, 200], [0.04, 0.2]),  # goes on behind the damage
        ([40, 40, 90], [0.04, 0.08, 0.09]),  # a clock that stands still is not believed
        ([40, 0, 0], [0.04, 0.08, 0.12]),  # nor one that says nothing
        ([40, 50, 1000], [0.04, 0.05, 1.0]),  # a varying pace is
    ],
)
def test_times_are_the_files_own_and_never_stand_still(tmp_path, steps, seconds):
    video = sources.VideoFile(write_video(tmp_path / "a.mp4"))
    next(video)
    video._capture, video._index, video._seconds, video.count = Capture(steps), 0, -1, 1
    found = [f.seconds for f in video]
    np.testing.assert_allclose(found, seconds, atol=1e-9)


@pytest.mark.parametrize(
    ("fps", "count", "expected"),
    [
        (0, 0, (None, None)),
        (float("nan"), -2.3e17, (None, None)),  # a browser's recording
        (1000, 10, (None, 10)),  # the ticks of a clock, no pace
        (29.97, 40, (29.97, 40)),
    ],
)
def test_only_sensible_promises_of_a_file_are_passed_on(fps, count, expected):
    found = sources._sensible_fps(fps), sources._sensible_count(count)
    assert found == expected


# Camera and screen


@pytest.mark.parametrize("number", [-1, 0.5, "0", None, True])
def test_a_wrong_camera_number_is_an_error(number):
    with pytest.raises(ParameterError, match="0 for the first camera"):
        sources.Webcam(number)


def test_no_camera_is_a_clear_error(capfd):
    with pytest.raises(DataError) as error:
        sources.Webcam(99)
    assert "camera 99 was not found." in str(error.value)
    assert "privacy settings" in str(error.value)
    assert "live.BrowserCamera" in str(error.value)
    assert capfd.readouterr() == ("", "")


class FakeCapture(Capture):
    def isOpened(self):
        return True

    def set(self, *_):
        pass


def test_a_camera_counts_from_zero_and_says_when_it_is_unplugged(monkeypatch):
    monkeypatch.setattr(sources, "_CAMERA_PATIENCE", 0.05)
    monkeypatch.setattr(cv2, "VideoCapture", lambda _: FakeCapture([None, 30, 30, 30]))
    with sources.Webcam(size=(64, 48)) as camera:
        assert (camera.live, camera.size, camera.count) == (True, (64, 48), None)
        first, second = next(camera), next(camera)
        assert (first.index, first.seconds, second.index) == (0, 0.0, 1)
        assert second.seconds > 0
        with pytest.raises(DataError, match="stopped giving pictures after 2 frames"):
            next(camera)


def test_a_camera_without_pictures_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(sources, "_CAMERA_PATIENCE", 0.05)
    monkeypatch.setattr(cv2, "VideoCapture", lambda _: FakeCapture([]))
    with pytest.raises(DataError, match="camera 0 gives no pictures"):
        sources.Webcam()


def test_a_missing_mss_says_how_to_get_it(monkeypatch):
    original = builtins.__import__

    def without_mss(name, *rest):
        if name.split(".")[0] == "mss":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_mss)
    with pytest.raises(DataError, match="pip install mss"):
        sources.Screen()


def test_no_screen_is_a_clear_error(monkeypatch):
    pytest.importorskip("mss")
    if not sources.sys.platform.startswith("linux"):
        pytest.skip("only Linux can be without a screen")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(DataError, match="no screen can be read: .*live.BrowserCamera"):
        sources.Screen()


class Grabber:
    monitors = (
        {"left": -20, "top": 0, "width": 120, "height": 50},
        {"left": 0, "top": 0, "width": 100, "height": 50},
    )
    closed = False

    def grab(self, area):
        return np.full((area["height"], area["width"], 4), 7, np.uint8)

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("region", "size"),
    [
        (None, (100, 50)),  # the first screen
        ((99, 49, 1, 1), (1, 1)),  # the last pixel
        ((-20, 0, 120, 50), (120, 50)),  # a second screen on the left
    ],
)
def test_a_region_of_the_screen_is_read(monkeypatch, region, size):
    pytest.importorskip("mss")
    grabber = Grabber()
    monkeypatch.setattr(sources, "_screen_grabber", lambda: grabber)
    with sources.Screen(region, fps=500) as screen:
        assert (screen.size, screen.fps, screen.live) == (size, 500, True)
        found = [next(screen) for _ in range(3)]
    assert [f.index for f in found] == [0, 1, 2]
    assert found[0].seconds == 0
    assert found[2].seconds >= 0.9 * 2 / 500  # no faster than asked
    assert found[0].image.shape == (size[1], size[0], 3)
    assert grabber.closed


@pytest.mark.parametrize(
    "region",
    [(0, 0, 0, 0), (0, 0, 101, 50), (-21, 0, 10, 10), (0, 0, 10), "abcd", 5],
)
def test_a_region_outside_the_screen_is_an_error(monkeypatch, region):
    grabber = Grabber()
    monkeypatch.setattr(sources, "_screen_grabber", lambda: grabber)
    with pytest.raises(ParameterError, match="reaches from -20, 0 to 100, 50"):
        sources.Screen(region)
    assert grabber.closed


# Reading ahead


def test_reading_ahead_of_nothing_is_nothing():
    with sources.threaded(sources.in_memory([])) as source:
        assert list(source) == []


def test_a_slow_consumer_loses_no_frame_of_a_file():
    source = sources.threaded(sources.in_memory([picture(i) for i in range(40)]))
    with source:
        found = []
        for frame in source:
            time.sleep(0.001)
            found.append(frame.index)
        assert found == list(range(40))
        assert source.dropped == 0


def test_only_a_few_frames_are_read_ahead():
    camera = Camera(pause=0)
    with sources.threaded(camera, drop_stale=False) as source:
        next(source)
        time.sleep(0.1)
        assert camera.at <= 11


def test_a_slow_consumer_sees_the_newest_frame_of_a_camera():
    camera = Camera(n=10**6)
    with sources.threaded(camera) as source:
        first = next(source)
        while camera.at < first.index + 10:  # however busy the machine is
            time.sleep(0.01)
        second = next(source)
        assert second.index > first.index + 5
        assert source.dropped == second.index - 1 - first.index


def test_the_last_frame_of_a_live_source_is_not_dropped():
    with sources.threaded(Camera(n=5, pause=0.01)) as source:
        *_, last = source
    assert last.index == 4


@pytest.mark.parametrize("drop_stale", [False, True])
def test_an_error_of_the_thread_is_raised_after_its_frames(drop_stale):
    camera = Camera(n=3, error=DataError("unplugged"))
    found = []
    source = sources.threaded(camera, drop_stale)
    with source, pytest.raises(DataError, match="unplugged"):
        found.extend(frame.index for frame in iter(source.__next__, None))
    assert found[-1] == 2 if found else drop_stale
    assert camera.released_in == "reads test camera"
    assert list(source) == []  # once is enough


@pytest.mark.parametrize("started", [False, True])
def test_closing_ends_the_thread_and_closes_the_source(started):
    camera = Camera(pause=0)
    source = sources.threaded(camera, drop_stale=False)
    if started:
        next(source)
    source.close()
    source.close()
    assert camera.released_in
    assert "reads test camera" not in [t.name for t in threading.enumerate()]


def test_forgetting_a_source_ends_its_thread():
    camera = Camera(pause=0)
    source = sources.threaded(camera, drop_stale=False)
    next(source)
    del source
    gc.collect()
    assert camera.released_in
    assert "reads test camera" not in [t.name for t in threading.enumerate()]


@pytest.mark.parametrize("source", [None, "clip.mp4", [1, 2], iter([1])])
def test_reading_ahead_wants_a_source(source):
    with pytest.raises(ParameterError, match="expected a source such as"):
        sources.threaded(source)
