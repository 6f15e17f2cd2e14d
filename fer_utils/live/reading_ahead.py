"""Read a source ahead in a thread, so that decoding and predicting overlap."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterator

from fer_utils.errors import ParameterError
from fer_utils.live.frames import Frame, Source

__all__ = ["Threaded", "threaded"]

# Enough to smooth out a slow frame; eight frames of 1920x1080 are 50 MB.
_AHEAD = 8
_JOIN_SECONDS = 5.0


class _Shared:
    """What the reading thread and the consumer share, and nothing else."""

    def __init__(self, source, drop_stale: bool):
        self.source, self.drop_stale = source, drop_stale
        self.frames: deque[Frame] = deque()
        self.changed = threading.Condition()
        self.stopped = self.finished = False
        self.error: BaseException | None = None
        self.dropped = 0
        self.thread: threading.Thread | None = None

    def run(self) -> None:
        try:
            for frame in self.source:
                if not self.put(frame):
                    break
        except BaseException as error:  # raised again where the frames are used
            self.error = error
        finally:
            self.source.close()  # here: some screens only close where they opened
            with self.changed:
                self.finished = True
                self.changed.notify_all()

    def put(self, frame: Frame) -> bool:
        """Hand a frame over; False when nobody wants frames any more."""
        with self.changed:
            if self.drop_stale:
                self.dropped += len(self.frames)
                self.frames.clear()
            while len(self.frames) >= _AHEAD and not self.stopped:
                self.changed.wait()
            self.frames.append(frame)
            self.changed.notify_all()
            return not self.stopped

    def take(self) -> Frame | None:
        """Return the next frame; None at the end. Raises what the source raised."""
        with self.changed:
            while not (self.frames or self.finished or self.stopped):
                self.changed.wait(0.2)  # a bound, so that Ctrl-C is heard on Windows
            if self.frames and not self.stopped:
                self.changed.notify_all()
                return self.frames.popleft()
        if self.error is not None and not self.stopped:
            error, self.error = self.error, None
            raise error
        return None

    def stop(self) -> None:
        with self.changed:
            self.stopped = True
            self.frames.clear()
            self.changed.notify_all()
        if self.thread is None:
            self.source.close()
        elif self.thread is not threading.current_thread():
            # A camera may hang in its driver: the thread closes it when it comes back.
            self.thread.join(_JOIN_SECONDS)


class Threaded(Source):
    """A source that is read ahead in a thread; made by `threaded`.

    Attributes:
        dropped: int, how many stale frames were left out so far; 0 for files.
    """

    def __init__(self, source: Source, drop_stale: bool):
        self.name, self.live = source.name, source.live
        self.fps, self.count, self.size = source.fps, source.count, source.size
        self._shared = _Shared(source, drop_stale)
        # The thread knows only `_Shared`: forgetting this object ends the thread.
        self._stop = weakref.finalize(self, self._shared.stop)

    @property
    def dropped(self) -> int:
        return self._shared.dropped

    def _read(self) -> Frame | None:
        shared = self._shared
        if shared.thread is None:
            shared.thread = threading.Thread(
                target=shared.run, name=f"reads {self.name}", daemon=True
            )
            shared.thread.start()
        return shared.take()

    def _release(self) -> None:
        self._stop()


def threaded(source: Source, drop_stale: bool | None = None) -> Threaded:
    """Return a source that reads another one ahead in a thread.

    The thread starts with the first frame asked for. An error of the source is raised
    where its frames are used, after the frames before it. Closing ends the thread and
    closes the source; so does forgetting the object.

    Args:
        source: what to read; nobody else may use it from now on.
        drop_stale: keep only the newest frame (live sources), or lose none and let the
            source wait when eight frames are ahead (files). None: as the source is.

    Returns:
        Threaded, with `dropped`, the number of frames left out.

    Raises:
        ParameterError: source is no source.

    Example:
        >>> import numpy as np
        >>> from fer_utils.live.sources import in_memory
        >>> with threaded(in_memory(np.zeros((20, 4, 4, 3), np.uint8))) as frames:
        ...     [frame.index for frame in frames] == list(range(20)), frames.dropped
        (True, 0)
    """
    if not isinstance(source, Iterator) or not hasattr(source, "close"):
        raise ParameterError(
            f"source={source!r}: expected a source such as live.VideoFile(path) or "
            "live.Webcam()."
        )
    return Threaded(source, source.live if drop_stale is None else bool(drop_stale))
