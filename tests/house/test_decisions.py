"""docs/providers.md and the tests of the decisions name each other."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ID = re.compile(r"([CRAPEI]\d+): ")


def in_tests():
    """Return which tests say in their first line that they hold which decision."""
    found = {}
    for file in sorted((ROOT / "tests/providers").glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                named = ID.match(ast.get_docstring(node) or "")
                if named and node.name.startswith("test_"):
                    found.setdefault(named[1], set()).add(node.name)
    return found


def in_document():
    """Return which tests the document names for which decision."""
    text = (ROOT / "docs/providers.md").read_text(encoding="utf-8")
    parts = re.split(r"^### ([CRAPEI]\d+)\. ", text, flags=re.MULTILINE)
    return {
        name: set(re.findall(r"`(test_\w+)`", part.split("- Held by: ")[1]))
        for name, part in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_every_decision_is_held_by_the_tests_that_the_document_names():
    assert in_document() == in_tests()


def test_no_decision_is_without_a_test_and_all_kinds_are_there():
    document = in_document()
    assert all(document.values())
    assert {name[0] for name in document} == set("CRAPEI")


def test_the_questions_for_the_vendors_refer_to_decisions():
    text = (ROOT / "docs/providers.md").read_text(encoding="utf-8")
    questions = text.partition("## Questions for the vendors")[2]
    named = set(re.findall(r"\b[CRAPEI]\d+\b", questions))
    assert named
    assert named <= set(in_document())
