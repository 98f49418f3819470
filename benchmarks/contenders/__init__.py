"""What a user could write or pick instead, each honest, idiomatic, and in a file of its own.

A contender is a module with ``async def run(base_url: str, pages: int, concurrency: int) -> int``, which
reads a list of so many pages and returns how many records (or pages, where it makes none) it has.
"""
