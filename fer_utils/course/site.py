"""`write_site`: the lessons and the pages of `docs/` as a small offline web site."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import fer_utils
from fer_utils.course.site_pages import (
    Section,
    sections,
    to_html,
    with_alt_texts,
    with_site_links,
)
from fer_utils.course.site_sources import Doc, Lesson, read_docs, read_lessons
from fer_utils.errors import ParameterError
from fer_utils.experiments.templating import environment
from fer_utils.files import write_text

__all__ = ["write_site"]

_TEMPLATES = Path(__file__).parent / "templates"
_MENU = ("syllabus", "glossary", "teaching", "responsible_use")
_DRAWN = (
    "The figures on this page were made from synthetic sample data: drawn faces. Their "
    "numbers show that the lesson works, not how well faces are recognised."
)
_NO_OUTPUTS = (
    "This page shows the lesson before it is run, so it has no figures. Run the "
    "notebook to see them."
)


@dataclass(frozen=True)
class Link:
    """A place to go to: `href` relative to the site, `label` as it is read."""

    href: str
    label: str


@dataclass(frozen=True)
class Page:
    """What the template of a page needs.

    Attributes:
        href: file name in the site.
        title: for the browser's tab.
        body: HTML of the text, starting with its h1.
        sections: the h2 headings of the body.
        banner: one sentence to know before reading, or "".
        downloads: the notebooks behind a lesson.
        before: the lesson before, or None.
        after: the lesson after, or None.
    """

    href: str
    title: str
    body: str = ""
    sections: tuple[Section, ...] = ()
    banner: str = ""
    downloads: tuple[Link, ...] = ()
    before: Lesson | None = None
    after: Lesson | None = None

    @property
    def is_front(self) -> bool:
        """Return whether this is the site's first page."""
        return self.href == "index.html"


def write_site(
    root: str | Path, out: str | Path, *, executed: str | Path | None = None
) -> Path:
    """Write one HTML page per lesson and per page of `docs/`, and a front page.

    Args:
        root: the checkout, with `notebooks/` and `docs/`.
        out: folder of the site; made if missing, other files in it are kept.
        executed: folder of executed lessons, whose outputs are shown, as
            `fer run --data synthetic` leaves them; None shows the lessons without.

    Returns:
        The path of the front page. The site works from a disk, without a network.

    Raises:
        ParameterError: if root holds no lessons, or out is one of its source folders.
        DataError: if an executed lesson failed, is of another version, or shows
            pictures of real people.

    Example:
        >>> import tempfile
        >>> front = write_site(Path(fer_utils.__file__).parents[1], tempfile.mkdtemp())
        >>> front.name
        'index.html'
    """
    root, out = Path(root), Path(out)
    _check_folder(root, out)
    lessons = read_lessons(root / "notebooks", executed)
    docs = read_docs(root / "docs")
    hrefs = {lesson.source: lesson.href for lesson in lessons}
    hrefs |= {doc.source: doc.href for doc in docs}
    pages = [_lesson_page(lessons, i, out, hrefs) for i in range(len(lessons))]
    pages += [_doc_page(doc, hrefs) for doc in docs]
    menu = _menu(docs)
    for page in pages:
        _write(out, "page.html.j2", page, menu=menu)
    front = Page("index.html", "Facial expression recognition")
    known = {"lessons": lessons, "docs": docs, "has_cluster": _has(docs, "cluster")}
    path = _write(out, "front.html.j2", front, menu=menu, **known)
    write_text(out / "site.css", (_TEMPLATES / "site.css").read_text(encoding="utf-8"))
    return path


def _check_folder(root: Path, out: Path) -> None:
    if not list((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        raise ParameterError(
            f"{root}: no lessons here (notebooks/NN_*.ipynb). "
            "Run the command in the repository's folder."
        )
    sources = [root, root / "notebooks", root / "docs"]
    if out.resolve() in [source.resolve() for source in sources]:
        raise ParameterError(
            f"{out} is a folder of sources: pages among them would be taken for "
            "sources. Name a folder of its own, for example site."
        )


def _lesson_page(lessons: list[Lesson], i: int, out: Path, hrefs: dict) -> Page:
    lesson = lessons[i]
    body = to_html(with_alt_texts(lesson.notebook))
    body = with_site_links(body, lesson.source.parent, hrefs)
    downloads = [Link(_copy(lesson.source, out), "Download the lesson's notebook")]
    if lesson.exercise_source:
        label = "Download its exercises"
        downloads.append(Link(_copy(lesson.exercise_source, out, "exercises"), label))
    return Page(
        href=lesson.href,
        title=f"{lesson.number} {lesson.title}",
        body=body,
        sections=sections(body),
        banner=_DRAWN if lesson.is_executed else _NO_OUTPUTS,
        downloads=tuple(downloads),
        before=lessons[i - 1] if i else None,
        after=lessons[i + 1] if i + 1 < len(lessons) else None,
    )


def _copy(source: Path, out: Path, folder: str = "") -> str:
    """Copy a notebook into the site; return its link."""
    target = out / "notebooks" / folder / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target.relative_to(out).as_posix()


def _doc_page(doc: Doc, hrefs: dict) -> Page:
    body = with_site_links(to_html(doc.notebook), doc.source.parent, hrefs)
    return Page(doc.href, doc.title, body, sections(body))


def _menu(docs: list[Doc]) -> list[Link]:
    found = {doc.source.stem: doc for doc in docs}
    chosen = [found[name] for name in _MENU if name in found]
    return [
        Link("index.html#lessons", "Lessons"),
        *(Link(doc.href, doc.title) for doc in chosen),
    ]


def _has(docs: list[Doc], name: str) -> bool:
    return any(doc.source.stem == name for doc in docs)


def _write(out: Path, template: str, page: Page, **known) -> Path:
    pages = environment(autoescape=True, folder=_TEMPLATES)
    known |= {"page": page, "version": fer_utils.__version__}
    return write_text(out / page.href, pages.get_template(template).render(known))
