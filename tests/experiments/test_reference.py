"""The results tables and "your run against the reference": all from records."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from fer_utils import cli
from fer_utils.data.faceset import FaceSet
from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation import evaluate
from fer_utils.experiments import against_reference, reference
from fer_utils.experiments.published import published
from fer_utils.experiments.report_tables import Run, read_runs

ROOT = Path(__file__).parents[2]
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
GRID = """
presets:
  full:
    defaults: {epochs: 100, tta: flip}
    experiments:
      - {name: deep_cnn, model: deep_cnn}
      - {name: deep_cnn-tuned, model: deep_cnn, schedule: plateau}
      - {name: mobilenet-fine-tuned, model: mobilenet}
"""
README = f"before\n\n{reference.BEGIN}\nold 99.9 %\n{reference.END}\n\nafter\n"


def real_faces(n=72, name="fer2013"):
    labels = np.arange(n) % 7
    split = np.array(["train", "val", "test"])[np.arange(n) * 3 // n]
    pixels = np.random.default_rng(0).integers(0, 256, (n, 8, 8)).astype(np.uint8)
    return FaceSet(pixels, labels, split, CLASSES, name=name)


FACES = real_faces()


def record(name="deep_cnn", *, right=12, **settings) -> dict:
    labels = FACES.test.labels
    probs = np.eye(7)[np.where(np.arange(len(labels)) < right, labels, labels - 1)]
    result = evaluate(
        probs, labels, CLASSES, n_bootstrap=50, duplicated=np.arange(len(labels)) < 3
    ).to_dict()
    experiment = {"name": name, "data": "fer2013", "model": "deep_cnn", "seed": 0}
    experiment |= {"model_options": {}, "classes": "all", "protocol": "official"}
    experiment |= {"remove_duplicates": False, "max_images": 0, "tta": "flip"}
    experiment |= {"epochs": 100, "learning_rate": 0.001, "schedule": "constant"}
    experiment |= {"augment": "none"} | settings
    return {
        "schema": 1,
        "status": "finished",
        "key": "0" * 16,
        "name": name,
        "experiment": experiment,
        "data": {
            "name": "fer2013",
            "classes": list(CLASSES),
            "content_hash": "c",
            "test_hash": FACES.test.content_hash,
            "counts": FACES.counts(),
            "notice": "",
        },
        "model": {"parameters": 2395591, "mflops": 991.2},
        "training": {"epochs": 100, "best_epoch": 90, "images": len(FACES.train)},
        "seconds": {"training": 600.0},
        "results": dict.fromkeys(("train", "val", "test", "test_flip"), result),
    }


def checkout(folder, *records, notes=()):
    """Return a folder with grid, READMEs and these records."""
    (folder / "experiments.yaml").write_text(GRID)
    (folder / "README.md").write_text(README)
    (folder / "reports").mkdir(exist_ok=True)
    (folder / "reports" / "README.md").write_text(README)
    for number, content in enumerate(records):
        place = folder / "reports" / "reference" / "fer2013" / f"run{number}"
        place.mkdir(parents=True)
        (place / "record.json").write_text(json.dumps(content))
        if number < len(notes):
            (place / "note.md").write_text(notes[number])
    return folder


def table_rows(markdown: str, name: str) -> list[dict[str, str]]:
    """Return the lines of all tables that begin with a name, as {heading: cell}."""
    found, headings = [], []
    for line in markdown.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|"):
            headings = []
        elif not headings:
            headings = cells
        elif name in cells[0]:
            found.append(dict(zip(headings, cells, strict=True)))
    return found


# --- the committed tables ------------------------------------------------------------


def test_the_tables_of_this_repository_are_those_of_its_records():
    for path, text in reference.generated(ROOT).items():
        assert path.read_text(encoding="utf-8") == text, "run: fer report --reference"


@pytest.mark.parametrize("name", ["README.md", "reports/README.md"])
def test_a_number_that_was_edited_by_hand_is_noticed(tmp_path, name):
    shutil.copytree(ROOT / "reports" / "reference", tmp_path / "reports" / "reference")
    for file in ("README.md", "reports/README.md", "experiments.yaml"):
        shutil.copy(ROOT / file, tmp_path / file)
    path = tmp_path / name
    before, table = path.read_text(encoding="utf-8").split(reference.BEGIN)
    digit = next(c for c in table if c.isdigit())
    other = str((int(digit) + 1) % 10)
    path.write_text(before + reference.BEGIN + table.replace(digit, other, 1))
    texts = reference.generated(tmp_path)
    assert texts[path] != path.read_text(encoding="utf-8")


# --- what a table says ---------------------------------------------------------------


def test_every_cell_is_the_number_of_the_record(tmp_path):
    content = record()
    text = reference.results_tables(checkout(tmp_path, content))
    row, *_ = table_rows(text, "deep_cnn")
    test = content["results"]["test"]
    low, high = (100 * end for end in test["intervals"]["accuracy"])
    plain = {k: v.replace("\u00a0", " ") for k, v in row.items()}
    accuracy = f"{100 * test['metrics']['accuracy']:.1f} %"
    assert plain["model"] == "[deep_cnn](reference/fer2013/run0/record.json)"
    assert plain["test [95 %]"] == f"{accuracy} [{low:.1f}, {high:.1f} %]"
    assert plain["test, TTA"] == f"{accuracy} flip"
    assert plain["macro-F1"] == f"{test['metrics']['macro_f1']:.3f}"
    assert plain["ECE"] == f"{test['metrics']['ece']:.3f}"
    assert plain["published"] == "66.0 % (train 82.5 %), random split"
    expected = {"classes": "7", "augmentation": "none", "split": "official"}
    expected |= {"epochs (best)": "100 (90)", "seeds": "0", "minutes": "10.0"}
    expected |= {"parameters": "2,395,591", "MFLOPs": "991.2"}
    expected |= {"learning rate": "0.001, constant", "train": accuracy, "val": accuracy}
    assert {k: plain[k] for k in expected} == expected
    assert plain["test, no duplicates"].startswith("42.9 % [")  # 9 of 21


def test_seeds_stand_in_one_row_as_mean_and_deviation(tmp_path):
    seeds = [record(right=r, seed=s) for s, r in enumerate((10, 12, 14))]
    text = reference.results_tables(checkout(tmp_path, *seeds))
    row, *_ = table_rows(text, "deep_cnn")
    shares = np.array([10, 12, 14]) / len(FACES.test)
    expected = f"{100 * shares.mean():.1f}\u00a0% ± {100 * shares.std(ddof=1):.1f}"
    # the intervals of the seeds together: the lowest and the highest end
    ends = [s["results"]["test"]["intervals"]["accuracy"] for s in seeds]
    low, high = 100 * min(e[0] for e in ends), 100 * max(e[1] for e in ends)
    assert row["test [95 %]"] == f"{expected} [{low:.1f}, {high:.1f}\u00a0%]"
    assert row["test, no duplicates"].count("[") == 1
    (row,) = table_rows(reference.short_table(tmp_path), "deep_cnn")
    assert row["test accuracy [95 %]"] == f"{expected} [{low:.1f}, {high:.1f}\u00a0%]"
    assert row["epochs"] == "100"  # all the same: said once
    row, *_ = table_rows(text, "deep_cnn")
    assert row["seeds"] == ", ".join(
        f"[{s}](reference/fer2013/run{s}/record.json)" for s in range(3)
    )


def test_rows_that_are_not_comparable_stand_in_two_tables(tmp_path):
    pooled = record("pooled", protocol="pooled")
    text = reference.results_tables(checkout(tmp_path, record(), pooled))
    assert "fer2013, official split, 7 classes" in text
    assert "fer2013, pooled split, 7 classes" in text


def test_guessing_and_people_stand_below_the_rows(tmp_path):
    text = reference.results_tables(checkout(tmp_path, record()))
    (guess,) = table_rows(text, "most frequent class")
    assert guess["test [95 %]"] == "16.7\u00a0%"  # 4 of 24
    (people,) = table_rows(text, "arXiv:1307.0414")
    assert people["test [95 %]"] == "65 ± 5\u00a0%"


@pytest.mark.parametrize(
    "settings",
    [{"classes": 4}, {"protocol": "pooled"}, {"max_images": 500}],
)
def test_people_are_not_compared_with_another_task(tmp_path, settings):
    text = reference.results_tables(checkout(tmp_path, record(**settings)))
    assert not table_rows(text, "arXiv:1307.0414")


def test_the_short_table_takes_the_best_on_val_of_each_architecture(tmp_path):
    weak = record("deep_cnn-tuned", right=8, schedule="plateau")
    small = record("compact", right=6, model="compact")
    text = reference.short_table(checkout(tmp_path, weak, record(), small))
    assert not table_rows(text, "deep_cnn-tuned")
    for name in ("deep_cnn", "compact"):
        (row,) = table_rows(text, f"[{name}](reports/reference/fer2013/")
        assert "[" in row["test accuracy [95 %]"]


def test_the_short_table_has_the_ensembles_of_the_same_test_images(tmp_path):
    root = checkout(tmp_path, record(), record("pooled", protocol="pooled"))
    content = record()
    for number, test_hash in enumerate((content["data"]["test_hash"], "others")):
        place = root / "reports" / "reference" / f"ensemble{number}"
        member = {"name": "deep_cnn", "seed": 0, "key": "k", "accuracy": {}}
        kept = {k: content[k] for k in ("data", "model", "results")}
        kept["data"] = kept["data"] | {"test_hash": test_hash}
        kept |= {"schema": 2, "kind": "ensemble", "name": f"e{number}"}
        kept |= {"members": [member] * 3}
        kept["against_best"] = {"difference": 0.1, "interval": [0.0, 0.2]}
        place.mkdir()
        (place / "ensemble.json").write_text(json.dumps(kept))
    text = reference.short_table(root)
    found = table_rows(text, "[e0]")
    assert {row["data, classes, split"] for row in found} == {
        "fer2013, 7, official",
        "fer2013, 7, pooled",
    }
    assert all(row["model"].endswith("of 3 runs") for row in found)
    assert not table_rows(text, "[e1]")


@pytest.mark.parametrize(
    ("planned", "ran", "options", "epochs", "named"),
    [
        (100, 100, {}, "100", "record.json)"),  # as planned
        (16, 16, {}, "16 of 100", "record.json)"),  # the run itself planned fewer
        (100, 43, {}, "43", "record.json)"),  # early stopping is no cut
        (3, 3, {"weights": None}, "3 of 100", "(random start, no ImageNet weights)"),
    ],
)
def test_the_short_table_says_how_far_a_row_was_trained(
    tmp_path, planned, ran, options, epochs, named
):
    content = record(epochs=planned, model_options=options)
    content["training"]["epochs"] = ran
    (row,) = table_rows(reference.short_table(checkout(tmp_path, content)), "deep_cnn")
    assert row["epochs"] == epochs
    assert row["model"].endswith(named)


# --- what fell short or is missing ---------------------------------------------------


def why(text: str, name: str) -> dict[str, str]:
    return next((row for row in table_rows(text, name) if "why" in row), {})


def test_a_planned_row_without_a_record_is_not_run_yet(tmp_path):
    text = reference.results_tables(checkout(tmp_path, record()))
    row = why(text, "deep_cnn-tuned")
    assert row["why"] == "Not run yet."
    assert row["published"].startswith("66.92")
    assert why(text, "mobilenet-fine-tuned")["published"] == "–"  # nobody reports it


def test_without_any_record_every_row_is_not_run_yet(tmp_path):
    text = reference.results_tables(checkout(tmp_path))
    assert "no run, no number" in text
    assert text.count("Not run yet.") == 3
    assert reference.short_table(tmp_path) == reference._NO_RUN


def test_a_failed_run_says_how_it_failed(tmp_path):
    failed = {"schema": 1, "status": "failed", "name": "deep_cnn", "key": "1"}
    failed |= {"error": "TrainingError: a | b\nmore", "experiment": {}}
    text = reference.results_tables(checkout(tmp_path, failed))
    assert why(text, "deep_cnn")["why"] == "Failed: TrainingError: a \\| b"


@pytest.mark.parametrize(
    ("settings", "ran", "expected"),
    [
        ({"epochs": 16}, 16, "Ran 16 of 100 planned epochs."),
        ({}, 43, "Early stopping after 43 of 100 epochs."),
        ({"remove_duplicates": True}, 100, "official split, copies removed from train"),
        ({"batch_size": 128}, 100, "With batch_size 128 instead of 32."),
        ({"model_options": {"weights": None}}, 100, "random start, no ImageNet"),
        ({}, 100, "3 of 24 test images also in train"),
        ({}, 100, "Published: a random 10 % test split that shares duplicate"),
    ],
)
def test_the_reason_of_a_shortfall_is_read_from_the_record(
    tmp_path, settings, ran, expected
):
    content = record(**settings)
    content["training"]["epochs"] = ran
    row = why(reference.results_tables(checkout(tmp_path, content)), "deep_cnn")
    assert expected in row["why"]
    assert row["short by"] == "16.0 points"  # 66.0 against 12 of 24


@pytest.mark.parametrize(
    ("schedule", "best", "rising"),
    [
        ("constant", 16, True),
        ("plateau", 14, True),
        ("constant", 13, False),
        ("one_cycle", 16, False),
    ],
)
def test_a_run_that_was_cut_short_while_it_improved_is_called_so(
    tmp_path, schedule, best, rising
):
    content = record(epochs=16, schedule=schedule)
    content["training"] |= {"epochs": 16, "best_epoch": best}
    row = why(reference.results_tables(checkout(tmp_path, content)), "deep_cnn")
    assert ("still improving on val" in row["why"]) == rising


def with_history(name, val, **settings):
    content = record(name, **settings)
    content["training"]["history"] = {
        "val_accuracy": val,
        "accuracy": [v + 0.05 for v in val],
        "seconds": [1.0] * len(val),
    }
    return content


def test_rows_of_other_lengths_are_compared_after_the_same_number_of_epochs(tmp_path):
    long = with_history("deep_cnn", [0.05, 0.3, 0.2, 0.6])
    short = with_history("deep_cnn-augmented", [0.2, 0.1, 0.4], augment="classic")
    cycle = with_history("compact", [0.1, 0.9], schedule="one_cycle")
    alone = with_history("shallow_cnn", [0.5], model="shallow_cnn")
    text = reference.results_tables(checkout(tmp_path, long, short, cycle, alone))
    part = text.split("### After the same number of epochs")[1].split("###")[0]
    lines = [line.split(" | ") for line in part.splitlines() if "record.json" in line]
    assert [line[1:] for line in lines] == [
        ["3", "3", "45.0\u00a0%", "40.0\u00a0% |"],
        ["3", "4", "25.0\u00a0%", "30.0\u00a0% |"],
    ]
    assert "deep_cnn-augmented" in lines[0][0] and "deep_cnn]" in lines[1][0]


def test_rows_of_one_length_need_no_such_table(tmp_path):
    one = with_history("deep_cnn", [0.1, 0.3])
    other = with_history("deep_cnn-augmented", [0.2, 0.1], augment="classic")
    text = reference.results_tables(checkout(tmp_path, one, other))
    assert "same number of epochs" not in text


def test_a_row_that_reaches_what_was_published_needs_no_reason(tmp_path):
    text = reference.results_tables(checkout(tmp_path, record(right=20)))
    assert not why(text, "[deep_cnn]")


def test_a_published_number_inside_the_interval_is_called_so(tmp_path):
    text = reference.results_tables(checkout(tmp_path, record(right=15)))
    inside = "The published number lies inside the interval."
    assert inside in why(text, "deep_cnn")["why"]


def test_a_note_beside_the_record_is_shown_on_one_line(tmp_path):
    note = "Stopped by hand:\nthe | machine was needed.\n"
    root = checkout(tmp_path, record(right=20), notes=[note])
    row = why(reference.results_tables(root), "deep_cnn")
    assert row["why"] == "Stopped by hand: the \\| machine was needed."


# --- which planned row a run is of ---------------------------------------------------


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("deep_cnn-tuned", {}, "deep_cnn-tuned"),  # the name decides
        ("other", {"epochs": 16, "precision": "float32"}, "deep_cnn"),  # by settings
        ("other", {"schedule": "plateau"}, "deep_cnn-tuned"),
        ("other", {"learning_rate": 0.01}, None),  # no such row
    ],
)
def test_a_run_is_of_the_row_with_its_name_or_its_settings(
    tmp_path, name, settings, expected
):
    plan = reference._plan(checkout(tmp_path))
    run = Run("x", record(name, **settings), tmp_path)
    found = reference.planned(run, plan)
    assert (found and found.name) == expected


def test_a_run_on_other_data_is_of_no_planned_row(tmp_path):
    plan = reference._plan(checkout(tmp_path))
    content = record()
    content["data"]["name"] = "synthetic"
    assert reference.planned(Run("x", content, tmp_path), plan) is None


def test_every_published_number_belongs_to_a_planned_row():
    names = {e.name for e in reference._plan(ROOT)}
    assert set(published()) <= names


# --- writing -------------------------------------------------------------------------


def test_the_command_writes_between_the_markers_and_nowhere_else(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(checkout(tmp_path, record()))
    assert cli.main(["report", "--reference"]) == 0
    assert str(tmp_path / "reports" / "README.md") in capsys.readouterr().out
    for name in ("README.md", "reports/README.md"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text.startswith(f"before\n\n{reference.BEGIN}\n\n")
        assert text.endswith(f"\n\n{reference.END}\n\nafter\n")
        assert "99.9" not in text
        assert "deep_cnn" in text
    first = [path.read_text() for path in reference.write_reference(tmp_path)]
    assert first == [path.read_text() for path in reference.write_reference(tmp_path)]


@pytest.mark.parametrize("text", [None, "", "no markers", README + README])
def test_missing_markers_are_an_error_that_shows_them(tmp_path, text):
    root = checkout(tmp_path)
    path = root / "README.md"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match="results: begin") as error:
        reference.write_reference(root)
    assert reference.END in str(error.value)
    assert (root / "reports" / "README.md").read_text() == README  # nothing is written


# --- your run against the reference --------------------------------------------------


def compared(root, right=12, faces=FACES, **options):
    labels = FACES.test.labels
    probs = np.eye(7)[np.where(np.arange(len(labels)) < right, labels, labels - 1)]
    mine = evaluate(probs, labels, CLASSES, n_bootstrap=50)
    return against_reference(mine, "deep_cnn", faces=faces, root=root, **options)


@pytest.mark.parametrize(
    ("right", "inside", "words"),
    [
        (0, False, "outside** the reference's interval, below it"),
        (12, True, "**inside** the reference's interval"),
        (24, False, "outside** the reference's interval, above it"),
    ],
)
def test_a_run_on_the_same_test_images_is_inside_or_outside(
    tmp_path, right, inside, words
):
    result = compared(checkout(tmp_path, record()), right)
    assert result.inside is inside
    assert words in result.text
    assert "`fer2013/run0`: **50.0 % [" in result.text
    assert f"Your run: **{100 * right / 24:.1f} % [" in result.text


@pytest.mark.parametrize(
    ("faces", "words"),
    [
        (replace(real_faces(name="synthetic"), notice="drawn"), "synthetic (drawn)"),
        (FACES.subset(("happy", "sad")), "your classes are happy, sad"),
        (FACES.sample(35), "test set has"),
        (None, "pass `faces=`"),
    ],
)
def test_other_test_images_are_not_comparable_and_the_text_says_why(
    tmp_path, faces, words
):
    result = compared(checkout(tmp_path, record()), faces=faces)
    assert result.inside is None
    assert "**not comparable**" in result.text
    assert words in result.text


def test_the_same_number_of_other_images_is_another_split(tmp_path):
    content = record(protocol="pooled")
    content["data"]["test_hash"] = "another"
    result = compared(checkout(tmp_path, content))
    assert "not those of its pooled split" in result.text


@pytest.mark.parametrize("same", [True, False])
def test_a_record_from_before_test_hashes_is_compared_by_its_counts(tmp_path, same):
    content = record()
    del content["data"]["test_hash"]
    if not same:
        content["data"]["counts"]["test"]["happy"] += 1
    assert (compared(checkout(tmp_path, content)).inside is None) != same


def test_what_else_is_different_is_said_but_does_not_forbid(tmp_path):
    class Training:
        epochs = 8

        class model:
            count_params = staticmethod(lambda: 1000)

    content = record()
    content["training"]["images"] = 28709
    root = checkout(tmp_path, content)
    result = compared(root, run=Training, differences=["random start"])
    assert result.inside
    images = f"{len(FACES.train)} training images against 28,709"
    more = "8 epochs against 100; 1,000 parameters against 2,395,591; random start."
    assert result.text.endswith(f"Also different: {images}; {more}")


def test_several_seeds_are_one_reference(tmp_path):
    seeds = [record(right=r, seed=s) for s, r in enumerate((10, 14))]
    result = compared(checkout(tmp_path, *seeds))
    assert result.reference == pytest.approx(12 / 24)
    assert len(result.records) == 2
    ends = [r["results"]["test"]["intervals"]["accuracy"] for r in seeds]
    assert result.reference_interval == (ends[0][0], ends[1][1])
    assert "mean of 2 seeds" in result.text


def test_a_run_under_another_name_is_found_as_the_row_it_is_of(tmp_path):
    root = checkout(tmp_path, record("plain-16", epochs=16))
    assert compared(root).records == ("fer2013/run0",)
    assert against_reference(0.5, "plain-16", root=root).records == ("fer2013/run0",)


def test_a_bare_accuracy_gets_the_interval_of_its_number_of_images(tmp_path):
    root = checkout(tmp_path, record())
    result = against_reference(0.5, "deep_cnn", faces=FACES, root=root)
    assert result.interval == pytest.approx((0.3143, 0.6857), abs=1e-3)  # Wilson, 12/24
    assert against_reference(0.5, "deep_cnn", root=root).interval is None


@pytest.mark.parametrize("accuracy", [-0.1, 65.6, float("nan")])
def test_an_accuracy_that_is_no_share_is_refused(tmp_path, accuracy):
    with pytest.raises(ParameterError, match=r"share in \[0, 1\]"):
        against_reference(accuracy, "deep_cnn", root=checkout(tmp_path))


def test_a_mistyped_name_is_an_error_that_helps(tmp_path):
    with pytest.raises(ParameterError, match="Did you mean 'deep_cnn'"):
        against_reference(0.5, "deep_cn", root=checkout(tmp_path, record()))


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ((), "There is no folder `reports/reference` here"),
        ([record("other", model="compact")], "fer run --preset full --data fer2013"),
    ],
)
def test_without_a_reference_the_text_says_so(tmp_path, records, words):
    result = compared(checkout(tmp_path, *records))
    assert result.inside is None
    assert words in result.text
    assert result.reference is None
    assert len(result.plot().patches) == 1
    plt.close("all")


def test_outside_a_checkout_the_text_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_utils.experiments.against.repository_root", lambda: None)
    assert "in a checkout" in against_reference(0.5, "deep_cnn").text


def test_the_checkout_is_found_from_a_folder_inside_it(tmp_path, monkeypatch):
    inside = checkout(tmp_path) / "notebooks"
    inside.mkdir()
    monkeypatch.chdir(inside)
    assert reference.repository_root() == tmp_path


def test_the_figure_shows_both_with_their_intervals(tmp_path):
    result = compared(checkout(tmp_path, record()))
    ax = result.plot()
    assert [bar.get_width() for bar in ax.patches] == [result.accuracy, 0.5]
    drawn = [tuple(line.get_xdata()) for line in ax.lines]
    assert drawn == [result.interval, result.reference_interval]
    assert "deep_cnn" in ax.get_title(loc="left")
    assert "accuracy" in ax.get_xlabel()
    assert "50.0 %" in result.alt_text()
    plt.close("all")


def test_the_figure_says_when_it_is_of_sample_data(tmp_path):
    faces = replace(real_faces(name="synthetic"), notice="synthetic sample data")
    title = compared(checkout(tmp_path, record()), faces=faces).plot().get_title("left")
    assert "synthetic sample data" in title
    assert "not comparable" in title
    plt.close("all")


def test_the_reference_of_this_repository_is_found():
    result = against_reference(0.65, "deep_cnn")
    runs = {run.id for run in read_runs(ROOT / "reports" / "reference")}
    assert set(result.records) <= runs
    assert result.records
