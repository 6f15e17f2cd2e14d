import numpy as np
import pytest

from fer_utils.data import FaceSet, find_duplicates

CLASSES = ("angry", "happy")


def picture(seed):
    """Return a smooth random 48x48 picture, unlike any other seed's."""
    coarse = np.random.default_rng(seed).integers(0, 200, (6, 6))
    return np.kron(coarse, np.ones((8, 8))).astype(np.uint8)


def face_set(pictures, split, labels=None):
    pixels = np.array(pictures, np.uint8).reshape(-1, 48, 48)
    labels = np.zeros(len(pixels), int) if labels is None else labels
    return FaceSet(pixels, labels, split, CLASSES)


@pytest.mark.parametrize("near", [False, True])
@pytest.mark.parametrize("n", [0, 1, 2])  # degenerate sizes
def test_small_sets_without_twins_have_no_group(n, near):
    faces = face_set([picture(i) for i in range(n)], ["train"] * n)
    found = find_duplicates(faces, near)
    assert len(found) == 0 and found.groups.tolist() == [-1] * n
    assert not found.also_in_train().any() and not found.leaked().any()
    assert found.conflicting().tolist() == []


@pytest.mark.parametrize("near", [False, True])
def test_equal_images_form_one_group_each(near):
    a, b, c = picture(0), picture(1), picture(2)
    faces = face_set([a, b, a, c, b, a], ["train"] * 6, [0, 0, 1, 0, 0, 0])
    found = find_duplicates(faces, near)
    assert len(found) == 2
    members = sorted(found.members(g).tolist() for g in range(2))
    assert members == [[0, 2, 5], [1, 4]]
    assert found.groups[3] == -1
    (conflicting,) = found.conflicting()
    assert found.members(conflicting).tolist() == [0, 2, 5]


def test_an_image_with_one_other_pixel_is_near_but_not_equal():
    a, changed = picture(0), picture(0)
    changed[5, 5] += 1
    faces = face_set([a, changed], ["train", "test"])
    assert len(find_duplicates(faces)) == 0
    assert find_duplicates(faces, near=True).also_in_train().tolist() == [False, True]


@pytest.mark.parametrize(
    ("change", "near"),
    [
        (lambda p: p // 2 + 60, True),  # less contrast, more light
        (lambda p: p + np.random.default_rng(9).integers(0, 8, p.shape), True),  # noise
        (lambda p: p[:, ::-1], False),  # a mirror image is another picture
        (lambda p: 255 - p, False),  # a negative too
        (lambda p: np.roll(p, 12, 0), False),  # moved by a quarter
    ],
)
def test_near_means_the_same_picture_in_other_light(change, near):
    faces = face_set([picture(0), change(picture(0))], ["train", "test"])
    assert (len(find_duplicates(faces, near=True)) == 1) is near


def test_blank_images_are_grouped_only_when_equal():
    blanks = [np.full((48, 48), value) for value in (0, 0, 255)]
    found = find_duplicates(face_set(blanks, ["train"] * 3), near=True)
    assert found.groups.tolist() == [0, 0, -1]


@pytest.mark.parametrize(
    ("splits", "leaked"),
    [
        (("train", "test"), (True, False)),  # kept in test
        (("train", "val"), (True, False)),  # kept in val
        (("val", "test"), (True, False)),
        (("train", "val", "test"), (True, True, False)),  # in all three
        (("train", "train"), (False, False)),  # a twin within one part leaks nothing
        (("test", "test"), (False, False)),
    ],
)
def test_a_twin_is_kept_in_the_latest_part(splits, leaked):
    faces = face_set([picture(0)] * len(splits), splits)
    assert faces.duplicates().leaked().tolist() == list(leaked)
    kept = faces.without_duplicates().split.tolist()
    assert kept == [s for s, out in zip(splits, leaked, strict=True) if not out]


def test_also_in_train_can_ask_about_val():
    faces = face_set([picture(0)] * 3, ("train", "val", "test"))
    assert faces.duplicates().also_in_train("val").tolist() == [False, True, False]


def test_colour_images_are_searched_too():
    pixels = np.stack([np.stack([picture(i)] * 3, -1) for i in (0, 1, 0)])
    faces = FaceSet(pixels, [0, 0, 1], ["train", "train", "test"], CLASSES)
    for near in (False, True):
        assert faces.duplicates(near).also_in_train().tolist() == [False, False, True]


def test_repr_says_what_matters():
    faces = face_set([picture(0)] * 2, ("train", "test"))
    assert repr(faces.duplicates()) == (
        "Duplicates(1 groups, 2 images, 1 test images also in train)"
    )
