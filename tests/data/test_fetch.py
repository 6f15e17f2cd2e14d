import dataclasses
import importlib
import sys
from types import ModuleType

import pytest

from fer_utils import data
from fer_utils.errors import DataError, ParameterError

fetch = importlib.import_module("fer_utils.data.fetch")


@pytest.fixture
def kaggle(monkeypatch, tmp_path, tiny):
    """Stand in for kagglehub: "downloads" the tiny tree into its own cache."""
    folder = tiny.write_tree(tmp_path / "kaggle" / "versions" / "1", tiny.tree())
    module = ModuleType("kagglehub")
    module.handles = []

    def dataset_download(handle):
        module.handles.append(handle)
        return str(folder)

    module.dataset_download, module.folder = dataset_download, folder
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return module


@pytest.fixture
def eight_are_enough(monkeypatch):
    """Let the tiny set pass the check of the official counts."""

    def check(name, path):
        return dataclasses.replace(data.check(name, path), official={})

    monkeypatch.setattr(fetch, "check", check)


def test_get_downloads_into_the_data_folder_where_load_finds_it(
    kaggle, eight_are_enough, data_dir
):
    assert data.get("fer2013") == data_dir / "fer2013"
    assert kaggle.handles == ["msambare/fer2013"]
    assert len(data.load("fer2013")) == 8
    left = sorted(p.name for p in (data_dir / "fer2013").iterdir())
    assert left == ["test", "train"]  # no half-copied part


def test_get_does_nothing_when_the_set_is_there(kaggle, eight_are_enough):
    first = data.get("fer2013")
    assert data.get("fer2013") == first
    assert len(kaggle.handles) == 1


def test_a_download_may_also_be_a_csv(kaggle, eight_are_enough, data_dir, tiny):
    for child in ("train", "test"):
        (kaggle.folder / child).rename(kaggle.folder.parent / child)
    (kaggle.folder / "fer2013.csv").write_text(tiny.csv_text(tiny.rows()))
    assert data.get("fer2013") == data_dir / "fer2013" / "fer2013.csv"
    assert len(data.load("fer2013")) == 8


def test_a_copy_that_was_killed_is_made_anew(kaggle, eight_are_enough, data_dir):
    half = data_dir / "fer2013" / ".train.part" / "happy"
    half.mkdir(parents=True)
    (half / "Training_77.jpg").write_bytes(b"half")
    data.get("fer2013")
    assert len(data.load("fer2013")) == 8


def test_a_download_that_is_not_whole_is_refused(kaggle, data_dir):
    with pytest.raises(DataError, match="is not the whole fer2013:(.|\n)*0 of 21"):
        data.get("fer2013")
    assert not (data_dir / "fer2013").exists()


def test_a_broken_set_that_is_there_is_named_and_not_replaced(kaggle, data_dir, tiny):
    path = data_dir / "fer2013.csv"
    path.write_text(tiny.csv_text(tiny.rows()))
    with pytest.raises(DataError, match="Remove or rename it, then run `fer data get"):
        data.get("fer2013")
    assert path.exists() and kaggle.handles == []


def test_without_a_network_the_way_by_hand_is_told(kaggle, data_dir):
    def offline(handle):
        raise ConnectionError("no route to host")

    kaggle.dataset_download = offline
    with pytest.raises(DataError) as caught:
        data.get("fer2013")
    message = str(caught.value)
    for part in (
        "could not be downloaded (ConnectionError: no route to host)",
        "https://www.kaggle.com/datasets/msambare/fer2013 in a browser",
        str(data_dir / "fer2013.zip"),
        "`fer data check fer2013`",
    ):
        assert part in message


def test_without_kagglehub_the_package_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(DataError, match="pip install kagglehub. By hand: open"):
        data.get("fer2013")


def test_a_folder_that_cannot_be_written_is_named(
    kaggle, eight_are_enough, tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(DataError, match="could not be copied .*Set FER_DATA_DIR"):
        data.get("fer2013")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("synthetic", ParameterError, "needs no download"),
        ("rafdb", DataError, "cannot be downloaded .* Ask for it at http"),
        ("fer213", ParameterError, "Did you mean 'fer2013'"),
    ],
)
def test_what_cannot_be_fetched_says_why(name, error, message):
    with pytest.raises(error, match=message):
        data.get(name)


def test_the_message_for_a_download_by_hand_is_true(tiny, data_dir):
    import zipfile

    with zipfile.ZipFile(data_dir / "fer2013.zip", "w") as archive:
        for name, content in tiny.tree().items():
            archive.writestr(name, content)
    assert len(data.load("fer2013")) == 8
