"""The AsyncAPI document: it says what is so, and the parser of the AsyncAPI Initiative takes it and no broken one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from deploy.contracts import node
from deploy.contracts.parties import parties
from libs.events.catalogue import CATALOGUE
from libs.events.catalogue.arrivals import ArrivalBatchLanded
from libs.events.catalogue.referral import OfferDeclined
from libs.events.contracts.asyncapi import document
from libs.events.contracts.parties import Party, hearers_of, senders_of
from libs.events.contracts.schemas import event_schema
from libs.events.topics import TOPICS
from tests.contract.events.reading import CONTRACTS, MESSAGES

Document = dict[str, Any]


def small() -> Document:
    """A document of two topics with an event each."""
    events = (ArrivalBatchLanded, OfferDeclined)
    return document(
        {"title": "Small", "version": "1.0.0"},
        topics={event.topic: TOPICS[event.topic] for event in events},
        schemas={event: event_schema(event, TOPICS[event.topic]) for event in events},
        messages=MESSAGES,
        parties=[Party("one", frozenset({OfferDeclined}), frozenset({ArrivalBatchLanded}), "group-one")],
    )


def dangling(found: Document) -> None:
    found["components"]["messages"]["enlace.referral.offer.declined.v1"]["payload"]["$ref"] += "x"


def of_another_channel(found: Document) -> None:
    found["operations"]["one.send.enlace.referral"]["messages"] = [
        {"$ref": "#/channels/enlace.arrivals/messages/arrival-batch.landed.v1"}
    ]


def unknown_action(found: Document) -> None:
    found["operations"]["one.send.enlace.referral"]["action"] = "publish"


def no_partitions(found: Document) -> None:
    found["channels"]["enlace.referral"]["bindings"]["kafka"]["partitions"] = 0


BROKEN: dict[str, tuple[Callable[[Document], None], str]] = {
    "dangling": (dangling, "invalid-ref"),
    "of-another-channel": (of_another_channel, "asyncapi3-operation-messages-from-referred-channel"),
    "unknown-action": (unknown_action, "asyncapi-document-resolved"),
    "no-partitions": (no_partitions, "asyncapi-document-resolved"),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the parser says of a document that is right and of some that are not; one process for all, it is slow."""
    node.install()
    assert node.install() is False, "packages are installed once for each state of the lock file"
    folder = tmp_path_factory.mktemp("documents")
    paths = {name: folder / f"{name}.json" for name in ("whole", *BROKEN)}
    for name, path in paths.items():
        content = small()
        if name in BROKEN:
            BROKEN[name][0](content)
        path.write_text(json.dumps(content), encoding="utf-8")
    accepted, said = node.read(*paths.values())
    assert not accepted
    lines = said.splitlines()
    return {name: "\n".join(line for line in lines if line.startswith(str(path))) for name, path in paths.items()}


def test_the_small_document_is_accepted_whole(verdicts: dict[str, str]) -> None:
    assert verdicts["whole"].endswith(": AsyncAPI 3.0.0, 2 channels, 2 operations, 2 messages")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_document_is_refused(name: str, verdicts: dict[str, str]) -> None:
    assert "not accepted" in verdicts[name]
    assert BROKEN[name][1] in verdicts[name]


def test_no_registry_is_named_in_the_lock_file() -> None:
    lock = json.loads((node.PARSER / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())


def test_the_document_has_every_topic_event_and_subscription() -> None:
    found = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text(encoding="utf-8"))
    assert set(found["channels"]) == set(TOPICS)
    in_channels = {(topic, type_) for topic, channel in found["channels"].items() for type_ in channel["messages"]}
    assert in_channels == set(CATALOGUE)
    for party in parties():
        for action, events in (("send", party.sends), ("receive", party.hears)):
            told = {
                tuple(reference["$ref"].removeprefix("#/channels/").split("/messages/"))
                for name, operation in found["operations"].items()
                if name.startswith(f"{party.name}.{action}.")
                for reference in operation["messages"]
            }
            assert told == {(event.topic, event.type) for event in events}


def test_every_event_has_one_sender_and_nobody_waits_for_an_event_that_nobody_sends() -> None:
    found = parties()
    assert [event for event in CATALOGUE.values() if len(senders_of(found, event)) != 1] == []
    assert {event for party in found for event in party.hears} <= set(CATALOGUE.values())
    assert hearers_of(found, OfferDeclined) == ["provider_directory"]
