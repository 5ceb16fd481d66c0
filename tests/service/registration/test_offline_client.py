"""The reference client loses and doubles nothing, wherever its line is cut and whenever the service is killed."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.infra import for_service
from tests.service.registration.conftest import KEY, PACK, RESTRICTED_KEY, Registration, a_consent, a_returnee
from tests.service.registration.cut_lines import CUTS, ROOT, WHOLE, Line, served

FILE = ROOT / "docs" / "examples" / "offline_client.py"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client as a module; each test has one of its own, because some change how much is sent at once."""
    spec = importlib.util.spec_from_file_location("offline_client", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "offline_client", module)  # its dataclasses look for it by name
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def environment(registration: Registration, issuer: Any) -> dict[str, str]:
    """The settings of a process on the databases of the fixture."""
    return {
        "ENLACE_REGISTRATION_DATABASE_URL": for_service(registration.url),
        "ENLACE_REGISTRATION_KEYS_DATABASE_URL": for_service(registration.keys_url),
        "ENLACE_VAULT_KEY": KEY,
        "ENLACE_RESTRICTED_KEY": RESTRICTED_KEY,
        "ENLACE_PACK": str(PACK),
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "ENLACE_TOKEN_ISSUER": issuer.url,
        "ENLACE_TOKEN_JWKS_URL": issuer.jwks_url,
        "ENLACE_FINGERPRINT_KEY": "sample-fingerprint-key",
        "ENLACE_ROLE": "api",
    }


def poster(registration: Registration, port: int) -> Any:
    """Posts over a connection of its own, as a device that has just found a line again does."""

    def post(body: dict[str, Any]) -> httpx.Response:
        headers = registration.headers()
        return httpx.post(f"http://127.0.0.1:{port}/v1/sync", json=body, headers=headers, timeout=120)

    return post


async def an_intake(registration: Registration, client: Any) -> list[str]:
    """What a clerk does in one night: every kind of operation. Returns the ids of the people and of the batch."""
    batch = await registration.announce(3)
    path = f"/v1/arrival-batches/{batch['id']}/entries"
    entries = (await registration.get(path)).json()["items"]
    met = {"arrival_batch_id": batch["id"], "manifest_reference": "seat-0"}
    needs = [{"category": "food", "urgency": "urgent"}]
    one = client.add("register", data=a_returnee(needs=needs, consents=[a_consent()], **met))["person_id"]
    other = client.add("register", data=a_returnee())["person_id"]
    third = client.add("register", data=a_returnee())["person_id"]
    shelter = client.add("report_need", returnee_id=one, data={"category": "shelter", "urgency": "urgent"})["id"]
    client.add("correct", returnee_id=one, data={"profile": {"destination": "GT13", "languages": ["mam"]}})
    client.add("withdraw_need", returnee_id=one, need_id=shelter)
    consent = client.add("give_consent", returnee_id=other, data=a_consent())["id"]
    client.add("withdraw_consent", returnee_id=other, consent_id=consent)
    client.add("set_safe_contact", returnee_id=third, data={"channel": "sms", "address": "+502 5123 4567"})
    client.add("mark_absent", arrival_batch_id=batch["id"], entry_id=entries[2]["id"])
    family = {"reference_returnee_id": one, "member_ids": [one, other], "expected_size": 3}
    home = client.add("join_household", data=family)["id"]
    client.add("join_household", household_id=home, data=family | {"member_ids": [third]})
    client.add("correct", returnee_id=third, data={"identity": {"given_names": "Muestra Tres"}})
    return [one, other, third, batch["id"]]


def send_until_done(client: Any, example: Any) -> int:
    """Send again after each cut; how often the line was cut."""
    cuts = 0
    while True:
        try:
            client.send()
        except example.NoLine:
            cuts += 1
        else:
            return cuts


