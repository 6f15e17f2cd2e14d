"""`run_lock`: two runners never write one run's folder at once.

The lock is the operating system's (`filelock`): it ends with the process that holds it,
however that ends, so no lock file is ever "stale" and nobody has to guess. A second
file says who holds it, for the message.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from fer_utils.errors import FerError
from fer_utils.files import write_json

__all__ = ["LockedError", "holder", "is_locked", "owner_of", "run_lock"]


class LockedError(FerError):
    """Another process works in this run's folder."""


@contextlib.contextmanager
def run_lock(
    folder: str | Path, name: str = "training", wait: float = 0.0
) -> Iterator[Path]:
    """Hold a run's folder while it is written to; made if missing.

    Args:
        folder: of one run, or shared by several.
        name: of what is held; several things in one folder have a lock each.
        wait: seconds to wait for somebody else to let go.

    Yields:
        The folder.

    Raises:
        LockedError: another process holds it; the message names it.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, run_lock(folder):
        ...     owner_of(folder)["pid"] == os.getpid()
        True
    """
    from filelock import FileLock, Timeout

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f".{name}.lock", timeout=wait, is_singleton=False)
    owner = folder / f".{name}.owner.json"
    try:
        lock.acquire()
    except Timeout:
        raise LockedError(_busy(folder, name)) from None
    try:
        write_json(owner, _me())
        yield folder
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def is_locked(folder: str | Path, name: str = "training") -> bool:
    """Return whether some process holds a run's folder right now."""
    from filelock import FileLock, Timeout

    path = Path(folder) / f".{name}.lock"
    if not path.is_file():
        return False
    try:
        with FileLock(path, timeout=0, is_singleton=False):
            return False
    except Timeout:
        return True


def owner_of(folder: str | Path, name: str = "training") -> dict | None:
    """Return {"host", "pid", "since"} of who holds, or last held, a run's folder.

    A process that was killed leaves its word behind: `is_locked` says whether it holds.
    """
    try:
        return json.loads((Path(folder) / f".{name}.owner.json").read_text("utf-8"))
    except (OSError, ValueError):  # nobody, or its word is being written
        return None


def holder(folder: str | Path, name: str = "training") -> str:
    """Say who holds, or last held, a run's folder, for a person to read."""
    owner = owner_of(folder, name)
    if not owner:
        return "another process"
    return f"process {owner['pid']} on {owner['host']}, since {owner['since']}"


def _me() -> dict:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": since}


def _busy(folder: Path, name: str) -> str:
    return (
        f"{folder} is in use by {holder(folder, name)}. Wait until it has ended, stop "
        "it, or choose another output folder (--out)."
    )
