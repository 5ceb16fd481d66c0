"""Nothing personal where it must not be: marked values are looked for everywhere after everything has been done."""

import json
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.chassis.logs import JsonLines, get_logger
from libs.chassis.telemetry import flush_telemetry
from libs.events.catalogue.arrivals import ReturneeArrived
from tests.service.registration.answering import judge, save
from tests.service.registration.conftest import a_consent, a_returnee, an_announcement
from tests.service.registration.offline import Device, correct
from tests.service.registration.test_arrivals import CSV, post_csv
from tests.service.registration.test_packets import accepted, facts, fetch
from tests.service.registration.test_told_once import ask

MARK = "Zzkanari"
NUMBER = "ZZKANARI0101"
IDENTITY = {"given_names": f"{MARK} Ana", "family_names": f"{MARK}ez", "document_number": NUMBER}
CONTACT = {"channel": "email", "address": f"{MARK}@example.org", "code_word": MARK}
TELLTALE = (MARK.lower(), MARK.lower().encode().hex(), MARK.encode().hex(), NUMBER.encode().hex())


def tells(text: str) -> bool:
    return any(mark in text.lower() for mark in TELLTALE)


async def live_a_life(registration):
    """Every way in and out, with marked values; gives the answers to bad requests."""
    entry = {"sender_reference": f"{MARK}-seat", "given_names": MARK, "family_names": MARK}
    words = {"carrier": f"{MARK} Aérea", "origin": f"From {MARK}"}
    flight = f"{MARK}-{uuid4()}"
    for _ in range(2):
        announced = await registration.announce(entries=[entry], sender_reference=flight, **words)
        assert {name: announced[name] for name in words} == words, "the mark is where it belongs"
    await post_csv(registration, f"{CSV}\n{MARK}-1,{MARK},{MARK},,,\n")
    consent = a_consent(data_described=f"What {MARK} allows", staff_reference=f"{MARK}-desk")
    person = await registration.register(
        sender_reference=f"{MARK}/{uuid4()}",
        identity=IDENTITY,
        household_reference=f"{MARK}-family-{uuid4()}",
        consents=[consent],
        safe_contact=CONTACT,
        batch_reference=f"{MARK}-{uuid4()}",
        needs=[{"category": "health", "sender_reference": f"{MARK}-need"}],
    )
    body = a_returnee(sender_reference=f"{MARK}-{uuid4()}", identity=IDENTITY, safe_contact=CONTACT)
    await registration.hear(ReturneeArrived.model_validate(body))
    path = f"/v1/returnees/{person['id']}"
    assert MARK in (await registration.get(f"{path}/consents")).json()[0]["staff_reference"]
    await registration.patch(path, {"identity": {"given_names": f"{MARK} Eva"}}, etag='"1"')
    await registration.client.put(f"{path}/safe-contact", json=CONTACT, headers=registration.headers())
    known = facts(person)
    await registration.hear(accepted(known))
    await answer_questions(registration, person, known)
    assert MARK in (await fetch(registration, known)).text, "the mark is where it belongs"
    assert MARK in (await registration.post("/v1/returnees/search", {"names": MARK})).text
    return await bad_requests(registration, person)


async def answer_questions(registration, person, known):
    """A marked answer and its correction, which keeps the first one; and an organisation that asks."""
    for number, words in enumerate((f"{MARK} 5 mg", f"{MARK} 10 mg")):
        saved = await save(registration, person, "vulnerability", which_medicine=words, replaces=number)
        assert saved.status_code == 200, saved.text
    await save(registration, person, "protection_indicators", own_papers_held="yes")
    await judge(registration)
    assert MARK in (await ask(registration, known, "which_medicine")).text, "the mark is where it belongs"


async def bad_requests(registration, person):
    path = f"/v1/returnees/{person['id']}"
    bad = [
        await registration.post("/v1/returnees", a_returnee(identity=IDENTITY | {MARK: MARK, "birth_date": MARK})),
        await registration.post("/v1/returnees", a_returnee(needs=[{"category": MARK}])),
        await registration.post("/v1/arrival-batches", an_announcement(reception_place=MARK)),
        await post_csv(registration, f"{CSV}\n1,=1+{MARK},{MARK},{MARK},{MARK},{MARK}\n"),
        await registration.post("/v1/returnees/search", {"document_number": MARK * 30}),
        await registration.patch(path, {"identity": {"birth_date": MARK}}, etag='"2"'),
        await save(registration, person, "vulnerability", which_medicine=MARK * 20),
        await save(registration, person, "triage", unwell_now=MARK),
    ]
    assert {answer.status_code for answer in bad} == {422}
    assert all(MARK in answer.request.content.decode() for answer in bad)
    return [*(answer.text for answer in bad), await sync_without_a_line(registration, person)]


