"""Executing chapters for the repository: outputs that every machine gives, and nothing beside them."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

SECONDS = 600  # for a cell
LANGUAGE = {"name": "python"}  # its version is this machine's affair


def execute(path: Path) -> nbformat.NotebookNode:
    """Execute a chapter from a fresh kernel and store its outputs in it.

    Parameters
    ----------
    path : Path
        The notebook; it is written only if every cell succeeds.

    Returns
    -------
    NotebookNode
        The notebook as it was written.

    Raises
    ------
    OSError
        If it cannot be read or written.
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    notebook = nbformat.read(path, 4)
    folder = {"metadata": {"path": str(path.resolve().parent)}}
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", record_timing=False, coalesce_streams=True, resources=folder
    )
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `coursekit lab` and the tests have it
    client.execute()
    notebook.metadata["language_info"] = LANGUAGE
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    nbformat.write(notebook, path)
    return notebook
