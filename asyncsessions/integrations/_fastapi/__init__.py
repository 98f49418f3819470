"""The parts of :mod:`asyncsessions.integrations.fastapi`, which is the one to import."""