async def sync_without_a_line(registration, person):
    """Values that lose against a later change, that wait for a person, and that break a rule."""
    await correct(registration, person["id"], identity={"given_names": f"{MARK} Eva"})
    device = Device(registration)
    known = {"returnee_id": person["id"]}
    old = device.op("correct", ago=timedelta(hours=1), data={"identity": {"given_names": f"{MARK} Iva"}}, **known)
    one = device.person(identity=IDENTITY, safe_contact=CONTACT)
    other = device.op(
        "set_safe_contact", data=CONTACT | {"address": f"{MARK}.2@example.org", "code_word": MARK}, **known
    )
    wrong = device.op("correct", returnee_id=one["person_id"], data={"identity": {"birth_date": MARK}})
    answer = await device.post(old, one, other, wrong)
    outcomes = [result["outcome"] for result in answer.json()["results"]]
    assert outcomes == ["superseded", "done", "conflict", "refused"], answer.text
    conflict_id = answer.json()["results"][2]["conflict_ids"][0]
    assert MARK in (await registration.get(f"/v1/sync/conflicts/{conflict_id}")).text, "the mark is where it belongs"
    return answer.text


async def tables_that_tell(url):
    """Tables in which a row holds a mark, in plain text or as bytes that are not sealed."""
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [
            row["tablename"]
            for row in names
            if await connection.fetchval(
                f'SELECT EXISTS (SELECT FROM "{row["tablename"]}" t WHERE t::text ILIKE ANY ($1))',
                [f"%{mark}%" for mark in TELLTALE],
            )
        ]
    finally:
        await connection.close()


async def test_marked_values_are_nowhere_but_where_they_belong(registration, spans_directory, caplog):
    caplog.set_level("DEBUG")
    problems = await live_a_life(registration)
    # The key of a field that nobody knows is the caller's own word; values never come back.
    problems[0] = problems[0].replace(f"/identity/{MARK}", "")
    assert not [text for text in problems if tells(text)]
    assert await tables_that_tell(registration.url) == []
    assert await tables_that_tell(registration.keys_url) == []
    formatter = JsonLines("registration")
    get_logger("services.registration").warning("canary.looked")
    ours = [record for record in caplog.records if not record.name.startswith(("asyncio", "httpcore", "httpx"))]
    lines = [formatter.format(record) for record in ours]
    assert any("canary.looked" in line for line in lines), "logs are looked through at all"
    assert not [line for line in lines if tells(line)]
    flush_telemetry()
    spans = [line for path in spans_directory.iterdir() for line in path.read_text().splitlines()]
    assert any("registration.register" in line for line in spans), "spans are looked through at all"
    assert not [line for line in spans if tells(line)]


async def test_no_event_has_a_field_that_is_not_an_id_a_code_or_a_time(registration):
    await registration.register(identity=IDENTITY, consents=[a_consent()], safe_contact=CONTACT)
    for event in await registration.events():
        assert not tells(json.dumps(event))
        assert UUID(event["returnee_id"])


@pytest.mark.parametrize(
    ("column", "target", "same_person"),
    [
        ("given_names_sealed", "given_names_sealed", False),
        ("given_names_sealed", "family_names_sealed", True),
        ("document_number_sealed", "birth_date_sealed", True),
    ],
)
async def test_a_sealed_value_moved_to_another_person_or_column_does_not_open(
    registration, column, target, same_person
):
    one = await registration.register(identity=IDENTITY)
    two = one if same_person else await registration.register(identity=IDENTITY)
    await registration.fetch(
        f"UPDATE returnee SET {target} = (SELECT {column} FROM returnee WHERE id = $1) WHERE id = $2",
        UUID(one["id"]),
        UUID(two["id"]),
    )
    answer = await registration.get(f"/v1/returnees/{two['id']}")
    assert answer.status_code == 500
    assert not tells(answer.text)
    assert urlsplit(str(answer.request.url)).path.endswith(two["id"])
