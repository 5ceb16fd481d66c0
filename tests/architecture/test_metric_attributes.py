"""Metrics carry codes and names of parts, never who or what a person is (domain P12): each attribute is declared."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DECLARED = """
    enlace.audit.table enlace.category enlace.cause enlace.client enlace.kind enlace.operation enlace.outcome
    enlace.promise enlace.reason enlace.result enlace.topic enlace.urgency enlace.urgent error.type
    messaging.client.id messaging.consumer.group.name messaging.destination.name messaging.destination.partition.id
    messaging.operation.name messaging.operation.type messaging.system"""
_MEASURE = {"add", "record", "set", "Observation"}


def measured(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The attributes that a module gives to a metric, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in _MEASURE:
            for part in (inner for argument in node.args for inner in ast.walk(argument)):
                if isinstance(part, ast.Dict):
                    for key in part.keys:
                        assert isinstance(key, ast.Constant), "an attribute is named where it is measured"
                        yield str(key.value), key.lineno


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """The modules that measure something."""
    for folder in ("libs", "services"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if "metrics" in text or "meter()" in text:
                yield path, ast.parse(text)


def test_metrics_carry_declared_attributes_only():
    found = {(name, f"{path.relative_to(ROOT)}:{line}") for path, tree in modules() for name, line in measured(tree)}
    assert len(found) > 5
    assert {(name, place) for name, place in found if name not in DECLARED.split()} == set()


def test_no_declared_attribute_can_hold_an_id_of_a_person():
    about = ("returnee", "journey", "case", "name", "phone", "offer_id", "need", "referral", "household", "trace")
    bus = {"messaging.destination.name", "messaging.consumer.group.name", "messaging.operation.name"}
    assert not [one for one in set(DECLARED.split()) - bus if any(word in one for word in about)]
