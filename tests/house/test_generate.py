import sys
from types import ModuleType

import pytest

from tools import generate

DOCUMENT = """# Title

<!-- generated: tables_for_tests:vendors -->
| stale |
<!-- end -->

```markdown
<!-- generated: shown:only -->
```
"""


@pytest.fixture(autouse=True)
def tables(monkeypatch):
    module = ModuleType("tables_for_tests")
    module.vendors = lambda: "| vendor |\n| hum |\n"
    module.number = lambda: 3
    monkeypatch.setitem(sys.modules, "tables_for_tests", module)


def test_a_part_is_replaced_and_the_rest_is_kept():
    expected = DOCUMENT.replace("| stale |", "| vendor |\n| hum |")
    assert expected == generate.generated(DOCUMENT, "README.md")


def test_a_second_run_changes_nothing():
    once = generate.generated(DOCUMENT, "README.md")
    assert once == generate.generated(once, "README.md")


def test_check_shows_the_difference_writes_nothing_and_fails(tmp_path, capsys):
    document = tmp_path / "README.md"
    document.write_text(DOCUMENT)
    assert generate.main(["--check", str(document)]) == 1
    assert "+| hum |" in capsys.readouterr().out
    assert document.read_text() == DOCUMENT


def test_after_writing_the_check_passes(tmp_path):
    document = tmp_path / "README.md"
    document.write_text(DOCUMENT)
    assert generate.main([str(document)]) == 0
    assert generate.main(["--check", str(document)]) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!-- generated: tables_for_tests:vendors -->\n", "without 'end'"),
        ("<!-- end -->\n", "without 'generated'"),
        ("<!-- generated: tables_for_tests:none -->\n<!-- end -->\n", "cannot be called"),
        ("<!-- generated: no_such_module:f -->\n<!-- end -->\n", "cannot be called"),
        ("<!-- generated: tables_for_tests:number -->\n<!-- end -->\n", "not str"),
    ],
)
def test_a_wrong_marker_is_named_with_its_line(text, said):
    with pytest.raises(generate.MarkerError, match=r"^README\.md:1: ") as caught:
        generate.generated(text, "README.md")
    assert said in str(caught.value)
