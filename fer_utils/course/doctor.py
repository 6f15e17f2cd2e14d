"""`examine`: is everything here that the lessons and the runner need?

Each check says what it found and, if that is not well, one line that mends it. Nothing
is downloaded, no camera is opened, and nothing outside this machine is asked. What may
crash or hang runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["BROKEN", "NOTE", "OK", "WARNING", "Check", "Diagnosis", "Probe", "examine"]

OK, NOTE, WARNING, BROKEN = "ok", "note", "warning", "broken"
_MARKS = {OK: "✓", NOTE: "·", WARNING: "!", BROKEN: "✗"}
# By their start; no shorter, for other programs' settings may hold secrets.
_SETTINGS = (
    *(
        "FER_CACHE_DIR",
        "FER_DATA_DIR",
        "FER_WEIGHTS_DIR",
        "KERAS_BACKEND",
        "KERAS_HOME",
    ),
    *("TF_CPP_", "TF_ENABLE_ONEDNN", "TF_XLA_FLAGS", "TF_NUM_", "TF_DETERMINISTIC"),
    *("XLA_FLAGS", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "OPENCV_"),
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        status: "ok"; "note", something optional is not there; "warning", something
            works less well than it could; "broken", a part of the kit cannot work.
        found: in a few words.
        fix: one line that mends it, "" when nothing is to be mended.
        details: more, for a bug report.
    """

    name: str
    status: str
    found: str
    fix: str = ""
    details: Mapping = field(default_factory=dict)


@dataclass(frozen=True)
class Diagnosis:
    """All checks; `str()` is what `fer doctor` prints."""

    checks: tuple[Check, ...]
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing essential is broken."""
        return all(check.status != BROKEN for check in self.checks)

    def __str__(self) -> str:
        width = max((len(check.name) for check in self.checks), default=0)
        lines = []
        for check in self.checks:
            lines.append(f"{_MARKS[check.status]} {check.name:<{width}}  {check.found}")
            if check.fix:
                lines.append(f"  {'':<{width}}  → {check.fix}")
        return "\n".join([*lines, "", self._verdict()])

    def _verdict(self) -> str:
        names = {
            status: [check.name for check in self.checks if check.status == status]
            for status in (BROKEN, WARNING, NOTE)
        }
        if names[BROKEN]:
            return f"Broken: {', '.join(names[BROKEN])}. Mend these first (→)."
        if names[WARNING]:
            return f"Works, with limits: {', '.join(names[WARNING])} (→)."
        return "All is well."

    def to_dict(self) -> dict:
        """Return everything, JSON-ready, for a bug report; the home folder is "~"."""
        settings = {k: v for k, v in os.environ.items() if k.startswith(_SETTINGS)}
        content = {
            "ok": self.ok,
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": self.seconds,
            "system": platform.platform(),
            "settings": settings,
            "checks": [asdict(check) for check in self.checks],
        }
        home = json.dumps(str(Path.home()))[1:-1]
        text = json.dumps(content)
        return json.loads(text.replace(home, "~") if len(home) > 1 else text)


@dataclass(frozen=True)
class Probe:
    """What a process of its own answered.

    Attributes:
        answer: its JSON, None when there is none.
        error: the last line of what it said instead.
    """

    answer: Mapping | None
    error: str = ""


def examine(*, timeout: float = 60) -> Diagnosis:
    """Look at everything.

    Args:
        timeout: seconds until a check that runs in a process of its own is given up.

    Returns:
        Diagnosis.
    """
    from fer_utils.course import doctor_checks

    began = time.perf_counter()
    with ThreadPoolExecutor() as pool:  # the threads only wait for processes
        names = [("backend",), ("opencv",), *(("data", n) for n in _data_names())]
        asked = {name: pool.submit(_ask, name, timeout) for name in names}
        checks = doctor_checks.quick_checks()
        probes = {name: future.result() for name, future in asked.items()}
    checks += doctor_checks.probed_checks(probes)
    order = {name: place for place, name in enumerate(doctor_checks.ORDER)}
    checks.sort(key=lambda check: order.get(check.name.split()[0], len(order)))
    return Diagnosis(tuple(checks), round(time.perf_counter() - began, 1))


def guarded(name: str, look) -> Iterable[Check]:
    """Return what a check finds; one that fails is itself a finding."""
    try:
        found = look()
        return [found] if isinstance(found, Check) else list(found)
    except Exception as error:
        why = f"could not be looked at ({type(error).__name__}: {error})"
        return [Check(name, WARNING, why, "send `fer doctor --json` with a bug report")]


def _data_names() -> list[str]:
    try:
        from fer_utils.data.check import listing
    except ImportError:  # numpy is missing: other checks say so
        return []
    found = (one for one in listing().sets if one.found)
    return [one.entry.name for one in found]


def _ask(name: tuple[str, ...], timeout: float) -> Probe:
    command = [sys.executable, "-m", "fer_utils.course.doctor_probes", *name]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**quiet, **os.environ},
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return Probe(None, f"no answer in {timeout:g} seconds")
    except OSError as error:
        return Probe(None, str(error))
    try:
        return Probe(json.loads(done.stdout.strip().splitlines()[-1]))
    except (ValueError, IndexError):
        return Probe(None, _last_words(done))


def _last_words(done: subprocess.CompletedProcess) -> str:
    if done.returncode < 0:
        return f"the process was killed by signal {-done.returncode}"
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1][:300] if lines else f"exit code {done.returncode}"
