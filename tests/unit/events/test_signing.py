"""What a signature covers, whose it must be, and which files of keys are refused."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.util import urlsafe_b64encode

from libs.events import signing
from libs.events.catalogue import CATALOGUE
from libs.events.hash_tree import LEAVES_MAX, leaf_of, root_of, tree_of
from libs.events.signing import SIGNATURE_PATH, EventKeys, Keyring, KeysRefusedError, Signer
from libs.events.topics import TOPICS
from libs.events.trusted_keys import KeysError, TrustedKey, jwk_of, keys_of
from tests.signing import ANYBODY, KEYRING, SERVICES, SIGNERS, key_files, private_key

HEADERS = [
    ("content-type", b"application/json"),
    ("ce_specversion", b"1.0"),
    ("ce_id", b"id-1"),
    ("ce_source", b"urn:enlace:referral"),
    ("ce_type", b"offer.accepted.v1"),
    ("ce_time", b"2026-11-01T10:00:00+00:00"),
    ("ce_traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
]

TRUSTED = {one.key_id: TrustedKey(one.public_key, one.services) for one in SIGNERS.values()}
ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"  # pragma: allowlist secret
SIGNED_BY = ("ce_signaturekey", SIGNERS["referral"].key_id.encode())


def record(signer: Signer = SIGNERS["referral"], **changes: Any) -> Any:
    """A signed record, changed afterwards; a change of `ce_...` is one of that header."""
    value = b'{"offer_id": 1}'
    made: dict[str, Any] = {"topic": "enlace.referral", "key": b"k", "value": value, "headers": HEADERS}
    made["headers"] = [*HEADERS, *signer.sign("enlace.referral", b"k", HEADERS, value)]
    for name, changed in changes.items():
        if name in made:
            made[name] = changed
        else:
            kept = [(known, old) for known, old in made["headers"] if known != name]
            made["headers"] = kept if changed is None else [*kept, (name, changed)]
    return SimpleNamespace(**made)


def fault(one: Any, writer: str = "referral") -> str | None:
    return KEYRING.fault(one, writer=writer)


def test_what_its_writer_has_signed_is_believed() -> None:
    assert fault(record()) is None
    assert fault(record(ANYBODY)) is None
    assert fault(record(ce_dataschema=b"urn:other", traceparent=b"added on the way")) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"topic": "enlace.registration"}, {"key": b"l"}, {"key": None}, {"value": b'{"offer_id": 2}'}, {"value": None},
        {"ce_id": b"id-2"}, {"ce_source": b"urn:other"}, {"ce_type": b"offer.upheld.v1"}, {"ce_time": None},
        {"ce_time": b"2026-11-02T10:00:00+00:00"}, {"ce_traceparent": None}, {"ce_tracestate": b"a=b"},
        {"content-type": b"application/cloudevents+json"}, {"ce_specversion": b"1.1"},
        {"ce_signature": b"A" * 86}, {"ce_signature": b"A" * 85}, {"ce_signature": b"\xff" * 86}, {"ce_signature": b""},
    ],
    ids=str,
)  # fmt: skip
def test_whatever_is_changed_afterwards_breaks_the_signature(changes: dict[str, Any]) -> None:
    assert fault(record(**changes)) == "signature-wrong"


@pytest.mark.parametrize("name", ["ce_signature", "ce_signaturekey"])
def test_a_record_without_its_signature_or_its_key_is_not_believed(name: str) -> None:
    assert fault(record(**{name: None})) == "signature-missing"


def test_a_header_that_is_there_twice_is_refused_before_anything_is_read() -> None:
    one = record()
    one.headers = [*one.headers, ("ce_type", b"offer.upheld.v1")]
    assert fault(one) == "header-repeated"


def test_another_services_key_and_one_that_nobody_knows_are_refused() -> None:
    assert fault(record(SIGNERS["notifications"])) == "signature-of-another-service"
    assert fault(record(), writer="registration") == "signature-of-another-service"
    assert fault(record(Signer(private_key("a stranger"), {"referral"}))) == "signature-key-unknown"
    claimed = record(Signer(private_key("a stranger"), {"referral"}))
    claimed.headers = [*claimed.headers[:-1], ("ce_signaturekey", SIGNERS["referral"].key_id.encode())]
    assert fault(claimed) == "signature-wrong"


def test_no_two_records_are_signed_as_the_same_bytes() -> None:
    """Parts that are moved over a border, and one that is empty or absent, differ."""
    made = {
        signing.signed_bytes("t", b"ab", [], b"c"),
        signing.signed_bytes("t", b"a", [], b"bc"),
        signing.signed_bytes("ta", b"b", [], b"c"),
        signing.signed_bytes("t", b"ab", [("ce_id", b"")], b"c"),
        signing.signed_bytes("t", b"ab", [("ce_source", b"")], b"c"),
        signing.signed_bytes("t", None, [], b"abc"),
        signing.signed_bytes("t", b"", [], b"abc"),
    }
    assert len(made) == 7


def test_every_topic_of_ours_has_a_writer_and_only_that_of_strangers_has_none() -> None:
    assert [name for name, topic in TOPICS.items() if topic.writer is None] == ["enlace.arrivals"]
    assert {topic.writer for topic in TOPICS.values()} - {None} == set(SERVICES)
    assert {name for name, _ in CATALOGUE} == set(TOPICS)


def test_keys_come_from_files_or_texts_and_must_fit(tmp_path: Path) -> None:
    files = {name: Path(path) for name, path in key_files(tmp_path, "referral").items()}
    private, public = files["ENLACE_EVENT_SIGNING_KEY_FILE"], files["ENLACE_EVENT_KEYS_FILE"]
    keys = EventKeys.named("referral", private=private, public=public)
    assert keys.signer is not None
    assert keys.signer.key_id == SIGNERS["referral"].key_id
    assert keys.keyring.fault(record(), writer="referral") is None
    with pytest.raises(
        KeysRefusedError, match="ENLACE_EVENT_KEYS: it does not contain the public key with which notifications"
    ):
        EventKeys.named("notifications", private=private, public=public)
    for wrong in (tmp_path / "nowhere", public, "no key", "AAAA"):
        with pytest.raises(KeysRefusedError, match="ENLACE_EVENT_SIGNING_KEY: "):
            EventKeys.named("referral", private=wrong, public=public)
    for wrong in (tmp_path / "nowhere", private, "{}"):
        with pytest.raises(KeysRefusedError, match="ENLACE_EVENT_KEYS: "):
            EventKeys.named("referral", private=None, public=wrong)


@pytest.mark.parametrize(
    "changes",
    [
        {"kid": "another"}, {"service": None}, {"service": 1}, {"crv": "X25519"}, {"kty": "RSA"}, {"x": "short"},
        {"d": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=str,
)  # fmt: skip
def test_a_file_of_keys_with_anything_odd_is_refused_whole(changes: dict[str, Any]) -> None:
    good = jwk_of(private_key("referral").public_key(), "referral")
    other = jwk_of(private_key("registration").public_key(), "registration")
    assert len(keys_of(json.dumps({"keys": [good, other]}))) == 2
    with pytest.raises(KeysError):
        keys_of(json.dumps({"keys": [other, good | changes]}))
    with pytest.raises(KeysError):
        keys_of(json.dumps({"keys": [good, good]}))


def test_a_key_that_was_added_to_the_file_is_found_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "FILE_LOOK_SECONDS", 0)
    path, fresh = tmp_path / "keys.json", Signer(private_key("a new key"), {"referral"})
    keys = [jwk_of(private_key("referral").public_key(), "referral")]
    path.write_text(json.dumps({"keys": keys}))
    keyring = Keyring.from_file(path)
    assert keyring.fault(record(fresh), writer="referral") == "signature-key-unknown"
    path.write_text("a half-written file")
    assert keyring.fault(record(fresh), writer="referral") == "signature-key-unknown"
    path.write_text(json.dumps({"keys": [*keys, jwk_of(fresh.public_key, "referral")]}))
    os.utime(path, (1, 1))
    assert keyring.fault(record(fresh), writer="referral") is None
    assert keyring.fault(record(), writer="referral") is None
    assert Keyring().lacks(["referral"]) == ["referral"]


def together(count: int) -> list[Any]:
    """Records that were signed together."""
    events = [("enlace.referral", b"k%d" % n, HEADERS, b'{"n": %d}' % n) for n in range(count)]
    signed = SIGNERS["referral"].sign_together(events)
    return [
        SimpleNamespace(topic=topic, key=key, value=value, headers=[*headers, *signature])
        for (topic, key, headers, value), signature in zip(events, signed, strict=True)
    ]


def signed_of(one: Any) -> bytes:
    """What a signature of the record covers."""
    return signing.signed_bytes(one.topic, one.key, one.headers, one.value)


def with_path(one: Any, path: bytes | None) -> Any:
    """The record with another path."""
    kept = [(name, value) for name, value in one.headers if name != SIGNATURE_PATH]
    headers = kept if path is None else [*kept, (SIGNATURE_PATH, path)]
    return SimpleNamespace(**(vars(one) | {"headers": headers}))


def path_of(one: Any) -> bytes:
    """The path of a record."""
    return bytes(dict(one.headers)[SIGNATURE_PATH])


@pytest.mark.parametrize("count", range(1, LEAVES_MAX + 1))
def test_events_that_are_sent_together_share_one_signature_and_each_is_verified_alone(count: int) -> None:
    records = together(count)
    assert len({dict(one.headers)["ce_signature"] for one in records}) == 1
    for one in records:
        assert KEYRING.fault(one, writer="referral") is None
        assert Keyring(dict(TRUSTED)).fault(one, writer="referral") is None


def test_one_event_alone_has_the_signature_of_one_event() -> None:
    (alone,) = together(1)
    assert SIGNATURE_PATH not in dict(alone.headers)


def test_no_event_gets_into_a_tree_by_any_change() -> None:
    """Also not after the root was verified: a remembered root helps only events that are below it."""
    records = together(5)
    assert all(fault(one) is None for one in records)
    for one, other in itertools.permutations(records, 2):
        assert fault(with_path(one, path_of(other))) == "signature-wrong"
    for one in records:
        for name, changed in (("key", b"other"), ("value", b"{}"), ("topic", "enlace.registration")):
            assert fault(SimpleNamespace(**(vars(one) | {name: changed}))) == "signature-wrong"
        assert fault(with_path(one, None)) == "signature-wrong"
        for at in range(len(path_of(one))):
            text = bytearray(path_of(one))
            text[at] = ord("A") if text[at] != ord("A") else ord("B")
            assert fault(with_path(one, bytes(text))) == "signature-wrong"
    last = ALPHABET[ALPHABET.index(path_of(records[0])[-1]) ^ 1 :][:1]  # other bits that no byte uses
    for path in (path_of(records[0]) + b"=", path_of(records[0]) + b"\n", path_of(records[0])[:-1] + last):
        assert fault(with_path(records[0], path)) == "signature-wrong", "one place has one text"
    for path in (b"", b"A", b"AA", b"AAAA", b"\xff" * 46, path_of(records[0]) + b"AAAA", b"A" * 10_000):
        assert fault(with_path(records[0], path)) == "signature-wrong"
    assert fault(with_path(record(), path_of(records[0]))) == "signature-wrong"


def test_a_node_of_the_tree_is_no_event_and_an_event_is_no_root() -> None:
    """Without the prefixes, the hashes of two events would be an event that the tree holds too."""
    first, second = leaf_of(b"one"), leaf_of(b"two")
    root, paths = tree_of([first, second])
    assert root_of(first, index=0, size=2, path=paths[0]) == root
    assert leaf_of(first + second) != root
    signature = SIGNERS["referral"].sign_together([("t", b"k", [], b"1"), ("t", b"k", [], b"2")])[0][0][1]
    tree = tree_of([leaf_of(signing.signed_bytes("t", b"k", [], value)) for value in (b"1", b"2")])[0]
    forged = SimpleNamespace(topic="t", key=b"k", value=tree, headers=[("ce_signature", signature), SIGNED_BY])
    assert fault(forged) == "signature-wrong"


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40, unique=True), st.data())
def test_a_path_leads_to_the_root_from_its_own_leaf_only(contents: list[bytes], data: st.DataObject) -> None:
    root, paths = tree_of([leaf_of(content) for content in contents])
    mine = data.draw(st.integers(0, len(contents) - 1))
    size = len(contents)
    assert root_of(leaf_of(contents[mine]), index=mine, size=size, path=paths[mine]) == root
    for other, content in enumerate(contents):
        if other != mine:
            assert root_of(leaf_of(content), index=mine, size=size, path=paths[mine]) != root
    assert root_of(leaf_of(contents[mine]), index=mine, size=size, path=[*paths[mine], root]) is None
    if paths[mine]:
        assert root_of(leaf_of(contents[mine]), index=mine, size=size, path=paths[mine][:-1]) is None
    assert root_of(leaf_of(contents[mine]), index=size, size=size, path=paths[mine]) is None


def test_a_signature_of_the_bare_root_is_not_one_of_its_tree() -> None:
    """What is signed for a tree begins with its own text, and names the size."""
    first, second = together(2)
    root, _ = tree_of([leaf_of(signed_of(one)) for one in (first, second)])
    bare = urlsafe_b64encode(private_key("referral").sign(root))
    other = [(name, bare if name == "ce_signature" else value) for name, value in first.headers]
    assert fault(SimpleNamespace(**(vars(first) | {"headers": other}))) == "signature-wrong"
    assert fault(first) is None


def test_a_key_that_was_taken_out_of_the_file_verifies_no_remembered_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "FILE_LOOK_SECONDS", 0)
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [jwk_of(private_key("referral").public_key(), "referral")]}))
    keyring = Keyring.from_file(path)
    first, second = together(2)
    assert keyring.fault(first, writer="referral") is None
    path.write_text(json.dumps({"keys": [jwk_of(private_key("registration").public_key(), "registration")]}))
    assert keyring.fault(record(SIGNERS["registration"]), writer="registration") is None
    assert keyring.fault(second, writer="referral") == "signature-key-unknown"
