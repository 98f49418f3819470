"""The parts of :mod:`asyncsessions.integrations.dlt`, which is the one to import."""
