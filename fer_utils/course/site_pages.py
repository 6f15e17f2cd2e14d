"""Notebooks and Markdown to accessible HTML: headings, links, tables, alt texts."""

from __future__ import annotations

import ast
import copy
import re
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from fer_utils import evaluation

__all__ = ["Section", "sections", "to_html", "with_alt_texts", "with_site_links"]

_TEMPLATES = Path(__file__).parent / "templates"
_TITLED = {"plot", "set_title", "suptitle"}


@dataclass(frozen=True)
class Section:
    """A heading of a page: its anchor, and its text."""

    anchor: str
    title: str


def to_html(notebook) -> str:
    """Return a notebook's cells as HTML, for the middle of a page.

    Args:
        notebook: an nbformat notebook.

    Returns:
        HTML in which tables and code that may be too wide scroll, also by keyboard.
    """
    body, _ = _exporter().from_notebook_node(notebook)
    # A screen reader would read the sign after every heading; its id stays.
    body = re.sub(r'<a class="anchor-link"[^>]*>[^<]*</a>', "", body)
    wide = '<div class="scroll" role="region" aria-label="table" tabindex="0">'
    body = re.sub(r"<table\b[^>]*>", rf"{wide}<table>", body)
    body = body.replace("</table>", "</table></div>")
    return re.sub(r"<pre\b", '<pre tabindex="0"', body)


@cache
def _exporter():
    from nbconvert import HTMLExporter

    return HTMLExporter(
        template_name="lesson", extra_template_basedirs=[str(_TEMPLATES)]
    )


def sections(body: str) -> tuple[Section, ...]:
    """Return the second-level headings of a page.

    Example:
        >>> sections('<h2 id="A-b">A <em>b</em></h2>')
        (Section(anchor='A-b', title='A b'),)
    """
    found = re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', body, re.DOTALL)
    return tuple(Section(anchor, _plain(title)) for anchor, title in found)


def _plain(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html)).strip()


def with_alt_texts(notebook):
    """Return a copy in which each figure says where it stands and what its title is.

    A figure that brings an alt text of its own, in its output's metadata, keeps it.

    Args:
        notebook: an nbformat notebook.

    Returns:
        The copy.
    """
    notebook = copy.deepcopy(notebook)
    heading, number = "", 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#{1,3} (.+)$", cell.source, re.MULTILINE)
            heading = found[-1] if found else heading
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                number += 1
                alt = f"Figure {number}, in “{heading}”: {_figure_title(cell.source)}"
                output.metadata.setdefault("image/png", {}).setdefault("alt", alt)
    return notebook


def _figure_title(code: str) -> str:
    """Return what a cell's code says of its figure: a title, or the kind of plot."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    titles = [
        node.args[0].value
        for node in calls
        if getattr(node.func, "attr", "") in _TITLED
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]
    # evaluation.ConfusionMatrix(report).plot() -> confusion matrix
    names = [getattr(node.func, "attr", getattr(node.func, "id", "")) for node in calls]
    kinds = [
        re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
        for name in names
        if name in evaluation.__all__ and name[0].isupper()
    ]
    if titles or kinds:
        return f"{(titles or kinds)[-1]}."
    return "the text around it says what to see."


def with_site_links(body: str, here: Path, hrefs: dict[Path, str]) -> str:
    """Point links between sources at the pages made of them.

    A relative link to a file that is no page keeps its text and loses its link: the
    site must work alone.

    Args:
        body: HTML.
        here: folder of the source.
        hrefs: source file -> page.

    Returns:
        The HTML with other links.

    Example:
        >>> html = '<a href="b.md#c">see</a> and <a href="../x.py">code</a>'
        >>> with_site_links(html, Path("docs"), {Path("docs/b.md"): "b.html"})
        '<a href="b.html#c">see</a> and code'
    """
    known = {path.resolve(): href for path, href in hrefs.items()}

    def replaced(found: re.Match) -> str:
        target, text = found[1], found[2]
        if re.match(r"[a-z]+:|#", target):
            return found[0]
        path, mark, anchor = unescape(target).partition("#")
        page = known.get((here / unquote(path)).resolve())
        return f'<a href="{page}{mark}{anchor}">{text}</a>' if page else text

    return re.sub(r'<a href="([^"]*)"[^>]*>(.*?)</a>', replaced, body, flags=re.DOTALL)
