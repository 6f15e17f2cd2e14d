"""What AffectNet's layouts have in common: a listing, and numbers of expressions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fer_utils import labels as fer_labels
from fer_utils.data.reading import Bad

__all__ = ["LEFT_OUT", "Listing", "expression_code"]

# The numbers of the lists that are no expression: such images are not used.
LEFT_OUT = {8: "none", 9: "uncertain", 10: "no face"}


@dataclass
class Listing:
    """The images that a layout names, before any pixel is read.

    Attributes:
        names: paths relative to the data set's folder.
        codes: AffectNet's number of each image's expression, 0 to 10.
        parts: "train" or "test" of each image; "" where the layout has no split.
        boxes: left, top, width and height of each face; none in layouts of crops.
        bad: what cannot be used.
        noun: what `bad` lists, "row" or "file".
    """

    names: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    boxes: list[tuple[int, int, int, int]] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    noun: str = "file"

    def add(self, name: str, code: int, part: str, box=None) -> None:
        """Add one image."""
        self.names.append(name)
        self.codes.append(code)
        self.parts.append(part)
        if box is not None:
            self.boxes.append(box)


def expression_code(value: object) -> int:
    """Return AffectNet's number of an expression: 0 to 7 as AFFECTNET8, 8 to 10 others.

    Args:
        value: a number, a number as text, or a class name.

    Raises:
        ValueError: it is none of these; the message says what was expected.

    Example:
        >>> expression_code("3"), expression_code("Anger"), expression_code("no-face")
        (3, 6, 10)
    """
    text = str(value).strip().lower()
    for code, name in LEFT_OUT.items():
        if re.sub("[ _-]", "", text) == name.replace(" ", ""):
            return code
    try:
        number = float(text)
    except ValueError:
        return fer_labels.AFFECTNET8.index(text)
    if not (number.is_integer() and 0 <= number <= 10):
        raise ValueError(
            f"expected an expression from 0 to 7 (8 none, 9 uncertain, 10 no face), "
            f"received {str(value)!r}"
        )
    return int(number)
