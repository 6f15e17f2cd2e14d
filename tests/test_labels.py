"""Vocabularies, aliases and mappings."""

import itertools

import pytest

from fer_utils import labels
from fer_utils.errors import ParameterError

VOCABULARIES = [labels.vocabulary(name) for name in labels.vocabularies()]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("angry", "angry"),  # the kit's own word
        ("Anger", "angry"),  # AffectNet
        ("HAPPINESS", "happy"),  # any case
        (" sadness ", "sad"),  # a csv cell
        ("fearful", "fear"),
        ("Contempt", "contempt"),
    ],
)
def test_every_spelling_leads_to_one_word(word, expected):
    assert labels.canonical(word) == expected


def test_an_unknown_word_is_refused_with_the_nearest_one():
    with pytest.raises(ParameterError, match="Did you mean 'happy'"):
        labels.canonical("hapy")


@pytest.mark.parametrize(
    ("name", "position", "label"),
    [
        ("fer2013", 0, "angry"),  # the csv's 0
        ("fer2013", 6, "neutral"),
        ("ferplus", 0, "neutral"),  # first vote column of fer2013new.csv
        ("ferplus", 7, "contempt"),
        ("affectnet8", 1, "happy"),  # AffectNet's 1
        ("affectnet8", 7, "contempt"),
        ("ckplus", 2, "contempt"),  # CK+'s own numbering
        ("rafdb", 0, "surprise"),  # RAF-DB's 1
        ("hsemotion8", 1, "contempt"),  # alphabetical
        ("hsemotion7", 6, "surprise"),
    ],
)
def test_published_orders(name, position, label):
    assert labels.vocabulary(name).classes[position] == label


def test_rafdb_counts_from_one():
    assert labels.RAFDB.first_code == 1


@pytest.mark.parametrize("vocab", VOCABULARIES, ids=lambda v: v.name)
def test_a_vocabulary_maps_to_itself(vocab):
    assert labels.mapping(vocab, vocab) == tuple(range(len(vocab)))


@pytest.mark.parametrize(
    ("a", "b"), list(itertools.permutations(VOCABULARIES, 2)), ids=lambda v: v.name
)
def test_a_mapping_keeps_the_word_or_says_none(a, b):
    for position, target in enumerate(labels.mapping(a, b)):
        word = a.classes[position]
        assert (target is None and word not in b.classes) or b.classes[target] == word


def test_every_class_has_its_own_colour_and_emoji():
    assert len({labels.colour(c) for c in labels.CANONICAL}) == len(labels.CANONICAL)
    assert len({labels.emoji(c) for c in labels.CANONICAL}) == len(labels.CANONICAL)


def test_classes_are_put_into_published_order():
    shuffled = ["surprise", "Anger", "neutral", "fear"]
    expected = ("angry", "fear", "surprise", "neutral")
    assert labels.in_published_order(shuffled) == expected


def test_index_refuses_a_class_the_vocabulary_lacks():
    with pytest.raises(ParameterError, match="has no class 'contempt'"):
        labels.FER2013.index("contempt")


def test_an_unknown_vocabulary_is_refused():
    with pytest.raises(ParameterError, match="Did you mean 'fer2013'"):
        labels.vocabulary("fer_2013")
