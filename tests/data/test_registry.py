from pathlib import Path

import pytest

from fer_utils.data import registry
from fer_utils.data.registry import describe, find
from fer_utils.errors import DataError, ParameterError

LAYOUTS = [
    "fer2013/fer2013.csv",
    "fer2013.csv",
    "fer2013/icml_face_data.csv",
    "icml_face_data.csv",
    "fer2013.tar.gz",
    "fer2013.zip",
    "fer2013/archive.zip",
]


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_found_in_the_data_folder(data_dir, layout):
    wanted = touch(data_dir / layout)
    assert find(describe("fer2013")) == wanted


def test_a_folder_tree_is_found_by_its_train_folder(data_dir):
    (data_dir / "fer2013" / "train").mkdir(parents=True)
    assert find(describe("fer2013")) == data_dir / "fer2013"


def test_fer_data_dir_comes_before_the_working_folder(data_dir, monkeypatch):
    here = touch(Path.cwd() / "data" / "fer2013.csv")
    there = touch(data_dir / "fer2013.csv")
    assert find(describe("fer2013")) == there
    monkeypatch.delenv("FER_DATA_DIR")
    assert find(describe("fer2013")) == here


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("x/fer2013.csv", "x/fer2013.csv"),  # the file itself
        ("x", "x/fer2013.csv"),  # the folder that holds it
        ("y", "y/fer2013/icml_face_data.csv"),  # a data folder
        ("tree", "tree"),  # the folder that holds train and test
        ("up", "up/fer2013"),  # the folder above it
    ],
)
def test_an_explicit_path_may_be_a_file_or_a_folder(tmp_path, given, found):
    touch(tmp_path / "x" / "fer2013.csv")
    touch(tmp_path / "y" / "fer2013" / "icml_face_data.csv")
    (tmp_path / "tree" / "train").mkdir(parents=True)
    (tmp_path / "up" / "fer2013" / "train").mkdir(parents=True)
    assert find(describe("fer2013"), tmp_path / given) == tmp_path / found


def test_an_explicit_path_is_never_replaced_by_another_place(data_dir, tmp_path):
    touch(data_dir / "fer2013.csv")
    with pytest.raises(DataError, match="was not found"):
        find(describe("fer2013"), tmp_path / "elsewhere")


def test_a_missing_set_names_every_place_and_every_remedy(data_dir, monkeypatch):
    monkeypatch.setenv("FER_DATA_DIR", str(data_dir / "gone"))
    with pytest.raises(DataError) as caught:
        find(describe("fer2013"))
    message = str(caught.value)
    assert f"{data_dir / 'gone'} (does not exist)" in message
    assert str(Path.cwd() / "data") in message
    for part in ("`fer data get fer2013`", "set FER_DATA_DIR", "'synthetic'", *LAYOUTS):
        assert part in message


def test_a_download_goes_to_fer_data_dir_or_else_to_the_project(data_dir, monkeypatch):
    assert registry.data_dir() == data_dir
    monkeypatch.delenv("FER_DATA_DIR")
    assert registry.data_dir() == Path.cwd() / "data"
    monkeypatch.setattr(registry, "_checkout", lambda: Path("/project"))
    assert registry.data_dir() == Path("/project/data")


def test_every_entry_tells_its_terms_and_where_it_comes_from():
    for entry in registry.known():
        assert entry.what and entry.terms
        assert bool(entry.home) == bool(entry.layouts)  # only drawn faces have no home


def test_every_known_set_has_a_loader():
    from fer_utils.data.loading import MAKERS, READERS

    assert set(registry.names()) == {*MAKERS, *READERS}


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(ParameterError, match="Did you mean 'ferplus'"):
        describe("fer-plus")
