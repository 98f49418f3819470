"""A source for dlt; needs ``pip install "asyncsessions[dlt]"``.

::

    import dlt
    from asyncsessions.integrations.dlt import sessions_source

    pipeline = dlt.pipeline("sessions", destination="duckdb", dataset_name="analytics")
    pipeline.run(sessions_source("hum", start="2026-01-01"))

The key is looked up by dlt, as ``sources.asyncsessions.hum.api_key``.  What a load reads again, and
what that makes of a table, is in ``docs/dlt.md``.
"""

from __future__ import annotations

from importlib import import_module

try:
    for needed in ("dlt", "pyarrow"):  # only to see whether they are there
        import_module(needed)
except ImportError:
    raise ImportError(
        'the dlt integration needs an extra: pip install "asyncsessions[dlt]"', name="dlt"
    ) from None

from asyncsessions.integrations._dlt.source import sessions_source

__all__ = ["sessions_source"]
