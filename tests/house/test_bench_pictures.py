"""The pictures and tables of docs/performance.md, from figures that the tests invent."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from benchmarks import goals, plots, storing, tables, target_tables
from benchmarks.charts import MODES, Axis, Bar, Line, Panel, bars, lines
from benchmarks.contending import DEFAULT, FLOOR, OURS, TRANSPORT
from benchmarks.writing import NOT_YET

SVG = "{http://www.w3.org/2000/svg}"
PEERS = (
    *("aiohttp + cattrs, sequential", "aiohttp + cattrs, gather"),
    *("aiohttp + cattrs, same record", "aiohttp + cattrs, gather, same record"),
    "httpx + pydantic pager",
    *("dlt RESTClient (dicts)", "Stainless runtime (openai)"),
)
WRITTEN = (
    *((name, getattr(tables, name)) for name in tables.__all__),
    *((name, getattr(target_tables, name)) for name in target_tables.__all__),
    ("goals_table", goals.goals_table),
)
WAYS = (FLOOR, DEFAULT, TRANSPORT, OURS, *tables.SHOWN)


def _row(name, group, number, **more):
    return {
        "name": name,
        "group": group,
        "vendor": "hum",
        "concurrency": 16,
        "latency_s": 0.0,
        "pages": 200,
        "rounds": 15,
        "records_per_s": 1e5 / number,
        "cpu_us": 2.0 * number,
        **{f"cpu_to_{what}": 1.0 * number for what in ("floor", "default", "ours")},
        "cpu_to_floor_spread": [0.9 * number, 1.1 * number],
        "wall_to_ours": 0.8 * number,
        **more,
    }


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Store invented figures of every kind."""
    monkeypatch.setattr(storing, "RESULTS", tmp_path)
    rows = [_row(name, "contenders", at) for at, name in enumerate((*WAYS, *PEERS), 1)]
    rows += [_row(OURS, group, 3, vendor="attributionhub") for group in ("contenders", "paired")]
    rows += [_row(name, "paired", at) for at, name in enumerate(WAYS, 1)]
    rows += [
        _row(
            *(name, "grid", at),
            latency_s=latency_s,
            concurrency=lanes,
            **({"share_of_ideal": 0.95, "share_of_even": 0.9} if latency_s else {}),
        )
        for latency_s in (0.0, 0.05)
        for lanes in (1, 8, 64)
        for at, name in enumerate(WAYS, 1)
    ]
    rows += [_row(PEERS[0], "latency", 9, concurrency=1, share_of_ideal=0.9)]
    rows += [_row(name, "memory", 1, peak_mb=41.4) for name in WAYS]
    server = {"pages_per_s": 20000.0, "times_floor": 4.0, "busy_share": 0.3}
    rows += [{"name": "page server", "group": "server", **server}]
    storing.store(tmp_path / "reading.json", {"concurrency": 16}, rows)
    scale = [
        {
            "name": f"{size:,} rows",
            "group": "scale",
            "rows": size,
            "requests": size // 50,
            "wall_s": 1.0,
            "cpu_us": 7.5,
            "wall_us": 8.0,
            "before_mb": 42.0,
            "peak_mb": 46.0,
            **{f"peak_mb_{share}": 45.0 for share in ("tenth", "half", "end")},
        }
        for size in (1_000, 100_000)
    ]
    storing.store(tmp_path / "scale.json", {}, scale)
    micro = {"cpu_us_a_page": 44.0, "to_reference": 1.2, "to_reference_spread": [1.1, 1.3]}
    storing.store(tmp_path / "micro.json", {}, [{"name": "a tile", "group": "micro", **micro}])
    share = {"name": "pages()", "group": "schedule", "concurrency": 8, "share": 0.97}
    storing.store(tmp_path / "schedule.json", {}, [share])
    apart = _row("asyncsessions pages()", "apart", 5, cpu_to_default=1.5, faults_a_page=0.1)
    storing.store(tmp_path / "apart.json", {}, [apart])
    variant = {"cpu_us": 3.0, "cpu_to_usual": 0.8, "cpu_to_usual_spread": [0.7, 0.9], "rounds": 11}
    row = {"name": "asyncsessions pages(), uvloop", "group": "variants", **variant}
    storing.store(tmp_path / "variants.json", {}, [row])
    durable = {"requests": 20, "wall_s": 0.2, "cpu_us": 9.0, "peak_mb_at_100%": 90.0}
    row = {"name": "sessions.csv", "group": "durable", "rows": 1_000, **durable}
    storing.store(tmp_path / "durable.json", {}, [row])
    starts = [
        {"name": "import asyncsessions", "group": "library", "extra_ms": -0.2, "wall_ms": 14.0},
        {"name": "asyncsessions --help", "group": "command", "extra_ms": 56.0, "wall_ms": 70.0},
    ]
    storing.store(tmp_path / "startup.json", {}, starts)
    pulled = {"tenants": 200, "complete": 190, "rows": 7_600, "requests": 170, "memory_mb": 300.0}
    took = {"wall_s": 28.0, "bound_s": 26.0, "ratio": 1.08}
    storing.store(tmp_path / "tenants.json", {}, [{"target": "duckdb", **pulled, **took}])
    sink = [_row("asyncsessions .parquet", "parquet", 4, peak_mb=90.0)]
    for name in ("sinks", "sinks_latency", "sinks_airbyte"):
        storing.store(tmp_path / f"{name}.json", {}, sink)
    loads = [
        _row(name, "dlt into duckdb", at, wall_s=3.0 * at, peak_mb=300.0)
        for at, name in ((1, "asyncsessions sessions_source"), (15, "dlt rest_api"))
    ]
    storing.store(tmp_path / "dlt.json", {"pages": 600, "latency": 0.05}, loads)
    return tmp_path


