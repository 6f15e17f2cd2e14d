"""The report: every number on the page stands in a record."""

from __future__ import annotations

import json
import re
import statistics
from html.parser import HTMLParser

import numpy as np
import pytest

from fer_utils.data.faceset import FaceSet
from fer_utils.errors import DataError
from fer_utils.evaluation import evaluate, paired_test
from fer_utils.experiments import write_report
from fer_utils.experiments.report_answers import TestSet, test_sets
from fer_utils.experiments.report_comparable import caveats, differences, unlike
from fer_utils.experiments.report_cost import Point, costs, frontier
from fer_utils.experiments.report_figures import svg_figure
from fer_utils.experiments.report_mistakes import gallery
from fer_utils.experiments.report_pairs import compare_rows
from fer_utils.experiments.report_reading import find
from fer_utils.experiments.report_reference import beside_reference
from fer_utils.experiments.report_tables import Value, get_field, groups, read_runs

CLASSES = ("happy", "sad", "neutral")
NOTICE = "synthetic sample data"
BAD_NAME = "<script>alert(1)</script>"
N = 40  # images in each split


def faces_named(name: str) -> FaceSet:
    rng = np.random.default_rng(1)
    split = np.repeat(["train", "val", "test"], N)
    pixels = rng.integers(0, 256, (3 * N, 8, 8)).astype(np.uint8)
    return FaceSet(pixels, np.arange(3 * N) % 3, split, CLASSES, name=name)


FACES = faces_named("fer2013")


def probabilities(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.ones(3), N)
    probs[np.arange(N), FACES.test.labels] += 0.3
    return probs / probs.sum(1, keepdims=True)


