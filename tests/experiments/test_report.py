"""The report: every number on the page stands in a record."""

from __future__ import annotations

import json
import re
import statistics
from html.parser import HTMLParser

import numpy as np
import pytest

from fer_utils.errors import DataError
from fer_utils.evaluation import evaluate
from fer_utils.experiments import write_report
from fer_utils.experiments.report_tables import Value, get_field, groups, read_runs

CLASSES = ("happy", "sad", "neutral")
NOTICE = "synthetic sample data"
BAD_NAME = "<script>alert(1)</script>"


def result(seed: int, notice: str) -> dict:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, 40)
    probs = rng.dirichlet(np.ones(3), 40)
    probs[np.arange(40), labels] += 0.3
    probs /= probs.sum(1, keepdims=True)
    duplicated = np.arange(40) < 3
    report = evaluate(
        probs, labels, CLASSES, n_bootstrap=50, duplicated=duplicated, notice=notice
    )
    return report.to_dict()


def finished(name="a", *, seed=0, notice="", **settings) -> dict:
    experiment = {
        "name": name,
        "data": "fer2013",
        "model": "deep_cnn",
        "model_options": {"dropout_rate": 0.25},
        "classes": "all",
        "protocol": "official",
        "max_images": 1200,
        "tta": "flip",
        "learning_rate": 0.001,
        "schedule": "plateau",
        "augment": "classic",
        "class_weights": False,
        "seed": seed,
    } | settings
    scores = [0.3, 0.4 + seed / 100]
    return {
        "schema": 1,
        "status": "finished",
        "key": "0f" * 8,
        "name": name,
        "experiment": experiment,
        "started": "2026-01-02T03:04:05+00:00",
        "finished": "2026-01-02T03:14:05+00:00",
        "data": {
            "name": experiment["data"],
            "classes": list(CLASSES),
            "content_hash": "c" * 64,
            "test_hash": "d" * 64,
            "split_hash": "e" * 64,
            "counts": {"test": dict.fromkeys(CLASSES, 13)},
            "notice": notice,
        },
        "environment": {"python": "3.11.7", "cores": 2, "git_commit": None},
        "peak_memory_mb": 1483,
        "model": {"parameters": 2395591, "mflops": 991.2, "file_mb": 9.68},
        "training": {
            "epochs": 2 + seed,
            "best_epoch": 2,
            "resumed_after": 0,
            "images": 960,
            "history": {"loss": [1.0, 0.9], "val_accuracy": scores},
        },
        "seconds": {"training": 4949.52 + seed, "prediction": 23.84},
        "results": {
            part: result(number + 10 * seed, notice)
            for number, part in enumerate(("train", "val", "test", "test_flip"))
        },
    }


def failed(name="broken") -> dict:
    experiment = {"name": name, "data": "fer2013", "model": "vgg5", "out_dir": "x"}
    return {
        "schema": 1,
        "kind": "experiment",
        "status": "failed",
        "key": "1",
        "name": name,
        "seconds": 12.5,
        "error": "TrainingError: loss is <nan> & 'inf'",
        "experiment": experiment,
    }


def lesson(name: str, status="finished", error=None) -> dict:
    content = {"schema": 1, "kind": "lesson", "name": name, "title": f"Title of {name}"}
    return content | {
        "status": status,
        "seconds": 41.26,
        "error": error,
        "data": "synthetic",
    }


def save(path, record: dict):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record), encoding="utf-8")


