"""Every log call of the project, read from the source: its event is a constant, its fields are declared."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from libs.chassis.logs import COMMON_FIELDS

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted(
    path
    for folder in ("libs", "services")
    for path in (ROOT / folder).rglob("*.py")
    if "get_logger(" in path.read_text(encoding="utf-8") and path.name != "logs.py"
)


def loggers(tree: ast.Module) -> dict[str, frozenset[str]]:
    """The fields that each logger of a module may carry, by the name it is assigned to."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if getattr(node.value.func, "id", None) != "get_logger":
                continue
            declared = {word.arg: ast.literal_eval(word.value) for word in node.value.keywords}.get("fields", ())
            found[ast.unparse(node.targets[0])] = COMMON_FIELDS | frozenset(declared) | {"error"}
    return found


def faults(source: str) -> Iterator[str]:
    """What is wrong with the log calls of a module."""
    tree = ast.parse(source)
    declared = loggers(tree)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        fields = declared.get(ast.unparse(node.func.value))
        if fields is None or node.func.attr not in {"info", "warning", "error"}:
            continue
        if not (node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)):
            yield f"line {node.lineno}: the event isn't a constant text"
        for word in node.keywords:
            if word.arg not in fields:
                yield f"line {node.lineno}: {word.arg or '**'} isn't declared"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_log_calls_carry_declared_fields_only(path):
    assert not list(faults(path.read_text(encoding="utf-8")))


def test_the_reading_finds_what_it_should():
    assert list(faults('log = get_logger("x", fields=("a",))\nlog.info("e", a=1, count=2, error=e)')) == []
    wrong = 'log = get_logger("x", fields=("a",))\nlog.info(f"e {b}", b=1)\nlog.error("e", **more)'
    assert len(list(faults(wrong))) == 3