def _texts(drawn):
    return [element.text for element in ET.fromstring(drawn).iter(f"{SVG}text")]


def test_every_picture_is_drawn_in_both_modes_and_needs_nothing_from_outside(measured):
    found = plots.drawn()
    assert {name.removesuffix(".svg") for name in found} == {
        f"performance-{name}-{mode}" for name in plots.PLOTS for mode in MODES
    }
    for drawn in found.values():
        root = ET.fromstring(drawn)
        assert root.get("role") == "img"
        assert root.findtext(f"{SVG}title")
        assert root.findtext(f"{SVG}desc")
        assert "://" not in drawn.replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "@import" not in drawn


def test_the_modes_differ_in_colours_only(measured):
    light, dark = (plots.cpu(mode) for mode in MODES)
    assert light != dark
    assert _texts(light) == _texts(dark)


def test_the_picture_of_the_cost_has_a_bar_for_each_contender_as_long_as_its_figure(measured):
    drawn = plots.cpu("light")
    rects = list(ET.fromstring(drawn).iter(f"{SVG}rect"))[1:]  # the first is the card
    widths = [float(rect.get("width")) for rect in rects]
    shown = [name for name in plots.BARS if name in (*WAYS, *PEERS)]
    sizes = [2.0 * ((*WAYS, *PEERS).index(name) + 1) for name in shown]
    assert [name for name in _texts(drawn) if name in shown] == shown
    per_unit = {round(width / size, 1) for width, size in zip(widths, sizes, strict=True)}
    assert max(per_unit) - min(per_unit) <= 0.2


def test_no_text_of_a_picture_leaves_it_or_lies_on_another(measured):
    for drawn in plots.drawn().values():
        root = ET.fromstring(drawn)
        width, height = float(root.get("width")), float(root.get("height"))
        places = []
        for text in root.iter(f"{SVG}text"):
            long = len(text.text) * 7.2  # wider than the font is
            x, y = float(text.get("x")), float(text.get("y"))
            left = x - {"start": 0, "middle": long / 2, "end": long}[text.get("text-anchor")]
            assert left >= -long * 0.05
            assert left + long * 0.9 <= width, text.text
            assert 0 < y < height
            places.append((text.get("x"), text.get("y")))
        assert len(set(places)) == len(places)


def test_what_was_not_measured_is_not_drawn_and_the_tables_say_so(monkeypatch, tmp_path):
    monkeypatch.setattr(storing, "RESULTS", tmp_path)
    assert plots.drawn() == {}
    for name, written in WRITTEN:
        assert written() == NOT_YET, name


