"""The browser camera where it is used: JupyterLab in Chromium, with a fake camera."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from fer_utils import pretrained
from fer_utils.live import camera as camera_module

pytestmark = pytest.mark.browser

STATIC = Path(camera_module.__file__).parent / "static"

# The pipeline of these tests: a yellow square is a happy face. It needs no network,
# so that a kernel is up in a second, and the box is known to the pixel.
KNOWN_FACE = """
from types import SimpleNamespace
import numpy as np
from fer_utils.live.camera import BrowserCamera

class KnownFace:
    classes = ("angry", "happy", "sad")
    def process(self, frame):
        blue, green, red = np.moveaxis(frame.image.astype(int), 2, 0)
        rows, columns = np.nonzero((red > 140) & (blue < 110))
        faces = ()
        if len(rows):
            box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            faces = (SimpleNamespace(id=0, box_xyxy=np.float32(box), score=1.0,
                     probs=np.float32([0.1, 0.8, 0.1]), label="happy", unsure=False),)
        return SimpleNamespace(index=0, seconds=0.0, faces=faces, timings_ms={})

camera = BrowserCamera(KnownFace(), answer_within=1.5)
camera
"""


SHIPPED_MODEL = """
from fer_utils import live, load_pretrained

camera = live.BrowserCamera(load_pretrained(), detector="center", width=640)
camera
"""


@pytest.fixture(scope="module")
def page(chromium, fake_camera, lab):
    """Return the notebook's page with the camera running."""
    lab.write("camera.ipynb", KNOWN_FACE)
    with chromium(*fake_camera.flags) as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        lab.open(page, "camera.ipynb")
        yield page


def snapshot(page, name):
    """Keep a picture for a person to look at, where FER_TEST_PICTURES says."""
    folder = os.environ.get("FER_TEST_PICTURES")
    if folder:
        page.wait_for_timeout(400)
        page.screenshot(path=f"{folder}/{name}.png")


def first_face(page, camera):
    """Start the camera; return its first face, the box in the camera's pixels."""
    page.evaluate(
        """() => document.querySelector(".fer-camera").addEventListener(
            "fer-answer", (e) => { window.latest = e.detail; })"""
    )
    page.locator(".fer-button").click()
    page.wait_for_function("window.latest?.faces.length", timeout=40_000)
    answer = page.evaluate("latest")
    (face,) = answer["faces"]
    width, height = camera.size
    assert answer["width"] / answer["height"] == pytest.approx(width / height, 0.02)
    return {**face, "box": [v * width / answer["width"] for v in face["box"]]}


def test_the_widget_labels_a_known_face_where_it_is(page, fake_camera):
    snapshot(page, "before_start")
    face = first_face(page, fake_camera)
    assert face["label"] == "happy"
    assert face["probs"] == pytest.approx([0.1, 0.8, 0.1])
    assert face["box"] == pytest.approx(fake_camera.box, abs=4)
    assert page.locator(".fer-found").inner_text() == "1 face: happy"
    page.wait_for_selector(".fer-speed:has-text('per second')", timeout=10_000)
    assert page.locator(".fer-camera").get_attribute("data-state") == "running"


def test_the_box_is_drawn_around_the_face_in_the_mirror(page, fake_camera):
    """The rectangle is right of the middle, its mirrored box left of it, in yellow."""
    snapshot(page, "running")
    left, count = page.evaluate(
        """() => {
            const { width, height } = document.querySelector(".fer-canvas");
            const pen = document.querySelector(".fer-canvas").getContext("2d");
            const data = pen.getImageData(0, 0, width, height).data;
            let [left, count] = [width, 0];
            for (let i = 0; i < data.length; i += 4) {
                const [red, green, blue, alpha] = data.slice(i, i + 4);
                if (red < 200 || green < 190 || blue > 110 || alpha < 200) continue;
                left = Math.min(left, (i / 4) % width);
                count++;
            }
            return [left / width, count];
        }"""
    )
    assert count > 500
    assert left == pytest.approx(1 - fake_camera.box[2] / fake_camera.size[0], abs=0.03)


def test_the_notice_is_in_sight(page):
    notice = page.locator(".fer-notice")
    assert notice.is_visible()
    assert "Art. 5(1)(f)" in notice.inner_text()


def test_stop_switches_the_camera_off_and_start_on_again(page):
    button = page.locator(".fer-button")
    button.click()
    assert page.locator(".fer-camera").get_attribute("data-state") == "stopped"
    assert page.evaluate("document.querySelector('.fer-video').srcObject") is None
    assert page.locator(".fer-empty").is_visible()
    button.click()
    page.wait_for_selector(".fer-found:has-text('happy')", timeout=10_000)


def test_a_kernel_that_is_gone_is_named_with_its_fix(page, lab):
    """Last of the tests that share the page: it takes the kernel away.

    Killed, not shut down: a kernel that ends in good order may close its widgets,
    and then ipywidgets takes them from the page.
    """
    lab.kill_kernels()
    page.wait_for_selector(".fer-camera[data-state='no answer']", timeout=10_000)
    problem = page.locator(".fer-problem").inner_text()
    assert "kernel does not answer" in problem
    assert "run the cell of this camera again" in problem
    snapshot(page, "no_answer")


