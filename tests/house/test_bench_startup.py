"""What the figures of starting are made of."""

import os

from benchmarks import startup


def test_what_a_case_takes_is_counted_on_top_of_the_bare_interpreter_of_the_same_round(capsys):
    times = {case: [100.0, 200.0, 900.0] for case in startup.CASES}
    times[startup.BARE] = [10.0, 150.0, 880.0]
    rows = {row["name"]: row for row in startup.show(times)}
    row = rows["import asyncsessions"]
    assert (row["wall_ms"], row["extra_ms"], row["most_extra_ms"], row["rounds"]) == (
        200,
        50,
        60,
        3,
    )
    assert rows["asyncsessions --help"]["most_ms"] == 300
    assert rows["bare interpreter"]["extra_ms"] == 0
    assert "import asyncsessions" in capsys.readouterr().out


def test_nothing_that_slows_python_down_is_handed_on_and_what_it_compiles_is_kept(monkeypatch):
    seen = []
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(startup, "CASES", (startup.BARE,))
    monkeypatch.setattr(startup.subprocess, "run", lambda *_, env, **__: seen.append(env))
    times = startup.measure(2)
    assert [len(each) for each in times.values()] == [2]
    assert len(seen) == 3
    for env in seen:
        assert [name for name in env if name.startswith("PYTHON")] == ["PYTHONPYCACHEPREFIX"]
        assert env["PATH"] == os.environ["PATH"]