@pytest.mark.parametrize("name", [name for name, _ in WRITTEN if name.endswith("_table")])
def test_every_table_is_as_wide_as_its_head_in_every_line(measured, name):
    written = [line for line in dict(WRITTEN)[name]().splitlines() if line.startswith("|")]
    assert len(written) > 2
    assert len({line.count("|") for line in written}) == 1


def test_the_tables_say_what_was_measured(measured):
    assert "| asyncsessions pages() | 25,000 | 8.0 | 4.00 | 4.00 | 3.20 | 41 |" in (
        tables.contenders_table()
    )
    assert "| 8 | 200 | 0.950 |" in tables.slow_table()
    assert "| Hum | asyncsessions pages() | 4.00 | 3.60" in tables.ratios_table()
    assert "20,000 pages a second" in tables.server_line()
    assert "4.00 times the CPU time" in tables.claim()
    assert "15.0 (a Stainless-made SDK)" in tables.claim()
    assert (
        "30,000 rows into DuckDB, from a vendor that takes 50 ms" in target_tables.loading_claim()
    )
    assert "takes 12 times as long, at least" in target_tables.loading_claim()
    assert "takes 0 ms on top of the bare interpreter" in target_tables.startup_claim()
    assert (
        "| `sessions.csv` | 1,000 | 20 | 0.20 | 9.0 |  |  |  | 90 |"
        in target_tables.durable_table()
    )
    assert (
        "| duckdb | 200 | 190 | 7,600 | 170 | 28.0 | 26.0 | 1.08 | 300 |" in target_tables.tenants()
    )
    assert "| asyncsessions pages(), uvloop | 3.0 | 0.80 | 0.70" in tables.variants_table()
    assert "| dlt rest_api | 45.0 | 12.0 | 15.0 | 300 |" in target_tables.loading_table()


def test_axes_end_at_or_above_the_largest_value_in_few_round_steps():
    for most in (0.9, 3.1, 7.49, 10, 99, 101, 64_000, 512_345):
        step, end = plots._scale(most)
        assert most <= end < most + step
        assert 2 <= round(end / step) <= 6
        assert re.fullmatch(r"[125]0*", f"{step * 1000:.0f}")


def test_an_axis_places_its_ends_at_its_ends_also_when_it_is_logarithmic():
    for axis in (Axis("", 8, []), Axis("", 1e6, [], is_log=True, begin=1e3)):
        assert (axis.share(axis.begin), axis.share(axis.end)) == (0, 1)
    assert Axis("", 1e6, [], is_log=True, begin=1e2).share(1e4) == pytest.approx(0.5)


def test_names_of_lines_that_end_together_stand_apart():
    drawn = lines(
        [
            Panel(
                "",
                Axis("across", 10, [10]),
                Axis("up", 10, [10]),
                [Line(name, [(0, 0), (10, 5)], "peer") for name in ("first", "second", "third")],
            )
        ],
        title="t",
        told="s",
        mode="light",
    )
    heights = [
        float(text.get("y"))
        for text in ET.fromstring(drawn).iter(f"{SVG}text")
        if text.text in {"first", "second", "third"}
    ]
    assert all(b - a >= 15 for a, b in pairwise(heights))


def test_a_heading_has_no_bar():
    rows = [Bar("group"), Bar("one", 1.0, "ours", "1.0")]
    drawn = bars(rows, Axis("", 2, [0, 1, 2]), title="t", told="s", mode="dark")
    assert len(list(ET.fromstring(drawn).iter(f"{SVG}rect"))) == 2


def test_stale_pictures_fail_the_check_and_are_left_as_they_are(measured, monkeypatch, capsys):
    monkeypatch.setattr(plots, "IMAGES", measured)
    assert plots.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().out
    assert plots.main([]) == 0
    assert plots.main(["--check"]) == 0


def test_a_goal_is_missed_where_the_worst_of_its_figures_is(measured):
    found = goals.goals_table()
    assert "| `asyncsessions --help` | at most 300 ms | 70 ms | met |" in found
    assert (
        "| share of the ideal schedule at 50 ms, 8 to 64 at a time | at least 0.93 | 0.950 | met |"
        in found
    )
    assert (
        "| `.parquet`, CPU: of fetching the bytes alone | at most 2.5 \u00d7 | **4.00 \u00d7** | missed |"
        in found
    )
    assert "Airbyte" not in found  # it was not measured here
