"""RAF-DB in its two layouts, made by code, whole and broken."""

import numpy as np
import pytest
from PIL import Image

from fer_utils import data
from fer_utils.errors import DataError

LIST = "EmoLabel/list_patition_label.txt"


def picture(path, shade=120):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (100, 100), (shade, 60, 30)).save(path)


def published(root, n=28):
    """Write the layout as published: n training images and 7 test images."""
    lines = []
    for part, count in (("train", n), ("test", 7)):
        for i in range(count):
            picture(root / f"Image/aligned/{part}_{i:05d}_aligned.jpg", 20 * (i % 7))
            lines.append(f"{part}_{i:05d}.jpg {i % 7 + 1}")
    (root / "EmoLabel").mkdir()
    (root / LIST).write_text("\n".join(lines) + "\n")
    return root


def folders(root, n=28):
    """Write the layout of class folders."""
    for part, count in (("train", n), ("test", 7)):
        for i in range(count):
            picture(root / f"DATASET/{part}/{i % 7 + 1}/{part}_{i:05d}_aligned.jpg")
    return root


@pytest.mark.parametrize("write", [published, folders])
def test_both_layouts_give_the_same_set(write, tmp_path):
    faces = data.load("rafdb", path=write(tmp_path / "rafdb"), side=48)
    assert faces.classes[0] == "surprise"  # code 1
    assert faces.counts()["test"] == dict.fromkeys(faces.classes, 1)
    assert [len(faces.part(p)) for p in ("train", "val", "test")] == [21, 7, 7]
    assert faces.images().shape == (35, 48, 48, 3)
    assert abs(int(faces.images()[0][..., 1].mean()) - 60) <= 2


def test_grey_images_and_another_seed(tmp_path):
    root = published(tmp_path / "RAF-DB", 70)
    one, other = (
        data.load("rafdb", path=root, colour=False, seed=seed) for seed in (0, 1)
    )
    assert one.images().shape[1:] == (100, 100, 1)
    assert len(one.val) == len(other.val)
    assert not np.array_equal(one.split, other.split)


def replace_line(root, number, line):
    path = root / LIST
    lines = path.read_text().splitlines()
    lines[number] = line
    path.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (
            lambda r: replace_line(r, 2, "train_00002.jpg 9"),
            "row 3: .*from 1 to 7.*'9'",
        ),
        (
            lambda r: replace_line(r, 2, "train_00002.jpg 0"),
            "from 1 to 7, received '0'",
        ),
        (lambda r: replace_line(r, 2, "train_00002.jpg x"), "received 'x'"),
        (lambda r: replace_line(r, 2, "train_00002.jpg"), "like 'train_00001.jpg 5'"),
        (lambda r: replace_line(r, 2, "val_00002.jpg 3"), "received 'val_00002.jpg 3'"),
        (
            lambda r: (r / "Image/aligned/train_00004_aligned.jpg").unlink(),
            "row 5: .*train_00004_aligned.jpg is not there",
        ),
        (lambda r: (r / LIST).write_text(""), "names no image"),
        (lambda r: (r / LIST).write_bytes(b"\xff\xfe\x00"), "cannot be read as text"),
        (lambda r: (r / LIST).unlink(), "neither of RAF-DB's layouts"),
        (lambda r: (r / "Image").rename(r / "Images"), "Unpack aligned.zip"),
    ],
)
def test_a_broken_set_says_what_is_wrong_and_where(harm, message, tmp_path):
    root = published(tmp_path / "rafdb")
    harm(root)
    with pytest.raises(DataError, match=message):
        data.load("rafdb", path=root)


def test_bad_lines_can_be_left_out(tmp_path):
    root = published(tmp_path / "rafdb")
    replace_line(root, 2, "train_00002.jpg 9")
    with pytest.warns(UserWarning, match="dropped 1 bad row, kept 34"):
        faces = data.load("rafdb", path=root, skip_bad=True)
    assert len(faces) == 34


def test_a_folder_that_is_no_class_is_named(tmp_path):
    root = folders(tmp_path / "rafdb")
    picture(root / "DATASET/train/happy/x.jpg")
    with pytest.raises(DataError, match="folder 1 to 7, received 'happy'"):
        data.load("rafdb", path=root)


def test_an_image_that_is_none_is_named_when_it_is_read(tmp_path):
    root = published(tmp_path / "rafdb")
    (root / "Image/aligned/train_00003_aligned.jpg").write_text("text")
    faces = data.load("rafdb", path=root)
    with pytest.raises(DataError, match="train_00003_aligned.jpg: expected an image"):
        np.asarray(faces.pixels)
    assert "train_00003_aligned.jpg" in str(data.check("rafdb", path=root))


@pytest.mark.parametrize("seed", range(12))
def test_any_damage_to_the_list_is_an_error_of_the_kit_or_none(seed, tmp_path):
    root, rng = published(tmp_path / "rafdb", 14), np.random.default_rng(seed)
    content = bytearray((root / LIST).read_bytes())
    for _ in range(rng.integers(1, 6)):
        content[rng.integers(len(content))] = rng.integers(256)
    (root / LIST).write_bytes(bytes(content[: rng.integers(1, len(content))]))
    try:
        assert len(data.load("rafdb", path=root)) > 0
    except DataError as error:
        assert "rafdb" in str(error)
