"""Keep parsed data sets as memory-mapped arrays, keyed by their source's content hash.

    <cache>/readings-1/<content hash>/{pixels,labels,split,rows}.npy, meta.json
    <cache>/index-1/<hash of the source's path>.json     size and mtime -> content hash

An entry is written to a temporary folder and renamed, so two processes can share the
cache and a killed one leaves nothing that looks whole. The index spares a warm load the
hashing of 300 MB. Deleting the whole folder is always safe.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np

from fer_utils.data.reading import Bad, Reading
from fer_utils.errors import DataError
from fer_utils.files import cache_dir

__all__ = ["cached", "content_hash"]

# Raise it when a reader or the layout changes: old entries are then never read again.
FORMAT = 1
_ARRAYS = {"pixels": "uint8", "labels": "int64", "split": "int8", "rows": "int64"}


def cached(
    source: Path,
    read: Callable[[], Reading],
    skip_bad: bool = False,
    files: Sequence[str] = (),
    kind: str = "",
) -> Reading:
    """Return a source's reading from the cache, or read it and fill the cache.

    Args:
        source: the file or folder that `read` reads.
        read: reads the source; called only when the cache has no entry.
        skip_bad: accept and store a reading that has bad rows.
        files: the relative paths that `read` reads, if the source is a folder.
        kind: which reader it is, so that two never share an entry; "" is FER2013's.

    Returns:
        The reading, with memory-mapped pixels.
    """
    if not _readings().is_dir():  # nothing can match: read while hashing
        with ThreadPoolExecutor(1) as pool:
            hashing = pool.submit(content_hash, source, files)
            reading = read()
            return _keep(reading, kind + hashing.result(), skip_bad)
    digest = kind + content_hash(source, files)
    # A reading without bad rows serves both modes; one with bad rows has its own key.
    for key in (digest, f"{digest}-skip_bad") if skip_bad else (digest,):
        if (found := _load(_readings() / key)) is not None:
            return found
    return _keep(read(), digest, skip_bad)


def _keep(reading: Reading, digest: str, skip_bad: bool) -> Reading:
    if reading.bad and not skip_bad:
        return reading  # the caller refuses it: nothing to keep
    key = f"{digest}-skip_bad" if reading.bad else digest
    return _store(_readings() / key, reading)


def content_hash(
    source: Path, files: Sequence[str] = (), trust_index: bool = True
) -> str:
    """Return the hex SHA-256 of a file, or of some files of a folder and their paths.

    Args:
        source: a file or a folder.
        files: which relative paths count, if the source is a folder.
        trust_index: take the hash from the index if the size and time of the source are
            unchanged; False reads every byte again.
    """
    files = sorted(files)
    state = _fingerprint(source, files)
    index = cache_dir() / f"index-{FORMAT}" / f"{_short(str(source.resolve()))}.json"
    if trust_index and (known := _read_json(index)) and known.get("state") == state:
        return known["content"]
    digest = _hash_folder(source, files) if source.is_dir() else _hash_file(source)
    entry = {"path": str(source.resolve()), "state": state, "content": digest}
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        _write_json(index, entry)
    except OSError as error:
        _warn_unwritable(str(cache_dir()), str(error))
    return digest


def _readings() -> Path:
    return cache_dir() / f"readings-{FORMAT}"


def _load(folder: Path) -> Reading | None:
    """Return the entry, or None if there is none; a damaged one is removed."""
    if not folder.is_dir():
        return None
    try:
        meta = json.loads((folder / "meta.json").read_text("utf-8"))
        arrays = {name: _load_array(folder, name, meta) for name in _ARRAYS}
        bad = tuple(Bad(**b) for b in meta["bad"])
        return Reading(**arrays, bad=bad, noun=meta["noun"])
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _load_array(folder: Path, name: str, meta: dict) -> np.ndarray:
    mode = "r" if name == "pixels" else None
    array = np.load(folder / f"{name}.npy", mmap_mode=mode, allow_pickle=False)
    if array.dtype != _ARRAYS[name] or list(array.shape) != meta["shapes"][name]:
        raise ValueError(f"{name}.npy is not what meta.json says")
    return array


def _store(folder: Path, reading: Reading) -> Reading:
    """Write an entry and return it memory-mapped; the reading itself if that fails."""
    arrays = {name: getattr(reading, name) for name in _ARRAYS}
    meta = {
        "shapes": {name: list(array.shape) for name, array in arrays.items()},
        "noun": reading.noun,
        "bad": [asdict(bad) for bad in reading.bad],
    }
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent))
        for name, array in arrays.items():
            np.save(temporary / f"{name}.npy", array.astype(_ARRAYS[name], copy=False))
        _write_json(temporary / "meta.json", meta)
        if not folder.exists():  # else another process was faster with the same content
            os.replace(temporary, folder)
    except OSError as error:
        if not folder.exists():
            _warn_unwritable(str(cache_dir()), str(error))
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    found = _load(folder)
    return reading if found is None else found


@functools.cache  # once per folder and reason
def _warn_unwritable(folder: str, reason: str) -> None:
    warnings.warn(
        f"the cache folder {folder} cannot be written ({reason}): data are parsed "
        "again on every load. Set FER_CACHE_DIR to a folder you can write to.",
        UserWarning,
        stacklevel=2,
    )


def _fingerprint(source: Path, files: Sequence[str]) -> list:
    if not source.is_dir():
        stat = source.stat()
        return [stat.st_size, stat.st_mtime_ns]
    digest = hashlib.sha256()
    for relative in files:
        stat = os.stat(f"{source}/{relative}")
        digest.update(f"{relative}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return [digest.hexdigest()]


def _hash_folder(folder: Path, files: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for relative in files:
        digest.update(f"{relative}\0{_hash_file(folder / relative)}\n".encode())
    return digest.hexdigest()


def _hash_file(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}.") from error


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _read_json(path: Path) -> dict | None:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _write_json(path: Path, value: dict) -> None:
    writer = f"{os.getpid()}-{threading.get_ident()}"
    temporary = path.with_name(f".{path.name}.{writer}")
    temporary.write_text(json.dumps(value), "utf-8")
    os.replace(temporary, path)
