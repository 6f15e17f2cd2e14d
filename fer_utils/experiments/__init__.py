"""Grid file -> validated experiments -> papermill -> run records -> report."""

from __future__ import annotations

import importlib

_HOME = {
    "AgainstReference": "against",
    "Experiment": "experiment",
    "against_reference": "against",
    "cross_dataset_record": "cross_dataset",
    "load_grid": "grid",
    "load_records": "record",
    "run_one": "running",
    "run_preset": "runner",
    "write_reference": "reference",
    "write_report": "report",
}
__all__ = [
    "AgainstReference",
    "Experiment",
    "against_reference",
    "cross_dataset_record",
    "load_grid",
    "load_records",
    "run_one",
    "run_preset",
    "write_reference",
    "write_report",
]


def __getattr__(name: str):
    if name in _HOME:
        return getattr(
            importlib.import_module(f"fer_utils.experiments.{_HOME[name]}"), name
        )
    raise AttributeError(f"module 'fer_utils.experiments' has no attribute {name!r}")
