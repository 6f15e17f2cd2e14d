"""Download a data set that may be downloaded without a login."""

from __future__ import annotations

import shutil
from pathlib import Path

from fer_utils.data.check import check
from fer_utils.data.registry import Entry, data_dir, describe, find
from fer_utils.errors import DataError, ParameterError

__all__ = ["get"]


def get(name: str) -> Path:
    """Download a data set into the data folder and check it; do nothing if it is there.

    Args:
        name: "fer2013" (from Kaggle's public data set `msambare/fer2013`, about 60 MB).

    Returns:
        The file or folder that `load` will read.

    Raises:
        ParameterError: an unknown name, or "synthetic", which needs no files.
        DataError: no automatic download, no network, or files that fail the check; the
            message says what to do by hand.
    """
    entry = describe(name)
    if not entry.layouts:
        raise ParameterError(f"{name} needs no download: data.load({name!r}) draws it.")
    if not entry.kaggle:
        raise DataError(
            f"{name} cannot be downloaded automatically ({entry.terms}). Ask for it at "
            f"{entry.home} and see data/README.md for where its files belong."
        )
    if (found := _already_there(entry)) is not None:
        return _verified(name, found)
    downloaded = _verified(name, find(entry, _download(entry)))
    return _verified(name, _install(downloaded, data_dir() / name))


def _already_there(entry: Entry) -> Path | None:
    try:
        return find(entry)
    except DataError:
        return None


def _download(entry: Entry) -> Path:
    handle = entry.kaggle
    try:
        import kagglehub

        return Path(kagglehub.dataset_download(handle))
    except ImportError as error:
        raise DataError(
            f"downloading {entry.name} needs kagglehub: pip install kagglehub. "
            + _by_hand(entry, handle)
        ) from error
    except Exception as error:  # kagglehub lets many kinds of network errors through
        raise DataError(
            f"{entry.name} could not be downloaded ({type(error).__name__}: "
            f"{str(error)[:200]}). Is this machine online? {_by_hand(entry, handle)}"
        ) from error


def _by_hand(entry: Entry, handle: str) -> str:
    target = data_dir() / f"{entry.name}.zip"
    return (
        f"By hand: open https://www.kaggle.com/datasets/{handle} in a browser, "
        f"download the zip, and save it as {target} (no need to unpack it). Then run "
        f"`fer data check {entry.name}`."
    )


def _verified(name: str, found: Path) -> Path:
    result = check(name, found)
    if not result.ok:
        raise DataError(
            f"{found} is not the whole {name}:\n{result}\nRemove or rename it, then "
            f"run `fer data get {name}` again."
        )
    return found


def _install(source: Path, target: Path) -> Path:
    """Copy a folder tree or a file into `target`; nothing half-copied has its name."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            part = Path(shutil.copy2(source, target / f".{source.name}.part"))
            return part.replace(target / source.name)
        copied = [_copy_tree(source / top, target) for top in ("test", "train")]
        for part, final in copied:  # train comes last: `find` looks for it
            part.rename(final)
        return target
    except OSError as error:
        raise DataError(
            f"the download could not be copied from {source} to {target}: {error}. Set "
            "FER_DATA_DIR to a folder you can write to, or to that folder itself."
        ) from error


def _copy_tree(source: Path, target: Path) -> tuple[Path, Path]:
    part = target / f".{source.name}.part"
    shutil.rmtree(part, ignore_errors=True)  # left by a copy that was killed
    shutil.copytree(source, part)
    return part, target / source.name
