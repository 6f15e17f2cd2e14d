"""Grid file -> validated experiments -> papermill -> run records -> report."""

from __future__ import annotations

import importlib

_HOME = {
    "Experiment": "experiment",
    "load_grid": "grid",
    "load_records": "record",
    "run_one": "running",
    "run_preset": "runner",
    "write_report": "report",
}
__all__ = [
    "Experiment",
    "load_grid",
    "load_records",
    "run_one",
    "run_preset",
    "write_report",
]


def __getattr__(name: str):
    if name in _HOME:
        return getattr(
            importlib.import_module(f"fer_utils.experiments.{_HOME[name]}"), name
        )
    raise AttributeError(f"module 'fer_utils.experiments' has no attribute {name!r}")
