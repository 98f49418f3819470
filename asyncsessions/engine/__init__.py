"""Drives the walks: what to ask, when, and in which order rows are handed over."""
