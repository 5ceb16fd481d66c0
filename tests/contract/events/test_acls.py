"""Rights on Kafka are those that the services need, as the services themselves say what they send and hear."""

from __future__ import annotations

from typer.testing import CliRunner

from deploy.contracts.parties import parties
from libs.events.__main__ import cli
from libs.events.acls import Operation, Resource, rights
from libs.events.topics import TOPICS


def test_writers_and_readers_are_those_who_send_and_hear() -> None:
    for party in parties():
        writes = {topic.name for topic in TOPICS.values() if party.name == topic.writer}
        reads = {topic.name for topic in TOPICS.values() if party.name in topic.readers}
        sent = {event.topic for event in party.sends}
        assert writes == {name for name in sent if not TOPICS[name].foreign}, party.name
        assert reads == {event.topic for event in party.hears}, party.name
        assert party.group in (None, party.name), "a group is named as its user"


def test_nobody_has_more_than_that() -> None:
    found = rights(reception=["tecun-uman"])
    users = {right.user for right in found}
    assert users == {party.name for party in parties()} - {"reception-systems"} | {"operator", "auditor", "tecun-uman"}
    for right in found:
        if right.operation is Operation.WRITE:
            topic = TOPICS[right.name]
            assert right.user == topic.writer or (topic.foreign and right.user == "tecun-uman")
        if right.resource is Resource.GROUP and right.operation is Operation.READ:
            assert right.user == right.name
    arrivals = {right.user for right in found if (right.name, right.operation) == ("enlace.arrivals", Operation.READ)}
    assert arrivals == {"registration"}, "names are on it"
    seals = {right.user for right in found if right.name.endswith("-audit") and right.operation is Operation.READ}
    assert seals == {"auditor"}
    reception = {(right.name, right.operation) for right in found if right.user == "tecun-uman"}
    assert reception == {("enlace.arrivals", Operation.WRITE), ("enlace.arrivals", Operation.DESCRIBE)}


def test_the_command_shows_them_and_writes_them_for_kafkas_own_tool() -> None:
    shown = CliRunner().invoke(cli, ["acls", "show", "--json"])
    assert shown.exit_code == 0
    assert '"principal": "User:referral", "resource": "topic", "name": "enlace.referral"' in shown.stdout
    written = CliRunner().invoke(cli, ["acls", "commands", "--reception", "tecun-uman"]).stdout.splitlines()
    assert len(written) == len(rights(reception=["tecun-uman"]))
    assert any("--allow-principal User:tecun-uman --operation Write --topic enlace.arrivals" in one for one in written)
    assert any("--operation DescribeConfigs" in one for one in written)
