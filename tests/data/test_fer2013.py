import tarfile
import zipfile

import numpy as np
import pytest

from fer_utils.data import fer2013
from fer_utils.errors import DataError

LINK, HARD_LINK = tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.fixture
def csv(tiny):
    return tiny.csv_text(tiny.rows()).encode()


def write_tar(path, tiny, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content, changes in members:
            tiny.add_to_tar(archive, name, content, **changes)
    return path


def write_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["fer2013.csv", "icml_face_data.csv"])
@pytest.mark.parametrize("packing", ["plain", "tar.gz", "tar", "zip"])
def test_the_csv_reads_the_same_however_it_is_packed(
    tiny, tmp_path, csv, name, packing
):
    path = tmp_path / f"some.{packing}"
    member = f"fer2013/{name}"
    if packing == "plain":
        path = tmp_path / name
        path.write_bytes(csv)
    elif packing == "zip":
        write_zip(path, {"example_submission.csv": "x", member: csv})
    else:
        mode = "w:gz" if packing == "tar.gz" else "w"
        write_tar(path, tiny, [("README", b"hello", {}), (member, csv, {})], mode)
    reading = fer2013.read(path)
    np.testing.assert_array_equal(reading.pixels, tiny.pixels)
    assert reading.labels.tolist() == list(tiny.emotions)
    assert reading.split.tolist() == [0, 0, 1, 2, 0, 0, 1, 2]


@pytest.mark.parametrize("packing", ["folder", "zip", "zip with a folder"])
def test_the_folder_tree_gives_back_the_official_split(tiny, tmp_path, packing):
    if packing == "folder":
        source = tiny.write_tree(tmp_path / "fer2013", tiny.tree())
    else:
        prefix = "archive/" if "with" in packing else ""
        members = {prefix + name: content for name, content in tiny.tree().items()}
        source = write_zip(tmp_path / "archive.zip", members)
    reading = fer2013.read(source)
    # By split, then by number: the numbers fall from 900 as the rows go.
    order = [5, 4, 1, 0, 6, 2, 7, 3]
    assert reading.rows.tolist() == [900 - 100 * i for i in order]
    assert reading.split.tolist() == [0, 0, 0, 0, 1, 1, 2, 2]
    # The classes come from the folder's name, not from its alphabetical position.
    assert reading.labels.tolist() == [tiny.emotions[i] for i in order]
    for found, i in zip(reading.pixels, order, strict=True):
        assert np.abs(found.astype(int) - tiny.smooth(i)).mean() < 3


def test_a_desktop_leaves_files_behind_that_are_not_counted(tiny, tmp_path):
    files = tiny.tree() | {
        "train/happy/.DS_Store": b"x",
        "train/happy/Thumbs.db": b"x",
        "train/notes.txt": b"x",
        "elsewhere/happy/Training_1.jpg": b"x",
    }
    reading = fer2013.read(tiny.write_tree(tmp_path / "fer2013", files))
    assert len(reading.labels) == 8 and not reading.bad


