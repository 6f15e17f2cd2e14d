"""Pixels on disk look like an array, are read when indexed, and never by accident."""

import numpy as np
import pytest

from fer_utils.data import image_files
from fer_utils.data.duplicates import find_duplicates
from fer_utils.data.faceset import FaceSet
from fer_utils.data.image_files import ImageFiles, blocks
from fer_utils.errors import DataError, ParameterError

PIL = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(0)


def picture(number, side=16, channels=3):
    shape = (side, side, channels) if channels == 3 else (side, side)
    return np.random.default_rng(number).integers(0, 256, shape).astype(np.uint8)


def folder_of(tmp_path, n=6, channels=3, side=16):
    """Write n lossless images; return ImageFiles and the pixels."""
    pixels = np.array([picture(i, side, channels) for i in range(n)])
    names = [f"{i % 2}/{i}.png" for i in range(n)]
    for name, image in zip(names, pixels, strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        PIL.fromarray(image).save(tmp_path / name)
    return ImageFiles(tmp_path, names, side, channels == 3), pixels


def face_set(files, n=6):
    split = np.array(["train", "train", "val", "test", "test", "test"])[:n]
    return FaceSet(files, np.arange(n) % 2, split, ("happy", "sad"))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "key",
    [
        0,
        -1,
        slice(1, 4),
        slice(0, 0),  # nothing
        [4, 0, 0],  # any order, twice
        np.array([True, False, True, False, False, True]),
        np.arange(6),
    ],
    ids=str,
)
def test_an_index_reads_what_an_array_would_give(tmp_path, channels, key):
    files, pixels = folder_of(tmp_path, channels=channels)
    assert (files.shape, files.ndim, len(files)) == (
        pixels.shape,
        pixels.ndim,
        len(pixels),
    )
    assert files.dtype == pixels.dtype and files.nbytes == pixels.nbytes
    found = files[key]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, pixels[key])


def test_views_read_nothing(tmp_path, monkeypatch):
    files, pixels = folder_of(tmp_path)
    monkeypatch.setattr(image_files, "_pixels", None)  # reading would fail
    faces = face_set(files)
    parts = [faces.train, faces.take([5, 2]), faces.sample(4), faces.subset(2)]
    assert [len(p.images()) for p in parts] == [2, 2, 5, 6]
    assert parts[1].pixels.names == ["1/5.png", "0/2.png"]
    assert faces.content_hash and "16x16x3" in repr(faces)


def test_grey_images_get_their_channel_axis_unread(tmp_path):
    files, pixels = folder_of(tmp_path, channels=1)
    images = face_set(files).test.images()
    assert images.shape == (3, 16, 16, 1)
    np.testing.assert_array_equal(images[1:], pixels[4:, ..., None])


def test_loaded_pixels_are_an_array(tmp_path):
    files, pixels = folder_of(tmp_path)
    loaded = face_set(files).loaded()
    assert isinstance(loaded.pixels, np.ndarray)
    np.testing.assert_array_equal(loaded.pixels, pixels)
    assert loaded.loaded() is loaded


def test_too_much_is_not_read_by_accident(tmp_path, monkeypatch):
    files, pixels = folder_of(tmp_path)
    monkeypatch.setattr(image_files, "MOST_BYTES", 2 * 16 * 16 * 3)
    for accident in (
        lambda: np.asarray(files),
        lambda: files[:],
        lambda: files[[0] * 3],
    ):
        with pytest.raises(DataError, match=r"GB of memory. Read a part"):
            accident()
    np.testing.assert_array_equal(files[:2], pixels[:2])
    np.testing.assert_array_equal(files.load(), pixels)  # asked for


def test_small_sets_become_arrays(tmp_path):
    files, pixels = folder_of(tmp_path)
    np.testing.assert_array_equal(np.asarray(files), pixels)
    assert np.asarray(files, np.float32).dtype == np.float32


@pytest.mark.parametrize(
    ("mode", "colour", "form"),
    [
        ("RGB", False, "png"),  # colour to grey
        ("L", True, "png"),  # grey to colour
        ("P", True, "png"),  # a palette
        ("RGBA", True, "png"),
        ("CMYK", True, "jpg"),
        ("I;16", False, "png"),  # 16 bits
        ("1", False, "png"),
    ],
)
def test_every_kind_of_image_becomes_what_was_asked_for(tmp_path, mode, colour, form):
    PIL.new(mode, (30, 20)).save(tmp_path / f"a.{form}")
    image = ImageFiles(tmp_path, [f"a.{form}"], 16, colour)[0]
    assert image.shape == ((16, 16, 3) if colour else (16, 16))


@pytest.mark.parametrize("colour", [True, False])
def test_a_large_jpeg_shrinks_to_nearly_the_same_picture(tmp_path, colour):
    y, x = np.mgrid[:200, :200] / 200
    smooth = np.stack([255 * x, 255 * y, 255 * (1 - x)], -1).astype(np.uint8)
    PIL.fromarray(smooth).save(tmp_path / "a.jpg", quality=95)
    found = ImageFiles(tmp_path, ["a.jpg"], 24, colour)[0].astype(int)
    mode = "RGB" if colour else "L"
    whole = PIL.fromarray(smooth).convert(mode)
    wanted = np.asarray(whole.resize((24, 24), PIL.Resampling.BILINEAR)).astype(int)
    assert np.abs(found - wanted).max() <= 6


