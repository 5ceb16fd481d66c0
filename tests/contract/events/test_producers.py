"""Every event type of the catalogue is published by the service that owns its topic, or is marked as planned."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from libs.chassis.yaml_files import read_yaml
from libs.events.catalogue import CATALOGUE
from libs.events.contracts.parties import PLANNED
from libs.events.event import Event
from libs.events.topics import TOPICS

ROOT = Path(__file__).resolve().parents[3]
OURS = [event for event in CATALOGUE.values() if TOPICS[event.topic].writer is not None]
"""The others are published by systems outside."""


def values_in(tree: ast.AST) -> Iterator[str]:
    """Names that code uses as values: it calls them, passes them on, or keeps them in a table of events to append.

    Annotations, base classes and `isinstance` do not count: a consumer has those too.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call):
            if ast.unparse(node.func) in ("isinstance", "issubclass") or ast.unparse(node.func).endswith(".on"):
                continue
            found = [node.func, *node.args, *(word.value for word in node.keywords)]
        elif isinstance(node, ast.Dict):
            found = list(node.values)
        elif isinstance(node, ast.IfExp):
            found = [node.body, node.orelse]
        elif isinstance(node, ast.Tuple | ast.List):
            found = list(node.elts)
        else:
            found = []
        for one in found:
            one = one.value if isinstance(one, ast.Attribute) else one
            if isinstance(one, ast.Name):
                yield one.id
        if isinstance(node, ast.arguments) or (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)):
            continue
        yield from values_in(node)


@cache
def published_by(service: str) -> set[str]:
    return {
        name
        for path in (ROOT / "services" / service).rglob("*.py")
        if path.name != "subscribers.py" and "migrations" not in path.parts
        for name in values_in(ast.parse(path.read_text(encoding="utf-8")))
    }


@pytest.mark.parametrize("event", OURS, ids=lambda event: event.type)
def test_an_event_has_code_that_publishes_it_or_is_planned(event: type[Event]) -> None:
    """Seen to fail without the mark of `returnee.merged.v1`, and with a mark at `need.withdrawn.v1`."""
    writer = TOPICS[event.topic].writer
    assert writer is not None
    assert (event.__name__ in published_by(writer)) is not event.planned


def test_the_documents_say_what_is_planned() -> None:
    """Seen to fail with the documents of before."""
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    messages = read_yaml(ROOT / "docs" / "contracts" / "asyncapi.yaml")["components"]["messages"]
    for event in CATALOGUE.values():
        assert (f"### {event.type}\n\n**{PLANNED}**" in page) is event.planned
        assert messages[f"{event.topic}.{event.type}"]["summary"].startswith(PLANNED) is event.planned


def test_consuming_an_event_is_not_taken_for_publishing_it() -> None:
    consumer = """
@subscriptions.on(Heard)
async def keep(session: Session, batch: Sequence[Received[Heard]]) -> None:
    told = [one for one in batch if isinstance(one.event, Heard)]
"""
    assert "Heard" not in set(values_in(ast.parse(consumer)))
    assert {"Sent", "Told"} <= set(values_in(ast.parse("append(session, [Sent(a=1)])\ntell(Told, row)")))
