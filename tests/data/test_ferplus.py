"""FER+ votes: an official file is joined by row order, any other is explained."""

import os
from dataclasses import replace

import numpy as np
import pytest

from fer_utils import labels
from fer_utils.data import VOTE_COLUMNS, FaceSet, ferplus, ferplus_votes, with_votes
from fer_utils.data.registry import describe, find
from fer_utils.errors import DataError

DATA_DIR = os.environ.get("FER_DATA_DIR")  # before conftest hides it from the tests
HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,"
    "unknown,NF"
)
USAGES = ["Training"] * 3 + ["PublicTest", "PrivateTest"]
ROWS = [
    "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0",
    "Training,fer0000001.png,6,0,1,1,0,0,0,0,2,0",
    "Training,,0,0,0,0,0,0,0,0,0,10",  # no face: FER+ has no image of it
    "PublicTest,fer0000003.png,0,10,0,0,0,0,0,0,0,0",
    "PrivateTest,fer0000009.png,0,0,9,0,0,0,0,0,0,0",  # nine annotators
]


@pytest.fixture(autouse=True)
def five_rows(monkeypatch):
    sizes = {"train": 3, "val": 1, "test": 1}
    monkeypatch.setattr(ferplus, "_SPLIT_SIZES", sizes)


@pytest.fixture
def five_faces():
    split = ["train"] * 3 + ["val", "test"]
    pixels = np.zeros((5, 4, 4), np.uint8)
    given = [6, 6, 0, 3, 5]
    return FaceSet(pixels, given, split, labels.FER2013.classes, "fer2013")


@pytest.fixture
def write(data_dir):
    def written(rows=ROWS, header=HEADER, encoding="utf-8"):
        path = data_dir / "fer2013new.csv"
        text = "\n".join([header, *rows]) + "\n"
        path.write_bytes(text.encode(encoding))
        return path

    return written


def test_votes_are_read_in_row_order_from_the_data_folder(write):
    write()
    votes = ferplus_votes()
    assert votes.dtype == np.uint8
    assert votes.tolist()[0] == [4, 0, 0, 1, 3, 2, 0, 0, 0, 0]
    assert votes.sum(1).tolist() == [10, 10, 10, 10, 9]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),  # Windows line ends
        lambda text: "\ufeff" + text,  # a byte order mark
        lambda text: text + "\n\n",  # blank lines at the end
    ],
)
def test_harmless_differences_are_read(write, change):
    path = write()
    expected = ferplus_votes(path)
    path.write_bytes(change(path.read_text()).encode())
    assert np.array_equal(ferplus_votes(path), expected)


def test_columns_are_the_eight_emotions_and_two_refusals():
    assert VOTE_COLUMNS[:8] == labels.FERPLUS.classes
    assert VOTE_COLUMNS[8:] == ("unknown", "no face")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "expected 5 rows, one per image of FER2013, received 0"),
        (ROWS[:4], "received 4. Do not drop rows"),
        ([*ROWS, ROWS[4]], "received 6"),
        ([*ROWS[1:], ROWS[0]], "row 3: expected the Usage Training"),  # rotated
        ([*ROWS[:4], "Test" + ROWS[4][11:]], "row 5: expected the Usage PrivateTest"),
        ([ROWS[0][:-2], *ROWS[1:]], "row 1: expected 12 fields, received 11"),
        ([ROWS[0], ROWS[1].replace("6", "x"), *ROWS[2:]], "row 2: .* neutral, .*'x'"),
        ([ROWS[0], ROWS[1].replace("6", "0.6"), *ROWS[2:]], "received '0.6'"),
        ([ROWS[0], ROWS[1].replace("6", "-6"), *ROWS[2:]], "received '-6'"),
        ([*ROWS[:2], ROWS[2].replace("10", "11"), *ROWS[3:]], "for NF, received '11'"),
    ],
)
def test_a_bad_file_is_explained(write, rows, message):
    with pytest.raises(DataError, match=message):
        ferplus_votes(write(rows))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "emotion,pixels,Usage",  # FER2013 itself
        HEADER.replace("neutral,happiness", "happiness,neutral"),  # another order
    ],
)
def test_another_header_is_refused(write, header):
    with pytest.raises(DataError, match=r"expected the header Usage,Image name"):
        ferplus_votes(write(header=header))


def test_a_file_that_is_no_text_is_refused(data_dir):
    (data_dir / "fer2013new.csv").write_bytes(b"\xff\xfe\x00\xff")
    with pytest.raises(DataError, match="cannot be read as a csv"):
        ferplus_votes()


def test_a_missing_file_says_where_to_get_it(data_dir):
    with pytest.raises(DataError, match="FERPlus") as caught:
        ferplus_votes()
    assert str(data_dir) in str(caught.value)
    assert "fer data get ferplus" not in str(caught.value)  # there is no such download


def test_votes_join_by_row_also_for_a_part_and_stay_when_classes_go(write, five_faces):
    write()
    part = with_votes(five_faces.take([4, 1]))
    assert part.votes.tolist() == ferplus_votes()[[4, 1]].tolist()
    assert part.subset(["surprise", "neutral"]).votes.shape == (2, 10)
    assert with_votes(five_faces.take([])).votes.shape == (0, 10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": np.array([0, 1, 2, 3, 10019449])}, "Image folders have lost"),
        (
            {"split": np.array(["test"] * 5)},
            "row 1 .* Attach the votes before",
        ),
        ({"classes": ("contempt", *labels.FER2013.classes[1:])}, "FER2013's images"),
    ],
)
def test_faces_that_are_not_fer2013_rows_get_no_votes(
    write, five_faces, change, message
):
    write()
    with pytest.raises(DataError, match=message):
        with_votes(replace(five_faces, **change))


def test_faces_in_another_row_order_are_noticed(write, monkeypatch):
    n = 700
    monkeypatch.setattr(ferplus, "_SPLIT_SIZES", {"train": n, "val": 0, "test": 0})
    classes = labels.FER2013.classes
    columns = labels.mapping(labels.FER2013, labels.FERPLUS)
    given = np.arange(n) % 7
    tenth = [
        ",".join("10" if c == columns[g] else "0" for c in range(10)) for g in given
    ]
    write([f"Training,,{votes}" for votes in tenth])
    faces = FaceSet(np.zeros((n, 4, 4), np.uint8), given, ["train"] * n, classes)
    assert with_votes(faces).votes.shape == (n, 10)
    with pytest.raises(DataError, match="label of only 0% of the images"):
        with_votes(replace(faces, labels=np.roll(given, 1)))


@pytest.mark.realdata
def test_the_real_votes_agree_with_the_real_labels_as_published(monkeypatch):
    from fer_utils import data
    from fer_utils.data.fer2013 import OFFICIAL_COUNTS

    sizes = {split: sum(counts) for split, counts in OFFICIAL_COUNTS.items()}
    monkeypatch.setattr(ferplus, "_SPLIT_SIZES", sizes)
    try:
        source = find(describe("fer2013"), DATA_DIR or "nowhere")
        votes = find(describe("ferplus"), DATA_DIR or "nowhere")
    except DataError:
        pytest.skip("FER_DATA_DIR does not hold the real FER2013 and FER+")
    faces = with_votes(data.load("fer2013", path=source), votes)
    to_fer = np.array([6, 3, 5, 4, 0, 1, 2, -1])  # in FER+ order; contempt has none
    most = to_fer[faces.votes[:, :8].argmax(1)]
    test = faces.split == "test"
    assert round(float((most == faces.labels)[test].mean()), 2) == 0.62
