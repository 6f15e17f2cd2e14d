"""What a source hands out, and what all sources share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fer_utils.errors import ParameterError

__all__ = ["Frame", "Source"]


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source.

    Attributes:
        index: int, its place in the source from 0; dropped frames leave gaps.
        seconds: float, its time: of a file by the file's own clock, of a live source
            since its first frame.
        image: uint8 (H, W, 3), BGR.
    """

    index: int
    seconds: float
    image: np.ndarray


class Source:
    """What every source shares: it is its own iterator, and closes.

    Attributes:
        name: str, for messages.
        fps: float, frames per second; None where frames have no fixed pace.
        count: int, how many frames there are in all; None where nobody knows.
        size: (width, height) of the first frame in pixels.
        live: bool, goes on whether or not anybody looks.
    """

    name: str = "source"
    fps: float | None = None
    count: int | None = None
    size: tuple[int, int] = (0, 0)
    live: bool = False
    _ended = False
    _closed = False

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        if self._closed and not self._ended:
            raise ParameterError(
                f"{self.name} was closed before its last frame. Make a new source."
            )
        frame = None
        try:
            frame = None if self._ended else self._read()
        finally:  # after an error, too, there is nothing more to come
            self._ended = frame is None
        if frame is None:
            raise StopIteration
        return frame

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def close(self) -> None:
        """Give the file, camera or screen back; a second time does nothing."""
        if not self._closed:
            self._closed = True
            self._release()

    def _read(self) -> Frame | None:
        raise NotImplementedError

    def _release(self) -> None:
        """Give back what the source holds; nothing unless a source says so."""
