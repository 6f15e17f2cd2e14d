"""Read YAML that remembers its line numbers, so that an error can name the line."""

from __future__ import annotations

import re

import yaml

from fer_utils.errors import ParameterError

__all__ = ["LinedDict", "LinedList", "plain", "read_value", "read_yaml"]


class LinedDict(dict):
    """A mapping that knows where it begins and on which line each key stands.

    Attributes:
        line: int, counted from 1.
        lines: {key: line}; a merged key (`<<`) has the line of its anchor.
    """

    def __init__(self, line: int = 0):
        super().__init__()
        self.line = line
        self.lines: dict[object, int] = {}


class LinedList(list):
    """A sequence that knows on which line each item stands."""

    def __init__(self):
        super().__init__()
        self.lines: list[int] = []


class _Loader(yaml.SafeLoader):
    """Safe YAML, with the lines, and with 1e-3 as the number that it is in YAML 1.2."""

    def __init__(self, text: str):
        super().__init__(text)
        self.repeated: list[tuple[int, str]] = []

    def lined_mapping(self, node: yaml.MappingNode) -> LinedDict:
        self._note_repeated_keys(node)
        self.flatten_mapping(node)
        result = LinedDict(_line(node))
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (dict, list)):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be text or a number", key_node.start_mark
                )
            result[key] = self.construct_object(value_node, deep=True)
            result.lines[key] = _line(key_node)
        return result

    def lined_sequence(self, node: yaml.SequenceNode) -> LinedList:
        result = LinedList()
        for item in node.value:
            result.append(self.construct_object(item, deep=True))
            result.lines.append(_line(item))
        return result

    def _note_repeated_keys(self, node: yaml.MappingNode) -> None:
        first: dict[str, int] = {}
        for key, _ in node.value:
            if key.value != "<<" and key.value in first:
                text = f"{key.value!r} stands twice here (also in line "
                self.repeated.append((_line(key), f"{text}{first[key.value]})."))
            first.setdefault(key.value, _line(key))


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.lined_mapping)
_Loader.add_constructor("tag:yaml.org,2002:seq", _Loader.lined_sequence)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def read_yaml(text: str, path: object) -> tuple[object, list[tuple[int, str]]]:
    """Parse a YAML document.

    Args:
        text: the document.
        path: what an error calls it.

    Returns:
        (content, problems): mappings are LinedDict, sequences LinedList; problems are
        (line, text) of keys that stand twice in one mapping.

    Raises:
        ParameterError: not YAML; the message has the line number and the line.
    """
    loader = _Loader(text)
    try:
        return loader.get_single_data(), loader.repeated
    except yaml.YAMLError as error:
        raise ParameterError(_syntax(error, path)) from None
    finally:
        loader.dispose()


def read_value(text: str) -> object:
    """Return one value as YAML types it.

    Raises:
        ParameterError: not YAML.

    Example:
        >>> read_value("1e-3"), read_value("true"), read_value("[happy, sad]")
        (0.001, True, ['happy', 'sad'])
    """
    return plain(read_yaml(text, repr(text))[0])


def plain(value: object) -> object:
    """Return a copy in which every mapping is a dict and every sequence a list."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1


def _syntax(error: yaml.YAMLError, path: object) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return f"{path}: not valid YAML: {error}"
    hint = ""
    if "'\\t'" in str(error.problem):
        hint = " Indent with spaces: YAML takes no tabs."
    place = f"{path}:{mark.line + 1}"
    snippet = mark.get_snippet(indent=4)
    return f"{place}: not valid YAML: {error.problem}.{hint}\n{snippet}".rstrip()
