"""AffectNet's three layouts, made by code, give one and the same FaceSet."""

import pickle
import re

import numpy as np
import pytest

from fer_utils import labels
from fer_utils.data import affectnet
from fer_utils.data.affectnet_listing import expression_code
from fer_utils.data.faceset import FaceSet
from fer_utils.data.image_files import ImageFiles
from fer_utils.errors import DataError, ParameterError

PIL = pytest.importorskip("PIL.Image")

# Of each class four images to learn from and one to test on, and three that are left
# out; in real numbers' order: neutral, happy, sad, surprise, fear, disgust, anger, …
TRAIN = [code for code in range(8) for _ in range(4)] + [8, 9, 10]
TEST = list(range(8)) + [9]
HEADER = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    "expression,valence,arousal"
)


def paint(path, code, form="JPEG"):
    """Write an image whose colour tells the code: 20 by code in red, blue 100."""
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.new("RGB", (24, 24), (20 * code, 50, 100)).save(path, form, quality=95)


def csv_rows(codes, part):
    return [
        f"{part}{i % 3}/{part}{i}.jpg,2,3,20,20,1.0;2.0,{code},0.1,-0.2"
        for i, code in enumerate(codes)
    ]


def lists(root, header=HEADER, lists="Manually_Annotated_file_lists"):
    images = root / "Manually_Annotated_Images"
    for part, codes in (("training", TRAIN), ("validation", TEST)):
        for row, code in zip(csv_rows(codes, part), codes, strict=True):
            paint(images / row.split(",")[0], code)
        (root / lists).mkdir(parents=True, exist_ok=True)
        text = "\n".join([header, *csv_rows(codes, part), ""]).lstrip()
        (root / lists / f"{part}.csv").write_text(text)
    return root


KINDS = (str, int, float, lambda c: np.array([c]), lambda c: str(c).encode())


def annotations(root):
    for part, codes in (("train_set", TRAIN), ("val_set", TEST)):
        (root / part / "annotations").mkdir(parents=True)
        for i, code in enumerate(codes):
            paint(root / part / f"images/{i}.jpg", code)
            value = KINDS[i % len(KINDS)](code)  # text, numbers, 0-d and 1-d
            np.save(root / part / f"annotations/{i}_exp.npy", value)
            np.save(root / part / f"annotations/{i}_val.npy", "0.1")  # not of interest
    return root


def folders(root, name=str, parts=("train", "val")):
    for part, codes in zip(parts, (TRAIN, TEST), strict=True):
        for i, code in enumerate(codes):
            paint(root / part / name(code) / f"{part}{i}.jpg", code)
    return root


def emotion_name(code):
    names = ("Neutral", "happy", "SAD", "surprise", "Fear", "disgust", "anger")
    return (*names, "contempt", "None", "uncertain", "no-face")[code]


