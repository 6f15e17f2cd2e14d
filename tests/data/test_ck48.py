"""CK+ in the layout of the Kaggle edition, made of a few drawn files."""

import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from fer_utils import data
from fer_utils.data import ck48
from fer_utils.data.registry import describe, find
from fer_utils.errors import DataError
from fer_utils.labels import CKPLUS7

DATA_DIR = os.environ.get("FER_DATA_DIR")  # before conftest hides it from the tests
FOLDERS = CKPLUS7.published


def picture(tiny, number, side=48):
    pixels = np.random.default_rng(number).integers(0, 256, (side, side), np.uint8)
    return tiny.jpeg(pixels, "PNG")


@pytest.fixture
def files(tiny):
    """Return {relative path: png}: 12 subjects, each with two of the seven emotions."""
    found = {}
    for person in range(12):
        for take in (1, 2):
            folder = FOLDERS[(person + 3 * take) % 7]
            name = f"S{person + 5:03d}_{take:03d}_000000{10 + take}.png"
            found[f"{folder}/{name}"] = picture(tiny, len(found))
    return found


@pytest.fixture
def folder(tiny, data_dir, files):
    return tiny.write_tree(data_dir / "CK+48", files)


def zipped(path, files, root="CK+48/"):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(root + name, content)
    return path


@pytest.mark.parametrize("cache", [True, False])
def test_each_face_knows_its_class_its_subject_and_its_sequence(folder, files, cache):
    from fer_utils.data.image_tree import grey_image

    for _ in range(2):  # cold and warm
        faces = data.load("ck48", cache=cache)
        assert faces.classes == CKPLUS7.classes and "contempt" in faces.classes
        assert (len(faces), faces.name, faces.notice) == (24, "ck48", "")
        for i, path in enumerate(sorted(files, key=lambda p: p.split("/")[1])):
            label, name = path.split("/")
            assert CKPLUS7.published[faces.labels[i]] == label
            assert faces.facts["subject"][i] == name[:4]
            assert faces.facts["sequence"][i] == name[:8]
            np.testing.assert_array_equal(faces.pixels[i], grey_image(files[path], 48))


def test_a_zip_and_its_folder_give_the_same_faces(folder, files, tmp_path):
    path = zipped(tmp_path / "ck48.zip", files)
    unpacked, packed = data.load("ck48"), data.load("ck48", path=path)
    assert unpacked.content_hash == packed.content_hash
    assert unpacked.split_hash == packed.split_hash


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, "data/CK+48"),  # in a data folder
        ("data", "data/CK+48"),  # the data folder itself
        ("data/CK+48", "data/CK+48"),  # the folder of the classes
        ("mine", "mine"),  # the same under another name
    ],
)
def test_the_folder_is_found_where_a_person_would_put_it(
    tiny, folder, files, tmp_path, given, found
):
    tiny.write_tree(tmp_path / "mine", files)
    path = given and tmp_path / given
    assert find(describe("ck48"), path) == tmp_path / found


@pytest.mark.parametrize("root", ["", "CK+48/", "archive/CK+48/"])
def test_a_zip_may_hold_the_class_folders_at_any_depth(files, tmp_path, root):
    path = zipped(tmp_path / "some.zip", files, root)
    assert len(data.load("ck48", path=path)) == 24


def test_a_zip_that_holds_the_tree_twice_is_read_once(files, tmp_path):
    path = tmp_path / "ck48.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"ck/CK+48/{name}", content)
            archive.writestr(f"CK+48/{name}", content)
            archive.writestr(f"__MACOSX/CK+48/{name}", b"junk")
    assert len(data.load("ck48", path=path)) == 24


def test_no_subject_is_in_two_parts_of_the_loaded_split(folder):
    faces = data.load("ck48")
    who = {s: set(faces.part(s).facts["subject"]) for s in data.SPLITS}
    assert all(who.values())
    assert not who["train"] & who["val"] | who["train"] & who["test"]
    assert not who["val"] & who["test"]


@pytest.mark.parametrize("n", [1, 2, 4])  # of one or two subjects: nothing to split
def test_too_few_subjects_are_all_test(tiny, data_dir, files, n):
    tiny.write_tree(data_dir / "CK+48", dict(list(files.items())[:n]))
    faces = data.load("ck48")
    assert len(faces.test) == len(faces) == n


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("bored/S005_003_00000001.png", None, "among anger.* received 'bored'"),
        ("fear/1.png", None, "subject, sequence and frame .* received '1.png'"),
        ("fear/S05_003_00000001.png", None, "received 'S05_003_00000001.png'"),
        ("fear/S005_003_00000001.txt", b"hello", "received 'S005_003_00000001.txt'"),
        ("fear/S005_003_00000001.png", b"hello", "expected an image, received some"),
        ("fear/S005_003_00000001.png", b"", "expected an image, received an empty"),
        ("fear/S005_003_00000001.png", 47, "48 x 48 pixels, received 47 x 47"),
    ],
)
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_bad_file_is_named_with_its_reason(
    tiny, data_dir, files, path, content, message, kind
):
    if content is None or isinstance(content, int):
        content = picture(tiny, 99, content or 48)
    bad = {**files, path: content}
    if kind == "zip":
        zipped(data_dir / "ck48.zip", bad)
    else:
        tiny.write_tree(data_dir / "CK+48", bad)
    with pytest.raises(DataError, match=message) as caught:
        data.load("ck48")
    assert path in str(caught.value) and "1 file is bad in all" in str(caught.value)
    assert not data.check("ck48").ok
    for _ in range(2):  # the list is kept in the cache too
        with pytest.warns(UserWarning, match=message):
            assert len(data.load("ck48", skip_bad=True)) == 24