def test_a_denied_permission_is_named_with_its_fix(chromium, lab):
    lab.write("denied.ipynb", KNOWN_FACE)
    flags = ("--use-fake-device-for-media-stream", "--deny-permission-prompts")
    with chromium(*flags) as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        lab.open(page, "denied.ipynb")
        page.locator(".fer-button").click()
        page.wait_for_selector(".fer-camera[data-state=denied]", timeout=10_000)
        problem = page.locator(".fer-problem").inner_text()
        snapshot(page, "denied")
    assert "may not use the camera" in problem
    assert "allow the camera" in problem


@pytest.mark.skipif(not pretrained.names(), reason="no model is shipped yet")
def test_the_shipped_model_labels_a_happy_face(chromium, face_camera, lab):
    lab.write("shipped.ipynb", SHIPPED_MODEL)
    with chromium(*face_camera.flags) as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        lab.open(page, "shipped.ipynb")
        face = first_face(page, face_camera)
        page.wait_for_selector(".fer-found:has-text('1 face: happy')", timeout=10_000)
        snapshot(page, "shipped")
    assert face["label"] == "happy"
    assert face["box"] == pytest.approx(face_camera.box, abs=4)


# Without Jupyter: the same module on a bare page, with a model that is a few lines.

BARE_PAGE = """<!doctype html><meta charset="utf-8"><title>camera</title>
<link rel="stylesheet" href="/camera.css"><div id="here"></div>
<script type="module">
import widget from "/camera.js";
window.sent = [];
window.hear = [];
const values = { settings: SETTINGS };
const model = {
  get: (name) => values[name],
  set: (name, value) => { values[name] = value; },
  save_changes: () => {},
  on: (name, f) => hear.push(f),
  off: () => {},
  send: (content, callbacks, buffers) => {
    sent.push({ ...content, bytes: buffers[0]?.byteLength ?? 0 });
    if (content.kind === "hello") queueMicrotask(() => reply({ kind: "hello" }));
  },
};
window.reply = (message) => {
  const { view, number } = sent.at(-1);
  hear.forEach((f) => f({ view, number, ...message }));
};
window.close_view = widget.render({ model, el: document.getElementById("here") });
</script>"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Return the port of a server of the bare page."""
    pipeline = SimpleNamespace(process=None, classes=("happy", "sad"))
    settings = camera_module.BrowserCamera(pipeline, answer_within=0.5).settings
    pages = {
        "/": (
            "text/html",
            BARE_PAGE.replace("SETTINGS", json.dumps(settings)).encode(),
        ),
        "/camera.js": ("text/javascript", (STATIC / "camera.js").read_bytes()),
        "/camera.css": ("text/css", (STATIC / "camera.css").read_bytes()),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            kind, body = pages.get(self.path, ("text/plain", b""))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("host", "state", "words"),
    [
        ("127.0.0.1", "no camera", ["No camera was found", "Plug one in"]),
        ("lab.test", "insecure", ["not secure", "localhost", "https://"]),
    ],
)
def test_no_camera_and_an_insecure_page_are_named_with_their_fix(
    chromium, bare, host, state, words
):
    flags = (
        "--use-fake-ui-for-media-stream",
        "--host-resolver-rules=MAP lab.test 127.0.0.1",
    )
    with chromium(*flags) as browser:
        page = browser.new_page(viewport={"width": 800, "height": 640})
        page.goto(f"http://{host}:{bare}/")
        page.locator(".fer-button").click()
        page.wait_for_selector(f".fer-camera[data-state='{state}']", timeout=10_000)
        problem = page.locator(".fer-problem").inner_text()
        snapshot(page, state.replace(" ", "_"))
    for word in words:
        assert word in problem


def test_the_next_picture_waits_for_the_answer(chromium, bare, fake_camera):
    with chromium(*fake_camera.flags) as browser:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{bare}/")
        page.locator(".fer-button").click()
        page.wait_for_function("sent.length === 2", timeout=10_000)  # hello, one frame
        page.wait_for_timeout(400)
        assert page.evaluate("sent.length") == 2
        first = page.evaluate("sent[1]")
        assert first["kind"] == "frame"
        assert 500 < first["bytes"] < 60_000
        # An answer to another view, or to an older frame, is not this one's.
        page.evaluate("reply({kind: 'answer', view: 'other'})")
        page.evaluate("reply({kind: 'answer', number: 0})")
        page.wait_for_timeout(200)
        assert page.evaluate("sent.length") == 2
        page.evaluate("reply({kind: 'answer', width: 480, height: 270, faces: []})")
        page.wait_for_function("sent.length === 3", timeout=10_000)
        assert page.locator(".fer-found").inner_text() == "no face"
        # Now the kernel has half a second; a late answer brings the camera back.
        page.wait_for_selector(".fer-camera[data-state='no answer']", timeout=5_000)
        page.evaluate("reply({kind: 'answer', width: 480, height: 270, faces: []})")
        page.wait_for_selector(".fer-camera[data-state=running]", timeout=5_000)
        page.wait_for_function("sent.length === 4", timeout=10_000)
        # An error is shown and ends it; so does removing the view.
        page.evaluate("reply({kind: 'error', message: 'ValueError(3)'})")
        assert "ValueError(3)" in page.locator(".fer-problem").inner_text()
        assert page.evaluate("document.querySelector('.fer-video').srcObject") is None
        page.locator(".fer-button").click()
        page.wait_for_selector(".fer-camera[data-state=running]", timeout=10_000)
        page.evaluate("close_view()")
        assert page.locator(".fer-camera").get_attribute("data-state") == "stopped"
