"""The doctor's checks: each looks at one thing and returns a `Check`, or several."""

from __future__ import annotations

import glob
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from fer_utils.course.doctor import (
    BROKEN,
    NOTE,
    OK,
    WARNING,
    Check,
    Probe,
    guarded,
)
from fer_utils.files import existing_parent

__all__ = ["ORDER", "probed_checks", "quick_checks"]

ORDER = (
    *("Python", "Packages", "Optional", "Backend", "GPU", "OpenCV", "Kernel"),
    *("Models", "Data", "Detector", "Weights", "Cache", "Output", "Camera"),
    *("Disk", "Memory", "Cores"),
)
_INSTALL = "pip install -c constraints.txt -e ."
_PYTHON = ((3, 11), (3, 14))  # from, below; as pyproject.toml says
_GB = 1e9


def quick_checks() -> list[Check]:
    """Return the checks that need no process of their own."""
    looks = {
        "Python": python,
        "Packages": packages,
        "Optional": optional,
        "Kernel": kernel,
        "Models": shipped_models,
        "Data": missing_data,
        "Detector": detector_files,
        "Cache": cache,
        "Output": output,
        "Camera": camera,
        "Disk": disk,
        "Memory": memory,
        "Cores": cores,
    }
    return [check for name, look in looks.items() for check in guarded(name, look)]


def probed_checks(probes: Mapping[tuple, Probe]) -> list[Check]:
    """Return the checks that read what processes answered.

    Args:
        probes: by ("backend",), ("opencv",) and ("data", NAME).
    """
    of_backend, of_opencv = probes[("backend",)], probes[("opencv",)]
    looks = [
        ("Backend", lambda: backend(of_backend)),
        ("GPU", lambda: gpu(of_backend)),
        ("Weights", lambda: weights(of_backend)),
        ("OpenCV", lambda: opencv(of_opencv)),
    ]
    for kind, *names in probes:
        if kind == "data":
            name, probe = names[0], probes[(kind, names[0])]
            looks.append(("Data", lambda n=name, p=probe: found_data(n, p)))
    return [check for name, look in looks for check in guarded(name, look)]


# Python and packages


def python() -> Check:
    version = sys.version_info[:2]
    bits = 64 if sys.maxsize > 2**32 else 32
    found = f"{platform.python_version()}, {bits} bit, {sys.executable}"
    low, high = (".".join(map(str, v)) for v in _PYTHON)
    if not _PYTHON[0] <= version < _PYTHON[1] or bits != 64:
        fix = f"make an environment with 64-bit Python >={low},<{high} (README)"
        return Check("Python", BROKEN, found, fix)
    return Check("Python", OK, found)


def packages() -> Check:
    """Compare what is installed with what the kit asks for and was tested with."""
    from packaging.requirements import Requirement

    try:
        wanted = importlib.metadata.requires("fer-utils") or []
    except importlib.metadata.PackageNotFoundError:
        return Check("Packages", BROKEN, "the kit is not installed here", _INSTALL)
    missing, outside = [], []
    for requirement in map(Requirement, wanted):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        names = (requirement.name, *_STAND_INS.get(requirement.name, ()))
        version = next((v for name in names if (v := _version(name))), None)
        if version is None:
            missing.append(requirement.name)
        elif not requirement.specifier.contains(version, prereleases=True):
            outside.append(f"{requirement.name} {version} ({requirement.specifier})")
    untested = list(_untested())
    details = {"missing": missing, "outside": outside, "untested": untested}
    if missing:
        found = f"missing: {', '.join(missing)}"
        return Check("Packages", BROKEN, found, _INSTALL, details)
    if outside:
        found = f"of a version that does not fit: {', '.join(outside)}"
        return Check("Packages", BROKEN, found, _INSTALL, details)
    if untested:
        found = f"not the versions that were tested: {', '.join(untested[:6])}"
        found += f" and {len(untested) - 6} more" if len(untested) > 6 else ""
        return Check("Packages", NOTE, found, _INSTALL, details)
    return Check("Packages", OK, "all there, in the versions that were tested")


