"""Airbyte: a low-code connector as its builder writes it, with slices of time read by twenty workers.

Airbyte reads the pages of one slice one after the other, so its users cut the range into slices; here
there are thirty, as in a month of days.  What a connector says is written down as JSON lines, which
DuckDB then loads: a cheaper way than any destination of Airbyte's own.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb as duckdb_module
import orjson
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
)

from benchmarks.listing import END

SLICES = 30
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "created_at": {"type": "string"},
        "campaign_id": {"type": ["string", "null"]},
        "address": {"type": ["object", "null"]},
        "furthest_step": {"type": ["integer", "null"]},
        "order_number": {"type": ["string", "null"]},
        "ordered_at": {"type": ["string", "null"]},
        "installed": {"type": ["boolean", "null"]},
        "installed_at": {"type": ["string", "null"]},
        "commission_cents": {"type": ["integer", "null"]},
    },
}
CATALOG = {
    "streams": [
        {
            "stream": {
                "name": "sessions",
                "json_schema": SCHEMA,
                "supported_sync_modes": ["full_refresh", "incremental"],
            },
            "sync_mode": "incremental",
            "destination_sync_mode": "append",
        }
    ]
}


def _manifest(base_url: str, pages: int, concurrency: int) -> dict[str, Any]:
    # The server lists a page a minute, and a range includes its last second.
    start, step = END - timedelta(minutes=pages), timedelta(minutes=pages) / SLICES
    return {
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["sessions"]},
        "concurrency_level": {
            "type": "ConcurrencyLevel",
            "default_concurrency": concurrency,
            "max_concurrency": concurrency,
        },
        "streams": [
            {
                "type": "DeclarativeStream",
                "name": "sessions",
                "primary_key": ["id"],
                "retriever": {
                    "type": "SimpleRetriever",
                    "requester": {
                        "type": "HttpRequester",
                        "url_base": base_url,
                        "path": "/analytics/sessions",
                        "http_method": "GET",
                        "authenticator": {"type": "BearerAuthenticator", "api_token": "invented"},
                    },
                    "record_selector": {
                        "type": "RecordSelector",
                        "extractor": {"type": "DpathExtractor", "field_path": ["data"]},
                    },
                    "paginator": {
                        "type": "DefaultPaginator",
                        "page_token_option": _parameter("page"),
                        "pagination_strategy": {
                            "type": "PageIncrement",
                            "page_size": 50,
                            "start_from_page": 1,
                            "inject_on_first_request": True,
                        },
                    },
                },
                "incremental_sync": {
                    "type": "DatetimeBasedCursor",
                    "cursor_field": "created_at",
                    "datetime_format": FORMAT,
                    "cursor_granularity": "PT1S",
                    "start_datetime": start.strftime(FORMAT),
                    "end_datetime": (END - timedelta(seconds=1)).strftime(FORMAT),
                    "step": f"PT{step // timedelta(seconds=1)}S",
                    "start_time_option": _parameter("start_date"),
                    "end_time_option": _parameter("end_date"),
                },
                "schema_loader": {"type": "InlineSchemaLoader", "schema": SCHEMA},
            }
        ],
    }


def _parameter(name: str) -> dict[str, str]:
    return {"type": "RequestOption", "field_name": name, "inject_into": "request_parameter"}


def duckdb(base_url: str, pages: int, concurrency: int, folder: Path) -> Path:
    catalog, config = ConfiguredAirbyteCatalogSerializer.load(CATALOG), dict[str, Any]()
    source = ConcurrentDeclarativeSource(
        catalog=catalog,
        config=config,
        state=[],
        source_config=_manifest(base_url, pages, concurrency),
    )
    lines, target = folder / "sessions.jsonl", folder / "sessions.duckdb"
    with lines.open("wb") as file:
        for message in source.read(logging.getLogger("airbyte"), config, catalog, []):
            if message.record is not None:
                file.write(orjson.dumps(message.record.data) + b"\n")
    with duckdb_module.connect(str(target)) as connection:
        connection.execute("CREATE TABLE sessions AS FROM read_json(?)", [str(lines)])
    return target
