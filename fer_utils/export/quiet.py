"""`quiet`: converters report their own progress; errors come as exceptions anyway."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings

__all__ = ["quiet"]


@contextlib.contextmanager
def quiet():
    """Keep log lines and warnings of a converter off the terminal, C++ ones too."""
    loggers = [logging.getLogger(n) for n in ("absl", "tensorflow", "tf2onnx", "root")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), _without_standard_error():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _without_standard_error():
    """Send file descriptor 2 nowhere: C++ writes to it past Python."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