@pytest.mark.parametrize("form", ["png", "jpg"])
@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((40, 0, 40, 80), 200),  # the right half
        ((0, 0, 40, 80), 50),
        ((40, 0, 400, 800), 200),  # as far as the image goes
        ((-40, -9, 80, 99), 50),
    ],
)
def test_a_box_shows_its_part(tmp_path, form, box, expected):
    halves = np.full((80, 80), 50, np.uint8)
    halves[:, 40:] = 200
    PIL.fromarray(halves).save(tmp_path / f"a.{form}", quality=95)
    files = ImageFiles(tmp_path, [f"a.{form}"], 8, False, boxes=np.array([box]))
    inside = files[0][:, 1:-1]  # jpeg blurs the border
    assert np.abs(inside.astype(int) - expected).max() <= 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"b\.jpg: expected an image: the file is empty"),
        (b"I am a text, not a face", r"b\.jpg: expected an image: this is no image"),
        (b"\xff\xd8\xff\xe0 cut off", r"b\.jpg: expected an image"),
        (None, r"b\.jpg is not there"),
    ],
)
def test_a_damaged_image_is_named_and_never_filled_in(tmp_path, content, message):
    PIL.fromarray(picture(0)).save(tmp_path / "a.jpg")
    if content is not None:
        (tmp_path / "b.jpg").write_bytes(content)
    files = ImageFiles(tmp_path, ["a.jpg", "b.jpg"], 16)
    assert files[0].shape == (16, 16, 3)
    with pytest.raises(DataError, match=message):
        files[:]
    assert [bad.where for bad in files.damaged()] == ["b.jpg"]


def test_a_jpeg_that_ends_early_is_named(tmp_path):
    PIL.fromarray(picture(0, 64)).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"a\.jpg: expected an image: .*truncated"):
        ImageFiles(tmp_path, ["a.jpg"], 32)[0]


def test_a_box_outside_its_image_is_an_error(tmp_path):
    PIL.fromarray(picture(0)).save(tmp_path / "a.png")
    files = ImageFiles(tmp_path, ["a.png"], 16, boxes=np.array([[20, 0, 5, 5]]))
    with pytest.raises(DataError, match=r"a\.png.*outside the 16 x 16 image"):
        files[0]


@pytest.mark.parametrize("side", [7, 1025, 48.0, True, "48"])
def test_a_side_out_of_range_is_refused(tmp_path, side):
    with pytest.raises(ParameterError, match="side="):
        ImageFiles(tmp_path, [], side)


def test_boxes_of_another_number_are_refused(tmp_path):
    with pytest.raises(DataError, match="one box per image"):
        ImageFiles(tmp_path, ["a.png"], 16, boxes=np.zeros((2, 4)))


def test_the_hash_follows_names_sizes_and_the_way_of_reading(tmp_path):
    files, _ = folder_of(tmp_path)
    hashes = {files.fingerprint(), ImageFiles(tmp_path, files.names, 16).fingerprint()}
    assert len(hashes) == 1
    boxes = np.tile([0, 0, 8, 8], (6, 1))
    for other in (
        ImageFiles(tmp_path, files.names, 8),
        ImageFiles(tmp_path, files.names, 16, False),
        ImageFiles(tmp_path, files.names, 16, boxes=boxes),
        files.view([1, 0]),
    ):
        hashes.add(other.fingerprint())
    with (tmp_path / "0/0.png").open("ab") as file:
        file.write(b"more")
    hashes.add(files.fingerprint())
    assert len(hashes) == 6
    (tmp_path / "0/0.png").unlink()
    with pytest.raises(DataError, match="is not there"):
        files.fingerprint()


def test_the_hash_of_a_moved_folder_is_the_same(tmp_path):
    (tmp_path / "a").mkdir()
    files, _ = folder_of(tmp_path / "a")
    before = face_set(files).content_hash
    (tmp_path / "a").rename(tmp_path / "b")
    moved = ImageFiles(tmp_path / "b", files.names, 16)
    assert face_set(moved).content_hash == before


@pytest.mark.parametrize("size", [1, 2, 4, 6, 99])
def test_blocks_are_all_the_images_in_order(tmp_path, size):
    files, pixels = folder_of(tmp_path)
    found = list(blocks(files, size))
    assert max(map(len, found)) <= size
    np.testing.assert_array_equal(np.concatenate(found), pixels)
    assert [b is pixels for b in blocks(pixels, size)] == [True]  # an array is whole


def test_an_empty_set_is_one_empty_block(tmp_path):
    files = ImageFiles(tmp_path, [], 16)
    assert [block.shape for block in blocks(files, 3)] == [(0, 16, 16, 3)]
    assert len(find_duplicates(face_set(files, 0))) == 0


@pytest.mark.parametrize("near", [False, True])
def test_duplicates_are_found_on_disk_as_in_memory(tmp_path, near, monkeypatch):
    from fer_utils.data import duplicates

    files, _ = folder_of(tmp_path)
    PIL.fromarray(picture(0)).save(tmp_path / "1/5.png")  # test copies train
    monkeypatch.setattr(duplicates, "_BLOCK", 2)
    found = find_duplicates(face_set(files), near)
    wanted = find_duplicates(face_set(files).loaded(), near)
    np.testing.assert_array_equal(found.groups, wanted.groups)
    assert found.also_in_train().tolist() == [False] * 5 + [True]
