"""How long each cell of an exercise notebook takes, measured here, for the teacher."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from fer_utils.errors import DataError
from fer_utils.files import write_json

__all__ = ["FILE", "measure", "read", "write"]

FILE = "timings.json"  # in notebooks/
_MOST_SECONDS = 600  # that one cell may take


def measure(notebook: str | Path) -> dict[str, float]:
    """Execute a notebook in a kernel of its own and time each code cell.

    Args:
        notebook: the file; it is not changed, and no progress is noted.

    Returns:
        {cell id: seconds}.

    Raises:
        DataError: a cell stopped; its error is in the message.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = Path(notebook)
    content = nbformat.read(notebook, as_version=4)
    with tempfile.TemporaryDirectory(prefix="fer-") as folder:
        progress = str(Path(folder) / "fer-progress.json")
        where = {"metadata": {"path": str(notebook.parent)}}
        client = NotebookClient(content, timeout=_MOST_SECONDS, resources=where)
        try:
            client.execute(env=os.environ | {"FER_PROGRESS": progress})
        except CellExecutionError as error:
            raise DataError(f"{notebook}: a cell stopped.\n{error}") from None
    timed = [c for c in content.cells if "execution" in c.metadata]
    return {cell.id: _seconds(cell.metadata["execution"]) for cell in timed}


def _seconds(times: dict[str, str]) -> float:
    began, ended = (
        datetime.fromisoformat(times[key].replace("Z", "+00:00"))
        for key in ("iopub.execute_input", "shell.execute_reply")
    )
    return round((ended - began).total_seconds(), 2)


def write(root: str | Path, notebooks: Iterable[str | Path]) -> Path:
    """Measure notebooks and keep the times; those of other notebooks stay.

    Returns:
        `notebooks/timings.json`, {"measured": {stem: when and on how many cores},
        "seconds": {stem: {cell id: seconds}}}.
    """
    file = Path(root) / "notebooks" / FILE
    content = read(root)
    for notebook in map(Path, notebooks):
        content["seconds"][notebook.stem] = measure(notebook)
        today = datetime.now(UTC).date().isoformat()
        content["measured"][notebook.stem] = f"{today}, {os.cpu_count()} cores"
        write_json(file, content)  # after each: a stop loses nothing
    return file


def read(root: str | Path) -> dict:
    """Return what `write` wrote, empty where nothing was measured yet.

    Raises:
        DataError: the file is damaged.
    """
    file = Path(root) / "notebooks" / FILE
    if not file.exists():
        return {"measured": {}, "seconds": {}}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {key: dict(content[key]) for key in ("measured", "seconds")}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{file}: no times can be read ({error!r}). Delete it and run "
            "`fer course time`."
        ) from None