class Page(HTMLParser):
    """Elements of a page with their attributes and their text."""

    VOID = {"meta", "link", "img", "br", "input", "line"}

    def __init__(self, html: str):
        super().__init__()
        self.elements, self._open = [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, "text": "", "path": list(self._open), **dict(attributes)}
        self.elements.append(element)
        if tag not in self.VOID:
            self._open.append(element)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self._open.pop()["tag"] == tag  # well-formed

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data
        self.elements.append({"tag": "#text", "text": data, "path": list(self._open)})

    def all(self, tag=None, **attributes):
        return [
            e
            for e in self.elements
            if tag in (None, e["tag"])
            and all(e.get(k.replace("_", "-")) == v for k, v in attributes.items())
        ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    runs = folder / "runs" / "quick"
    save(runs / "a0" / "record.json", finished("a0", seed=0))
    save(runs / "a1" / "record.json", finished("a1", seed=3))
    (runs / "a1" / "notebook.html").write_text("executed")
    other = finished("b b", seed=1, notice=NOTICE, data="synthetic", tta="none")
    other["name"] = BAD_NAME
    save(runs / "b b" / "record.json", other)
    save(runs / "broken" / "record.json", failed())
    save(runs / "lessons" / "00_start_here.json", lesson("00_start_here"))
    (runs / "lessons" / "00_start_here.html").write_text("executed")
    save(runs / "lessons" / "02_x.json", lesson("02_x", "failed", "ValueError: <x>"))
    return folder


@pytest.fixture(scope="module")
def page(folder):
    out = write_report(folder / "runs", folder / "index.html")
    return Page(out.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def records(folder):
    runs = folder / "runs"
    return {
        path.parent.relative_to(runs).as_posix(): json.loads(path.read_text())
        for path in runs.rglob("record.json")
    }


def looked_up(element, records) -> object:
    """Follow an element back to its records, without the code that wrote it."""
    values = []
    for name in element["data-record"].split(" quick/"):
        value = records[name if name.startswith("quick/") else f"quick/{name}"]
        for key in element["data-field"].split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
        values.append(value)
    statistic = element.get("data-statistic")
    if statistic:
        assert len(values) > 1
        return {"mean": statistics.mean, "sd": statistics.stdev}[statistic](values)
    assert len(values) == 1
    return values[0]


@pytest.fixture(scope="module")
def traced(page):
    return [e for e in page.elements if "data-record" in e]


SCALE_AND_PRECISION = {
    "percent": (100, 0.0501),
    "points": (100, 0.0501),
    "score": (1, 0.000501),
    "count": (1, 0.0501),
    "minutes": (1 / 60, 0.0501),
    "seconds": (1, 0.0501),
    "megabytes": (1, 0.501),
}


def test_every_number_of_the_page_is_the_number_of_its_record(traced, records):
    checked = 0
    for element in traced:
        expected = looked_up(element, records)
        if isinstance(expected, bool) or not isinstance(expected, (int, float)):
            continue
        shown = float(re.sub(r"[^\d.eE-]", "", element["text"]))
        scale, precision = SCALE_AND_PRECISION.get(element["data-style"], (1, 1e-6))
        assert abs(shown - scale * expected) <= precision, element
        checked += 1
    assert checked > 100


def test_every_word_from_a_record_is_the_word_of_that_record(traced, records):
    words = [(e["text"], looked_up(e, records)) for e in traced]
    words = [(text, value) for text, value in words if isinstance(value, str)]
    assert words
    assert all(text == value for text, value in words if value)


def test_no_digit_of_the_page_comes_from_anywhere_else(page):
    fixed = ("95 %", "2024/1689", "5(1)(f)", "Macro-F1", "F1")
    own = {"time", "code", "style", "script", "title"}
    for element in page.all("#text"):
        path = element["path"]
        if any("data-field" in e or "data-count" in e or e["tag"] in own for e in path):
            continue
        text = element["text"]
        for phrase in fixed:
            text = text.replace(phrase, "")
        assert not re.search(r"\d", text), text


@pytest.mark.parametrize(
    "path",
    [
        "results.train.metrics.accuracy",
        "results.val.metrics.accuracy",
        "results.test.metrics.accuracy",
        "results.test.intervals.accuracy.0",
        "results.test.without_duplicates.accuracy",
        "results.test.metrics.macro_f1",
        "results.test.metrics.ece",
        "results.test.majority_accuracy",
        "model.parameters",
        "model.mflops",
        "seconds.training",
        "training.best_epoch",
        "data.split_hash",
        "peak_memory_mb",
    ],
)
def test_the_page_shows_the_field(path, traced):
    assert any(e["data-field"] == path for e in traced)


@pytest.mark.parametrize(
    ("label", "field"),
    [
        ("Train accuracy", "results.train.metrics.accuracy"),
        ("Val accuracy", "results.val.metrics.accuracy"),
        ("Test accuracy [95 %]", "results.test.metrics.accuracy"),
        ("Test without duplicates", "results.test.without_duplicates.accuracy"),
        ("Test with TTA", "results.test_flip.metrics.accuracy"),
        ("Macro-F1 (test)", "results.test.metrics.macro_f1"),
        ("ECE (test)", "results.test.metrics.ece"),
        ("Parameters", "model.parameters"),
        ("MFLOPs", "model.mflops"),
        ("Minutes", "seconds.training"),
        ("Epochs (best)", "training.epochs"),
    ],
)
def test_each_column_shows_what_its_heading_says(page, label, field):
    (cell, *_) = page.all("td", data_label=label)
    inside = [e for e in page.elements if cell in e["path"] and "data-field" in e]
    assert inside[0]["data-field"] == field
    assert label in {e["text"] for e in page.all("th", scope="col")}


def test_seeds_of_one_experiment_are_one_row_with_mean_and_deviation(traced):
    field = "results.test.metrics.accuracy"
    found = [e for e in traced if e["data-field"] == field and "data-statistic" in e]
    assert [e["data-statistic"] for e in found] == ["mean", "sd"]
    assert {e["data-record"] for e in found} == {"quick/a0 quick/a1"}


def test_a_failed_run_shows_its_error_and_no_number(page, traced):
    fields = {e["data-field"] for e in traced if e["data-record"] == "quick/broken"}
    assert not any(f.startswith(("results", "training", "seconds")) for f in fields)
    assert any(e["text"] == failed()["error"] for e in traced)
    assert any("failed" in e.get("class", "") for e in page.all("strong"))


def test_names_from_records_cannot_become_markup(page):
    assert BAD_NAME in {e["text"] for e in page.all("span", data_field="name")}
    assert all("alert" not in e["text"] for e in page.all("script"))


def test_the_page_asks_the_network_for_nothing(page):
    for element in page.elements:
        for attribute in ("src", "href", "srcset", "data"):
            address = element.get(attribute, "#")
            assert not re.match(r"(?!data:)([a-z]+:|//)", address), address
    style = page.all("style")[0]["text"]
    assert "url(" not in style
    assert "@import" not in style


def test_every_link_leads_to_a_file_or_a_place_on_the_page(page, folder):
    from urllib.parse import unquote

    places = {e.get("id") for e in page.elements}
    links = [e["href"] for e in page.all("a")]
    assert "runs/quick/lessons/00_start_here.html" in links
    assert "runs/quick/a1/notebook.html" in links
    for link in links:
        if link.startswith("#"):
            assert link[1:] in places
        else:
            assert (folder / unquote(link)).is_file()


def test_ids_are_unique(page):
    ids = [e["id"] for e in page.elements if "id" in e]
    assert len(ids) == len(set(ids))


def test_every_figure_has_a_text_and_every_results_table_a_caption(page):
    images = page.all("img")
    assert len(images) == 4 * 3
    assert all(len(e["alt"]) > 20 for e in images)
    tables = page.all("table")
    captions = page.all("caption")
    assert len(captions) == len(tables)
    assert all(e.get("scope") for e in page.all("th"))


def test_headings_go_down_one_level_at_a_time(page):
    levels = [int(e["tag"][1]) for e in page.elements if re.match(r"h\d$", e["tag"])]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False))