def result(seed: int, notice: str) -> dict:
    report = evaluate(
        probabilities(seed),
        FACES.test.labels,
        CLASSES,
        n_bootstrap=50,
        duplicated=np.arange(N) < 3,
        notice=notice,
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
            "test_hash": FACES.test.content_hash,
            "split_hash": "e" * 64,
            "counts": FACES.counts(),
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


def save_run(folder, record: dict):
    """Write a record with its probabilities; `finished` made the results of seed 2."""
    save(folder / "record.json", record)
    probs = probabilities(2 + 10 * record["experiment"]["seed"])
    np.savez_compressed(folder / "probs.npz", test=probs.astype(np.float16))


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
    save_run(runs / "a0", finished("a0", seed=0))
    save_run(runs / "a1", finished("a1", seed=3))
    (runs / "a1" / "notebook.html").write_text("executed")
    cheap = finished("cheap", seed=5, model="shallow_cnn", tta="none")
    cheap["model"] |= {"parameters": 40000, "mflops": 55.5}
    save_run(runs / "cheap", cheap)
    other = finished("b b", seed=1, notice=NOTICE, data="synthetic", tta="none")
    other["name"] = BAD_NAME
    save(runs / "b b" / "record.json", other)
    save(runs / "broken" / "record.json", failed())
    (runs / "cut").mkdir()
    (runs / "cut" / "record.json").write_text('{"schema": 1,')
    save(runs / "killed" / "checkpoint" / "state.json", {"history": [{}, {}]})
    save(runs / "lessons" / "00_start_here.json", lesson("00_start_here"))
    (runs / "lessons" / "00_start_here.html").write_text("executed")
    save(runs / "lessons" / "02_x.json", lesson("02_x", "failed", "ValueError: <x>"))
    kept = finished("kept", seed=7, epochs=100)
    save(folder / "reference" / "kept" / "record.json", kept)
    return folder


@pytest.fixture(scope="module")
def page(folder):
    out = write_report(
        folder / "runs",
        folder / "index.html",
        reference=folder / "reference",
        load=faces_named,
    )
    return Page(out.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def records(folder):
    runs, kept = folder / "runs", folder / "reference"
    found = {
        path.parent.relative_to(runs).as_posix(): json.loads(path.read_text())
        for path in runs.rglob("record.json")
        if path.parent.name != "cut"
    }
    for path in kept.rglob("record.json"):
        found[f"reference:{path.parent.relative_to(kept)}"] = json.loads(
            path.read_text()
        )
    return found


STATISTICS = {
    "mean": statistics.mean,
    "sd": statistics.stdev,
    "min": min,
    "max": max,
}


def looked_up(element, records) -> object:
    """Follow an element back to its records, without the code that wrote it."""
    values, statistic = [], element.get("data-statistic")
    for name in element["data-record"].split(" quick/"):
        value = records[name if name in records else f"quick/{name}"]
        above = None
        for key in element["data-field"].split("."):
            above = value
            value = value[int(key)] if isinstance(value, list) else value[key]
        values.append(value / sum(above) if statistic == "share" else value)
    if statistic in STATISTICS:
        assert len(values) > 1
        return STATISTICS[statistic](values)
    assert len(values) == 1
    return values[0]


@pytest.fixture(scope="module")
def traced(page):
    return [
        e
        for e in page.elements
        if "data-record" in e and e.get("data-statistic") != "computed"
    ]


SCALE_AND_PRECISION = {
    "percent": (100, 0.0501),
    "points": (100, 0.0501),
    "whole": (100, 0.501),
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
    assert checked > 200


def test_every_word_from_a_record_is_the_word_of_that_record(traced, records):
    words = [(e["text"], looked_up(e, records)) for e in traced]
    words = [(text, value) for text, value in words if isinstance(value, str)]
    assert words
    assert all(text == value for text, value in words if value)


def test_no_digit_of_the_page_comes_from_anywhere_else(page):
    fixed = ("95 %", "95\u00a0%", "2024/1689", "5(1)(f)", "Macro-F1", "F1")
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
        ("Test accuracy [95\u00a0%]", "results.test.metrics.accuracy"),
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
    statistic = [e["data-statistic"] for e in found]
    assert statistic[:4] == ["mean", "sd", "min", "max"]
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
    figures = [e for e in images if e["src"].startswith("data:image/svg+xml,")]
    assert len(figures) == 4 * 2 + 2  # curves, reliability; MFLOPs, minutes
    assert len(images) > len(figures)  # and faces
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
    captions = [e["text"] for e in page.all("caption") if "Table" in e["text"]]
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
    html = write_report(runs, tmp_path / "new" / "index.html", faces=False).read_text(
        "utf-8"
    )
    page = Page(html)
    assert "No run, no number." in html
    assert "make run" in html
    assert not page.all("table")
    assert not [e for e in page.elements if "data-record" in e]
    assert not [e for e in page.elements if e.get("class") == "banner"]


# --- records that are not as they should be ------------------------------------------


def test_a_file_that_is_no_record_is_named_where_the_table_needs_all(tmp_path):
    save(tmp_path / "runs" / "a" / "record.json", {"schema": 99})
    with pytest.raises(DataError, match=r"record\.json: expected a run record"):
        read_runs(tmp_path / "runs")


MALFORMED = [
    (None, "{", "not a readable run record"),  # cut in the middle
    (None, "[]", "expected a run record"),
    (None, '{"schema": 99}', "expected a run record"),
    ("experiment", [1], "experiment"),
    ("name", 7, "name"),
    ("data.classes", "happy", "classes"),
    ("results.test.metrics.accuracy", "high", "results"),
    ("results.test.confusion", None, ""),
    ("results.test.calibration", {}, ""),
    ("training.history.loss", ["a"], "loss"),
    ("seconds.training", "long", "seconds"),
    ("model.parameters", [], "parameters"),
]


@pytest.fixture(scope="module")
def page_with_bad_records(tmp_path_factory):
    runs = tmp_path_factory.mktemp("bad")
    save_run(runs / "good", finished("good"))
    for number, (path, value, _) in enumerate(MALFORMED):
        if path is None:
            text = value
        else:
            bad = finished("bad")
            *above, last = path.split(".")
            (get_field(bad, ".".join(above)) if above else bad)[last] = value
            text = json.dumps(bad)
        (runs / f"bad{number}").mkdir()
        (runs / f"bad{number}" / "record.json").write_text(text)
    return Page(write_report(runs, runs / "i.html", faces=False).read_text("utf-8"))


@pytest.mark.parametrize("number", range(len(MALFORMED)))
def test_a_malformed_record_is_listed_with_its_problem(page_with_bad_records, number):
    (problem,) = page_with_bad_records.all("li", data_problem=f"bad{number}")
    assert MALFORMED[number][2] in problem["text"]


def test_malformed_records_do_not_cost_the_good_one(page_with_bad_records):
    names = page_with_bad_records.all("span", data_field="name")
    assert {e["text"] for e in names} == {"good"}


def test_unreadable_and_unfinished_runs_are_on_the_page(page):
    assert [e["data-problem"] for e in page.all("li") if "data-problem" in e] == [
        "quick/cut"
    ]
    assert "2" in {e["text"] for e in page.all("span", data_count="epochs")}


def test_a_lesson_record_that_cannot_be_read_is_a_problem_too(tmp_path):
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "01_x.json").write_text("{")
    found = find(tmp_path)
    assert [problem.id for problem in found.problems] == ["lessons/01_x.json"]


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
    html = write_report(
        tmp_path / "runs", tmp_path / "index.html", faces=False
    ).read_text("utf-8")
    headings = {e["text"] for e in Page(html).all("th", scope="col")}
    assert ("MFLOPs" in headings) == counted


def test_a_record_without_test_images_shows_dashes(tmp_path):
    record = finished("a")
    del record["results"]["test"], record["results"]["test_flip"]
    save(tmp_path / "runs" / "a" / "record.json", record)
    html = write_report(
        tmp_path / "runs", tmp_path / "index.html", faces=False
    ).read_text("utf-8")
    cells = Page(html).all("td", data_label="Test accuracy [95\u00a0%]")
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


# --- rows pairwise -------------------------------------------------------------------


def first_table(tmp_path, *records):
    for record in records:
        save_run(tmp_path / record["name"], record)
    return groups(read_runs(tmp_path))[0]


def images_of(table, load=faces_named) -> TestSet:
    return test_sets([table], load)[0]


def test_rows_are_compared_on_their_own_probabilities(tmp_path):
    table = first_table(
        tmp_path,
        finished("a"),
        finished("b", seed=3, model="vgg5"),
        finished("c", seed=5, model="compact"),
    )
    comparison = compare_rows(table, images_of(table))
    assert len(comparison.pairs) == 3
    pair = comparison.against_best[0]
    seeds = [run.record["experiment"]["seed"] for run in (pair.first, pair.second)]
    # As they lie on disk: half precision.
    probs = [probabilities(2 + 10 * s).astype(np.float16) for s in seeds]
    expected = paired_test(*probs, FACES.test.labels, n_bootstrap=2000)
    assert pair.test == expected
    assert pair.adjusted >= expected.p_value


def test_the_page_shows_the_paired_test(page, folder):
    (table, _) = groups(find(folder / "runs").runs)
    comparison = compare_rows(table, images_of(table))
    (pair,) = comparison.against_best
    shown = page.all("span", data_field="paired_test.difference")
    assert [e["text"] for e in shown] == [pair.value("difference", "signed").text]


def test_of_several_seeds_the_median_on_val_speaks(tmp_path):
    seeds = [finished(f"a{seed}", seed=seed) for seed in (0, 3, 5)]
    for record, val in zip(seeds, (0.5, 0.9, 0.7), strict=True):
        record["results"]["val"]["metrics"]["accuracy"] = val
    table = first_table(tmp_path, *seeds, finished("b", seed=1, model="vgg5"))
    comparison = compare_rows(table, images_of(table))
    assert "a5" in {run.record["name"] for run in comparison.runs}
    assert comparison.several_seeds


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda a: (a / "probs.npz").unlink(), "no probs.npz beside the record"),
        (lambda a: (a / "probs.npz").write_bytes(b"PK"), "cannot be read"),
        (lambda a: np.savez(a / "probs.npz", val=np.ones((2, 3))), "cannot be read"),
        (lambda a: np.savez(a / "probs.npz", test=np.ones((2, 3))), "(2, 3)"),
        (lambda a: np.savez(a / "probs.npz", test=np.ones((N, 3))), "sum to 1"),
    ],
)
def test_probabilities_that_do_not_fit_are_left_out_with_a_sentence(
    tmp_path, spoil, told
):
    table = first_table(tmp_path, finished("a"), finished("b", model="vgg5"))
    spoil(tmp_path / "a")
    comparison = compare_rows(table, images_of(table))
    assert comparison.pairs is None
    assert "a is left out" in comparison.why[0]
    assert told in comparison.why[0]


