"""The doctor names what is broken, mends it with one line, and never breaks itself."""

import argparse
import json
import shutil
import subprocess
import sys
from collections import namedtuple

import pytest

from fer_utils.course import doctor, doctor_checks
from fer_utils.course.doctor import BROKEN, NOTE, OK, WARNING, Check, Diagnosis, Probe
from fer_utils.course.doctor_command import add_doctor_command

BACKEND = {
    "keras": "3.15",
    "backend": "tensorflow",
    "backend_version": "2.21",
    "step_works": True,
    "gpus": [],
    "weights": {"mobilenet 1.0": "imagenet"},
    "seconds": 1.0,
}
OPENCV = {"version": "4.14.0", "missing": [], "windows": True}
DATA = {"source": "fer2013.csv", "images": 35887, "official": True}


def test_an_essential_fault_decides_and_every_fault_has_its_line():
    diagnosis = Diagnosis(
        (Check("A", OK, "here"), Check("B", BROKEN, "gone", "pip install b"))
    )
    assert not diagnosis.ok
    assert "✗ B  gone" in str(diagnosis)
    assert "→ pip install b" in str(diagnosis)
    assert Diagnosis((Check("A", WARNING, "slow", "wait"),)).ok


@pytest.mark.parametrize(
    ("probe", "status", "words"),
    [
        (Probe(BACKEND), OK, ""),
        (Probe({**BACKEND, "step_works": False}), BROKEN, "not a number"),
        (Probe(None, "no answer in 60 seconds"), BROKEN, "--timeout"),
        (Probe(None, "the process was killed by signal 4"), BROKEN, "AVX"),
        (Probe(None, "ImportError: DLL load failed while"), BROKEN, "Visual C++"),
        (Probe(None, "ModuleNotFoundError: No module named 'keras'"), BROKEN, "-e ."),
    ],
)
def test_the_backend(probe, status, words, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    check = doctor_checks.backend(probe)
    assert check.status == status
    assert words in check.fix


def test_a_backend_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    check = doctor_checks.backend(Probe(None, "No module named 'torch'"))
    assert check.fix == "pip install torch, or unset KERAS_BACKEND"


@pytest.mark.parametrize(
    ("gpus", "driver", "status"),
    [
        ([], None, OK),  # no GPU is no fault
        (["gpu:0"], "/bin/nvidia-smi", OK),
        ([], "/bin/nvidia-smi", WARNING),  # a GPU that lies idle is
    ],
)
def test_the_gpu(gpus, driver, status, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: driver)
    assert doctor_checks.gpu(Probe({**BACKEND, "gpus": gpus})).status == status


@pytest.mark.parametrize(
    ("probe", "installed", "status", "words"),
    [
        (Probe(OPENCV), ["opencv-python"], OK, ""),
        (Probe({**OPENCV, "version": "5.0.0"}), ["opencv-python"], BROKEN, "<5"),
        (Probe({**OPENCV, "missing": ["FaceDetectorYN"]}), [], BROKEN, "opencv-python"),
        (Probe(None, "ImportError: libGL.so.1: cannot"), [], BROKEN, "headless"),
        (
            Probe(OPENCV),
            ["opencv-python", "opencv-python-headless"],
            WARNING,
            "uninstall -y opencv-python opencv-python-headless",
        ),
    ],
)
def test_opencv(probe, installed, status, words, monkeypatch):
    monkeypatch.setattr(
        doctor_checks, "_version", lambda name: "4" if name in installed else None
    )
    check = doctor_checks.opencv(probe)
    assert check.status == status
    assert words in check.fix


@pytest.mark.parametrize(
    ("interpreter", "status"),
    [
        ("python", OK),  # Jupyter puts its own in
        (sys.executable, OK),
        ("/nowhere/bin/python", BROKEN),
        (shutil.which("sh") or "/bin/sh", WARNING),  # there, but another one
        (None, BROKEN),  # no kernel of that name
    ],
)
def test_the_kernel(interpreter, status, tmp_path, monkeypatch):
    from jupyter_client import kernelspec

    def spec(self, name):
        if interpreter is None:
            raise kernelspec.NoSuchKernel(name)
        return kernelspec.KernelSpec(argv=[interpreter, "-m", "x"], resource_dir="")

    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", spec)
    check = doctor_checks.kernel()
    assert check.status == status
    assert ("ipykernel install" in check.fix) == (status != OK)


@pytest.mark.parametrize(
    ("installed", "status", "words"),
    [
        ({"a": "1.5", "b": "2.0"}, OK, "all there"),
        ({"a": "1.5"}, BROKEN, "missing: b"),
        ({"a": "0.9", "b": "2.0"}, BROKEN, "a 0.9 (>=1)"),
    ],
)
def test_packages(installed, status, words, monkeypatch):
    wanted = ["a>=1", "b", "c; extra == 'dev'"]
    metadata = doctor_checks.importlib.metadata
    monkeypatch.setattr(metadata, "requires", lambda name: wanted)
    monkeypatch.setattr(doctor_checks, "_version", installed.get)
    check = doctor_checks.packages()
    assert check.status == status
    assert words in check.found


@pytest.mark.parametrize(
    ("probe", "status"),
    [
        (Probe(DATA), OK),
        (Probe({**DATA, "official": False}), WARNING),
        (Probe(None, "DataError: row 7 is bad"), BROKEN),
        (Probe(None, "no answer in 60 seconds"), WARNING),  # a slow disk
    ],
)
def test_a_data_set_that_is_there(probe, status):
    check = doctor_checks.found_data("fer2013", probe)
    assert check.status == status
    assert (check.fix == "fer data check fer2013") == (status != OK)


def test_data_that_is_not_there_is_a_note_and_a_wrong_folder_a_warning(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fer_utils.data.registry._checkout", lambda: None)
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path / "typo"))
    wrong, *missing = doctor_checks.missing_data()
    assert wrong.status == WARNING
    assert "FER_DATA_DIR" in wrong.fix
    assert {check.status for check in missing} == {NOTE}
    assert "fer data get fer2013" in {check.fix for check in missing}


