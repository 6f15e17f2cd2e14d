"""Read the FER2013 csv, whose pixels are 2304 decimal numbers in one field, fast.

The text is parsed by numpy a block of rows at a time. Only a block that breaks the rules is
looked at again row by row, to say which rows are bad and why.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data.faceset import SPLITS
from fer_utils.data.reading import Bad, Reading
from fer_utils.errors import DataError

__all__ = ["USAGES", "read_csv"]

SIDE = 48
PIXELS = SIDE * SIDE
COLUMNS = (b"emotion", b"pixels", b"usage")
# FER2013's own words for its parts -> the kit's.
USAGES = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}
_SPLIT_CODES = {
    usage.encode(): SPLITS.index(split) for usage, split in USAGES.items()
}
_LABEL_CODES = {
    str(code).encode(): code for code in range(len(fer_labels.FER2013.classes))
}
# 64 rows are half a megabyte of text: it and its temporaries stay in the core's cache.
_BLOCK_ROWS = 64
_THREADS = 2


@dataclass(frozen=True)
class _Block:
    pixels: np.ndarray  # (n, PIXELS) uint8
    labels: list[int]
    split: list[int]
    rows: list[int]
    bad: list[Bad]


def read_csv(lines: Iterable[bytes], file: str) -> Reading:
    """Read FER2013 rows from the lines of a csv, in any column order, quoted or not.

    Args:
        lines: the lines of the file, the header first.
        file: the file's name, for messages.

    Returns:
        Reading, pixels (N, 48, 48), bad rows listed.

    Raises:
        DataError: the file is empty, has no row, or lacks a column.

    Example:
        >>> row = b'3,"' + b" ".join([b"7"] * 2304) + b'",Training'
        >>> read_csv([b"emotion,pixels,Usage", row], "tiny.csv").labels
        array([3])
    """
    lines = iter(lines)
    order = _column_order(next(lines, b""), file)
    blocks = list(_in_threads(lambda part: _parse(part, order), _numbered(lines)))
    if not blocks:
        raise DataError(
            f"{file} has a header but no row. Is the download complete? FER2013 has "
            "35,887 rows."
        )
    return Reading(
        np.concatenate([b.pixels for b in blocks]).reshape(-1, SIDE, SIDE),
        np.array([label for b in blocks for label in b.labels], np.int64),
        np.array([split for b in blocks for split in b.split], np.int8),
        np.array([row for b in blocks for row in b.rows], np.int64),
        tuple(bad for b in blocks for bad in b.bad),
    )


def _column_order(header: bytes, file: str) -> list[bytes]:
    names = [_clean(n).lower() for n in header.removeprefix(b"\xef\xbb\xbf").split(b",")]
    missing = [c.decode() for c in COLUMNS if c not in names]
    if not header.strip():
        raise DataError(f"{file} is empty. Is the download complete?")
    if missing:
        shown = header[:80].decode("utf-8", "replace").strip()
        raise DataError(
            f"{file}: the header {shown!r} lacks the column "
            f"{', '.join(missing)}. Expected emotion, pixels and Usage, in any order "
            "(fer2013.csv or icml_face_data.csv)."
        )
    return names


def _numbered(lines: Iterator[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Cut the non-blank lines into blocks, each line with its 0-based data row."""
    block = []
    for row, line in enumerate(lines):
        if line.strip():
            block.append((row, line))
        if len(block) == _BLOCK_ROWS:
            yield block
            block = []
    if block:
        yield block


def _in_threads(function, parts):
    """Map in order over few threads, holding few parts in memory (numpy drops the GIL)."""
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting = deque()
        for part in parts:
            waiting.append(pool.submit(function, part))
            if len(waiting) > 2 * _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _parse(block: list[tuple[int, bytes]], order: list[bytes]) -> _Block:
    good, labels, split, rows, bad = [], [], [], [], []
    for row, line in block:
        fields = [_clean(field) for field in line.split(b",")]
        reason = _field_fault(fields, order)
        if reason:
            bad.append(Bad(str(row + 1), reason))
            continue
        by_name = dict(zip(order, fields, strict=True))
        good.append(by_name[b"pixels"])
        labels.append(_LABEL_CODES[by_name[b"emotion"]])
        split.append(_SPLIT_CODES[by_name[b"usage"]])
        rows.append(row)
    pixels = _digits(good)
    if pixels is not None:
        return _Block(pixels, labels, split, rows, bad)
    return _row_by_row(good, labels, split, rows, bad)


