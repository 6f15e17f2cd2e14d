"""Run records: one JSON per run, written whole or not at all."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from fer_utils.errors import DataError

__all__ = ["SCHEMA", "environment", "load_records", "read_record"]

SCHEMA = 1


def read_record(path: Path) -> dict:
    """Read one record.

    Raises:
        DataError: the file is not a record of this schema.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable run record ({error}).") from None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise DataError(
            f"{path}: expected a run record of schema {SCHEMA}. Delete it or run the "
            "experiment again."
        )
    return record


def load_records(folder: str | Path) -> list[dict]:
    """Return all records below a folder, by name; each knows its `folder`."""
    records = []
    for path in sorted(Path(folder).rglob("record.json")):
        records.append({**read_record(path), "folder": path.parent})
    return records


def environment() -> dict:
    """Return what a reader needs to judge or repeat a run on this machine."""
    import numpy

    from fer_utils.backend import keras

    backend = sys.modules.get(keras.backend.backend())
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "backend_version": getattr(backend, "__version__", ""),
        "numpy": numpy.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        **_git(),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux: the platform's word is all there is
    return platform.processor()


def _git() -> dict:
    def ask(*words: str) -> str | None:
        here = Path(__file__).parent
        try:
            done = subprocess.run(
                ["git", *words], cwd=here, capture_output=True, text=True, timeout=10
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    status = ask("status", "--porcelain")
    return {"git_commit": ask("rev-parse", "HEAD"), "git_dirty": bool(status)}
