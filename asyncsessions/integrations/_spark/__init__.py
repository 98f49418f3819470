"""The parts of the Spark source; import :mod:`asyncsessions.integrations.spark` instead."""