def test_a_detector_file_with_other_bytes_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path))
    assert doctor_checks.detector_files().status == NOTE  # not there yet
    file = tmp_path / "face_detection_yunet_2023mar.onnx"
    file.write_text("version https://git-lfs.github.com/spec/v1")
    check = doctor_checks.detector_files()
    assert check.status == WARNING
    assert check.fix.startswith("delete it and fetch ")


@pytest.mark.parametrize(
    ("release", "variables", "devices", "words"),
    [
        ("5.15-microsoft-standard-WSL2", {}, [], "WSL"),
        ("6.1", {"JUPYTERHUB_USER": "ann"}, ["/dev/video0"], "JupyterHub"),
        ("6.1", {"SSH_CONNECTION": "1"}, [], "a remote machine"),
        ("6.1", {}, [], "no camera"),
        ("6.1", {}, ["/dev/video9"], "not permitted"),  # listed, not to be opened
    ],
)
def test_the_camera_is_never_opened(release, variables, devices, words, monkeypatch):
    Name = namedtuple("Name", "release")
    for name in doctor_checks._REMOTE:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(doctor_checks.platform, "uname", lambda: Name(release))
    monkeypatch.setattr(doctor_checks.glob, "glob", lambda pattern: devices)
    monkeypatch.setattr(sys, "platform", "linux")
    check = doctor_checks.camera()
    assert words in check.found
    assert check.fix


@pytest.mark.parametrize(("free_gb", "status"), [(0.1, BROKEN), (1, WARNING), (50, OK)])
def test_the_disk(free_gb, status, monkeypatch):
    Usage = namedtuple("Usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(free_gb * 1e9))
    assert doctor_checks.disk().status == status


def test_the_memory_of_this_machine_is_known():
    assert doctor_checks.memory().found.endswith("GB free")


def test_a_check_that_fails_is_a_finding():
    def look():
        raise RuntimeError("boom")

    (check,) = doctor.guarded("Odd", look)
    assert check.status == WARNING
    assert "boom" in check.found


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os.kill(os.getpid(), 9)", "signal 9"),
        ("raise ValueError('why')", "ValueError: why"),
        ("import time; time.sleep(30)", "no answer in 1 seconds"),
        ("raise SystemExit(3)", "exit code 3"),
    ],
)
def test_a_process_that_dies_or_hangs_is_an_answer(code, words, monkeypatch):
    real = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda c, **more: real([sys.executable, "-c", code], **more)
    )
    assert words in doctor._ask(("opencv",), 1).error


def test_the_whole_examination_as_json_names_no_home(monkeypatch, capsys, tmp_path):
    answers = {"backend": BACKEND, "opencv": OPENCV, "data": DATA}
    monkeypatch.setattr(doctor, "_ask", lambda name, timeout: Probe(answers[name[0]]))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("FER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TF_TOKEN", "secret")  # of another program
    parser = argparse.ArgumentParser()
    add_doctor_command(parser.add_subparsers())
    options = parser.parse_args(["doctor", "--json"])
    code = options.call(options)
    text = capsys.readouterr().out
    told = json.loads(text)
    assert code == (0 if told["ok"] else 1)
    names = [check["name"] for check in told["checks"]]
    assert names[:2] == ["Python", "Packages"]
    assert {"Backend", "OpenCV", "Kernel", "Camera", "Disk"} <= set(names)
    assert str(tmp_path) not in text
    assert "secret" not in text
    for check in told["checks"]:
        assert (check["status"] == OK) == (not check["fix"]), check


def test_the_probes_answer_in_processes_of_their_own():
    assert doctor._ask(("opencv",), 60).answer["missing"] == []
