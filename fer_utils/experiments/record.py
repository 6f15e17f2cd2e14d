"""Run records: one JSON per run, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from fer_utils.errors import DataError
from fer_utils.files import write_json

__all__ = [
    "SCHEMA",
    "cores",
    "environment",
    "load_records",
    "read_record",
    "write_record",
]

SCHEMA = 2
_SCHEMA_FILE = Path(__file__).with_name("record_schema.json")


def read_record(path: str | Path) -> dict:
    """Read one record; one of schema 1 is returned as schema 2, with `parts` None.

    Raises:
        DataError: the file is not a record of these schemas.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable run record ({error}).") from None
    if isinstance(record, dict) and record.get("schema") == 1:
        return _upgraded(record)
    if problem := _problem(record):
        raise DataError(
            f"{path}: expected a run record of schema {SCHEMA}; {problem}. Delete it "
            "or run the experiment again."
        )
    return record


def write_record(path: Path, record: dict) -> Path:
    """Write one record, whole or not at all.

    Raises:
        DataError: it does not fit the schema; nothing is written.
    """
    if problem := _problem(record):
        raise DataError(f"{path}: this record does not fit the schema; {problem}.")
    return write_json(path, record)


def _problem(record: object) -> str:
    """Return the first thing that does not fit the schema, or ""."""
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(record))
    if error is None:
        return ""
    return f"{error.json_path}: {error.message[:200]}"


@lru_cache(maxsize=1)
def _validator():
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(_SCHEMA_FILE.read_text(encoding="utf-8")))


def _upgraded(record: dict) -> dict:
    """Return a record of schema 1 as one of schema 2 that says less."""
    record = {"kind": "experiment", **record, "schema": SCHEMA}
    if record["kind"] in ("experiment", "lesson"):
        record.setdefault("parts", None)
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

    from fer_utils.backend import accelerators, keras

    backend = sys.modules.get(keras.backend.backend())
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "backend_version": getattr(backend, "__version__", ""),
        "numpy": numpy.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "gpus": accelerators(),
        "cores": cores(),
        "threads": _threads(),
        "constraints_hash": _constraints_hash(),
        **_git(),
    }


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _threads() -> int:
    """Return how many threads share a sum: another number, another rounding."""
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdigit() and int(os.environ[name]):
            return int(os.environ[name])
    return cores()


def _constraints_hash() -> str | None:
    """Return the SHA-256 of the checkout's constraints.txt; None when installed."""
    path = Path(__file__).parents[2] / "constraints.txt"
    if not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
