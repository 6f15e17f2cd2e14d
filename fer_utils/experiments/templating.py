"""The Jinja environment of every page and card."""

from __future__ import annotations

from pathlib import Path

__all__ = ["environment"]

_TEMPLATES = Path(__file__).parent / "templates"


def environment(*, autoescape: bool, folder: str | Path = _TEMPLATES):
    """Return a Jinja environment in which a misspelt name is an error.

    Args:
        autoescape: True for HTML, False for Markdown.
        folder: of the templates; by default those of the report and the cards.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
