from typing import Any

class StructField:
    name: str
    metadata: dict[str, Any]

class StructType:
    fields: list[StructField]
