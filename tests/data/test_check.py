import dataclasses
import importlib

import numpy as np
import pytest

from fer_utils import data
from fer_utils.data.fer2013 import OFFICIAL_COUNTS
from fer_utils.errors import DataError


@pytest.fixture
def csv(tiny, data_dir):
    path = data_dir / "fer2013.csv"
    path.write_text(tiny.csv_text(tiny.rows()))
    return path


def official(classes):
    return {
        split: dict(zip(classes, counts, strict=True))
        for split, counts in OFFICIAL_COUNTS.items()
    }


def test_a_set_with_other_counts_is_not_ok_and_says_where(csv):
    result = data.check("fer2013")
    assert not result.ok
    assert (result.layout, result.source, result.bad) == ("csv", str(csv), ())
    assert len(result.file_hash) == 64
    assert ("train", "angry", 1, 3995) in result.wrong_counts()
    text = str(result)
    assert "✗ 0 of 21 counts equal the official ones" in text
    assert "train angry: found 1, official 3,995" in text
    assert "✓ 0 bad rows" in text


def test_the_official_counts_are_ok(csv, tiny):
    counts = official(tiny.classes)
    found = dataclasses.replace(
        data.check("fer2013"), counts=counts, official=official(tiny.classes)
    )
    assert found.ok
    assert "✓ 21 of 21 counts equal the official ones" in str(found)
    assert "7,215 ✓" in str(found) and "✗" not in str(found)


def test_bad_rows_are_listed_and_not_ok(tiny, data_dir):
    rows = tiny.rows()
    rows[2][0] = "8"
    (data_dir / "fer2013.csv").write_text(tiny.csv_text(rows))
    result = data.check("fer2013")
    assert not result.ok and len(result.bad) == 1
    assert "✗ 1 bad row\n    3: expected an integer emotion label" in str(result)


def test_only_the_first_twenty_bad_rows_are_printed(tiny, data_dir):
    rows = [["x", *row[1:]] for row in tiny.rows() * 3] + tiny.rows()
    (data_dir / "fer2013.csv").write_text(tiny.csv_text(rows))
    assert "    and 4 more" in str(data.check("fer2013"))


def test_test_images_that_stand_in_train_are_counted(tiny, data_dir):
    rows = tiny.rows()
    rows[3][1] = rows[0][1]  # a PrivateTest row repeats a Training row
    (data_dir / "fer2013.csv").write_text(tiny.csv_text(rows))
    result = data.check("fer2013")
    assert result.test_in_train == 1
    assert "1 test images are pixel-identical to a train image" in str(result)


def test_check_reads_the_files_and_not_the_cache(csv, cache_dir):
    data.load("fer2013")
    (entry,) = (cache_dir / "readings-1").iterdir()
    np.save(entry / "labels.npy", np.zeros(8, np.int64))
    assert data.check("fer2013").counts["train"]["angry"] == 1


def test_drawn_faces_have_no_official_counts(monkeypatch):
    module = importlib.import_module("fer_utils.data.check")
    monkeypatch.setattr(module, "load", lambda name: data.load(name, n=30))
    result = data.check("synthetic")
    assert result.ok and result.layout == "drawn"
    assert "official" not in str(result)


def test_a_missing_set_is_an_error():
    with pytest.raises(DataError, match="fer2013 was not found"):
        data.check("fer2013")


def test_the_listing_shows_every_set_where_it_was_looked_for_and_its_terms(csv):
    listing = data.listing()
    names = [one.entry.name for one in listing.sets]
    assert names[:2] == ["synthetic", "synthetic-tiny"]
    assert {"ck48", "ferplus", "affectnet", "ckplus", "rafdb"} <= set(names)
    text = str(listing)
    assert f"found: {csv}" in text
    assert "✓ fer2013" in text and "✓ synthetic" in text and "· rafdb" in text
    assert text.count("terms: ") == len(names)
    assert all(str(place) in text for place in listing.places)


def test_a_set_that_is_not_there_shows_what_was_looked_for():
    text = str(data.listing())
    assert "· fer2013" in text
    assert "looked for: fer2013/fer2013.csv, fer2013.csv" in text
