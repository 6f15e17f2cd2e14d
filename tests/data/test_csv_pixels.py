import numpy as np
import pytest

from fer_utils.data import csv_pixels
from fer_utils.data.csv_pixels import read_csv
from fer_utils.errors import DataError


def read(text):
    return read_csv(text.encode().splitlines(keepends=True), "fer2013.csv")


@pytest.mark.parametrize(
    "changes",
    [
        {},  # fer2013.csv
        {"quote": '"'},  # written by a tool that quotes the pixels
        {  # icml_face_data.csv: spaces in the header, another order
            "header": "emotion, Usage, pixels",
            "order": (0, 2, 1),
        },
        {"header": "\ufeffEmotion,Pixels,usage"},  # saved by a spreadsheet
        {"header": "pixels,Usage,emotion", "order": (1, 2, 0)},  # pixels first
    ],
)
def test_every_spelling_of_the_csv_gives_the_same_faces(tiny, changes):
    reading = read(tiny.csv_text(tiny.rows(), **changes))
    np.testing.assert_array_equal(reading.pixels, tiny.pixels)
    assert reading.labels.tolist() == list(tiny.emotions)
    assert reading.rows.tolist() == list(range(8))
    assert reading.bad == ()


def test_windows_line_ends_and_blank_lines_are_harmless(tiny):
    text = tiny.csv_text(tiny.rows()).replace("\n", "\r\n") + "\r\n\r\n"
    np.testing.assert_array_equal(read(text).pixels, tiny.pixels)


@pytest.mark.parametrize("block_rows", [1, 2, 3, 8, 100])  # edges, and one block
def test_the_block_size_does_not_change_what_is_read(tiny, monkeypatch, block_rows):
    monkeypatch.setattr(csv_pixels, "_BLOCK_ROWS", block_rows)
    rows = tiny.rows()
    rows[4][2] = "Nowhere"
    reading = read(tiny.csv_text(rows))
    np.testing.assert_array_equal(reading.pixels, np.delete(tiny.pixels, 4, 0))
    assert [bad.where for bad in reading.bad] == ["5"]
    assert reading.rows.tolist() == [0, 1, 2, 3, 5, 6, 7]


def test_every_value_from_0_to_255_is_read_at_every_neighbour(tiny):
    values = np.random.default_rng(1).permutation(np.arange(2304) % 256)
    row = f"0,{tiny.text_of(values)},Training"
    reading = read(f"emotion,pixels,Usage\n{row}\n")
    np.testing.assert_array_equal(reading.pixels.ravel(), values)


@pytest.mark.parametrize(
    ("column", "change", "reason"),
    [
        (
            1,
            lambda p: p.rsplit(" ", 1)[0],  # one value is missing
            "expected 2304 grey values (48 x 48), received 2303",
        ),
        (1, lambda p: p + " 3", "received 2305"),  # one too many
        (1, lambda p: "", "received 0"),  # none
        (1, lambda p: "x" + p, "received 'x0' as value 1"),  # a letter
        (1, lambda p: p.replace(" ", "  ", 1) + " -1", "received '-1' as value 2305"),
        (1, lambda p: "1.5" + p[1:], "received '1.5'"),  # not an integer
        (1, lambda p: "256" + p[1:], "received 256 as value 1"),  # just too bright
        (1, lambda p: "999" + p[1:], "received 999"),  # three digits, far too bright
        (1, lambda p: "1000" + p[1:], "received 1000"),  # four digits
        (1, lambda p: "\t" + p.replace(" ", ";"), "grey values"),  # other marks
        (0, lambda e: "7", "label in [0, 6], received '7'"),
        (0, lambda e: "-1", "label in [0, 6], received '-1'"),
        (0, lambda e: "2.0", "integer emotion label in [0, 6], received '2.0'"),
        (0, lambda e: "happy", "received 'happy'"),
        (0, lambda e: "", "received ''"),
        (2, lambda u: "Test", "Usage among Training, PublicTest, PrivateTest"),
        (2, lambda u: u + ",more", "expected 3 fields, received 4"),
    ],
)
def test_a_bad_row_is_listed_with_its_reason_and_the_others_are_kept(
    tiny, column, change, reason
):
    rows = tiny.rows()
    rows[0][column] = change(rows[0][column])
    reading = read(tiny.csv_text(rows))
    assert [bad.where for bad in reading.bad] == ["1"]
    assert reason in reading.bad[0].reason
    np.testing.assert_array_equal(reading.pixels, tiny.pixels[1:])


def test_a_value_moved_to_the_next_row_is_noticed_though_the_total_is_right(tiny):
    rows = tiny.rows()
    rows[2][1], moved = rows[2][1].rsplit(" ", 1)
    rows[3][1] = moved + " " + rows[3][1]
    reading = read(tiny.csv_text(rows))
    assert [bad.where for bad in reading.bad] == ["3", "4"]


def test_unusual_but_clear_numbers_are_read(tiny):
    rows = tiny.rows()
    rows[0][1] = " 000" + rows[0][1][1:].replace(" ", "  ") + " "
    np.testing.assert_array_equal(read(tiny.csv_text(rows)).pixels, tiny.pixels)


def test_bad_rows_of_different_kinds_come_in_file_order(tiny):
    rows = tiny.rows()
    rows[1][1] = "1 2 3"
    rows[3][0] = "x"
    rows[6][1] = "4"
    bad = read(tiny.csv_text(rows)).bad
    assert [b.where for b in bad] == ["2", "4", "7"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "fer2013.csv is empty"),  # no byte
        ("\n\n", "fer2013.csv is empty"),  # blank lines
        ("emotion,pixels,Usage\n", "has a header but no row"),  # header only
        ("emotion,pixels\n0,1 2\n", "lacks the column usage"),  # train.csv
        ("0,1 2 3,Training\n", "lacks the column emotion, pixels, usage"),  # no header
    ],
)
def test_a_file_that_is_no_fer2013_csv_is_refused(text, message):
    with pytest.raises(DataError, match=message):
        read(text)
