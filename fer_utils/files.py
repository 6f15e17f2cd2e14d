"""Write files whole or not at all, and know where what can be fetched again lies."""

from __future__ import annotations

import json
import os
from pathlib import Path

__all__ = ["cache_dir", "existing_parent", "write_json", "write_text"]


def write_text(path: str | Path, text: str) -> Path:
    """Write UTF-8 text to a temporary file beside `path`, then rename it into place.

    Args:
        path: where to; missing folders are made.
        text: the content.

    Returns:
        The path.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_json(path: str | Path, content: object) -> Path:
    """Write JSON whole or not at all.

    Args:
        path: where to; missing folders are made.
        content: JSON-ready.

    Returns:
        The path.
    """
    return write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def cache_dir() -> Path:
    """Return the cache folder: FER_CACHE_DIR, else the user's cache folder."""
    if os.environ.get("FER_CACHE_DIR"):
        return Path(os.environ["FER_CACHE_DIR"]).expanduser().absolute()
    try:
        from platformdirs import user_cache_dir
    except ImportError:  # a bare GPU node: the cache must work with numpy alone
        return Path.home() / ".cache" / "fer_utils"
    return Path(user_cache_dir("fer_utils", appauthor=False))


def existing_parent(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