def no_data(name):
    raise DataError(f"{name}: not found. `fer data get {name}` explains.")


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (no_data, "not found"),
        (lambda name: faces_named(name).take(np.arange(5, 3 * N)), None),  # same test
        (lambda name: faces_named(name).take(np.arange(3 * N - 1)), "not those"),
    ],
)
def test_without_the_test_images_there_is_a_sentence_instead(tmp_path, load, told):
    table = first_table(tmp_path, finished("a"), finished("b", model="vgg5"))
    images = images_of(table, load)
    comparison = compare_rows(table, images)
    faces = gallery(table.first, images)
    if told is None:
        assert comparison.pairs
        assert faces.mistakes
    else:
        assert told in comparison.why[0]
        assert told in faces.why


def test_a_gallery_shows_the_surest_mistakes_first(tmp_path):
    table = first_table(tmp_path, finished("a"))
    found = gallery(table.first, images_of(table), shown=4)
    probs = probabilities(2).astype(np.float16)
    wrong = np.flatnonzero(probs.argmax(1) != FACES.test.labels)
    assert found.count.raw == len(wrong)
    sure = [one.confidence.raw for one in found.mistakes]
    assert sure == sorted(sure, reverse=True)
    assert found.mistakes[0].position == wrong[probs[wrong].max(1).argmax()]


