"""Buy the data once: read it, write it down, and work on what was written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, cast

from attrs import frozen

from asyncsessions import errors
from asyncsessions.core.digest import digest
from asyncsessions.errors import ConfigurationError, SessionsError, SinkError
from asyncsessions.integrations._spark.columns import FORMAT, REPORT
from asyncsessions.integrations._spark.outcomes import Outcome, together
from asyncsessions.integrations._spark.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["Landed", "land"]

Format = Literal["parquet", "delta"]
Mode = Literal["error", "overwrite", "force"]

MARK = {"asyncsessions": "landed"}
"""Metadata of the first column: Parquet and Delta keep it, and by it we know what is ours."""
LOCAL = re.compile(r"local\[(\d+|\*)(?:,\s*\d+)?\]")
TOLD = re.compile(r"asyncsessions\.errors\.(\w+Error): (.+)")
CAUSE = re.compile(r"^(?:Caused by)?: (?:[\w.$]+: )?(.+)$", re.MULTILINE)
"""What Java says of each error; py4j's own first line only tells which call it was."""
LAST_OF_PYTHON = re.compile(r"^([A-Za-z_][\w.]*: .+)\n\n", re.MULTILINE)
NO_FORMAT = "DATA_SOURCE_NOT_FOUND"
FOREIGN = "FAILED_READ_FILE"
ABSENT = re.compile(r"PATH_NOT_FOUND|DOES_NOT_EXIST|MISSING_DELTA_TABLE|TABLE_NOT_FOUND")


@frozen(kw_only=True)
class Landed:
    """What :func:`land` has written: ``rows`` sessions at ``path``, in ``format``.

    ``outcomes`` say of each tenant, or of the one vendor, what became of it and what it took;
    ``digest`` says which rows were written, as for every other target (``None`` unless asked for).
    """

    path: str
    format: str
    rows: int
    outcomes: tuple[Outcome, ...]
    digest: str | None = None

    @property
    def requests(self) -> int:
        """How many requests it took; those of attempts that failed are not known."""
        return sum(each.requests for each in self.outcomes)

    @property
    def complete(self) -> bool:
        """Whether everything came, of all tenants, and is proven."""
        return all(each.complete for each in self.outcomes)


def land(
    spark: SparkSession,
    *,
    to: str,
    format: Format = "parquet",  # noqa: A002 - Spark's word for it
    mode: Mode = "error",
    with_digest: bool = False,
    **options: Any,
) -> Landed:
    """Read sessions once and write them to ``to``; ``options`` are those of the source.

    ``mode``: ``"error"`` refuses a path where there is something, ``"overwrite"`` replaces what an
    earlier landing has written and nothing else, ``"force"`` replaces anything.  ``with_digest``
    brings all rows to the driver once more, from what was written.  Where it is certain how many
    tasks can run at once, the limits are divided by that (``tasks_at_once``).  With ``tenants`` one
    that fails is skipped, and so is the proof: ``outcomes`` say so, unless ``on_tenant_error`` and
    ``on_incomplete`` say otherwise.  Raises :class:`SinkError`, and what reading raises.
    """
    if format not in {"parquet", "delta"}:
        raise ConfigurationError("format must be 'parquet' or 'delta'")
    if mode not in {"error", "overwrite", "force"}:
        raise ConfigurationError("mode must be 'error', 'overwrite' or 'force'")
    given = _completed(spark, options)
    _refuse_what_is_there(spark, to, format, mode)
    try:
        outcomes = _write(
            spark, given, to, format, "errorifexists" if mode == "error" else "overwrite"
        )
    except Exception as error:  # noqa: BLE001 - Spark's, or py4j's with the same text
        raise told(error) from None
    landed = spark.read.format(format).load(to)
    return Landed(
        path=to,
        format=format,
        rows=landed.count(),
        outcomes=tuple(outcomes),
        digest=digest(landed.toArrow()) if with_digest else None,
    )


