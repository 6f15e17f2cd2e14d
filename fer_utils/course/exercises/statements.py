"""Which of these statements hold? The check of the interpret exercises."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["judged"]


def judged(answer, true: str, chosen: Mapping, missing: Mapping) -> str | None:
    """Judge a choice of statements, with a question to think about for each mistake.

    Args:
        answer: letters as a set, list, tuple or str, for example {"A", "C"}.
        true: the letters of the statements that hold.
        chosen: letter -> hint, for each statement that does not hold.
        missing: letter -> hint, for each statement that holds.

    Returns:
        None when exactly the statements that hold were chosen, else a hint.

    Example:
        >>> judged({"A"}, "A", {"B": "B fails."}, {"A": "Look again."})
        >>> judged({"A", "B"}, "A", {"B": "Is it so?"}, {"A": "Look again."})
        'A statement that you chose does not hold. Is it so?'
    """
    known = sorted({*chosen, *missing})
    try:
        letters = {str(letter).strip().upper() for letter in answer} - {"", ","}
    except TypeError:
        letters = {repr(answer)}
    if letters - set(known) or not letters:
        return (
            f"Expected letters out of {', '.join(known)}, for example "
            f'{{"{known[0]}", "{known[-1]}"}}, received {answer!r}.'
        )
    for letter in sorted(letters - set(true)):
        return f"A statement that you chose does not hold. {chosen[letter]}"
    for letter in sorted(set(true) - letters):
        return f"A statement that holds is missing. {missing[letter]}"
    return None
