"""Read the FER2013 csv, whose pixels are 2304 decimal numbers in one field, fast.

The text is parsed by numpy a block of rows at a time. Only a block that breaks the
rules is looked at again row by row, to say which rows are bad and why.
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
_SPLIT_CODES = {usage.encode(): SPLITS.index(split) for usage, split in USAGES.items()}
_LABEL_CODES = {
    str(code).encode(): code for code in range(len(fer_labels.FER2013.classes))
}
_PADDING = b' "\t\r\n'
# 32 rows are 270 kB of text: it and its temporaries stay in the core's cache.
_BLOCK_ROWS = 32
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
    without_bom = header.removeprefix(b"\xef\xbb\xbf")
    names = [name.strip(_PADDING).lower() for name in without_bom.split(b",")]
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
    """Map in order over few threads, holding few parts (numpy releases the GIL)."""
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting = deque()
        for part in parts:
            waiting.append(pool.submit(function, part))
            if len(waiting) > 2 * _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _parse(block: list[tuple[int, bytes]], order: list[bytes]) -> _Block:
    at_label, at_pixels, at_usage = (order.index(column) for column in COLUMNS)
    good, labels, split, rows, bad = [], [], [], [], []
    for row, line in block:
        fields = line.split(b",")
        if len(fields) != len(order):
            reason = f"expected {len(order)} fields, received {len(fields)}"
            bad.append(Bad(str(row + 1), reason))
            continue
        label = _LABEL_CODES.get(fields[at_label].strip(_PADDING))
        part = _SPLIT_CODES.get(fields[at_usage].strip(_PADDING))
        if label is None or part is None:
            reason = _code_fault(label, fields[at_label], fields[at_usage])
            bad.append(Bad(str(row + 1), reason))
            continue
        good.append(fields[at_pixels].strip(_PADDING))
        labels.append(label)
        split.append(part)
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
    # At each byte: the value of the number that ends there, were it to end there.
    digit *= is_digit
    hundred = digit[1:-3] * is_digit[2:-2]
    too_large = hundred > 2
    hundred *= np.uint8(100)
    value = digit[2:-2] * np.uint8(10)
    value += digit[3:-1]
    value += hundred
    too_large |= value < hundred  # 256 and more wrapped around
    too_large |= is_digit[:-4]  # a fourth digit
    if (too_large & is_digit[1:-3] & is_digit[2:-2] & is_digit[3:-1]).any():
        return None
    return np.compress(ends, value).reshape(-1, PIXELS)


def _every_row_has_all(ends: np.ndarray, fields: list[bytes]) -> bool:
    begin = 0
    for field in fields:
        end = begin + len(field) + 1
        if np.count_nonzero(ends[begin:end]) != PIXELS:
            return False
        begin = end
    return True


def _code_fault(label: int | None, emotion: bytes, usage: bytes) -> str:
    if label is None:
        return (
            f"expected an integer emotion label in [0, {len(_LABEL_CODES) - 1}], "
            f"received {_shown(emotion)}"
        )
    return f"expected a Usage among {', '.join(USAGES)}, received {_shown(usage)}"


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


def _shown(value: bytes) -> str:
    return repr(value.strip(_PADDING)[:20].decode("utf-8", "replace"))
