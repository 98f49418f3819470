"""Run notebooks in a Jupyter kernel: ``python -m tools.run_notebook examples/analysis.ipynb``.

Each runs from top to bottom in a fresh kernel and a temporary folder, and what it printed and showed
as text is written to standard output.  The file is left as it is.  A notebook that was stored with
outputs is refused: they would grow old, and might hold somebody's data.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

TIMEOUT_S = 60
"""For one cell."""


class NotebookError(Exception):
    """What is wrong with a notebook, in one sentence or with the traceback of a cell."""


def run(path: Path) -> str:
    """Run a notebook and return its outputs as text; raises :class:`NotebookError`."""
    nbformat: Any = import_module("nbformat")  # it has no types
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if any(cell.outputs or cell.execution_count for cell in cells):
        raise NotebookError(f"{path}: clear all outputs before it is stored")
    with tempfile.TemporaryDirectory() as folder:
        # Nothing of whoever runs it takes part: no profile, no history, no configuration.
        names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")
        os.environ |= dict.fromkeys(names, folder) | {"JUPYTER_NO_CONFIG": "1"}
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=TIMEOUT_S,
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute()
        except CellExecutionError as error:
            raise NotebookError(f"{path}: {error}") from None
    return "\n".join(text for cell in cells for text in _texts(cell.outputs))


def _texts(outputs: Any) -> Iterator[str]:
    for output in outputs:
        yield output.text if output.output_type == "stream" else output.data["text/plain"]


def main(paths: list[str]) -> int:
    """Run each and return how the process shall exit."""
    try:
        for path in paths:
            print(run(Path(path)))
    except NotebookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
