"""Detectors: one protocol, files checked, real faces found, nothing on odd frames."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_utils.data.synthetic import draw_faces
from fer_utils.errors import DataError, ParameterError, WeightsError
from fer_utils.live import detectors, files
from fer_utils.live.detectors import Center, Detector, Haar, Ssd, Whole, YuNet, detector
from fer_utils.live.files import FILES, detector_file
from fer_utils.live.tracking import match, overlaps

FOLDER = os.environ.get("FER_WEIGHTS_DIR") or ""
YUNET, LAYERS, WEIGHTS = FILES


def needs(*names):
    missing = [n for n in names if not (Path(FOLDER or "nowhere") / n).is_file()]
    return pytest.mark.skipif(
        bool(missing), reason=f"FER_WEIGHTS_DIR has no {', '.join(missing)}"
    )


NETWORKS = [
    pytest.param("yunet", marks=needs(YUNET)),
    pytest.param("ssd", marks=needs(LAYERS, WEIGHTS)),
]
ALL = [*NETWORKS, "haar", "center", "none"]
SEARCHING = [*NETWORKS, "haar"]


@pytest.fixture(scope="module")
def face():
    """Return one drawn face, uint8 (160, 160, 3), that every detector can find."""
    grey = cv2.resize(draw_faces(["neutral"], seed=2)[0], (160, 160))
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)


def frame_with(face, *corners, shape=(360, 640)):
    """Return a grey frame with the face at each (left, top)."""
    frame = np.full((*shape, 3), 120, np.uint8)
    for left, top in corners:
        frame[top : top + len(face), left : left + len(face)] = face
    return frame


@pytest.mark.parametrize("name", SEARCHING)
@pytest.mark.parametrize(
    "corners",
    [
        [],  # nobody
        [(240, 100)],
        [(20, 20), (420, 180)],
        [(10, 10), (240, 100), (470, 190)],  # two of them near the frame's edges
    ],
)
def test_the_faces_of_a_frame_are_found_where_they_are(name, corners, face):
    found = detector(name).detect(frame_with(face, *corners))
    truth = [(x, y, x + 160, y + 160) for x, y in corners]
    assert len(found) == len(found.scores) == len(truth)
    places = match(truth, found.boxes_xyxy, min_overlap=0.4)
    assert sorted(p for p in places if p is not None) == list(range(len(truth)))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "shape",
    [(1, 1), (1, 640), (640, 1), (2, 3), (48, 48), (333, 1001), (1080, 300)],
)
def test_any_frame_gives_sound_detections(name, shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    for image in (noise, np.zeros_like(noise)):
        found = detector(name).detect(image)
        assert found.boxes_xyxy.dtype == found.scores.dtype == np.float32
        assert found.boxes_xyxy.shape == (len(found), 4)
        assert found.scores.shape == (len(found),)
        assert np.isfinite(found.boxes_xyxy).all()
        assert (found.boxes_xyxy[:, 2:] > found.boxes_xyxy[:, :2]).all()
        assert ((found.scores >= 0) & (found.scores <= 1)).all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "image",
    [
        None,
        [[0]],
        np.zeros((8, 8), np.uint8),  # grey
        np.zeros((8, 8, 4), np.uint8),  # with transparency
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),  # empty
    ],
)
def test_what_is_no_colour_image_is_refused(name, image):
    with pytest.raises(DataError, match=r"expected a colour image.*GRAY2BGR"):
        detector(name).detect(image)


@pytest.mark.parametrize("name", NETWORKS)
def test_one_detector_takes_frames_of_changing_sizes(name, face):
    searching = detector(name)
    for shape, corner in [((360, 640), (240, 100)), ((500, 400), (100, 200))]:
        found = searching.detect(frame_with(face, corner, shape=shape))
        x, y = corner
        assert overlaps(found.boxes_xyxy, [(x, y, x + 160, y + 160)]).item() > 0.4


@pytest.mark.parametrize("name", [NETWORKS[0], "haar"])
def test_a_large_frame_is_searched_on_a_small_copy(name, face):
    frame = frame_with(face, (240, 100))
    large = cv2.resize(frame, None, fx=2, fy=2)
    here, there = (detector(name).detect(f).boxes_xyxy for f in (frame, large))
    assert overlaps(here * 2, there).item() > 0.7
    assert len(detector(name, side=40).detect(frame)) == 0  # too few pixels left


@pytest.mark.parametrize("name", NETWORKS)
def test_a_higher_score_is_asked_for_and_got(name, face):
    frame = frame_with(face, (240, 100))
    score = detector(name).detect(frame).scores.item()
    assert len(detector(name, min_score=score - 0.02).detect(frame)) == 1
    assert len(detector(name, min_score=min(score + 0.02, 1)).detect(frame)) == 0


@pytest.mark.parametrize(
    ("searching", "shape", "box"),
    [
        (Center(1), (1, 1), (0, 0, 1, 1)),
        (Center(224), (360, 640), (208, 68, 432, 292)),
        (Center(224), (100, 640), (270, 0, 370, 100)),  # the largest square
        (Whole(), (1, 1), (0, 0, 1, 1)),
        (Whole(), (360, 640), (0, 0, 640, 360)),
    ],
)
def test_fixed_boxes_are_where_they_are_said_to_be(searching, shape, box):
    found = searching.detect(np.zeros((*shape, 3), np.uint8))
    np.testing.assert_array_equal(found.boxes_xyxy, [box])
    np.testing.assert_array_equal(found.scores, [1])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: detector("yunt"), "Did you mean 'yunet'"),
        (lambda: detector("haar", sides=320), "Did you mean 'side'"),
        (lambda: detector("none", size=1), "unknown option 'size'"),
        (lambda: Center(0), "at least 1 pixel"),
        (lambda: Haar(side=0), "at least 1 pixel"),
        (lambda: Haar(step=1), "step=1: expected a number above 1"),
        (lambda: YuNet(min_score=2), r"min_score=2: expected a number in \[0, 1\]"),
        (lambda: YuNet(max_overlap=-1), "max_overlap=-1"),
        (lambda: Ssd(min_score=-1), "min_score=-1"),
    ],
)
def test_bad_options_teach(build, message):
    with pytest.raises(ParameterError, match=message):
        build()


@pytest.mark.parametrize("name", ALL)
def test_every_detector_has_its_name_and_the_protocol(name):
    assert detector(name).name == name
    assert isinstance(detector(name), Detector)


# Files


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """Return an empty weights folder; no download succeeds."""
    import pooch

    def refuse(*args, **options):
        raise ConnectionError("name of the server not known\nmore lines")

    monkeypatch.setattr(pooch, "retrieve", refuse)
    monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setattr(detectors, "_said", set())
    return tmp_path


def test_a_missing_file_names_both_ways_to_get_it(offline):
    with pytest.raises(WeightsError) as raised:
        YuNet()
    for part in (
        f"no {YUNET} in {offline}",
        "name of the server not known",
        "run this once with internet",
        FILES[YUNET].url,
        "set FER_WEIGHTS_DIR",
    ):
        assert part in str(raised.value)
    assert "more lines" not in str(raised.value)


def test_without_its_file_yunet_becomes_haar_and_says_so_once(offline, recwarn):
    first, second = detector(side=200), detector("yunet", min_score=0.5)
    assert isinstance(first, Haar)
    assert isinstance(second, Haar)
    assert (first.side, second.side) == (200, 320)
    said = [str(w.message) for w in recwarn if "Haar" in str(w.message)]
    assert len(said) == 1
    assert FILES[YUNET].url in said[0]


def test_without_its_files_ssd_is_an_error(offline):
    with pytest.raises(WeightsError, match=LAYERS):
        detector("ssd")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes"),
        (b"<html>404</html>", "not the official file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer to it"),
    ],
)
def test_a_wrong_file_in_the_folder_is_refused(offline, content, message):
    (offline / YUNET).write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        detector_file(YUNET)


def test_a_download_is_checked_and_kept_in_the_cache(monkeypatch, tmp_path):
    """The true download code fetches from a local server, twice."""
    import functools
    import hashlib
    import http.server
    import threading

    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "net.onnx").write_bytes(b"layers")
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, form, *parts):
            asked.append(parts)

    handler = functools.partial(Handler, directory=tmp_path / "web")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/net.onnx"
    monkeypatch.delenv("FER_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("FER_CACHE_DIR", str(tmp_path / "cache"))
    good = hashlib.sha256(b"layers").hexdigest()
    known = {"net.onnx": files.DetectorFile(url, good)}
    monkeypatch.setattr(files, "FILES", known)
    for _ in range(2):
        assert detector_file("net.onnx").read_bytes() == b"layers"
    assert detector_file("net.onnx").parent == tmp_path / "cache" / "detectors"
    assert len(asked) == 1
    known["net.onnx"] = files.DetectorFile(url, "0" * 64)
    with pytest.raises(WeightsError, match="cannot be had"):
        detector_file("net.onnx")
    server.shutdown()
    server.server_close()


def test_an_unknown_file_names_the_known_ones():
    with pytest.raises(ParameterError, match=f"Did you mean '{YUNET}'"):
        detector_file("face_detection_yunet.onnx")


@needs(YUNET, LAYERS, WEIGHTS)
@pytest.mark.parametrize("name", list(FILES))
def test_the_official_files_pass_the_check(name):
    assert detector_file(name) == Path(FOLDER) / name
