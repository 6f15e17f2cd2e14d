import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fer_utils.data.faceset import FaceSet
from fer_utils.errors import DataError, ParameterError
from fer_utils.evaluation import (
    AugmentationGallery,
    ConfusionMatrix,
    FaceGrid,
    LearningCurves,
    PerClass,
    SplitCounts,
    evaluate,
    top_mistakes,
)

NOTICE = "synthetic sample data"


@pytest.fixture
def report(answers, classes):
    return evaluate(*answers(30), classes, n_bootstrap=0, notice=NOTICE)


@pytest.fixture
def faces(answers, classes):
    pixels = np.random.default_rng(0).integers(256, size=(30, 8, 8), dtype=np.uint8)
    split = ["train"] * 20 + ["val"] * 5 + ["test"] * 5
    return FaceSet(pixels, answers(30)[1], split, classes, "tiny", notice=NOTICE)


def history(epochs):
    falling = np.linspace(2, 1, epochs).tolist()
    rising = np.linspace(0.2, 0.6, epochs).tolist()
    return {
        "loss": falling,
        "val_loss": falling,
        "accuracy": rising,
        "val_accuracy": rising,
        "learning_rate": [1e-3] * epochs,
    }


def words_of(drawn) -> str:
    """Draw for real, then return every text of the figure."""
    figure = drawn if isinstance(drawn, Figure) else drawn.figure
    figure.canvas.draw()
    texts = figure.findobj(lambda artist: hasattr(artist, "get_text"))
    return " | ".join(artist.get_text() for artist in texts)


@pytest.mark.parametrize(
    "draw",
    [
        lambda report, faces: ConfusionMatrix(report).plot(),
        lambda report, faces: ConfusionMatrix(report).plot(ratio=False),
        lambda report, faces: PerClass(report).plot(),
        lambda report, faces: report.calibration.plot(),
        lambda report, faces: LearningCurves(history(3), NOTICE).plot(),
        lambda report, faces: FaceGrid(faces).plot("Faces"),
        lambda report, faces: FaceGrid(faces.take([0])).plot(),
        lambda report, faces: SplitCounts(faces).plot(),
        lambda report, faces: top_mistakes(report).plot(faces),
        lambda report, faces: top_mistakes(report).plot(faces.pixels),
        lambda report, faces: AugmentationGallery(
            faces.pixels[:6].reshape(2, 3, 8, 8), notice=NOTICE
        ).plot(),
    ],
)
def test_every_figure_shows_the_notice_and_fits_a_notebook(report, faces, draw):
    drawn = draw(report, faces)
    figure = drawn if isinstance(drawn, Figure) else drawn.figure
    assert isinstance(drawn, Figure | Axes)
    assert NOTICE in words_of(drawn)
    assert figure.get_figwidth() <= 8


@pytest.mark.parametrize("ratio", [True, False])
def test_the_confusion_matrix_shows_every_cell(report, ratio):
    ax = ConfusionMatrix(report).plot(ratio=ratio)
    shown = [float(text.get_text()) for text in ax.texts[:49]]
    matrix = ConfusionMatrix(report)
    expected = matrix.shares() if ratio else report.confusion
    np.testing.assert_allclose(shown, expected.ravel(), atol=0.0051)


def test_shares_of_an_absent_class_are_zero():
    report = evaluate([[0.1, 0.9, 0]], [0], ("sad", "happy", "fear"), n_bootstrap=0)
    matrix = ConfusionMatrix(report)
    np.testing.assert_array_equal(matrix.shares(), [[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    assert "sad taken for happy (1 times)" in matrix.alt_text()


@pytest.mark.parametrize("make", [ConfusionMatrix, PerClass])
def test_a_given_axes_is_used_and_returned(report, make):
    ax = plt.figure().add_subplot()
    assert make(report).plot(ax) is ax


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, None),  # nothing trained
        ({"loss": [1.0]}, None),  # no val part
        ({"val_accuracy": [0.5]}, 1),
        ({"val_accuracy": [0.5, 0.7, 0.7]}, 2),  # the first of equals
        ({"val_accuracy": [np.nan, 0.1]}, 2),
        ({"val_loss": [2.0, 1.0, 3.0]}, 2),
        ({"val_accuracy": [0.1, 0.9], "val_loss": [1.0, 2.0]}, 2),  # accuracy decides
    ],
)
def test_the_best_epoch_is_chosen_on_val(values, expected):
    curves = LearningCurves(values)
    assert curves.best_epoch() == expected
    assert curves.alt_text().endswith(".")


@pytest.mark.parametrize("epochs", [1, 2, 40])
def test_learning_curves_mark_the_best_epoch(epochs):
    drawn = LearningCurves(history(epochs)).plot()
    assert f"best epoch ({epochs}), by val" in words_of(drawn)
    assert len(drawn.axes) == 3


def test_an_empty_history_is_named():
    with pytest.raises(DataError, match="neither loss nor accuracy, received: nothing"):
        LearningCurves({}).plot()


@pytest.mark.parametrize(
    ("count", "columns", "axes"),
    [
        (0, 8, 1),  # says that there is nothing
        (1, 8, 1),
        (3, 2, 4),  # one place stays empty
        (8, 4, 8),
    ],
)
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_a_gallery_has_a_place_for_every_face(count, columns, axes, channels):
    images = np.zeros((count, 8, 8, *channels), np.uint8)
    figure = FaceGrid(images, columns).plot("Faces")
    words = words_of(figure)
    assert len(figure.axes) == axes
    assert sum(bool(ax.images) for ax in figure.axes) == count
    assert ("no faces to show" in words) == (count == 0)


def test_captions_default_to_the_label_names(faces):
    words = words_of(FaceGrid(faces).plot())
    assert all(faces.classes[label] in words for label in faces.labels)


def test_split_counts_are_the_counts(faces):
    ax = SplitCounts(faces).plot()
    heights = [patch.get_height() for patch in ax.patches]
    expected = [n for row in faces.counts().values() for n in row.values()]
    assert heights == expected
    assert "30 in all" in SplitCounts(faces).alt_text()


def test_gallery_names_rows_and_columns(faces):
    images = faces.pixels[:4].reshape(2, 2, 8, 8)
    gallery = AugmentationGallery(images, ["as it is", "turned"], ["one", "two"])
    words = words_of(gallery.plot())
    assert all(name in words for name in ("as it is", "turned", "one", "two"))
    assert "2 by 2" in gallery.alt_text()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FaceGrid(np.zeros((1, 8, 8)), columns=0), "columns=0"),
        (lambda: FaceGrid(np.zeros((1, 8, 8)), captions=["a", "b"]), "2 for 1"),
        (lambda: AugmentationGallery(np.zeros((2, 8, 8))), "rows, columns"),
        (
            lambda: AugmentationGallery(np.zeros((2, 1, 8, 8)), row_names=["a"]),
            "row_names: expected 2, received 1",
        ),
    ],
)
def test_bad_galleries_are_named(make, words):
    with pytest.raises(ParameterError, match=words):
        make()


def test_every_alt_text_is_one_sentence_with_a_number(report, faces):
    described = [
        ConfusionMatrix(report),
        PerClass(report),
        report.calibration,
        LearningCurves(history(3)),
        FaceGrid(faces),
        SplitCounts(faces),
        top_mistakes(report),
        AugmentationGallery(np.zeros((2, 3, 8, 8))),
    ]
    for thing in described:
        text = thing.alt_text()
        assert text.endswith(".") and any(c.isdigit() for c in text), text
