"""What a signature covers, whose it must be, and which files of keys are refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from libs.events import signing
from libs.events.catalogue import CATALOGUE
from libs.events.signing import EventKeys, Keyring, KeysError, KeysRefusedError, Signer, jwk_of, keys_of
from libs.events.topics import TOPICS
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
    for given in (tmp_path / "nowhere", public, "no key", "AAAA"):
        with pytest.raises(KeysRefusedError, match="ENLACE_EVENT_SIGNING_KEY: "):
            EventKeys.named("referral", private=given, public=public)
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
