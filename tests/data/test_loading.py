import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from fer_utils import data
from fer_utils.data import fer2013
from fer_utils.errors import DataError, ParameterError


@pytest.fixture
def csv(tiny, data_dir):
    path = data_dir / "fer2013.csv"
    path.write_text(tiny.csv_text(tiny.rows()))
    return path


@pytest.fixture
def broken_csv(tiny, data_dir):
    rows = tiny.rows()
    rows[1][1] = rows[1][1].rsplit(" ", 1)[0]
    rows[4][0] = "9"
    rows[6][2] = "Test"
    path = data_dir / "fer2013.csv"
    path.write_text(tiny.csv_text(rows))
    return path


@pytest.mark.parametrize("cache", [True, False])
def test_load_gives_a_face_set_with_the_official_split(tiny, csv, cache):
    for _ in range(2):  # cold and warm
        faces = data.load("fer2013", cache=cache)
        np.testing.assert_array_equal(faces.pixels, tiny.pixels)
        assert faces.labels.tolist() == list(tiny.emotions)
        assert faces.split.tolist() == list(tiny.splits)
        assert faces.classes == tiny.classes
        assert (faces.name, faces.source) == ("fer2013", str(csv))
        assert faces.rows.tolist() == list(range(8))
        assert faces.notice == ""


def test_a_warm_load_reads_the_cache_and_not_the_csv(csv, monkeypatch):
    cold = data.load("fer2013")
    monkeypatch.setattr(fer2013, "read", lambda source: pytest.fail("parsed again"))
    warm = data.load("fer2013")
    assert isinstance(warm.pixels, np.memmap)
    assert warm.content_hash == cold.content_hash


def test_a_changed_file_is_read_again(tiny, csv):
    data.load("fer2013")
    csv.write_text(tiny.csv_text(tiny.rows()[:5]))
    assert len(data.load("fer2013")) == 5


def test_bad_rows_are_one_error_that_counts_them_all(broken_csv):
    for _ in range(2):  # a refused file leaves nothing in the cache
        with pytest.raises(DataError) as caught:
            data.load("fer2013")
        assert str(caught.value) == (
            "fer2013.csv row 2: expected 2304 grey values (48 x 48), received 2303. "
            "3 rows are bad in all (2, 5, 7). Fix the file, or pass skip_bad=True "
            "(fer: --skip-bad) to drop them (they will be listed). Rows count from 1 "
            "after the header."
        )


@pytest.mark.parametrize("cache", [True, False])
def test_skip_bad_keeps_the_rest_and_lists_what_it_dropped(tiny, broken_csv, cache):
    for _ in range(2):  # the list is kept in the cache too
        with pytest.warns(UserWarning) as caught:
            faces = data.load("fer2013", skip_bad=True, cache=cache)
        assert len(caught) == 1
        message = str(caught[0].message)
        assert "dropped 3 bad rows, kept 5" in message
        assert "2: expected 2304" in message and "5: expected an integer" in message
        assert "7: expected a Usage" in message
        assert faces.rows.tolist() == [0, 2, 3, 5, 7]
        np.testing.assert_array_equal(faces.pixels, tiny.pixels[[0, 2, 3, 5, 7]])
    with pytest.raises(DataError):  # and the strict mode stays strict
        data.load("fer2013", cache=cache)


def test_many_bad_rows_are_counted_and_only_some_are_shown(tiny, data_dir):
    rows = tiny.rows() * 4
    for row in rows[:-1]:
        row[0] = "x"
    rows[-1] = [*tiny.rows()[0]]
    (data_dir / "fer2013.csv").write_text(tiny.csv_text(rows))
    with pytest.raises(DataError, match=r"31 rows are bad in all \(1, 2, 3, 4, 5, …\)"):
        data.load("fer2013")
    with pytest.warns(UserWarning, match=r"20: .*; and 11 more: see `fer data check`"):
        assert len(data.load("fer2013", skip_bad=True)) == 1


def test_one_bad_row_is_spoken_of_in_the_singular(tiny, data_dir):
    rows = tiny.rows()
    rows[7][0] = "x"
    (data_dir / "fer2013.csv").write_text(tiny.csv_text(rows))
    with pytest.raises(DataError, match=r"1 row is bad in all \(8\)"):
        data.load("fer2013")


def test_skip_bad_cannot_save_a_file_without_a_good_row(tiny, data_dir):
    rows = [["x", *row[1:]] for row in tiny.rows()]
    (data_dir / "fer2013.csv").write_text(tiny.csv_text(rows))
    with pytest.raises(DataError, match="8 rows are bad in all"):
        data.load("fer2013", skip_bad=True)


def test_skip_bad_is_silent_when_nothing_is_bad(csv):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(data.load("fer2013", skip_bad=True)) == 8


def test_bad_files_of_a_tree_are_named_by_path(tiny, data_dir):
    files = tiny.tree() | {"train/happy/Training_1.jpg": b"x"}
    tiny.write_tree(data_dir / "fer2013", files)
    with pytest.raises(DataError, match="fer2013 file train/happy/Training_1.jpg: exp"):
        data.load("fer2013")
    with pytest.warns(UserWarning, match="dropped 1 bad file, kept 8"):
        assert len(data.load("fer2013", skip_bad=True)) == 8


def test_a_changed_image_of_a_tree_is_noticed(tiny, data_dir):
    files = tiny.tree()
    tiny.write_tree(data_dir / "fer2013", files)
    before = data.load("fer2013")
    changed = sorted(files)[0]
    (data_dir / "fer2013" / changed).write_bytes(tiny.jpeg(255 - tiny.smooth(3)))
    os.utime(data_dir / "fer2013" / changed, ns=(1, 1))
    assert data.load("fer2013").content_hash != before.content_hash


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ({"name": "fer2012"}, ParameterError, "Did you mean 'fer2013'"),
        ({"name": None}, ParameterError, "unknown data set None"),
        ({"name": "ckplus", "crops": 1}, ParameterError, "Did you mean 'crop'"),
        ({"name": "fer2013", "seed": 1}, ParameterError, "takes no option seed"),
        ({"name": "synthetic", "path": "x"}, ParameterError, "it takes no path"),
        ({"name": "synthetic", "sed": 1}, ParameterError, "Did you mean 'seed'"),
        ({"name": "fer2013", "path": "nowhere"}, DataError, "nowhere .does not exist"),
    ],
)
def test_a_wrong_call_says_what_to_do(call, error, message):
    with pytest.raises(error, match=message):
        data.load(**call)


def test_synthetic_needs_no_files_and_carries_its_notice():
    faces = data.load("synthetic", n=40, seed=1)
    assert len(faces) == 40 and faces.notice == "synthetic sample data"


def test_data_needs_neither_keras_nor_pandas_nor_pillow_from_csv_and_cache(csv):
    program = (
        "import sys; from fer_utils import data; data.load('fer2013');"
        "data.load('fer2013');"
        "heavy = {'keras', 'tensorflow', 'pandas', 'PIL', 'cv2', 'sklearn', 'scipy',"
        " 'matplotlib', 'kagglehub'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