def _row_by_row(fields, labels, split, rows, bad) -> _Block:
    faults = [_pixel_fault(field) for field in fields]
    keep = [i for i, fault in enumerate(faults) if not fault]
    bad += [Bad(str(rows[i] + 1), fault) for i, fault in enumerate(faults) if fault]
    pixels = [np.array(fields[i].split(), dtype=np.int64) for i in keep]
    return _Block(
        np.array(pixels, np.uint8).reshape(-1, PIXELS),
        [labels[i] for i in keep],
        [split[i] for i in keep],
        [rows[i] for i in keep],
        sorted(bad, key=lambda b: int(b.where)),
    )


def _digits(fields: list[bytes]) -> np.ndarray | None:
    """Parse "70 80 …" fields to uint8 (n, PIXELS); None if any breaks the rules."""
    text = b"   " + b" ".join(fields) + b" "  # room to look three bytes back, one ahead
    digit = np.frombuffer(text, np.uint8) - np.uint8(ord("0"))  # a space wraps to 240
    is_digit = digit < 10
    is_space = digit == np.uint8((ord(" ") - ord("0")) % 256)
    if np.count_nonzero(is_digit) + np.count_nonzero(is_space) != len(text):
        return None
    ends = is_digit[3:-1] & ~is_digit[4:]
    if not _every_row_has_all(ends, fields):
        return None
    digit *= is_digit
    ones, tens, hundreds = digit[3:-1], digit[2:-2], digit[1:-3] * is_digit[2:-2]
    long = is_digit[3:-1] & is_digit[2:-2] & is_digit[1:-3]
    too_large = (hundreds > 2) | ((hundreds == 2) & (tens * np.uint8(10) + ones > 55))
    if (long & (is_digit[:-4] | too_large)).any():
        return None
    value = hundreds * np.uint8(100) + tens * np.uint8(10) + ones
    return np.compress(ends, value).reshape(-1, PIXELS)


def _every_row_has_all(ends: np.ndarray, fields: list[bytes]) -> bool:
    begin = 0
    for field in fields:
        end = begin + len(field) + 1
        if np.count_nonzero(ends[begin:end]) != PIXELS:
            return False
        begin = end
    return True


def _field_fault(fields: list[bytes], order: list[bytes]) -> str:
    if len(fields) != len(order):
        return f"expected {len(order)} fields, received {len(fields)}"
    by_name = dict(zip(order, fields, strict=True))
    label, usage = by_name[b"emotion"], by_name[b"usage"]
    if label not in _LABEL_CODES:
        highest = len(_LABEL_CODES) - 1
        kind = "in" if label.lstrip(b"-").isdigit() else "an integer in"
        return f"expected an emotion label {kind} [0, {highest}], received {_shown(label)}"
    if usage not in _SPLIT_CODES:
        known = ", ".join(USAGES)
        return f"expected a Usage among {known}, received {_shown(usage)}"
    return ""


def _pixel_fault(field: bytes) -> str:
    tokens = field.split()
    for position, token in enumerate(tokens, 1):
        if not token.isdigit():
            return (
                f"expected grey values in [0, 255], received {_shown(token)} "
                f"as value {position}"
            )
        if int(token) > 255:
            return (
                f"expected grey values in [0, 255], received {int(token)} "
                f"as value {position}"
            )
    if len(tokens) != PIXELS:
        return (
            f"expected {PIXELS} grey values ({SIDE} x {SIDE}), received {len(tokens)}"
        )
    return ""


def _clean(field: bytes) -> bytes:
    return field.strip().strip(b'"').strip()


def _shown(value: bytes) -> str:
    return repr(value[:20].decode("utf-8", "replace"))
