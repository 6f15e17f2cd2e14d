"""The site: complete, alone, readable by everybody; and what it refuses to show."""

import argparse
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from fer_utils.course.site import write_site
from fer_utils.course.site_command import add_site_command
from fer_utils.course.site_pages import sections, with_alt_texts, with_site_links
from fer_utils.course.site_sources import _subtitle
from fer_utils.errors import DataError, ParameterError

ROOT = Path(__file__).parents[2]
CSS = ROOT / "fer_utils" / "course" / "templates" / "site.css"
PIXEL = (  # one white pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)
FIRST = """# Look first

*One line under
the heading.*

**What you will learn**

- to look;

**Time** on two CPU cores: quick about 5 seconds, full an hour.
"""


def lesson(*cells):
    return new_notebook(cells=[new_markdown_cell(FIRST), *cells])


def executed(source='grid.plot("Two faces")', injected=None, error=None):
    outputs = [new_output("display_data", {"image/png": PIXEL})]
    if error:
        outputs.append(new_output("error", ename=error, evalue="", traceback=[]))
    cells = [new_markdown_cell("## Faces"), new_code_cell(source, outputs=outputs)]
    if injected:
        tags = {"tags": ["injected-parameters"]}
        cells.insert(0, new_code_cell(injected, metadata=tags))
    return lesson(*cells)


@pytest.fixture
def course(tmp_path):
    """Return a checkout with two lessons, an exercise notebook and two pages."""
    root = tmp_path / "checkout"
    notebooks, docs = root / "notebooks", root / "docs"
    (notebooks / "exercises").mkdir(parents=True)
    docs.mkdir()
    plain = executed()
    plain.cells[-1].outputs = []
    nbformat.write(plain, notebooks / "00_look.ipynb")
    again = "See [00](00_look.ipynb#Faces) and [the runner](experiment.ipynb)."
    nbformat.write(lesson(new_markdown_cell(again)), notebooks / "01_again.ipynb")
    tasks = [new_markdown_cell(f"## Exercise 0.{i}: look") for i in (1, 2)]
    nbformat.write(lesson(*tasks), notebooks / "exercises" / "00_look.ipynb")
    (docs / "responsible_use.md").write_text("# Use\n\n*Kindly.*\n\n## A\n\n## B\n")
    text = "# Words\n\n*All.*\n\n[00](../notebooks/00_look.ipynb) [x](../README.md)\n"
    (docs / "glossary.md").write_text(text + "\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    (docs / "README.md").write_text("# Not a page\n")
    return root


def read(front, name="index.html"):
    return (front.parent / name).read_text(encoding="utf-8")


def with_executed(root, notebook):
    folder = root / "executed"
    folder.mkdir()
    nbformat.write(notebook, folder / "00_look.ipynb")
    return folder


class Page(HTMLParser):
    """Collects what the tests ask of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.ids, self.loads = [], [], set(), []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append((tag, given))
        self.ids |= {given["id"]} if "id" in given else set()
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.loads += [given[k] for k in ("src", "data") if k in given]
        if tag == "link":
            self.loads.append(given["href"])

    def count(self, tag):
        return sum(1 for name, _ in self.tags if name == tag)


def test_each_lesson_and_page_is_there_and_on_the_front_page(course, tmp_path):
    front = write_site(course, tmp_path / "site")
    pages = {path.name for path in front.parent.glob("*.html")} - {"index.html"}
    assert pages == {
        "00_look.html",
        "01_again.html",
        "glossary.html",
        "responsible_use.html",
    }
    assert pages <= set(Page(read(front)).links)


def test_the_front_page_says_what_a_lesson_is_and_how_long_it_takes(course, tmp_path):
    html = read(write_site(course, tmp_path / "site"))
    for text in ("Look first", "One line under the heading.", "about 5 seconds"):
        assert text in html
    assert "2 exercises" in html


def test_the_notebooks_come_along(course, tmp_path):
    front = write_site(course, tmp_path / "site")
    folder = front.parent / "notebooks"
    assert (folder / "00_look.ipynb").is_file()
    assert (folder / "exercises" / "00_look.ipynb").is_file()


def test_links_between_sources_lead_to_pages(course, tmp_path):
    front = write_site(course, tmp_path / "site")
    assert 'href="00_look.html#Faces"' in read(front, "01_again.html")
    assert 'href="00_look.html"' in read(front, "glossary.html")
    assert "README.md" not in read(front, "glossary.html")
    assert "the runner" in read(front, "01_again.html")
    assert "experiment.ipynb" not in read(front, "01_again.html")


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="#A">a</a>', '<a href="#A">a</a>'),  # within the page
        ('<a href="https://x.org/a.md">a</a>', '<a href="https://x.org/a.md">a</a>'),
        ('<a href="a.md" title="t">a</a>', '<a href="a.html">a</a>'),
        ('<a href="gone.md"><em>a</em></a>', "<em>a</em>"),  # no dead link
    ],
)
def test_a_link_is_kept_turned_or_dropped(html, expected):
    assert with_site_links(html, Path("d"), {Path("d/a.md"): "a.html"}) == expected


def test_without_outputs_a_lesson_says_so(course, tmp_path):
    assert "before it is run" in read(
        write_site(course, tmp_path / "s"), "00_look.html"
    )


def test_an_executed_lesson_shows_its_figures_and_their_notice(course, tmp_path):
    folder = with_executed(course, executed(injected='data_name = "synthetic"'))
    front = write_site(course, tmp_path / "site", executed=folder)
    html = read(front, "00_look.html")
    assert "synthetic sample data" in html
    assert 'alt="Figure 1, in “Faces”: Two faces."' in html
    assert "before it is run" in read(front, "01_again.html")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("grid.plot('A')", "A."),
        ("ax.set_title('B', loc='left')", "B."),
        ("evaluation.LearningCurves(h).plot()", "learning curves."),  # its kind
        ("evaluation.FaceGrid(a).plot('D')", "D."),  # a title says more
        ("grid.plot()", "the text around it says what to see."),  # no title given
        ("ax.set_title(f'C {n}')", "the text around it says what to see."),  # unknown
        ("ax.plot(x, 'ro')", "the text around it says what to see."),  # no title
    ],
)
def test_an_alt_text_takes_the_title_of_the_figure(code, expected):
    figure = with_alt_texts(executed(code)).cells[-1].outputs[0]
    assert figure.metadata["image/png"]["alt"] == f"Figure 1, in “Faces”: {expected}"


def test_a_figures_own_alt_text_is_kept():
    notebook = executed()
    notebook.cells[-1].outputs[0].metadata["image/png"] = {"alt": "mine"}
    figure = with_alt_texts(notebook).cells[-1].outputs[0]
    assert figure.metadata["image/png"]["alt"] == "mine"


@pytest.mark.parametrize(
    ("notebook", "reason"),
    [
        (executed("other()"), "another version"),
        (executed(injected='data_name = "fer2013"'), "real photos"),
        (executed(error="ValueError"), "stopped with ValueError"),
    ],
)
def test_what_must_not_be_shown_is_refused(course, tmp_path, notebook, reason):
    folder = with_executed(course, notebook)
    with pytest.raises(DataError, match=reason):
        write_site(course, tmp_path / "site", executed=folder)


def test_a_folder_without_executed_lessons_is_an_error(course, tmp_path):
    with pytest.raises(DataError, match="00_look.ipynb"):
        write_site(course, tmp_path / "site", executed=tmp_path)


@pytest.mark.parametrize("out", ["", "docs", "notebooks"])
def test_a_source_folder_is_no_place_for_the_site(course, out):
    with pytest.raises(ParameterError, match="folder of its own"):
        write_site(course, course / out)


def test_a_folder_without_lessons_is_no_course(tmp_path):
    with pytest.raises(ParameterError, match="no lessons"):
        write_site(tmp_path, tmp_path / "site")


def test_sections_are_plain_text():
    body = '<h2 id="a">A &amp; <code>b</code></h2><h2 id="c">C</h2>'
    assert [s.title for s in sections(body)] == ["A & b", "C"]


def test_a_wide_table_scrolls_by_keyboard(course, tmp_path):
    page = Page(read(write_site(course, tmp_path / "site"), "glossary.html"))
    assert any(
        tag == "div" and given.get("class") == "scroll" and given.get("tabindex") == "0"
        for tag, given in page.tags
    )


def test_the_command_writes_the_site(course, tmp_path, capsys):
    parser = argparse.ArgumentParser()
    add_site_command(parser.add_subparsers(), lambda: course)
    options = parser.parse_args(["site", str(tmp_path / "site")])
    assert options.call(options) == 0
    assert str(tmp_path / "site" / "index.html") in capsys.readouterr().out


# The course itself


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    write_site(ROOT, folder)
    paths = sorted(folder.glob("*.html"))
    return folder, {path.name: Page(path.read_text("utf-8")) for path in paths}


def test_every_link_of_the_course_leads_somewhere(site):
    folder, pages = site
    dead = []
    for name, page in pages.items():
        for link in page.links:
            path, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:", link):
                continue
            target = pages.get(path or name)
            found = (folder / path).is_file() if path else True
            if not found or (anchor and anchor not in target.ids):
                dead.append((name, link))
    assert not dead


def test_the_course_needs_no_network(site):
    _, pages = site
    for page in pages.values():
        assert not page.count("script")
        assert [u for u in page.loads if not u.startswith("data:")] == ["site.css"]
    assert "url(" not in CSS.read_text() and "@import" not in CSS.read_text()


def test_every_page_has_a_language_one_heading_and_no_gap_below_it(site):
    _, pages = site
    for name, page in pages.items():
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1 and levels.count(1) == 1, name
        steps = [b - a for a, b in zip(levels, levels[1:], strict=False)]
        assert max(steps, default=0) <= 1, name
        assert ("html", {"lang": "en"}) in page.tags
        assert page.tags.count(("a", {"class": "skip", "href": "#main"})) == 1


def test_every_figure_of_the_course_has_an_alt_text(site):
    _, pages = site
    for page in pages.values():
        assert all(given.get("alt") for tag, given in page.tags if tag == "img")


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=str)
def test_a_page_says_in_one_line_what_it_is(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    if path.stem != "README":
        assert re.fullmatch(r"\*[^*].*\*", lines[2])


def luminance(colour):
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares
    ]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a, b):
    """WCAG 2.2, contrast ratio of two colours, 1 to 21."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *[(name, "ground") for name in ("text", "quiet", "link", "number", "string")],
        *[(name, "panel") for name in ("text", "quiet", "link")],
        *[(n, "panel") for n in ("keyword", "string", "number", "name", "comment")],
        ("warn", "warn-ground"),
    ],
)
def test_text_can_be_read_in_light_and_dark(theme, text, ground):
    blocks = re.findall(r":root \{(.*?)\}", CSS.read_text(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[theme]))
    assert contrast(colours[text], colours[ground]) >= 4.5


def test_only_the_italics_under_the_title_describe_a_page():
    page = "# Title\n\n*What it is.*\n\n## Part\n\nSome *words*\n\n- **Bold** *end*\n\n"
    assert _subtitle(page) == "What it is."
    assert _subtitle("# Title\n\nNo line.\n\nSome *words*\n\n") == ""
