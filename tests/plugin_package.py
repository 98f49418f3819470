"""An installed package, as pip leaves one: modules, and a folder that says what it declares."""

import sys
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

TINY = """
    from datetime import timedelta

    from attrs import evolve

    from asyncsessions import Hum
    from asyncsessions.providers.kit import Argument, CommandLine


    class Tiny:
        name = "tiny"
        page_size = 50
        longest_window = None
        lookback = timedelta(days=3)
        has_ids = True
        command_line = CommandLine(
            secret="TINY_TOKEN",
            title="Tiny Inc.",
            settings=(
                Argument("base_url", variable="TINY_BASE_URL", help="Address."),
                Argument("region", choices=("eu", "us"), variable="TINY_REGION", help="Where."),
            ),
            filters=(
                Argument("token_ids", option="--token-id", is_repeatable=True, help="Only these."),
                Argument("with_clicks", is_flag=True, help="Only with clicks."),
            ),
        )

        def __init__(self, token, *, base_url, region="eu"):
            self._hum = Hum(token, base_url=base_url)
            self.base_url = self._hum.base_url
            self.secrets = self._hum.secrets
            self.region = region

        def query(self, *, start, end=None, token_ids=(), with_clicks=False):
            return self._hum.query(
                start=start, end=end, token_ids=token_ids, with_clicks=with_clicks
            )

        def page_request(self, query, window, page):
            return self._hum.page_request(query, window, page)

        def read_page(self, response, *, page, raw=False):
            answer = self._hum.read_page(response, page=page, raw=raw)
            return evolve(answer, rows=[evolve(row, provider="tiny") for row in answer.rows])

        def read_refusal(self, response):
            return None

        def unknown_fields(self, response):
            return ()
"""
"""A provider for the API that the fake of Hum serves."""


@contextmanager
def forgotten(folder):
    """Forget in the end what was imported from there, so that others may use its names."""
    try:
        yield
    finally:
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]


def install(folder, package, module, code, **entries):
    """Write the package ``package`` 1.0 whose one module has that code and declares the entries."""
    folder = Path(folder)
    (folder / f"{module}.py").write_text(dedent(code), encoding="utf-8")
    info = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {module}:{value}\n" for name, value in entries.items()]
    (info / "entry_points.txt").write_text("[asyncsessions.providers]\n" + "".join(lines))
