from asyncsessions.core.columns import COLUMNS
from tools.tables import columns_table, providers_table


def test_the_table_of_providers_says_what_the_classes_do():
    header, _, hum, hub = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in providers_table().splitlines()
    ]
    assert len(header) == len(hum) == len(hub) == 8
    assert (hum[0], hub[0]) == ("Hum", "AttributionHub")
    assert hum[1:3] == [
        "`GET /analytics/sessions`, parameters",
        "`Authorization: Bearer <token>`",
    ]
    assert hub[1:3] == ["`POST /api/v1/sessions`, JSON body", "`Authentication: <key>`"]
    assert (hum[3:5], hub[3:5]) == (["50", "any"], ["50", "30 days"])
    assert "never repeated" in hub[6] != hum[6]
    assert "https://docs.letshum.com/" in hum[7]
    assert "https://attributionhub.io/" in hub[7]


def test_the_table_of_columns_has_all_of_them_with_their_types():
    _, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in columns_table().splitlines()
    ]
    assert [row[0] for row in rows] == [f"`{column.name}`" for column in COLUMNS]
    of = {row[0]: row[1:] for row in rows}
    assert of["`order_installed`"] == ["`order.installed`", "bool", "Boolean", "boolean"]
    assert of["`furthest_step`"] == ["`furthest_step`", "int64", "Int64", "Int64"]