def test_faces_stay_out_of_a_page_that_goes_public(tmp_path):
    save_run(tmp_path / "runs" / "a", finished("a"))
    out = write_report(
        tmp_path / "runs", tmp_path / "i.html", faces=False, load=no_data
    )
    html = out.read_text("utf-8")
    assert "data:image/png" not in html
    assert "left out on purpose" in html


# --- what compares with what ---------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("data.test_hash", "0", "other test images"),
        ("data.name", "ferplus", "other data set"),
        ("experiment.protocol", "pooled", "other split"),
        ("data.classes", ["happy", "sad"], "other classes"),
        ("experiment.model", "vgg5", None),  # that is what one compares
    ],
)
def test_two_tables_say_why_they_do_not_compare(tmp_path, path, value, reason):
    tables = grouped(tmp_path, finished("a"), changed(finished("b"), path, value))
    named = [d.name for one in unlike(tables) for d in one.reasons]
    assert (reason in named) if reason else (named == [])


def test_a_record_without_test_hash_is_no_proof_of_other_images(tmp_path):
    old = finished("old")
    del old["data"]["test_hash"]
    (one,) = unlike(grouped(tmp_path, finished("new"), old))
    assert [d.name for d in one.reasons] == ["test images that a record does not name"]


def test_many_tables_are_not_told_pair_by_pair(tmp_path):
    records = [changed(finished("a"), "data.test_hash", str(n)) for n in range(8)]
    assert len(unlike(grouped(tmp_path, *records))) == 7


def test_rows_that_compare_on_test_may_still_need_a_caveat(tmp_path):
    other = finished("b", model="vgg5")
    other["data"]["content_hash"] = "0"
    other["environment"] |= {"processor": "another", "git_dirty": True}
    first = finished("a")
    first["environment"]["processor"] = "one"
    (table,) = grouped(tmp_path, first, other)
    texts = [caveat.text for caveat in caveats(table)]
    assert len(texts) == 3
    assert "same images" in texts[0]
    assert "minutes do not compare" in texts[1]
    assert "no commit holds" in texts[2]
    assert differences(table.runs[0], table.runs[1]) == ()


# --- cost ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "best"),
    [
        ([], ""),
        ([("a", 1, 0.5)], "a"),
        ([("a", 1, 0.5), ("b", 2, 0.5)], "a"),  # dearer and no better
        ([("a", 1, 0.5), ("b", 1, 0.6)], "b"),  # as dear and better
        ([("c", 3, 0.7), ("a", 1, 0.5), ("b", 2, 0.4)], "ac"),
    ],
)
def test_the_frontier_is_what_no_row_beats(points, best):
    front = frontier([Point(*point) for point in points])
    assert "".join(point.name for point in front) == best


@pytest.mark.parametrize("counted", [True, False])  # False: a record from before
def test_parameters_stand_in_where_no_operations_were_counted(tmp_path, counted):
    records = [finished("a"), finished("b", model="vgg5")]
    records[1]["model"] |= {"parameters": 7, "mflops": 8.0}
    for record in records:
        if not counted:
            del record["model"]["mflops"]
    (table,) = grouped(tmp_path, *records)
    (cost,) = costs(table)  # equal minutes tell nothing
    assert cost.cost.startswith("MFLOPs" if counted else "parameters")


