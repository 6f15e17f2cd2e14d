"""Chromium through Playwright, a JupyterLab of its own, and a camera made of a file."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def playwright():
    api = pytest.importorskip(
        "playwright.sync_api",
        reason="playwright is not installed (pip install -e .[dev])",
    )
    with api.sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def chromium(playwright):
    """Return a context manager that starts Chromium with more flags."""
    own = Path(playwright.chromium.executable_path)
    path = (
        str(own) if own.is_file() else next(filter(None, map(shutil.which, _NAMES)), "")
    )
    if not path:
        pytest.skip("no Chromium found (apt install chromium, or playwright install)")

    @contextmanager
    def start(*flags):
        browser = playwright.chromium.launch(
            executable_path=path, args=[*_FLAGS, *flags]
        )
        try:
            yield browser
        finally:
            browser.close()

    return start


def camera_of(image: np.ndarray, path: Path) -> tuple[str, ...]:
    """Return the flags of a camera that shows one BGR picture, sides even, for ever."""
    import cv2

    height, width = image.shape[:2]
    planes = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).tobytes()
    header = f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420\n".encode()
    path.write_bytes(header + 5 * (b"FRAME\n" + planes))
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={path}",
    )


@pytest.fixture(scope="module")
def fake_camera(tmp_path_factory):
    """Return a camera that shows a yellow rectangle on grey: flags, size, box."""
    left, top, right, bottom = box = (380, 80, 540, 260)
    image = np.full((360, 640, 3), 60, np.uint8)
    image[top:bottom, left:right] = (0, 240, 240)
    path = tmp_path_factory.mktemp("camera") / "known.y4m"
    return SimpleNamespace(flags=camera_of(image, path), size=(640, 360), box=box)


@pytest.fixture(scope="module")
def face_camera(tmp_path_factory):
    """Return a camera that shows a drawn happy face: flags, size, box."""
    import cv2

    from fer_utils.data.synthetic import draw_faces

    left, top, right, bottom = box = (208, 68, 432, 292)
    face = cv2.resize(draw_faces(["happy"], seed=3)[0], (224, 224))
    image = np.full((360, 640, 3), 110, np.uint8)
    image[top:bottom, left:right] = face[..., None]
    path = tmp_path_factory.mktemp("camera") / "face.y4m"
    return SimpleNamespace(flags=camera_of(image, path), size=(640, 360), box=box)


class Lab:
    """A running JupyterLab: where it is and what its kernels are."""

    def __init__(self, port: int, folder: Path, process):
        self.port, self.folder, self.process = port, folder, process
        self.address = f"http://127.0.0.1:{port}"

    def ask(self, path: str, method: str = "GET"):
        request = urllib.request.Request(self.address + path, method=method)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.loads(answer.read() or "null")

    def kill_kernels(self) -> None:
        """End the kernels as a crash does: without a last word to the browser."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            if any("ipykernel" in word for word in child.cmdline()):
                child.kill()

    def stop_kernels(self) -> None:
        """Shut the kernels down in good order: some close their widgets first."""
        for kernel in self.ask("/api/kernels"):
            self.ask(f"/api/kernels/{kernel['id']}", "DELETE")

    def write(self, name: str, source: str) -> None:
        cell = {
            "cell_type": "code",
            "id": "camera",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": source,
        }
        kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
        content = {
            "cells": [cell],
            "metadata": {"kernelspec": kernel},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (self.folder / name).write_text(json.dumps(content))

    def open(self, page, name: str, widget: str = ".fer-camera") -> None:
        """Open a notebook, run all its cells and wait for the widget."""
        page.goto(f"{self.address}/lab/tree/{name}?reset")
        page.wait_for_selector(".jp-Notebook", timeout=40_000)
        # Before the kernel is connected "run" would do nothing.
        page.wait_for_function(
            "window.jupyterapp?.shell?.currentWidget?.sessionContext"
        )
        page.evaluate(
            "jupyterapp.shell.currentWidget.sessionContext.ready"
            ".then(() => void jupyterapp.commands.execute('notebook:run-all-cells'))"
        )
        page.wait_for_selector(widget, timeout=40_000)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {
        name: str(tmp_path_factory.mktemp("jupyter"))
        for name in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_RUNTIME_DIR",
            "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR",
        )
    }
    # No question about news in front of the notebook.
    settings = Path(places["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab")
    settings = settings / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"fetchNews": "false"}')
    with (folder / "lab.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *_lab_options(port, folder)],
            env={**os.environ, **places},
            stdout=log,
            stderr=log,
        )
        try:
            yield _awaited(Lab(port, folder, process))
        finally:
            process.terminate()
            process.wait(20)


def _lab_options(port: int, folder: Path) -> list[str]:
    return [
        "--no-browser",
        "--allow-root",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        "--expose-app-in-browser",
        "--LabApp.extension_manager=readonly",
    ]


def _awaited(lab: Lab) -> Lab:
    for _ in range(300):
        try:
            lab.ask("/api/status")
            return lab
        except OSError:
            assert lab.process.poll() is None, (lab.folder / "lab.log").read_text()
            time.sleep(0.1)
    raise AssertionError("JupyterLab did not start: " + str(lab.folder / "lab.log"))
