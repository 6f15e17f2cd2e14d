"""The room's one list of public names, each in its own module."""

import pytest

from fer_utils import live


def test_the_public_names_are_those_with_a_home():
    assert sorted(live.__all__) == sorted(live._HOME)


@pytest.mark.parametrize("name", live.__all__)
def test_every_public_name_can_be_had(name):
    assert getattr(live, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Detektor'"):
        _ = live.Detektor
