"""Write files whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

__all__ = ["write_json", "write_text"]


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