def test_a_frame_in_two_class_folders_is_refused_twice(tiny, folder, files):
    name = next(iter(files))
    tiny.write_tree(folder, {f"anger/{name.split('/')[1]}": picture(tiny, 99)})
    with pytest.raises(DataError, match="one class folder, received it in 2.* 2 files"):
        data.load("ck48")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no zip", "cannot be read or is damaged"),
        ("empty", "no image in a folder named anger, contempt"),
    ],
)
def test_a_zip_that_is_not_ck48_says_so(data_dir, content, message):
    path = data_dir / "ck48.zip"
    zipped(path, {}) if content == "empty" else path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        data.load("ck48")


def test_a_zip_cut_off_is_refused(files, data_dir):
    path = zipped(data_dir / "ck48.zip", files)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[whole.find(b"IDAT") + 20] ^= 255  # zip's own checksum no longer holds
    for broken in (whole[: len(whole) // 2], bytes(damaged)):
        path.write_bytes(broken)
        with pytest.raises(DataError, match="damaged"):
            data.load("ck48")


def test_another_kind_of_file_says_what_is_expected(tmp_path):
    path = tmp_path / "ck48.rar"
    path.touch()
    with pytest.raises(DataError, match="expected a .zip file, or the folder CK"):
        data.load("ck48", path=path)


def test_a_missing_set_says_where_to_ask_and_its_terms():
    with pytest.raises(DataError) as caught:
        data.load("ck48")
    for part in ("jeffcohn", "on request", "CK+48", "ck48.zip", "FER_DATA_DIR"):
        assert part in str(caught.value)
    with pytest.raises(DataError, match="cannot be downloaded automatically"):
        data.get("ck48")


def test_two_readers_never_share_a_cache_entry(tmp_path, files):
    path = zipped(tmp_path / "ck48.zip", files)
    data.load("ck48", path=path)
    with pytest.raises(DataError, match="lacks fer2013.csv"):
        data.load("fer2013", path=path)


def test_a_warm_load_needs_neither_pillow_nor_scikit_learn(folder):
    data.load("ck48")
    code = (
        "import sys; sys.modules['PIL'] = sys.modules['sklearn'] = None\n"
        "from fer_utils import data; print(len(data.load('ck48')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "24", done.stderr


def test_the_check_counts_classes_and_subjects(folder):
    result = data.check("ck48")
    text = str(result)
    assert not result.ok and "✗ 0 of 7 counts equal the official ones" in text
    assert ("all", "contempt", 3, 54) in result.wrong_counts()
    assert "12 subjects (published: 118), 24 sequences (published: 327)" in text


def test_desktop_files_are_ignored(tiny, folder):
    tiny.write_tree(folder, {"fear/.DS_Store": b"x", "fear/Thumbs.db": b"x"})
    assert len(data.load("ck48")) == 24


@pytest.mark.parametrize("seed", range(20))
def test_any_damage_to_a_zip_is_a_data_error_or_harmless(files, tmp_path, seed):
    buffer = io.BytesIO()
    zipped(buffer, files)
    content = bytearray(buffer.getvalue())
    rng = np.random.default_rng(seed)
    for place in rng.integers(0, len(content), 3):
        content[place] = rng.integers(256)
    path = tmp_path / "ck48.zip"
    path.write_bytes(content)
    try:
        assert len(data.load("ck48", path=path, cache=False)) <= 24
    except DataError as error:
        assert "ck48.zip" in str(error)


@pytest.mark.realdata
def test_the_real_set_has_its_published_counts_and_subjects():
    try:
        path = find(describe("ck48"), DATA_DIR) if DATA_DIR else None
    except DataError:
        path = None
    if path is None:
        pytest.skip("FER_DATA_DIR does not hold the real CK+")
    result = data.check("ck48", path)
    assert result.ok, str(result)
    assert result.remarks[0].startswith("118 subjects")
    assert sum(result.counts["all"].values()) == 3 * ck48.SEQUENCES
    from fer_utils.evaluation import leakage_demo

    demo = leakage_demo(data.load("ck48", path=path))
    assert demo.by_image > 0.97  # the trap: nothing was understood
    assert demo.by_subject < 0.7