def _completed(spark: SparkSession, options: dict[str, Any]) -> dict[str, str]:
    """Return the options as texts, with those that a landing knows better."""
    given = {name: _text(value) for name, value in options.items() if value is not None}
    given["with_reports"] = "true"
    if "tenants" in given:
        given = {"on_tenant_error": "skip", "on_incomplete": "warn"} | given
    at_once = slots(spark)
    limits = Settings.of(given).limits
    if limits.tasks_at_once is None and at_once is not None and at_once <= limits.max_concurrency:
        given["tasks_at_once"] = str(at_once)
    return given


def _write(
    spark: SparkSession, given: dict[str, str], to: str, kind: Format, mode: str
) -> list[Outcome]:
    """Write the rows, and return what the reports between them say, in one job."""
    from pyspark.sql import Observation
    from pyspark.sql.functions import col, collect_list

    frame = spark.read.format(FORMAT).options(**given).load()
    seen = Observation("asyncsessions")
    told_of = frame.observe(seen, collect_list(REPORT).alias(REPORT))
    rows = told_of.filter(col(REPORT).isNull()).drop(REPORT)
    rows.withMetadata(rows.columns[0], MARK).write.format(kind).mode(mode).save(to)
    return together(map(Outcome.from_json, seen.get[REPORT]))


def slots(spark: SparkSession) -> int | None:
    """Return how many tasks can run at once at most, ``None`` where that is not certain."""
    get = spark.conf.get
    master = get("spark.master", "")
    if master == "local":
        return 1
    if found := LOCAL.fullmatch(master):
        return (os.cpu_count() or 1) if found[1] == "*" else int(found[1])
    if get("spark.dynamicAllocation.enabled", "false").lower() != "false":
        return None
    instances, cores = get("spark.executor.instances", ""), get("spark.executor.cores", "")
    return int(instances) * int(cores) if instances.isdecimal() and cores.isdecimal() else None


def told(error: Exception) -> SessionsError:
    """Return the error of ours that a failed job tells of in the last line of a long text."""
    text = str(error)
    if NO_FORMAT in text:
        return ConfigurationError(
            "this Spark has no format 'delta': add Delta to it, or use parquet"
        )
    found = TOLD.search(text)
    kind: type[SessionsError] = getattr(errors, found[1], SessionsError) if found else SinkError
    return kind(found[2] if found else _reason(text))


def _reason(text: str) -> str:
    """Return what a long text of Spark's says that went wrong in the first place."""
    causes = CAUSE.findall(text)
    reason: str = causes[-1] if causes else text.partition("\n")[0]
    python = LAST_OF_PYTHON.findall(text) if reason.startswith("Traceback") else []
    return python[-1] if python else reason


def _refuse_what_is_there(spark: SparkSession, path: str, kind: Format, mode: Mode) -> None:
    if mode == "force":
        return
    there = _look(spark, path, kind)
    if there == "nothing" or (mode == "overwrite" and there != "something else"):
        return
    if mode == "error":
        raise SinkError(
            f"there is something at {path} already: give mode='overwrite' to replace what was "
            "landed there, or another path"
        )
    raise SinkError(
        f"what is at {path} was not written by land(): give another path, or mode='force' to "
        "replace it all the same"
    )


def _look(spark: SparkSession, path: str, kind: Format) -> str:
    """Return what is at a path: nothing, no files, a landing, or something else.

    Raises :class:`SinkError` if Spark cannot tell, as of a file system that it does not reach.
    """
    try:
        fields = spark.read.format(kind).load(path).schema.fields
    except Exception as error:  # noqa: BLE001 - Spark's, or py4j's with the same text
        text = str(error)
        if NO_FORMAT in text:
            raise told(error) from None
        if ABSENT.search(text):
            return "nothing"
        if "UNABLE_TO_INFER_SCHEMA" in text:  # what a landing that failed leaves behind
            return "no files"
        if FOREIGN in text:
            return "something else"
        raise SinkError(f"cannot see what is at {path}: {_reason(text)}") from None
    return "a landing" if fields and fields[0].metadata == MARK else "something else"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(str, cast("Iterable[object]", value)))
    return str(value)
