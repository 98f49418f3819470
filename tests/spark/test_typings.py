"""The stubs that the type checkers read say nothing of pyspark that is not so."""

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

TYPINGS = Path(__file__).parents[2] / "typings"
CLASSIC = {
    "DataFrame": "pyspark.sql.classic.dataframe",
    "Builder": "pyspark.sql.session.SparkSession",
    "RuntimeConfig": "pyspark.sql.conf",
}
"""Where the real classes are that the stubs know as protocols."""

pytestmark = pytest.mark.spark


def home_of(module, name):
    place = CLASSIC.get(name, module)
    try:
        return getattr(import_module(place), name)
    except ModuleNotFoundError:
        parent, _, attribute = place.rpartition(".")
        return getattr(getattr(import_module(parent), attribute), name)


def functions():
    for file in sorted(TYPINGS.rglob("*.pyi")):
        module = ".".join(file.relative_to(TYPINGS).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                yield module, None, node
            elif isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef):
                        yield module, node.name, inner


@pytest.mark.parametrize(
    ("module", "owner", "function"),
    list(functions()),
    ids=lambda value: value if isinstance(value, str) else getattr(value, "name", None),
)
def test_every_function_of_the_stubs_exists_and_takes_the_arguments(module, owner, function):
    holder = import_module(module) if owner is None else home_of(module, owner)
    real = inspect.getattr_static(holder, function.name)
    if any(getattr(each, "id", "") == "property" for each in function.decorator_list):
        assert isinstance(real, property) or hasattr(real, "__get__")
        return
    taken = inspect.signature(getattr(holder, function.name)).parameters
    names = [*function.args.args, *function.args.kwonlyargs]
    has_any = any(each.kind is each.VAR_KEYWORD for each in taken.values())
    for name in (each.arg for each in names if each.arg not in {"self", "cls"}):
        assert name in taken or has_any