# Other distributions of the same modules.
_STAND_INS = {
    "tensorflow": ("tensorflow-cpu", "tensorflow-intel", "tensorflow-macos"),
    "opencv-python": (
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
}


def _untested() -> Iterator[str]:
    """Yield installed packages whose version is not that of `constraints.txt`."""
    path = Path(__file__).parents[2] / "constraints.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for line in lines:
        name, equals, pinned = line.partition("==")
        version = _version(name) if equals and not name.startswith("#") else None
        if version not in (None, pinned.strip()):
            yield f"{name} {version} (tested: {pinned.strip()})"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


_OPTIONAL = {
    "dask": "runs on a cluster",
    "mlflow-skinny": "fer runs log-mlflow",
    "pyarrow": "export to Parquet",
    "mss": "fer screen",
    "jax": "another backend",
    "torch": "another backend",
}


def optional() -> Check:
    there = {name: _version(name) for name in _OPTIONAL}
    absent = [f"{n} ({use})" for n, use in _OPTIONAL.items() if not there[n]]
    have = ", ".join(f"{n} {v}" for n, v in there.items() if v) or "none"
    found = f"{have}; not installed: {', '.join(absent)}" if absent else have
    return Check("Optional", OK, found, details=there)


# Backend, GPU, OpenCV


def backend(probe: Probe) -> Check:
    if probe.answer is None:
        return Check("Backend", BROKEN, probe.error, _backend_fix(probe.error))
    told = probe.answer
    found = (
        f"Keras {told['keras']} on {told['backend']} {told['backend_version']}, "
        f"ready in {told['seconds']:g} s"
    )
    if not told["step_works"]:
        fix = f"the loss of a training step is not a number; {_INSTALL}"
        return Check("Backend", BROKEN, found, fix, told)
    return Check("Backend", OK, found, details=told)


def _backend_fix(error: str) -> str:
    name = os.environ.get("KERAS_BACKEND", "tensorflow")
    if "no answer" in error:
        return "the first start may be slow: try again, then `fer doctor --timeout 300`"
    if "signal 4" in error:
        return "this processor has no AVX: try KERAS_BACKEND=torch (pip install torch)"
    if "DLL load failed" in error:
        return "install the Microsoft Visual C++ Redistributable, then start anew"
    if f"No module named '{name}'" in error and name != "tensorflow":
        return f"pip install {name}, or unset KERAS_BACKEND"
    return _INSTALL


def gpu(probe: Probe) -> Check:
    there = (probe.answer or {}).get("gpus", [])
    if there:
        return Check("GPU", OK, f"{len(there)} used: {', '.join(there)}")
    if not shutil.which("nvidia-smi"):
        return Check("GPU", OK, "none; the lessons' quick mode is made for CPUs")
    if platform.system() == "Windows":
        fix = "TensorFlow uses no GPU on Windows itself: work in WSL 2"
    else:
        fix = 'pip install "tensorflow[and-cuda]"; is CUDA_VISIBLE_DEVICES empty?'
    return Check(
        "GPU", WARNING, "an NVIDIA driver is there, the backend sees none", fix
    )


def weights(probe: Probe) -> Check | list:
    if probe.answer is None:
        return []
    places = probe.answer["weights"]
    cached = list((Path.home() / ".keras" / "models").glob("mobilenet*"))
    if "imagenet" not in places.values() or cached:
        return Check("Weights", OK, "ImageNet weights of MobileNet", details=places)
    found = "no ImageNet weights yet: lesson 04 downloads them, or starts from random"
    fix = "offline: put them in a folder and set FER_WEIGHTS_DIR to it"
    return Check("Weights", NOTE, found, fix, places)


def opencv(probe: Probe) -> Check:
    names = ("opencv-python", *_STAND_INS["opencv-python"])
    there = {name: v for name in names if (v := _version(name))}
    install = 'pip install "opencv-python>=4.9,<5"'
    if probe.answer is None:
        fix = install
        if "libGL" in probe.error or "libgthread" in probe.error:
            fix = "pip uninstall opencv-python; pip install 'opencv-python-headless<5'"
        return Check("OpenCV", BROKEN, probe.error, fix, there)
    version, missing = probe.answer["version"], probe.answer["missing"]
    if int(version.split(".")[0]) >= 5 or missing:
        lost = ", ".join(missing) or "a major version that the kit does not know"
        return Check("OpenCV", BROKEN, f"{version}: no {lost}", install, there)
    if len(there) > 1:
        fix = f"pip uninstall -y {' '.join(there)}; {install}"
        found = f"{version}, installed {len(there)} times over: {', '.join(there)}"
        return Check("OpenCV", WARNING, found, fix, there)
    windows = "" if probe.answer["windows"] else "; opens no windows (headless build)"
    return Check("OpenCV", OK, f"{version} with FaceDetectorYN{windows}", details=there)


# Jupyter


def kernel() -> Check:
    """Is the kernel `python3`, which lessons and runs use, this Python?"""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    fix = f'"{sys.executable}" -m ipykernel install --sys-prefix --name python3'
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Check("Kernel", BROKEN, "no Jupyter kernel named python3", fix)
    interpreter = spec.argv[0]
    details = {"argv": spec.argv, "folder": spec.resource_dir}
    if Path(interpreter).name == interpreter:  # Jupyter takes its own interpreter
        return Check("Kernel", OK, "python3, the Python that runs Jupyter", "", details)
    if not Path(interpreter).exists():
        found = f"python3 starts {interpreter}, which is not there"
        return Check("Kernel", BROKEN, found, fix, details)
    if os.path.abspath(interpreter) != os.path.abspath(sys.executable):
        found = f"python3 starts another Python, {interpreter}"
        return Check("Kernel", WARNING, found, fix, details)
    return Check("Kernel", OK, "python3, this Python", "", details)


# Models, data, weights


def shipped_models() -> Check:
    import zipfile

    from fer_utils import pretrained

    names = pretrained.names()
    bad = [name for name in names if not zipfile.is_zipfile(pretrained.path(name))]
    if bad or not names:
        found = f"not whole: {', '.join(bad)}" if bad else "none"
        fix = "get fer_utils/pretrained again: `git checkout fer_utils/pretrained`"
        return Check("Models", BROKEN, found, fix)
    return Check("Models", OK, f"shipped: {', '.join(names)}")


def missing_data() -> Iterator[Check]:
    from fer_utils.data.check import listing

    places = ", ".join(map(str, listing().places))
    wrong = os.environ.get("FER_DATA_DIR")
    if wrong and not Path(wrong).expanduser().is_dir():
        fix = "correct FER_DATA_DIR, or unset it"
        yield Check("Data", WARNING, f"FER_DATA_DIR={wrong}: no such folder", fix)
    for one in listing().sets:
        if one.found or not one.entry.layouts:
            continue
        fix = f"fer data get {one.entry.name}"
        if not one.entry.kaggle:
            fix = f"see data/README.md; {one.entry.terms}"
        found = f"not found in {places}; lessons run on drawn faces"
        yield Check(f"Data {one.entry.name}", NOTE, found, fix)


def found_data(name: str, probe: Probe) -> Check:
    label, fix = f"Data {name}", f"fer data check {name}"
    if probe.answer is None:
        slow = "no answer" in probe.error
        return Check(label, WARNING if slow else BROKEN, probe.error, fix)
    told = probe.answer
    found = f"{told['images']:,} images, {told['source']}"
    if not told["official"]:
        return Check(label, WARNING, f"{found}: not the published counts", fix, told)
    return Check(label, OK, f"{found}; counts as published", details=told)


def detector_files() -> Check:
    """Look for the detectors' files, without downloading any."""
    from fer_utils.files import cache_dir
    from fer_utils.live.files import FILES

    folders = [cache_dir() / "detectors"]
    if os.environ.get("FER_WEIGHTS_DIR"):
        folders.insert(0, Path(os.environ["FER_WEIGHTS_DIR"]).expanduser())
    states = {name: _state(name, file.sha256, folders) for name, file in FILES.items()}
    yunet = next(name for name in FILES if "yunet" in name)
    damaged = [name for name, state in states.items() if state == "other bytes"]
    if damaged:
        found = f"not the official file: {', '.join(damaged)}"
        fix = f"delete it and fetch {FILES[damaged[0]].url}"
        return Check("Detector", WARNING, found, fix, states)
    if states[yunet] == "missing":
        found = "YuNet's file is not here; until it is, Haar finds the faces"
        fix = f"it comes on first use with internet, or fetch {FILES[yunet].url}"
        return Check("Detector", NOTE, found, fix, states)
    others = [n for n, state in states.items() if state == "missing"]
    ssd = "SSD not (optional)" if others else "SSD too"
    return Check("Detector", OK, f"YuNet verified, {ssd}", details=states)


def _state(name: str, sha256: str, folders: list[Path]) -> str:
    import pooch

    for folder in folders:
        if (folder / name).is_file():
            same = pooch.file_hash(folder / name) == sha256
            return str(folder / name) if same else "other bytes"
    return "missing"


# Folders and the machine


def cache() -> Check:
    from fer_utils.files import cache_dir

    folder = cache_dir()
    if not _writable(folder):
        fix = "set FER_CACHE_DIR to a folder you can write to"
        return Check("Cache", WARNING, f"{folder} cannot be written", fix)
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    return Check("Cache", OK, f"{folder}, {size / 1e6:,.0f} MB; safe to delete")


def output() -> Check:
    folder = Path.cwd() / "reports" / "runs"
    if not (Path.cwd() / "experiments.yaml").is_file():
        fix = "cd to the repository's folder before `fer run`"
        return Check("Output", NOTE, "this is not the repository's folder", fix)
    if not _writable(folder):
        fix = "change its permissions, or `fer run --out DIR`"
        return Check("Output", BROKEN, f"{folder} cannot be written", fix)
    return Check("Output", OK, f"runs go to {folder}")


def _writable(folder: Path) -> bool:
    """Return whether files can be made there, without making any."""
    folder = existing_parent(folder)
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


_REMOTE = {
    "JUPYTERHUB_USER": "a JupyterHub",
    "COLAB_RELEASE_TAG": "Colab",
    "CODESPACES": "a codespace",
    "KUBERNETES_SERVICE_HOST": "a cluster",
    "SSH_CONNECTION": "a remote machine",
}


def camera() -> Check:
    """Say which camera can work here; none is opened."""
    widget = "in a notebook use live.BrowserCamera: your browser's camera"
    secure = f"{widget}, over https or localhost"
    if "microsoft" in platform.uname().release.lower():
        return Check("Camera", NOTE, "WSL passes no webcam through", widget)
    where = [place for name, place in _REMOTE.items() if os.environ.get(name)]
    if where:
        return Check("Camera", NOTE, f"this is {where[0]}: no camera of yours", secure)
    if not sys.platform.startswith("linux"):
        found = "to be tried with `fer webcam`; the system asks for permission once"
        return Check("Camera", OK, found)
    devices = sorted(glob.glob("/dev/video*"))
    if not devices:
        return Check("Camera", NOTE, "no camera on this machine", secure)
    if not any(os.access(device, os.R_OK | os.W_OK) for device in devices):
        fix = "sudo usermod -aG video $USER, then log in again"
        return Check("Camera", WARNING, f"{', '.join(devices)}: not permitted", fix)
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        found = f"{', '.join(devices)}, but no display for a window"
        return Check("Camera", NOTE, found, f"fer webcam --no-window, or {widget}")
    return Check("Camera", OK, f"{', '.join(devices)} (not opened)")


def disk() -> Check:
    from fer_utils.files import cache_dir

    free = {
        str(f): shutil.disk_usage(existing_parent(f)).free
        for f in (Path.cwd(), cache_dir())
    }
    least = min(free, key=free.get)
    found = f"{free[least] / _GB:,.1f} GB free for {least}"
    status = BROKEN if free[least] < 0.2 * _GB else WARNING
    if free[least] < 2 * _GB:
        fix = "make room: 2 GB hold the data, the cache and some hundred runs"
        return Check("Disk", status, found, fix, free)
    return Check("Disk", OK, found, details=free)


def memory() -> Check:
    from fer_utils.experiments.launch import free_memory_mb

    free = free_memory_mb() / 1000
    found = f"{free:.1f} GB free"
    if free < 2:
        fix = "close programs and other kernels; a run on FER2013 takes about 1.5 GB"
        return Check("Memory", WARNING, found, fix)
    return Check("Memory", OK, found)


def cores() -> Check:
    from fer_utils.experiments.record import cores

    ours = cores()
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        ours = min(ours, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup, or "max"
        pass
    return Check("Cores", OK, f"{ours}; {platform.machine()}")
