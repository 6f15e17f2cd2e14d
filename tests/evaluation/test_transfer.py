"""A model on a data set with other classes."""

import json
import types

import numpy as np
import pytest

from fer_utils.data import FaceSet
from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation import CrossReport, cross_evaluate, cross_report
from fer_utils.labels import CKPLUS7, FER2013


class Reader:
    """A model that finds its logits in the first K pixels of a face."""

    def __init__(self, classes):
        self.class_names = tuple(classes)
        self.input_shape = (None, 4, 4, 1)
        self.output_shape = (None, len(self.class_names))

    def predict(self, images, **_):
        return images.reshape(len(images), -1)[:, : len(self.class_names)] / 10


def faces_answered(rows, subjects=None, classes=CKPLUS7.classes, names=FER2013.classes):
    """Return faces with (label, answer, second answer) per row."""
    pixels = np.zeros((len(rows), 16), np.uint8)
    for i, (_, answer, second) in enumerate(rows):
        pixels[i, names.index(second)] = 100
        pixels[i, names.index(answer)] = 200
    labels = [classes.index(label) for label, _, _ in rows]
    facts = {} if subjects is None else {"subject": np.array(subjects)}
    split = ["test"] * len(rows)
    return FaceSet(
        pixels.reshape(-1, 4, 4), labels, split, classes, "tiny", facts=facts
    )


ROWS = [
    ("happy", "happy", "sad"),
    ("happy", "neutral", "happy"),  # right among the shared classes only
    ("sad", "neutral", "fear"),  # wrong either way
    ("sad", "sad", "fear"),
    ("contempt", "neutral", "happy"),  # no class of the model
    ("contempt", "happy", "sad"),
    ("fear", "angry", "fear"),
]
SUBJECTS = ["ann", "ann", "bob", "bob", "cid", "cid", "dan"]


@pytest.fixture
def report():
    return cross_evaluate(Reader(FER2013.classes), faces_answered(ROWS, SUBJECTS))


def test_both_accuracies_are_counted_by_hand(report):
    assert report.n == 5
    assert report.any_class.accuracy == pytest.approx(2 / 5)
    assert report.shared_only.accuracy == pytest.approx(3 / 5)
    recalls = {k: row["recall"] for k, row in report.any_class.recall.items()}
    assert recalls == {
        "angry": None,
        "disgust": None,
        "fear": 0,
        "happy": 0.5,
        "sad": 0.5,
        "surprise": None,
    }
    assert report.shared_only.recall["happy"]["recall"] == 1
    assert report.any_class.balanced_accuracy == pytest.approx(1 / 3)
    assert report.shared_only.balanced_accuracy == pytest.approx(1.5 / 3)


def test_classes_that_only_one_side_knows_are_named_and_counted(report):
    assert report.absent == ("neutral",)
    assert report.left_out == {"contempt": 2}
    assert report.left_out_answers == {"contempt": {"happy": 1, "neutral": 1}}
    assert report.shared == ("angry", "disgust", "fear", "happy", "sad", "surprise")
    happy = report.confusion[report.shared.index("happy")]
    assert dict(zip(FER2013.classes, happy, strict=True))["neutral"] == 1
    assert report.confusion.sum() == report.n
    assert "2 of contempt left out" in report.summary()


def test_intervals_resample_subjects(report):
    assert (report.cluster, report.clusters) == ("subject", 3)
    low, high = report.any_class.interval
    assert 0 <= low <= report.any_class.accuracy <= high <= 1
    alone = cross_evaluate(Reader(FER2013.classes), faces_answered(ROWS))
    assert (alone.cluster, alone.clusters) == ("image", 5)


def test_the_same_seed_gives_the_same_report(report):
    again = cross_evaluate(Reader(FER2013.classes), faces_answered(ROWS, SUBJECTS))
    assert again.to_dict() == report.to_dict()


def test_the_order_of_the_classes_does_not_matter(report):
    names = tuple(reversed(FER2013.classes))
    other = cross_evaluate(
        Reader(names), faces_answered(ROWS, SUBJECTS, names=names), seed=0
    )
    assert other.any_class.accuracy == report.any_class.accuracy
    assert other.shared_only.recall["happy"] == report.shared_only.recall["happy"]


def test_a_model_that_knows_every_class_gives_one_number():
    classes = ("happy", "sad", "fear")
    rows = [r for r in ROWS if {r[0], r[1], r[2]} <= set(classes)]
    faces = faces_answered(rows, classes=classes, names=classes)
    report = cross_evaluate(Reader(classes), faces)
    assert report.any_class == report.shared_only
    assert (report.absent, report.left_out) == ((), {})


def test_one_image_is_enough_and_has_no_interval():
    report = cross_evaluate(Reader(FER2013.classes), faces_answered(ROWS[:1], ["ann"]))
    assert report.any_class.accuracy == 1 and report.any_class.interval is None
    assert json.dumps(report.to_dict())
    report.plot()


@pytest.mark.parametrize("rows", [[], ROWS[4:6]])  # no image; only contempt
def test_nothing_to_evaluate_is_an_error(rows):
    with pytest.raises(DataError, match="none of its . images has a class of the"):
        cross_evaluate(Reader(FER2013.classes), faces_answered(rows))


def test_a_model_without_class_names_is_an_error():
    with pytest.raises(ParameterError, match="no class_names"):
        cross_evaluate(types.SimpleNamespace(), faces_answered(ROWS))


def test_a_label_outside_the_shared_classes_is_an_error():
    with pytest.raises(ParameterError, match="model and data set share"):
        cross_report(np.eye(2), [0, 1], ("happy", "sad"), ("happy", "fear"))


def test_a_report_survives_json(report):
    record = json.loads(json.dumps(report.to_dict()))
    again = CrossReport.from_dict(record)
    assert again.to_dict() == report.to_dict()
    assert repr(again) == repr(report)
    del record["shared"]
    with pytest.raises(ParameterError, match="key 'shared' is missing"):
        CrossReport.from_dict(record)


def test_the_figure_shows_both_answers_and_the_notice(report):
    record = report.to_dict() | {"notice": "synthetic sample data"}
    ax = CrossReport.from_dict(record).plot()
    heights = [bar.get_height() for bar in ax.patches]
    assert len(heights) == 12 and heights[3] == 0.5 and heights[9] == 1
    texts = [child.get_text() for child in ax.texts]
    assert any("synthetic sample data" in text for text in texts)
    assert "lowest for fear" in report.alt_text()


def test_the_table_has_a_row_per_shared_class(report):
    table = report.table()
    assert list(table.index) == list(report.shared)
    assert table.loc["happy", "recall among shared"] == 1
