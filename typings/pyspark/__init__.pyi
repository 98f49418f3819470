# What asyncsessions uses of pyspark, which is too large to be installed for the type checkers.
# tests/spark/test_typings.py holds it against the real one.

class TaskContext:
    @classmethod
    def get(cls) -> TaskContext | None: ...
    def attemptNumber(self) -> int: ...