def test_sample_data_is_named_in_a_banner_and_at_its_table(page):
    banner = [e for e in page.all("p") if e.get("class") == "banner"]
    assert len(banner) == 1
    assert "Synthetic sample data" in banner[0]["text"]
    assert "not how well faces are recognised" in banner[0]["text"]
    captions = [e["text"] for e in page.all("caption") if "test images" in e["text"]]
    assert [NOTICE in text for text in captions] == ["synthetic" in t for t in captions]


def test_lessons_show_their_status_seconds_and_error(page):
    items = {e["data-lesson"]: e for e in page.all("li") if "data-lesson" in e}
    assert list(items) == ["quick/lessons/00_start_here", "quick/lessons/02_x"]
    first, second = items.values()
    assert "Title of 00_start_here" in first["text"]
    assert "41.3 s" in first["text"]
    assert "finished" in first["text"]
    assert "failed" in second["text"]
    assert "ValueError: <x>" in second["text"]


@pytest.mark.parametrize("exists", [True, False])  # an empty folder; no folder
def test_no_run_gives_a_page_that_says_how_to_make_one(tmp_path, exists):
    runs = tmp_path / "runs"
    if exists:
        runs.mkdir()
    html = write_report(runs, tmp_path / "new" / "index.html").read_text("utf-8")
    page = Page(html)
    assert "No run, no number." in html
    assert "make run" in html
    assert not page.all("table")
    assert not [e for e in page.elements if "data-record" in e]
    assert not [e for e in page.elements if e.get("class") == "banner"]


def test_a_file_that_is_no_record_is_named(tmp_path):
    save(tmp_path / "runs" / "a" / "record.json", {"schema": 99})
    with pytest.raises(DataError, match=r"record\.json: expected a run record"):
        write_report(tmp_path / "runs", tmp_path / "index.html")


