"""What an unfinished training has written down, read without Keras."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["STATE", "epochs_done", "read_state"]

STATE = "checkpoint/state.json"  # in a run's folder


def read_state(run_dir: str | Path) -> dict:
    """Return the state of an unfinished training, {} where there is none.

    Args:
        run_dir: folder of the run.

    Returns:
        {"key": of the training, "history": a dict per finished epoch, …}.
    """
    try:
        state = json.loads((Path(run_dir) / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    whole = isinstance(state, dict) and isinstance(state.get("history"), list)
    return state if whole else {}


def epochs_done(run_dir: str | Path) -> int:
    """Return how many epochs an unfinished training has finished."""
    return len(read_state(run_dir).get("history", ()))
