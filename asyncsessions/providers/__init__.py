"""One pure file per vendor, against one Protocol (:mod:`asyncsessions.providers.base`)."""
