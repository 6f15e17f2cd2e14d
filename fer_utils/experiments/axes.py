"""Axes of a grid: values and ranges, their combinations, names, partial matches."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

__all__ = ["combinations", "fill_name", "matches", "values_of"]

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
# Beyond this a mistyped range is likelier than a wish.
_MOST = 10_000


def values_of(axis: object) -> list:
    """Return the values of an axis: a list, a range "a..b" (b included), or both mixed.

    Raises:
        ValueError: not an axis; the message says what is expected.

    Example:
        >>> values_of("0..2"), values_of(["0..2", 10])
        ([0, 1, 2], [0, 1, 2, 10])
    """
    items = axis if isinstance(axis, list) else [axis]
    if not isinstance(axis, list) and not _is_range(axis):
        raise ValueError(
            "expected a list such as [a, b] or a range such as 0..4, received "
            f"{axis!r}."
        )
    values = [v for item in items for v in _range(item)]
    if not values:
        raise ValueError("expected at least one value, received an empty list.")
    seen = set()
    for value in values:
        if repr(value) in seen:  # a list or mapping has no hash
            raise ValueError(f"{value!r} stands twice.")
        seen.add(repr(value))
    return values


def combinations(axes: Mapping[str, list]) -> Iterator[dict[str, object]]:
    """Yield every combination; the last axis changes fastest.

    Example:
        >>> [c["seed"] for c in combinations({"model": ["a", "b"], "seed": [0, 1]})]
        [0, 1, 0, 1]
    """
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def fill_name(template: str, axes: Mapping, parameters: Mapping) -> str:
    """Return the name of one combination.

    Args:
        template: may hold parameters in braces, "{model}-seed{seed}". An axis that it
            does not mention is added at the end, so that names differ.
        axes: the values of this combination, by axis.
        parameters: all parameters of the experiment.

    Raises:
        KeyError: a name in braces is no parameter.

    Example:
        >>> fill_name("{model}", {"model": "vgg5", "seed": 1}, {"model": "vgg5"})
        'vgg5-seed1'
    """
    mentioned = re.findall(r"\{(\w+)\}", template)
    name = re.sub(r"\{(\w+)\}", lambda m: _slug(parameters[m[1]]), template)
    parts = [name] if name else []
    parts += [_part(axis, v) for axis, v in axes.items() if axis not in mentioned]
    return "-".join(parts)


def matches(pattern: Mapping, parameters: Mapping) -> bool:
    """Return whether parameters fit a partial match.

    Args:
        pattern: {parameter: value}; a list or a range "a..b" fits any of its values.
        parameters: of one experiment.

    Example:
        >>> matches({"seed": "1..3"}, {"model": "vgg5", "seed": 2})
        True
    """
    return all(_fits(wanted, parameters[key]) for key, wanted in pattern.items())


def _fits(wanted: object, value: object) -> bool:
    if _same(wanted, value):
        return True
    if isinstance(wanted, list):
        return any(_fits(item, value) for item in wanted)
    return _is_range(wanted) and value in _range(wanted)


def _same(a: object, b: object) -> bool:
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _is_range(item: object) -> bool:
    return isinstance(item, str) and _RANGE.fullmatch(item) is not None


def _range(item: object) -> list:
    if not _is_range(item):
        return [item]
    low, high = map(int, _RANGE.fullmatch(item).groups())
    if low > high:
        raise ValueError(f"the range {item} is empty: write {high}..{low}.")
    if high - low >= _MOST:
        raise ValueError(f"the range {item} has more than {_MOST:,} values.")
    return list(range(low, high + 1))


def _part(axis: str, value: object) -> str:
    """Return "vgg5" for a model, "seed1" for a number, "augment-classic" else."""
    if axis in ("model", "data"):
        return _slug(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{axis}{'' if is_number else '-'}{_slug(value)}"


def _slug(value: object) -> str:
    """Return a value as letters, digits and ".-_", fit for a folder name."""
    if isinstance(value, dict):
        return "-".join(f"{key}{_slug(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return "-".join(map(_slug, value))
    return re.sub(r"[^\w.-]+", "-", str(value)).strip("-")