async def what_stands(registration: Registration, client: Any, ids: list[str]) -> list[Any]:
    """All that is stored of these people and told about them, without ids and times."""
    *people, batch_id = ids
    known = {op["returnee_id"]: None for op in client.results().values() if op["returnee_id"]}
    assert len(known) == len(people)
    found: list[Any] = []
    for returnee_id in known:
        path = f"/v1/returnees/{returnee_id}"
        seen = (await registration.get(path)).json()
        needs = (await registration.get(f"{path}/needs")).json()["items"]
        consents = (await registration.get(f"{path}/consents")).json()
        contact = await registration.fetch("SELECT version FROM safe_contact WHERE returnee_id = $1", returnee_id)
        told = Counter(event["type"] for event in await registration.events(key=returnee_id))
        written = await registration.fetch(
            "SELECT action, count(*) FROM audit_entry WHERE subject_id = $1 AND kind = 'write' GROUP BY action",
            returnee_id,
        )
        found.append(
            {
                "version": seen["version"],
                "profile": seen["profile"],
                "names": seen["identity"],
                "has_household": seen["household_id"] is not None,
                "needs": sorted((need["category"], need["status"]) for need in needs),
                "consents": sorted(consent["standing"] for consent in consents),
                "contact": [row["version"] for row in contact],
                "told": told,
                "written": {row["action"]: row["count"] for row in written},
            }
        )
    batch = (await registration.get(f"/v1/arrival-batches/{batch_id}")).json()
    return [*found, (batch["registered_count"], batch["absent_count"], batch["open_count"])]


