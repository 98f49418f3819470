"""dlt keeps to a folder of the test, says nothing to anybody, and leaves no pipeline active."""

import pytest


@pytest.fixture
def _alone_with_dlt(tmp_path, monkeypatch):
    dlt = pytest.importorskip("dlt")
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("DLT_DATA_DIR", str(home))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "CRITICAL")
    Container()[PluggableRunContext].reload(str(home))
    yield
    context = Container()[dlt.common.pipeline.PipelineContext]
    if context.is_active():
        context.deactivate()
