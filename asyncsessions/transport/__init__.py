"""The only layer that opens sockets, waits, and knows aiohttp and tenacity."""