async def test_a_line_that_is_cut_at_every_step_ends_as_one_that_never_was(
    registration: Registration,
    environment: dict[str, str],
    example: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(example, "OPERATIONS_AT_ONCE", 1)
    with served(environment) as service:
        whole = example.OfflineClient(tmp_path / "whole", poster(registration, service.port))
        people = await an_intake(registration, whole)
        steps = whole.counts().waiting
        assert await asyncio.to_thread(send_until_done, whole, example) == 0
        expected = await what_stands(registration, whole, people)
        line = Line(service.port, plan=[*CUTS, WHOLE] * steps)
        cut = example.OfflineClient(tmp_path / "cut", poster(registration, line.port))
        people = await an_intake(registration, cut)
        assert await asyncio.to_thread(send_until_done, cut, example) == len(CUTS) * steps
        line.close()
        assert line.happened == [*CUTS, WHOLE] * steps
        assert await what_stands(registration, cut, people) == expected
        assert cut.counts().taken == steps


async def test_a_line_that_is_cut_in_the_middle_of_many_operations_ends_in_the_same_way(
    registration: Registration,
    environment: dict[str, str],
    example: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(example, "OPERATIONS_AT_ONCE", 5)
    with served(environment) as service:
        whole = example.OfflineClient(tmp_path / "whole", poster(registration, service.port))
        people = await an_intake(registration, whole)
        await asyncio.to_thread(send_until_done, whole, example)
        expected = await what_stands(registration, whole, people)
        line = Line(service.port, plan=[*CUTS, *CUTS, WHOLE, *CUTS, WHOLE, *CUTS])
        cut = example.OfflineClient(tmp_path / "cut", poster(registration, line.port))
        people = await an_intake(registration, cut)
        assert await asyncio.to_thread(send_until_done, cut, example) == 4 * len(CUTS)
        line.close()
        assert await what_stands(registration, cut, people) == expected


async def test_a_service_that_is_killed_in_the_middle_has_stored_what_it_says(
    registration: Registration, environment: dict[str, str], example: Any, tmp_path: Path
) -> None:
    """Each time some operations more are stored it is killed: after 5, 20 and 35 of 60."""
    with served(environment) as service:
        client = example.OfflineClient(tmp_path / "queue", poster(registration, service.port))
        people = []
        for _ in range(30):
            people.append(client.add("register", data=a_returnee())["person_id"])
            client.add("report_need", returnee_id=people[-1], data={"category": "food"})
        client.close()

        def send() -> bool:
            own = example.OfflineClient(tmp_path / "queue", poster(registration, service.port))
            try:
                own.send()
            except example.NoLine:
                return False
            finally:
                own.close()
            return True

        for stored in (5, 20, 35):
            sending = asyncio.create_task(asyncio.to_thread(send))
            while await _stored(registration, people) < stored:  # noqa: ASYNC110 (rows of another process)
                await asyncio.sleep(0.01)
            service.kill()
            assert not await sending
            service.start()
        assert await asyncio.to_thread(send)
    client = example.OfflineClient(tmp_path / "queue", poster(registration, service.port))
    assert client.counts() == example.Counts(taken=60)
    results = client.results()
    assert len({result["returnee_id"] for result in results.values()}) == 30
    told = Counter(event["type"] for event in await registration.events())
    assert told["returnee.registered.v1"] == told["need.reported.v1"] == 30


async def _stored(registration: Registration, people: list[str]) -> int:
    rows = await registration.fetch(
        "SELECT count(*) FROM sync_operation WHERE device_id IN"
        " (SELECT device_id FROM sync_operation WHERE client_person_id = ANY($1::uuid[]))",
        people,
    )
    return int(rows[0]["count"])


async def test_what_is_refused_waits_on_the_device_until_it_is_mended_with_what_needs_it(
    registration: Registration, example: Any, tmp_path: Path
) -> None:
    port = registration.client.base_url.port
    client = example.OfflineClient(tmp_path / "queue", poster(registration, port))
    wrong = a_returnee(identity={"given_names": "", "family_names": "Ejemplo"})
    bad = client.add("register", data=wrong)
    client.add("report_need", returnee_id=bad["person_id"], data={"category": "food"})
    client.add("register", data=a_returnee())
    assert await asyncio.to_thread(client.send) == example.Counts(waiting=1, refused=1, taken=1)
    (refusal,) = client.refused()
    assert (refusal["status"], refusal["faults"]) == (422, ["/data/identity/given_names visible-letter"])
    client.mend(bad["id"], data=a_returnee())
    assert await asyncio.to_thread(client.send) == example.Counts(taken=3)
    assert client.case_code(bad["person_id"]).startswith("GT-")


async def test_names_leave_the_device_when_enlace_has_them_and_copies_of_the_erased_are_deleted(
    registration: Registration, example: Any, tmp_path: Path
) -> None:
    port = registration.client.base_url.port
    client = example.OfflineClient(tmp_path / "queue", poster(registration, port))
    secret = f"Muestra {uuid4().hex}"
    person = client.add("register", data=a_returnee(identity={"given_names": secret, "family_names": "Ejemplo"}))
    assert secret.encode() in (tmp_path / "queue").read_bytes()
    await asyncio.to_thread(client.send)
    assert secret.encode() not in (tmp_path / "queue").read_bytes()
    (result,) = client.results().values()
    await registration.post(f"/v1/returnees/{result['returnee_id']}/erasure")
    client.add("correct", returnee_id=person["person_id"], data={"profile": {"destination": "GT13"}})
    assert await asyncio.to_thread(client.send) == example.Counts(erased=2)
    assert client.case_code(person["person_id"]) is None


async def test_the_commands_print_nothing_about_a_person(
    registration: Registration, example: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(example, "_post_by_environment", poster(registration, registration.client.base_url.port))
    secret, queue, file = f"Muestra {uuid4().hex}", str(tmp_path / "queue"), tmp_path / "operation.json"
    for names in ({"given_names": secret, "family_names": "Ejemplo"}, {"given_names": "", "family_names": secret}):
        file.write_text(json.dumps({"kind": "register", "data": a_returnee(identity=names)}), encoding="utf-8")
        example.main([queue, "add", str(file)])
    await asyncio.to_thread(example.main, [queue, "send"])
    example.main([queue, "status"])
    printed = capsys.readouterr()
    assert "refused=1, taken=1" in printed.out
    assert secret not in printed.out + printed.err


def test_the_client_stays_small_enough_to_be_read() -> None:
    assert len(FILE.read_text(encoding="utf-8").splitlines()) < 300
