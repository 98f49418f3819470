"""Which files of a dataset to read: those that its manifest names, and no others.

The names are for any reader of Parquet; this module needs no optional library::

    files = [str(path) for path in dataset_files("out")]
    duckdb.execute("SELECT * FROM read_parquet(?)", [files])
    polars.read_parquet(files)
    pandas.read_parquet(files)

A pull replaces files and never alters one.  Those that it has replaced stay until a later run
begins, so that what has been opened can be read to its end.
"""

from __future__ import annotations

from pathlib import Path

from asyncsessions.errors import SinkError
from asyncsessions.sinks.manifest import Manifest
from asyncsessions.sinks.wording import shown

__all__ = ["change_files", "dataset_files"]


def dataset_files(path: str | Path) -> list[Path]:
    """Return the files with the sessions of a dataset, newest first.

    Raises :class:`SinkError` if there is no dataset of ours.
    """
    manifest = _manifest(path)
    windows = [window for stream in manifest.streams() for window in stream.windows]
    windows.sort(key=lambda window: -window.owned.hi)
    return [manifest.data / window.file for window in windows]


def change_files(path: str | Path) -> list[Path]:
    """Return the files with what syncs have found changed, those of each provider newest first.

    Their columns are those of :func:`core.changes.changes_schema`.  Raises :class:`SinkError` if
    there is no dataset of ours.
    """
    manifest = _manifest(path)
    return [manifest.changes / file for stream in manifest.streams() for file in stream.changes]


def _manifest(path: str | Path) -> Manifest:
    folder = Path(path)
    manifest = Manifest(folder, target=folder)
    if not manifest.is_there:
        raise SinkError(f"{shown(folder)} is not a dataset of ours")
    return manifest
