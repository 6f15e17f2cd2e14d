import numpy as np
import pytest

from fer_utils.data import FaceSet
from fer_utils.errors import DataError, ParameterError

CLASSES = ("angry", "happy", "sad", "neutral")


def faces(n, seed=0, **changes):
    """Return n faces: 60 % train, 20 % val, 20 % test; happy is the commonest class."""
    rng = np.random.default_rng(seed)
    parts = np.array(["train", "train", "train", "val", "test"])
    columns = {
        "pixels": rng.integers(0, 256, (n, 8, 8), np.uint8),
        "labels": np.array([0, 1, 1, 2, 1, 3, 3])[np.arange(n) % 7],
        "split": parts[np.arange(n) % 5],
        "classes": CLASSES,
        "name": "tiny",
    }
    return FaceSet(**(columns | changes))


def identical(a, b):
    return a.content_hash == b.content_hash and a.rows.tolist() == b.rows.tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pixels": np.zeros((5, 8, 8), np.float32)}, "must be uint8 .* float32"),
        ({"pixels": np.zeros((5, 64), np.uint8)}, r"received uint8 \(5, 64\)"),
        ({"pixels": np.zeros((5, 8, 8, 1), np.uint8)}, "received uint8"),
        ({"pixels": np.zeros((4, 8, 8), np.uint8)}, "pixels has 4 entries"),
        ({"split": ["train"] * 4}, "split has 4 entries for 5 labels"),
        ({"rows": [1, 2]}, "rows has 2 entries"),
        ({"votes": np.zeros((2, 4))}, "votes has 2 entries"),
        ({"facts": {"glasses": [True]}}, "glasses has 1 entries"),
        ({"labels": [0, 1, 2, 3, 4]}, r"labels must lie in \[0, 3\], received 0 to 4"),
        ({"labels": [0, 1, 2, 3, -1]}, "received -1 to 3"),
        ({"split": ["train", "val", "test", "dev", "val"]}, r"unknown split \['dev'\]"),
        ({"split": ["training"] * 5}, r"unknown split \['training'\]"),  # not cut short
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(changes, message):
    with pytest.raises(DataError, match=message):
        faces(5, **changes)


@pytest.mark.parametrize("n", [0, 1, 2, 5])  # degenerate sizes
def test_small_sets_can_be_looked_at_and_cut(n):
    some = faces(n)
    assert len(some) == n and len(some.train) + len(some.val) + len(some.test) == n
    assert sum(sum(split.values()) for split in some.counts().values()) == n
    assert f"FaceSet(tiny: {n} faces 8x8" in repr(some)
    assert len(some.take([])) == 0 and len(some.content_hash) == 64


def test_class_names_become_the_kits_own():
    words = ("Anger", "Happiness", "sadness", "neutral")
    assert faces(5, classes=words).classes == CLASSES


@pytest.mark.parametrize(
    ("shape", "images"),
    [((5, 8, 8), (5, 8, 8, 1)), ((5, 8, 8, 3), (5, 8, 8, 3))],  # grey, colour
)
def test_images_have_a_channel_axis(shape, images):
    assert faces(5, pixels=np.zeros(shape, np.uint8)).images().shape == images


def test_every_column_follows_when_images_are_taken():
    n = 20
    some = faces(
        n, votes=np.eye(4)[np.arange(n) % 4], facts={"number": np.arange(n)}, notice="!"
    )
    taken = some.take(np.arange(n) % 3 == 0)
    assert taken.facts["number"].tolist() == taken.rows.tolist() == [*range(0, n, 3)]
    np.testing.assert_array_equal(taken.pixels, some.pixels[::3])
    np.testing.assert_array_equal(taken.votes, some.votes[::3])
    assert (taken.notice, taken.name) == ("!", "tiny")


def test_the_content_hash_changes_with_any_content():
    some = faces(10)
    assert some.content_hash == faces(10).content_hash
    others = [
        faces(10, seed=1),
        faces(10, labels=np.zeros(10, int)),
        faces(10, split=["train"] * 10),
        faces(10, classes=("angry", "happy", "sad", "fear")),
        faces(9),
    ]
    assert len({some.content_hash, *(o.content_hash for o in others)}) == 6


def test_the_split_hash_is_about_rows_and_parts_only():
    some = faces(10)
    assert some.split_hash == faces(10, seed=1).split_hash
    assert some.split_hash != some.take(np.arange(9)).split_hash
    assert some.split_hash != faces(10, split=["train"] * 10).split_hash


def test_an_unknown_part_gets_a_suggestion():
    with pytest.raises(ParameterError, match="Did you mean 'train'"):
        faces(5).part("training")


def test_the_top_classes_come_from_train_alone_and_in_label_order():
    # In train: 3 neutral, 2 angry, 1 sad; happy is common in test only.
    labels = [3, 3, 3, 0, 0, 2, 1, 1, 1, 1, 1]
    some = faces(11, labels=labels, split=["train"] * 6 + ["test"] * 5)
    assert some.top_classes(2) == ("angry", "neutral")
    assert some.subset(2).counts()["test"] == {"angry": 0, "neutral": 0}


@pytest.mark.parametrize("k", [-1, 0, 1, 5])  # 2 to 4 are possible
def test_an_impossible_number_of_classes_is_refused(k):
    with pytest.raises(ParameterError, match="expected a number from 2 to 4"):
        faces(20).subset(k)


