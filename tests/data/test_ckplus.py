"""CK+ as published: a made copy of its folders, whole and broken."""

import numpy as np
import pytest
from PIL import Image

from fer_utils import data
from fer_utils.data import ck48
from fer_utils.errors import DataError
from fer_utils.labels import CKPLUS

FACE = (200, 120, 220)  # left, top and side of the face's points, in pixels
EMOTION = "Emotion/S005/001/S005_001_00000006_emotion.txt"
FRAMES = "cohn-kanade-images/S005/001"
POINTS = "Landmarks/S005/001/S005_001_00000006_landmarks.txt"


def frame(path, shade):
    """Write a frame of 640 x 490 pixels: a bright face on dark ground."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((490, 640), 10, np.uint8)
    left, top, side = FACE
    image[top : top + side, left : left + side] = shade
    Image.fromarray(image).save(path)


def landmarks(path):
    """Write 68 points on the edge of the face."""
    path.parent.mkdir(parents=True, exist_ok=True)
    left, top, side = FACE
    around = np.linspace(0, 2 * np.pi, 68)
    x = left + side / 2 * (1 + np.cos(around))
    y = top + side / 2 * (1 + np.sin(around))
    path.write_text("\n".join(f" {a:.7e} {b:.7e}" for a, b in zip(x, y, strict=True)))


def sequence(root, subject, take, code, length=6):
    """Write the frames of a sequence, its landmarks and, if it has one, its label."""
    below = f"S{subject:03d}/{take:03d}"
    stem = f"S{subject:03d}_{take:03d}"
    for number in range(1, length + 1):
        name = f"{stem}_{number:08d}"
        frame(root / "cohn-kanade-images" / below / f"{name}.png", 60 + 20 * number)
        landmarks(root / "Landmarks" / below / f"{name}_landmarks.txt")
    folder = root / "Emotion" / below
    folder.mkdir(parents=True)
    if code:
        text = f"   {code:.7e}\n"
        (folder / f"{stem}_{length:08d}_emotion.txt").write_text(text)


def published(root, people=10):
    """Write two labelled sequences and one without a label for each subject."""
    for person in range(people):
        sequence(root, 5 + person, 1, person % 7 + 1)
        sequence(root, 5 + person, 2, (person + 3) % 7 + 1)
        sequence(root, 5 + person, 4, None)
    return root


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return published(tmp_path_factory.mktemp("data") / "ckplus")


@pytest.fixture
def small(tmp_path):
    """Return a copy with two labelled sequences, to break."""
    root = tmp_path / "ckplus"
    sequence(root, 5, 1, 3)
    sequence(root, 6, 1, 7)
    return root


def test_a_labelled_sequence_gives_a_neutral_frame_and_three_of_its_peak(whole):
    faces = data.load("ckplus", path=whole)
    assert faces.classes == CKPLUS.classes and faces.classes[0] == "neutral"
    assert len(faces) == 4 * 20  # the sequences without a label are passed over
    assert (faces.labels == 0).sum() == 20
    first = faces.take(faces.facts["sequence"] == "S005_001")
    assert first.labels.tolist() == [0, 1, 1, 1]
    assert (first.rows % 10**8).tolist() == [1, 4, 5, 6]
    centre = first.pixels[:, 24, 24].tolist()
    assert centre == [80, 140, 160, 180]  # of those frames


def test_the_rows_are_those_of_the_copy_of_48_pixels(small):
    rows = data.load("ckplus", path=small).rows
    assert rows[1] == ck48.row_of("S005_001_00000004.png")


def test_the_split_is_by_subject(whole):
    one, other = (data.load("ckplus", path=whole, seed=seed) for seed in (0, 1))
    parts = [set(one.part(p).facts["subject"]) for p in ("train", "val", "test")]
    assert all(parts) and sum(map(len, parts)) == len(set.union(*parts)) == 10
    assert not np.array_equal(one.split, other.split)
    assert len(data.subject_folds(one, k=5)) == 5


def test_two_subjects_are_too_few_to_split(small):
    assert set(data.load("ckplus", path=small).split) == {"test"}


def test_the_face_is_cut_out_unless_the_whole_frame_is_wanted(small):
    face, frame_ = (data.load("ckplus", path=small, crop=c) for c in (True, False))
    bright = (face.pixels[0] > 40).mean(), (frame_.pixels[0] > 40).mean()
    assert bright[0] == pytest.approx(1 / 1.2**2, abs=0.05)
    assert bright[1] == pytest.approx(220 * 220 / (640 * 490), abs=0.03)
    above, below = (face.pixels[0] > 40).any(axis=1).nonzero()[0][[0, -1]]
    assert above > 47 - below  # more forehead than neck


def test_size_and_colour(small):
    faces = data.load("ckplus", path=small, side=64, colour=True)
    assert faces.pixels.shape == (8, 64, 64, 3)


@pytest.mark.parametrize(
    "place",
    [
        "ckplus",
        "ckplus/cohn-kanade-images",
        "",
    ],
)
def test_its_folder_may_be_named_in_several_ways(small, place):
    path = small.parent / place
    assert len(data.load("ckplus", path=path)) == 8


def test_archives_may_be_unpacked_into_folders_of_their_names(small):
    for old, new in (
        ("cohn-kanade-images", "extended-cohn-kanade-images/cohn-kanade-images"),
        ("Emotion", "Emotion_labels/Emotion"),
        ("Landmarks", "Landmarks_/Landmarks"),
    ):
        (small / new).parent.mkdir()
        (small / old).rename(small / new)
    (small / "Landmarks_").rename(small / "Landmarks")
    assert len(data.load("ckplus", path=small)) == 8
    inner = small / "extended-cohn-kanade-images" / "cohn-kanade-images"
    assert len(data.load("ckplus", path=inner)) == 8


def test_it_is_found_in_the_data_folder_and_checked(small, monkeypatch):
    monkeypatch.setenv("FER_DATA_DIR", str(small.parent))
    checked = data.check("ckplus")
    assert checked.ok and checked.counts["test"]["disgust"] == 3
    assert "✓ ckplus" in str(data.listing())


def test_it_can_be_mixed(small, monkeypatch):
    monkeypatch.setenv("FER_DATA_DIR", str(small.parent))
    mix = data.load("synthetic-tiny+ckplus")
    assert (mix.facts["source"] == "ckplus").sum() == 8


def rewrite(place, text):
    return lambda root: (root / place).write_text(text)


def remove(place):
    return lambda root: (root / place).unlink()


def rename(old, new):
    return lambda root: (root / old).rename(root / new)


def few_frames(root):
    for number in (1, 2, 3):
        (root / f"{FRAMES}/S005_001_{number:08d}.png").unlink()


BROKEN = {
    "a code of no class": (rewrite(EMOTION, "8.0"), "from 1 to 7, received '8.0'"),
    "neutral as a label": (rewrite(EMOTION, "0"), "from 1 to 7, received '0'"),
    "half a class": (rewrite(EMOTION, "2.5"), "received '2.5'"),
    "not a number": (rewrite(EMOTION, "nan"), "received 'nan'"),
    "an empty label": (rewrite(EMOTION, ""), "received ''"),
    "a label of another name": (
        rename(EMOTION, EMOTION.replace("S005_001", "S05_1")),
        "expected a name like S010_004_00000019_emotion.txt",
    ),
    "no frames": (
        rename(FRAMES, "elsewhere"),
        f"expected 4 frames or more in {FRAMES}, received 0",
    ),
    "too few frames": (few_frames, "received 3"),
    "the peak is missing": (
        remove(f"{FRAMES}/S005_001_00000006.png"),
        "it is of frame 00000006, but the last one .* is S005_001_00000005.png",
    ),
    "a damaged frame": (
        rewrite(f"{FRAMES}/S005_001_00000005.png", "x"),
        "S005_001_00000005.png: expected an image",
    ),
    "no landmarks of a frame": (remove(POINTS), "landmarks .* are not there"),
    "too few points": (rewrite(POINTS, "1.0 2.0\n"), "68 lines of two numbers"),
    "points that are words": (rewrite(POINTS, "a b\n" * 68), "68 lines of two numbers"),
    "points that are no text": (
        lambda root: (root / POINTS).write_bytes(b"\xff\x00"),
        "68 lines of two numbers",
    ),
    "points outside of the frame": (
        rewrite(POINTS, "5000 5000\n5100 5100\n" * 34),
        "outside the 640 x 490 image",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_sequence_is_named_or_left_out(what, small):
    harm, message = BROKEN[what]
    harm(small)
    with pytest.raises(DataError, match=message) as raised:
        data.load("ckplus", path=small)
    assert "1 bad file" in str(raised.value) or "1 file is bad" in str(raised.value)
    with pytest.warns(UserWarning, match="dropped 1 bad file"):
        faces = data.load("ckplus", path=small, skip_bad=True)
    one_frame = what in ("a damaged frame", "points outside of the frame")
    assert len(faces) == (7 if one_frame else 4)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("cohn-kanade-images", "expected CK\\+ as published"),
        ("Emotion", "not the folder Emotion.*Unpack Emotion_labels.zip"),
        ("Landmarks", "folder Landmarks.*crop=False"),
    ],
)
def test_a_missing_folder_is_named(missing, message, small):
    rename(missing, "elsewhere")(small)
    with pytest.raises(DataError, match=message):
        data.load("ckplus", path=small)


def test_whole_frames_need_no_landmarks(small):
    rename("Landmarks", "elsewhere")(small)
    assert len(data.load("ckplus", path=small, crop=False)) == 8


def test_no_label_at_all(tmp_path):
    sequence(tmp_path / "ckplus", 5, 1, None)
    with pytest.raises(DataError, match="no sequence in Emotion has a label"):
        data.load("ckplus", path=tmp_path / "ckplus")


def test_a_side_out_of_range(small):
    from fer_utils.errors import ParameterError

    with pytest.raises(ParameterError, match="side=4"):
        data.load("ckplus", path=small, side=4)