def test_minutes_of_two_machines_are_not_drawn(tmp_path):
    records = [finished("a"), finished("b", model="vgg5", seed=1)]
    for number, record in enumerate(records):
        record["environment"]["processor"] = str(number)
    (table,) = grouped(tmp_path, *records)
    assert costs(table) == []


def test_a_figure_follows_the_ground_of_the_page():
    from urllib.parse import unquote

    from fer_utils.evaluation import LearningCurves

    curves = LearningCurves({"loss": [1.0, 0.5], "val_loss": [1.0, 0.7]})
    figure = svg_figure("Curves", curves.plot, curves.alt_text())
    svg = unquote(figure.source.split(",", 1)[1])
    assert "prefers-color-scheme:dark" in svg
    assert "#010203" not in svg
    assert '"' not in figure.source  # it stands in an HTML attribute
    assert "<text" in svg  # letters, not outlines
    again = svg_figure("Curves", curves.plot, curves.alt_text())
    assert again == figure  # the same record gives the same page


# --- beside the reference ------------------------------------------------------------


def reference_with(tmp_path, record):
    save(tmp_path / "reference" / "kept" / "record.json", record)
    return tmp_path / "reference"


@pytest.mark.parametrize(
    ("yours", "verdict"),
    [
        ({"accuracy": 0.99}, "above the reference's interval"),
        ({"accuracy": 0.01}, "below the reference's interval"),
        ({}, "inside the reference's interval"),
        ({"test_hash": "0"}, "not comparable"),
        ({"model": "vgg5"}, "no reference run of this model"),
        ({"same": True}, "this is the reference run"),
    ],
)
def test_your_row_is_put_beside_the_reference(tmp_path, yours, verdict):
    kept, mine = finished("kept", epochs=100), finished("mine", epochs=6)
    mine["started"] = kept["started"] if "same" in yours else "2027"
    mine["experiment"]["model"] = yours.get("model", "deep_cnn")
    if "accuracy" in yours:
        mine["results"]["test"]["metrics"]["accuracy"] = yours["accuracy"]
    mine["data"]["test_hash"] = yours.get("test_hash", kept["data"]["test_hash"])
    tables = grouped(tmp_path / "runs", mine)
    (one,) = beside_reference(tables, reference_with(tmp_path, kept))
    assert one.verdict == verdict
    assert bool(one.obstacles) == (verdict == "not comparable")
    if one.reference and not one.same_run:
        assert [name for name, _, _ in one.settings] == ["epochs"]


@pytest.mark.parametrize("made", [True, False])  # an empty folder; none
def test_without_reference_records_nothing_is_said(tmp_path, made):
    if made:
        (tmp_path / "reference").mkdir()
    tables = grouped(tmp_path / "runs", finished("mine"))
    assert beside_reference(tables, tmp_path / "reference") == []
    assert beside_reference(tables, None) == []


# --- reach ---------------------------------------------------------------------------


def test_everything_that_scrolls_or_opens_is_reached_by_keyboard(page):
    for element in page.elements:
        if element.get("class") in ("scroll", "frame"):
            assert element["tabindex"] == "0"
            assert element["role"] == "region"
            assert element.get("aria-label") or element.get("aria-labelledby")
    summaries = page.all("summary")
    assert len(summaries) >= len(page.all("details")) > 0
    assert page.all("a", href="#results")[0].get("class") == "skip"


def test_models_are_hidden_without_a_script(page):
    boxes = page.all("input", type="checkbox")
    style = page.all("style")[0]["text"]
    assert [e["id"] for e in boxes] == ["facet-0", "facet-1"]
    for box in boxes:
        assert f"#{box['id']}:not(:checked)" in style
    rows = [e["data-facet"] for e in page.all("tr") if "data-facet" in e]
    assert set(rows) == {"0", "1"}


def test_on_paper_everything_is_open_and_light(page):
    style = page.all("style")[0]["text"]
    printed = style[style.index("@page") :]
    assert "details-content" in printed
    assert "color-scheme: light" in printed
