"""The Jinja environment of the report page and the model cards."""

from __future__ import annotations

from pathlib import Path

__all__ = ["environment"]

_TEMPLATES = Path(__file__).parent / "templates"


def environment(*, autoescape: bool):
    """Return a Jinja environment in which a misspelt name is an error.

    Args:
        autoescape: True for HTML, False for Markdown.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
