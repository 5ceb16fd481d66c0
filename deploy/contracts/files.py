"""The contracts as files of `docs`: what they should be now, and what must not happen to those that are there."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.contracts.history import versions_of
from deploy.contracts.parties import parties
from libs.events.catalogue import CATALOGUE
from libs.events.contracts.asyncapi import document
from libs.events.contracts.compatibility import breaks_between
from libs.events.contracts.messages import (
    LEDGER,
    digests_in,
    ledger_faults,
    ledger_of,
    ledger_text,
    messages_in,
)
from libs.events.contracts.page import page
from libs.events.contracts.schemas import Schema, event_schema
from libs.events.event import Event
from libs.events.topics import TOPICS

CONTRACTS = "docs/contracts"
SCHEMAS = f"{CONTRACTS}/schemas"
MESSAGES = f"{CONTRACTS}/messages"
PAGE = "docs/events.md"
ASYNCAPI = f"{CONTRACTS}/asyncapi.yaml"
INFO = {
    "title": "Enlace events",
    "version": "1.0.0",
    "description": (
        "What the services of Enlace tell each other and what reception systems tell them: CloudEvents 1.0 on Kafka. "
        "Producers send nothing that these schemas don't name; consumers drop what they don't know."
    ),
}
HEAD = """\
# Events

Written by `python -m deploy.contracts write` from `libs/events/catalogue` and from what the services listen to; change
those, not this page. For programs the same is in [an AsyncAPI document](contracts/asyncapi.yaml), one
[JSON Schema](contracts/schemas) for each type, and [whole messages](contracts/messages) to test a reader with.

Every event is a [CloudEvent 1.0](https://cloudevents.io) in Kafka's binary mode: attributes are headers with the prefix
`ce_`, the value is JSON, the record's key is the id whose order matters. `ce_id` is unique together with `ce_source`;
a repeat has the same one. `ce_type` ends in its major version, `ce_dataschema` names the schema, `ce_traceparent` is
the trace of the moment the event was created. Delivery is at-least-once, in order per key. An event of
a topic of ours is signed by the service that writes it: `ce_signature`, by the key that `ce_signaturekey` names
([decision 0060](decisions/0060-events-are-signed.md)).

What changes: a field that may be left out can be added to a type, and a code to a list of codes. A reader drops fields
that it doesn't know and treats a code that it doesn't know as `unknown` or `other`, or sets the event aside. Everything
else is a new type, published beside the old one; `make check` holds both the schemas and the messages to that.
"""


@dataclass(frozen=True, slots=True)
class Made:
    """What the files should hold."""

    schemas: dict[str, Schema]
    """By path from the root."""
    texts: dict[str, str]
    """Every generated file, schemas included."""


def made(root: Path) -> Made:
    """What catalogue, services and golden messages make of the files."""
    schemas: dict[type[Event], Schema] = {
        model: event_schema(model, TOPICS[model.topic]) for model in CATALOGUE.values()
    }
    messages = messages_in(root / MESSAGES)
    given: dict[str, Any] = {"topics": TOPICS, "schemas": schemas, "messages": messages, "parties": parties()}
    paths = {f"{SCHEMAS}/{model.topic}/{model.type}.json": schema for model, schema in schemas.items()}
    texts = {path: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for path, schema in paths.items()}
    texts[PAGE] = page(HEAD.rstrip(), **given)
    texts[ASYNCAPI] = _yaml(document(INFO, **given))
    return Made(paths, texts)


def broken_promises(root: Path, schemas: Mapping[str, Schema]) -> list[str]:
    """What would break those who read or send by a contract that is or was in the tree; a sentence each."""
    return [*_schema_faults(root, schemas), *_message_faults(root)]


def stale(root: Path, texts: Mapping[str, str]) -> list[str]:
    """Generated files that aren't what they should be."""
    return [path for path, text in texts.items() if _read(root / path) != text]


def write(root: Path, texts: Mapping[str, str]) -> None:
    """Write the generated files, and new golden messages into their ledger."""
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    folder = root / MESSAGES
    (folder / LEDGER).write_text(ledger_text(digests_in(folder)), encoding="utf-8")


def _schema_faults(root: Path, schemas: Mapping[str, Schema]) -> Iterator[str]:
    published: dict[str, list[bytes]] = versions_of(root, SCHEMAS)
    for path in sorted((root / SCHEMAS).glob("*/*.json")):
        versions = published.setdefault(path.relative_to(root).as_posix(), [])
        if path.read_bytes() not in versions:
            versions.append(path.read_bytes())
    for name, versions in sorted(published.items()):
        if name not in schemas:
            yield f"{name}: a published type is gone from the catalogue"
            continue
        faults = {str(fault): None for text in versions for fault in breaks_between(json.loads(text), schemas[name])}
        for fault in faults:
            yield f"{name}: {fault}"


def _message_faults(root: Path) -> Iterator[str]:
    """Messages that were changed or removed, and lines of their ledger that a commit had and the tree has not."""
    folder, ledger = root / MESSAGES, f"{MESSAGES}/{LEDGER}"
    listed = ledger_of(_read(root / ledger))
    found = digests_in(folder)
    yield from (fault for fault in ledger_faults(listed, found) if not fault.endswith("is not in the ledger"))
    for text in versions_of(root, ledger).get(ledger, []):
        for path, digest in ledger_of(text.decode()).items():
            if listed.get(path) != digest:
                yield f"golden message {path} is in an earlier ledger and no longer in this one"


def unlisted(root: Path) -> list[str]:
    """Golden messages that the ledger lacks."""
    folder = root / MESSAGES
    return sorted(digests_in(folder).keys() - ledger_of(_read(folder / LEDGER)).keys())


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


class _Dumper(yaml.SafeDumper):
    """Lists are indented, as yamllint wants them, and nothing is an alias."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _yaml(content: Mapping[str, Any]) -> str:
    head = "# Written by `python -m deploy.contracts write`; change the catalogue, not this file.\n"
    text: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return head + text