def grouped(tmp_path, *records):
    for number, record in enumerate(records):
        save(tmp_path / str(number) / "record.json", record)
    return groups(read_runs(tmp_path))


def changed(record: dict, path: str, value: object) -> dict:
    *above, last = path.split(".")
    get_field(record, ".".join(above))[last] = value
    return record


@pytest.mark.parametrize(
    ("path", "value", "tables"),
    [
        ("experiment.model", "vgg5", 1),  # another model is what one compares
        ("experiment.remove_duplicates", True, 1),  # same test images
        ("data.content_hash", "0", 1),  # train changed, test did not
        ("data.test_hash", "0", 2),  # other test images
        ("data.name", "ferplus", 2),  # another data set
        ("experiment.protocol", "pooled", 2),  # another split
        ("data.classes", ["happy", "sad"], 2),  # an easier task
    ],
)
def test_only_comparable_runs_share_a_table(tmp_path, path, value, tables):
    other = changed(finished("b"), path, value)
    assert len(grouped(tmp_path, finished("a"), other)) == tables


def test_without_a_test_hash_the_data_hash_decides(tmp_path):
    first, second = finished("a"), finished("b", model="vgg5")
    del first["data"]["test_hash"], second["data"]["test_hash"]
    second["data"]["content_hash"] = "0"
    assert len(grouped(tmp_path, first, second)) == 2


def test_the_best_row_is_chosen_on_val_never_on_test(tmp_path):
    good_val = finished("good_val")
    good_test = finished("good_test", model="vgg5")
    good_val["results"]["val"]["metrics"]["accuracy"] = 0.7
    good_val["results"]["test"]["metrics"]["accuracy"] = 0.1
    good_test["results"]["val"]["metrics"]["accuracy"] = 0.6
    good_test["results"]["test"]["metrics"]["accuracy"] = 0.9
    (table,) = grouped(tmp_path, good_test, good_val)
    marks = [(row.first.record["name"], row.best_on_val) for row in table.rows]
    assert marks == [("good_val", True), ("good_test", False)]


def test_one_row_alone_is_not_best(tmp_path):
    (table,) = grouped(tmp_path, finished("a"))
    assert not table.rows[0].best_on_val


@pytest.mark.parametrize(
    ("seeds", "rows"),
    [
        ((0, 1), 1),  # two seeds of one experiment
        ((0, 0), 2),  # the same run twice is no second sample
    ],
)
def test_seeds_are_averaged_only_when_they_differ(tmp_path, seeds, rows):
    records = [finished(f"a{n}", seed=seed) for n, seed in enumerate(seeds)]
    (table,) = grouped(tmp_path, *records)
    assert len(table.rows) == rows


@pytest.mark.parametrize("counted", [True, False])  # False: a record from before
def test_a_column_that_no_row_fills_is_left_out(tmp_path, counted):
    record = finished("a")
    if not counted:
        del record["model"]["mflops"]
    save(tmp_path / "runs" / "a" / "record.json", record)
    html = write_report(tmp_path / "runs", tmp_path / "index.html").read_text("utf-8")
    headings = {e["text"] for e in Page(html).all("th", scope="col")}
    assert ("MFLOPs" in headings) == counted


def test_a_record_without_test_images_shows_dashes(tmp_path):
    record = finished("a")
    del record["results"]["test"], record["results"]["test_flip"]
    save(tmp_path / "runs" / "a" / "record.json", record)
    html = write_report(tmp_path / "runs", tmp_path / "index.html").read_text("utf-8")
    cells = Page(html).all("td", data_label="Test accuracy [95 %]")
    assert [cell["text"].strip() for cell in cells] == ["–"]


@pytest.mark.parametrize(
    ("style", "raw", "text"),
    [
        ("percent", None, "–"),  # not measured is not zero
        ("percent", 0.0, "0.0\u00a0%"),
        ("percent", 0.12345, "12.3\u00a0%"),
        ("count", 2395591, "2,395,591"),
        ("count", 3.5, "3.5"),  # the mean over two seeds
        ("minutes", 90, "1.5"),
        ("plain", False, "no"),
        ("plain", 1e-05, "1e-05"),
        ("plain", {}, "–"),
        ("plain", {"alpha": 0.5}, "alpha = 0.5"),
        ("plain", ["sad", "happy"], "sad, happy"),
    ],
)
def test_values_are_written_in_one_way(style, raw, text):
    assert Value(("a",), "x", style, raw).text == text
