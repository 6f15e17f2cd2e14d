"""The course: exercises that check themselves, their builds, review, site, doctor."""

from __future__ import annotations

import importlib

_HOME = {
    "ReviewLog": "review",
    "ReviewWidget": "review_widget",
    "check": "checks",
    "write_site": "site",
}
__all__ = ["ReviewLog", "ReviewWidget", "check", "write_site"]


def __getattr__(name: str):
    if name in _HOME:
        home = importlib.import_module(f"fer_utils.course.{_HOME[name]}")
        return getattr(home, name)
    raise AttributeError(f"module 'fer_utils.course' has no attribute {name!r}")
