import pyarrow as pa
from pyspark.sql.types import StructType

def to_arrow_schema(schema: StructType, *, timezone: str | None = None) -> pa.Schema: ...
