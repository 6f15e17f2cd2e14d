"""Mixed sets: the first one's classes, size and colour; and who came from where."""

import os
import warnings

import numpy as np
import pytest

from fer_utils import data, labels
from fer_utils.data.faceset import FaceSet
from fer_utils.data.image_files import ImageFiles
from fer_utils.errors import DataError, ParameterError

DATA_DIR = os.environ.get("FER_DATA_DIR", "nowhere")  # before a test's own is set


def make(name, n=8, classes=labels.FER2013.classes, shape=(48, 48), **more):
    rng = np.random.default_rng(len(name))
    return FaceSet(
        rng.integers(0, 256, (n, *shape), np.uint8),
        np.arange(n) % len(classes),
        np.array(["train", "val", "test"])[np.arange(n) % 3],
        classes,
        name,
        **more,
    )


def test_each_face_keeps_its_split_and_its_class_by_name():
    first, other = make("a"), make("b", classes=labels.FER2013.classes[::-1])
    mix = data.mixed([first, other])
    assert mix.name == "a+b" and len(mix) == 16
    names = np.array(mix.classes)[mix.labels]
    wanted = np.concatenate([np.array(p.classes)[p.labels] for p in (first, other)])
    assert np.array_equal(names, wanted)
    assert np.array_equal(mix.split, np.concatenate([first.split, other.split]))
    assert len(set(mix.rows)) == 16


def test_classes_that_the_first_lacks_are_left_out_and_counted():
    other = make("b", 16, labels.CKPLUS7.classes)
    with pytest.warns(UserWarning, match="b: 3 faces of contempt are left out"):
        mix = data.mixed([make("a"), other])
    assert len(mix) == 8 + 13
    assert mix.classes == labels.FER2013.classes


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [((96, 96), (48, 48)), ((48, 48, 3), (48, 48)), ((20, 30, 3), (48, 48))],
)
def test_pixels_come_in_the_first_ones_form(shape, wanted):
    mix = data.mixed([make("a"), make("b", shape=shape)])
    assert mix.pixels.shape == (16, *wanted)
    flat = make("b", shape=shape)
    flat = FaceSet(np.full_like(flat.pixels, 77), flat.labels, flat.split, flat.classes)
    assert set(np.unique(data.mixed([make("a"), flat]).pixels[8:])) == {77}


def test_the_parts_come_back_by_their_source():
    parts = [make("a", 5), make("b", 7), make("c", 2)]
    back = data.by_source(data.mixed(parts))
    assert {name: len(part) for name, part in back.items()} == {"a": 5, "b": 7, "c": 2}
    assert np.array_equal(back["b"].pixels, parts[1].pixels)
    assert list(data.by_source(parts[0])) == ["a"]


def test_soft_targets_stay_soft_and_labels_become_targets():
    targets = np.full((8, 7), 1 / 7, np.float32)
    mix = data.mixed([make("a", targets=targets), make("b")])
    np.testing.assert_allclose(mix.targets[:8], targets)
    assert np.array_equal(mix.targets[8:].argmax(1), mix.labels[8:])
    contempt = np.zeros((8, 8), np.float32)
    contempt[:, 0], contempt[:, -1] = 0.5, 0.5  # neutral and contempt
    other = make("b", classes=labels.FERPLUS.classes, targets=contempt)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        moved = data.mixed([make("a"), other]).targets[8:]
    np.testing.assert_allclose(moved[:, labels.FER2013.index("neutral")], 1)


@pytest.mark.parametrize("names", [(), ("a",), ("a", "a"), ("a", "b", "a")])
def test_a_mix_is_of_two_different_sets_or_more(names):
    with pytest.raises(ParameterError, match="each once"):
        data.mixed([make(name) for name in names])


def test_what_does_not_fit_into_memory_is_not_mixed(tmp_path, monkeypatch):
    from fer_utils.data import image_files

    monkeypatch.setattr(image_files, "MOST_BYTES", 1000)
    files = ImageFiles(tmp_path, [f"{i}.png" for i in range(8)], 48, colour=False)
    large = make("b")
    large = FaceSet(files, large.labels, large.split, large.classes, "b")
    with pytest.raises(DataError, match="would take"):
        data.mixed([make("a"), large])


@pytest.mark.realdata
def test_the_real_mix_of_fer2013_and_ck_plus(monkeypatch):
    monkeypatch.setenv("FER_DATA_DIR", DATA_DIR)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            mix = data.load("fer2013+ck48")
        except DataError:
            pytest.skip("needs FER2013 and CK+")
    assert "54 faces of contempt are left out" in str(told[-1].message)
    parts = data.by_source(mix)
    assert {name: len(part) for name, part in parts.items()} == {
        "fer2013": 35887,
        "ck48": 927,
    }


@pytest.mark.parametrize(
    "names", [("fer2013", "ferplus"), ("ferplus", "ferplus-soft"), ("ck48", "ckplus")]
)
def test_sets_of_the_same_photos_are_not_mixed(names):
    with pytest.raises(ParameterError, match="they show the same photos"):
        data.mixed([make(name) for name in names])


def test_a_target_without_mass_left_goes_to_its_label():
    targets = np.zeros((8, 8), np.float32)
    targets[:, -1] = 1  # contempt alone, whatever the label says
    other = make("b", classes=labels.FERPLUS.classes, targets=targets)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        moved = data.mixed([make("a"), other])
    assert np.isfinite(moved.targets).all()
    assert np.array_equal(moved.targets[8:].argmax(1), moved.labels[8:])