LAYOUTS = {
    "lists": lists,
    "lists beside the images": lambda root: lists(root, lists=""),
    "lists without a header": lambda root: lists(root, header=""),
    "annotations": annotations,
    "numbered folders": folders,
    "named folders": lambda root: folders(root, emotion_name, ("Train", "Test")),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("classes", [7, 8])
def test_every_layout_gives_the_same_set(tmp_path, layout, classes):
    faces = affectnet.load(LAYOUTS[layout](tmp_path), classes=classes, side=16)
    assert faces.classes == labels.vocabulary(f"affectnet{classes}").classes
    assert isinstance(faces.pixels, ImageFiles)
    assert faces.pixels.shape == (5 * classes, 16, 16, 3)
    for split, each in (("train", 3), ("val", 1), ("test", 1)):
        assert set(faces.counts()[split].values()) == {each}
    reds = faces.pixels[:][..., 0].mean((1, 2))
    np.testing.assert_allclose(reds, 20 * faces.labels, atol=4)
    left_out = "none 1, uncertain 2, no face 1"
    contempt = "" if classes == 8 else "contempt 5, "
    assert faces.source == f"{tmp_path} (left out: {contempt}{left_out})"
    assert faces.name == ("affectnet" if classes == 8 else "affectnet7")


def test_no_pixel_is_read_at_load_time(tmp_path, monkeypatch):
    from PIL import Image

    annotations(tmp_path)
    monkeypatch.setattr(Image, "open", None)  # opening would fail
    faces = affectnet.load(tmp_path)
    assert faces.content_hash and faces.train.counts()


def test_val_is_drawn_from_train_by_the_seed_alone(tmp_path):
    annotations(tmp_path)
    first, again = affectnet.load(tmp_path), affectnet.load(tmp_path)
    other = affectnet.load(tmp_path, seed=1)
    assert first.split_hash == again.split_hash != other.split_hash
    assert all("train_set" in name for name in first.val.pixels.names)
    assert all("val_set" in name for name in first.test.pixels.names)


def test_val_of_a_large_set_has_at_most_4000_images():
    drawn = np.repeat(
        np.arange(8), [75374, 134915, 25959, 14590, 6878, 4303, 25382, 4250]
    )
    pixels = np.zeros((len(drawn), 1, 1), np.uint8)
    split = np.full(len(drawn), "train", "<U5")
    faces = FaceSet(pixels, drawn, split, labels.AFFECTNET8.classes)
    after = affectnet.drawn(faces, "val", 0.1, affectnet.MOST_VAL, 0).split
    counts = np.bincount(drawn[after == "val"])
    assert 3990 <= counts.sum() <= 4000
    np.testing.assert_allclose(
        counts / 4000, np.bincount(drawn) / len(drawn), atol=0.001
    )


def test_folders_without_a_split_are_split(tmp_path):
    for code in range(8):
        for i in range(10):
            paint(tmp_path / emotion_name(code) / f"{i}.png", code, "PNG")
    faces = affectnet.load(tmp_path, side=8, colour=False)
    for split, each in (("train", 8), ("val", 1), ("test", 1)):
        assert set(faces.counts()[split].values()) == {each}
    assert faces.pixels.shape == (80, 8, 8)


def test_labels_csv_corrects_the_folders(tmp_path):
    folders(tmp_path)
    rows = ["pth,label", "train/0/train0.jpg,fear", "train/0/train1.jpg,uncertain"]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    faces = affectnet.load(tmp_path)
    names = faces.pixels.names
    assert faces.classes[faces.labels[names.index("train/0/train0.jpg")]] == "fear"
    assert "train/0/train1.jpg" not in names
    assert len(faces) == 39


def test_a_crop_shows_the_face_box(tmp_path):
    lists(tmp_path)
    image = np.full((24, 24), 30, np.uint8)
    image[3:23, 2:22] = 200  # the box of every row
    for path in tmp_path.rglob("*.jpg"):
        PIL.fromarray(image).save(path, quality=100)
    whole = affectnet.load(tmp_path, side=16, colour=False).pixels[0]
    face = affectnet.load(tmp_path, side=16, colour=False, crop=True).pixels[0]
    assert whole.min() < 60 and face.min() > 150


def test_pixels_train_a_network(tmp_path):
    from fer_utils import training
    from fer_utils.backend import keras
    from fer_utils.training import TrainConfig

    faces = affectnet.load(annotations(tmp_path), side=16)
    pixels = keras.Input((16, 16, 3), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
    model = keras.Model(pixels, keras.layers.Dense(8)(x))
    run = training.fit(
        model, faces, TrainConfig(epochs=1, sampling="balanced"), progress="none"
    )
    assert run.epochs == 1


def rewrite(root, name, change):
    path = root / "Manually_Annotated_file_lists" / name
    path.write_text(change(path.read_text()))


def csv_with(change, name="training.csv"):
    return lambda root: rewrite(lists(root), name, change)


def with_npy(content):
    def broken(root):
        path = annotations(root) / "train_set/annotations/3_exp.npy"
        path.unlink() if content is None else path.write_bytes(content)

    return broken


def npy(value):
    import io

    buffer = io.BytesIO()
    np.save(buffer, value, allow_pickle=True)
    return buffer.getvalue()


class Hostile:
    def __reduce__(self):
        return (open, ("/proof-of-a-pickle-that-was-opened", "w"))


def with_labels(*rows):
    def broken(root):
        (folders(root) / "labels.csv").write_text("\n".join(rows))

    return broken


def add_folder(name):
    return lambda root: paint(folders(root) / name / "a.jpg", 0)


def swapped(old, new):
    return csv_with(lambda text: text.replace(old, new))


NPY = r"train_set/annotations/3_exp\.npy: "
BROKEN = {
    "nothing": (lambda root: None, "none of AffectNet's layouts"),
    "a list that is empty": (csv_with(lambda text: ""), "training.csv is empty"),
    "a list of other columns": (
        csv_with(lambda text: "a,b\n1,2\n"),
        r"expected a header with subDirectory_filePath, expression or 9 columns",
    ),
    "no path column": (
        swapped("subDirectory_filePath", "file"),
        "no column subDirectory_filePath",
    ),
    "a list that is no text": (
        lambda root: (
            lists(root) / "Manually_Annotated_file_lists/training.csv"
        ).write_bytes(b"\xff\xfe\x00\x80 no text"),
        "training.csv is not a csv file that can be read",
    ),
    "an image that is gone": (
        lambda root: next(lists(root).rglob("training4.jpg")).unlink(),
        r"row 5 of training\.csv: the image .*training4\.jpg is not there",
    ),
    "an expression out of range": (
        swapped("1.0;2.0,3,", "1.0;2.0,11,"),
        r"expected an expression from 0 to 7 .* received '11'\. 4 rows are bad",
    ),
    "an expression that is no word": (swapped("1.0;2.0,3,", "1.0;2.0,hapy,"), "happy"),
    "a row that is cut off": (
        csv_with(lambda text: text + "training0/training0.jpg,1\n"),
        "a row that is cut off",
    ),
    "a path out of the folder": (
        swapped("training0/training0.jpg", "../../etc/passwd"),
        "leads out of the data set's folder",
    ),
    "an absolute path": (
        csv_with(lambda text: text + "/etc/a.jpg,2,3,20,20,1.0,0,0.1,0.2\n"),
        "leads out of the data set's folder",
    ),
    "no path": (
        csv_with(lambda text: text + ",2,3,20,20,1.0,0,0.1,0.2\n"),
        "expected the path of an image, received nothing",
    ),
    "no image folder": (
        lambda root: (lists(root) / "Manually_Annotated_Images").rename(root / "x"),
        "Put the image folders beside the lists",
    ),
    "a pickle": (
        with_npy(npy(np.array(Hostile(), object))),
        NPY + "refused: the file holds a pickle",
    ),
    "a bare pickle": (with_npy(pickle.dumps(Hostile())), NPY + "refused: .* a pickle"),
    "an empty annotation": (with_npy(b""), NPY + ".*received an empty file"),
    "a text for an annotation": (with_npy(b"happy"), NPY + "refused|damaged"),
    "an annotation that is cut off": (
        with_npy(npy(np.ones(9))[:-8]),
        NPY + ".*damaged",
    ),
    "several numbers": (with_npy(npy(np.arange(3))), NPY + r".*received \(3,\)"),
    "no number at all": (with_npy(npy(np.empty(0))), NPY + r".*received \(0,\)"),
    "a number out of range": (with_npy(npy(-1)), NPY + "expected an expression from 0"),
    "half an expression": (with_npy(npy(2.5)), NPY + "expected an expression from 0"),
    "not a number": (with_npy(npy(np.nan)), NPY + "expected an expression from 0"),
    "an unknown word": (with_npy(npy("hapy")), NPY + ".*Did you mean 'happy'"),
    "a missing annotation": (with_npy(None), NPY + "the annotation .* is not there"),
    "no annotations at all": (
        lambda root: (root / "train_set/images").mkdir(parents=True),
        "expected the folders images and annotations; annotations is missing",
    ),
    "an unknown class folder": (add_folder("train/hapy"), "train/hapy: .*'happy'"),
    "a class folder out of range": (add_folder("val/11"), "val/11: .*received '11'"),
    "two test folders": (add_folder("test/0"), "test and val are both there"),
    "no images": (
        lambda root: (root / "train/happy").mkdir(parents=True),
        "none of its images has an expression",
    ),
    "labels.csv with an absent image": (
        with_labels("pth,label", "train/0/gone.jpg,sad"),
        r"labels\.csv row 1: the image 'train/0/gone\.jpg' is not there",
    ),
    "labels.csv with an unknown label": (
        with_labels("pth,label", "train/0/train0.jpg,hapy"),
        r"labels\.csv row 1: .*Did you mean 'happy'",
    ),
    "labels.csv without labels": (
        with_labels("pth,x", "train/0/train0.jpg,sad"),
        "expected a column called label or expression",
    ),
    "an empty labels.csv": (with_labels(""), "an empty file"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_set_says_what_is_wrong(tmp_path, case):
    breaking, message = BROKEN[case]
    breaking(tmp_path)
    with pytest.raises(DataError, match=message):
        affectnet.load(tmp_path)


def test_a_pickle_is_not_opened(tmp_path, monkeypatch):
    def opened(*_):
        raise AssertionError("the pickle was opened")

    monkeypatch.setattr(pickle, "load", opened)
    monkeypatch.setattr(pickle, "loads", opened)
    with_npy(npy(np.array(Hostile(), object)))(tmp_path)
    with pytest.raises(DataError, match="refused"):
        affectnet.load(tmp_path)


def test_bad_ones_are_dropped_with_a_warning_when_asked(tmp_path):
    with_npy(b"")(tmp_path)
    with pytest.warns(UserWarning, match=r"dropped 1 bad file, kept 39.*3_exp\.npy"):
        faces = affectnet.load(tmp_path, skip_bad=True)
    assert "train_set/images/3.jpg" not in faces.pixels.names


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ("2,3,0,20", "face box of at least 1 x 1, received 0 x 20"),
        ("2,x,20,20", "expected numbers in face_x"),
        ("2,nan,20,20", "expected numbers in face_x"),
        ("2,inf,20,20", "expected numbers in face_x"),
    ],
)
def test_a_box_counts_only_where_it_is_needed(tmp_path, box, message):
    row = "training0/training0.jpg,"
    swapped(f"{row}2,3,20,20", f"{row}{box}")(tmp_path)
    assert len(affectnet.load(tmp_path)) == 40
    with pytest.raises(DataError, match=re.escape(message)):
        affectnet.load(tmp_path, crop=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 6}, "AffectNet has 7 or 8"),
        ({"classes": True}, "AffectNet has 7 or 8"),
        ({"side": 4}, "side=4: expected a whole number of pixels, 8 to 1024"),
        ({"crop": True}, "needs the face boxes of training.csv"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(tmp_path, options, message):
    annotations(tmp_path)
    with pytest.raises(ParameterError, match=message):
        affectnet.load(tmp_path, **options)


def test_a_missing_part_is_said(tmp_path):
    for i in range(20):
        paint(tmp_path / "train" / str(i % 8) / f"{i}.jpg", i % 8)
    with pytest.warns(UserWarning, match="has no validation images"):
        faces = affectnet.load(tmp_path)
    assert not len(faces.test)


@pytest.mark.parametrize(
    ("value", "code"),
    [("3", 3), (3.0, 3), ("Anger", 6), ("happiness", 1), ("no face", 10), (" 8 ", 8)],
)
def test_an_expression_has_one_number(value, code):
    assert expression_code(value) == code