def test_class_folders_may_use_any_known_word(tiny, tmp_path):
    files = {
        name.replace("/angry/", "/Anger/").replace("/sad/", "/sadness/"): content
        for name, content in tiny.tree().items()
    }
    reading = fer2013.read(tiny.write_tree(tmp_path / "fer2013", files))
    assert sorted(reading.labels) == sorted(tiny.emotions)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("train/happy/Training_5.jpg", b"", "received an empty file"),
        ("train/happy/Training_5.jpg", b"not an image", "expected an image"),
        ("train/happy/photo_5.jpg", None, "expected a name like Training_123.jpg"),
        ("train/happy/Training_.jpg", None, "expected a name like"),  # no number
        ("train/happy/Training_5.gif", None, "expected a name like"),  # another kind
        ("train/bored/Training_5.jpg", None, "class folder among angry, disgust"),
        ("test/contempt/PublicTest_5.jpg", None, "'contempt'"),  # not FER2013's
    ],
)
def test_a_bad_file_of_the_tree_is_listed_with_its_reason(
    tiny, tmp_path, name, content, reason
):
    content = tiny.jpeg(tiny.smooth(0)) if content is None else content
    files = tiny.tree() | {name: content}
    reading = fer2013.read(tiny.write_tree(tmp_path / "fer2013", files))
    assert [bad.where for bad in reading.bad] == [name]
    assert reason in reading.bad[0].reason
    assert len(reading.labels) == 8 and reading.noun == "file"


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("../fer2013.csv", {}, "points outside the archive"),
        ("fer2013/../../fer2013.csv", {}, "points outside the archive"),
        ("/etc/fer2013.csv", {}, "points outside the archive"),
        ("..\\fer2013.csv", {}, "points outside the archive"),  # Windows spelling
        ("C:\\fer2013.csv", {}, "points outside the archive"),
        ("fer2013/fer2013.csv", {"type": LINK, "linkname": "/etc/passwd"}, "is a link"),
        ("fer2013/x", {"type": HARD_LINK, "linkname": "fer2013.csv"}, "is a link"),
    ],
)
@pytest.mark.parametrize("place", ["before", "after"])  # the good csv
def test_an_archive_with_a_suspicious_member_is_refused(
    tiny, tmp_path, csv, name, changes, reason, place
):
    content = b"" if changes else csv
    members = [("fer2013/fer2013.csv", csv, {}), (name, content, changes)]
    if place == "before":
        members.reverse()
    path = write_tar(tmp_path / "fer2013.tar.gz", tiny, members)
    with pytest.raises(DataError, match=f"fer2013.tar.gz: the member .* {reason}"):
        fer2013.read(path)


def test_a_zip_with_a_suspicious_member_is_refused(tmp_path, csv):
    path = write_zip(tmp_path / "a.zip", {"fer2013.csv": csv, "../evil": "x"})
    with pytest.raises(DataError, match="points outside the archive"):
        fer2013.read(path)
    link = zipfile.ZipInfo("fer2013/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("fer2013.csv", csv)
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="is a link"):
        fer2013.read(tmp_path / "b.zip")


def test_an_archive_without_the_data_says_what_it_lacks(tiny, tmp_path):
    tar = write_tar(tmp_path / "a.tar.gz", tiny, [("README", b"hello", {})])
    with pytest.raises(DataError, match="a.tar.gz: the archive lacks fer2013.csv"):
        fer2013.read(tar)
    with pytest.raises(DataError, match="a.zip: the archive lacks fer2013.csv"):
        fer2013.read(write_zip(tmp_path / "a.zip", {"README": "hello"}))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",  # an empty download
        lambda content: content[: len(content) // 2],  # a broken-off download
        lambda content: b"<html>sign in</html>",  # a log-in page under that name
        lambda content: content[:200] + bytes(50) + content[250:],  # flipped bytes
    ],
)
@pytest.mark.parametrize("name", ["fer2013.tar.gz", "fer2013.zip"])
def test_a_damaged_archive_is_one_clear_error(tiny, tmp_path, csv, name, damage):
    path = tmp_path / name
    if name.endswith("zip"):
        write_zip(path, {"fer2013/fer2013.csv": csv})
    else:
        write_tar(path, tiny, [("fer2013/fer2013.csv", csv, {})])
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=f"{name}: archive is damaged .*Download it"):
        fer2013.read(path)


def test_a_folder_without_images_says_what_was_expected(tmp_path):
    (tmp_path / "fer2013" / "train" / "happy").mkdir(parents=True)
    with pytest.raises(DataError, match="no image in train/<emotion>/"):
        fer2013.read(tmp_path / "fer2013")


def test_an_unknown_kind_of_file_is_refused(tmp_path):
    (tmp_path / "fer2013.rar").write_bytes(b"x")
    with pytest.raises(DataError, match=r"expected a .csv, .tar.gz or .zip file"):
        fer2013.read(tmp_path / "fer2013.rar")


def test_the_official_counts_add_up():
    totals = {split: sum(n) for split, n in fer2013.OFFICIAL_COUNTS.items()}
    assert totals == {"train": 28709, "val": 3589, "test": 3589}