def test_a_subset_relabels_and_keeps_the_votes_of_its_classes():
    n = 28
    some = faces(n, votes=np.arange(n * 4).reshape(n, 4))
    some_truth = np.where(np.arange(n) % 9 == 0, -1, some.labels)
    some = faces(n, votes=some.votes, facts={"true_labels": some_truth})
    pair = some.subset(["neutral", "Happiness"])
    assert pair.classes == ("happy", "neutral")  # label order, not the order asked for
    assert set(pair.labels) == {0, 1}
    for row, label, vote, truth in zip(
        pair.rows, pair.labels, pair.votes, pair.facts["true_labels"], strict=True
    ):
        assert CLASSES[some.labels[row]] == pair.classes[label]
        assert vote.tolist() == some.votes[row, [1, 3]].tolist()
        assert truth == (-1 if some_truth[row] < 0 else label)


@pytest.mark.parametrize(
    "classes",
    [["happy"], [], ["happy", "Happiness"], ["happy", "fear"]],  # too few, or not there
)
def test_a_subset_needs_two_classes_that_are_there(classes):
    with pytest.raises(ParameterError, match="at least two of tiny's classes"):
        faces(20).subset(classes)


@pytest.mark.parametrize("n", [1, 7, 50, 100, 1000])
def test_a_sample_keeps_every_cell_the_order_and_about_the_size(n):
    some = faces(200)
    drawn = some.sample(n, seed=3)
    assert identical(drawn, some.sample(n, seed=3))
    assert np.all(np.diff(drawn.rows) > 0)
    for split, classes in some.counts().items():
        for label, count in classes.items():
            assert bool(drawn.counts()[split][label]) == bool(count)
    assert min(n, 200) - 6 <= len(drawn) <= max(min(n, 200) + 6, 12)


def test_another_seed_draws_another_sample():
    assert not identical(faces(200).sample(50, seed=0), faces(200).sample(50, seed=1))


def test_a_sample_of_nothing_is_refused():
    with pytest.raises(ParameterError, match="at least 1 image"):
        faces(10).sample(0)


def test_the_pooled_protocol_is_stratified_complete_and_seeded():
    some = faces(700)
    pooled = some.resplit("pooled", seed=1)
    assert identical(pooled, some.resplit("pooled", seed=1))
    assert not identical(pooled, some.resplit("pooled", seed=2))
    assert [len(pooled.part(p)) for p in ("train", "val", "test")] == [560, 70, 70]
    assert list(pooled.counts()["test"].values()) == [10, 30, 10, 20]
    np.testing.assert_array_equal(pooled.pixels, some.pixels)


def test_the_official_protocol_changes_nothing():
    some = faces(10)
    assert identical(some.resplit(), some)


def test_a_class_too_small_to_pool_is_named():
    with pytest.raises(DataError, match="at least 10 images .* received 3 of 'angry'"):
        faces(20).resplit("pooled")
    with pytest.raises(ParameterError, match="Did you mean 'pooled'"):
        faces(20).resplit("pool")


def test_faces_in_the_classes_of_another_set_are_renumbered():
    some = faces(20)
    other = ["surprise", "contempt", "Happiness", "angry"]
    found = some.in_classes(other)
    assert found.classes == ("surprise", "contempt", "happy", "angry")
    names = np.array(found.classes)[found.labels]
    given = np.array(some.classes)[some.labels]
    kept = np.isin(given, found.classes)
    assert names.tolist() == given[kept].tolist()
    assert found.rows.tolist() == some.rows[kept].tolist()
    assert some.in_classes(some.classes) is some


def test_targets_and_true_labels_move_with_the_classes():
    some = FaceSet(
        np.zeros((3, 8, 8), np.uint8),
        [0, 1, 1],
        ["train"] * 3,
        ("angry", "happy", "sad"),
        targets=[[0.5, 0.25, 0.25], [0, 1, 0], [0, 0.4, 0.6]],
        votes=np.array([[5, 3, 2], [0, 9, 1], [1, 4, 5]]),
        facts={"true_labels": np.array([0, 2, -1])},
    )
    found = some.in_classes(["happy", "fear", "angry"])
    np.testing.assert_allclose(
        found.targets, [[1 / 3, 0, 2 / 3], [1, 0, 0], [1, 0, 0]], atol=1e-6
    )
    assert found.facts["true_labels"].tolist() == [2, -1, -1]
    assert np.array(found.votes).tolist() == [[3, 0, 5], [9, 0, 0], [4, 0, 1]]


def test_classes_without_any_face_are_refused():
    with pytest.raises(ParameterError, match="has none of them; it has angry, "):
        faces(20).in_classes(["contempt", "fear"])


@pytest.mark.parametrize("names", [None, (), ("angry", "happy")])
def test_a_model_without_names_or_with_the_same_ones_is_taken(names):
    faces(20).subset(["happy", "angry"]).require_classes(names)


def test_a_model_that_numbers_the_classes_otherwise_is_refused():
    pair = faces(20).subset(["happy", "angry"])
    with pytest.raises(DataError, match="in_classes.*cross_evaluate"):
        pair.require_classes(("happy", "angry"))
