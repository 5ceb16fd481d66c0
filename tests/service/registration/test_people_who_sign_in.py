"""Clerks who sign in share the client of their pages, and nothing else: each is a sender and a reader of its own."""

from functools import partial
from uuid import uuid4

import pytest

from libs.chassis.auth import Caller
from libs.chassis.database import raw
from libs.chassis.tenancy import Tenant
from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.handling.parking import reason_of
from services.registration.app import create_app
from services.registration.arrivals.subscribers import SourceOfAClient
from services.registration.audit.api import said_of
from tests.service.registration.conftest import LANDED_AT, a_consent, a_returnee, an_announcement

PAGES = "enlace-console"
CLERK = "arrivals:write arrivals:read returnees:write returnees:read consents:write access-log:read"


def clerk(name, *places):
    """A clerk's claims. Without places a clerk sees its own people alone."""
    return {
        "client_id": PAGES,
        "subject": f"{name}-{uuid4()}",
        "scopes": CLERK,
        "reception_places": list(places),
        "staff": not places,
    }


@pytest.fixture
def north():
    return clerk("north", "GT01")


@pytest.fixture
def west():
    return clerk("west", "GT12")


async def a_person_of(registration, who, **changes):
    answer = await registration.post("/v1/returnees", a_returnee(**changes), **who)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_clerk_sees_nobody_whom_a_clerk_of_another_place_registered(registration, north, west):
    """Taken out: `person` in `actor_of` (the clerk in the west saw everybody whom the console registered)."""
    family = f"Turno{uuid4().hex}"
    batch = (await registration.post("/v1/arrival-batches", an_announcement(2), **north)).json()
    person = await a_person_of(
        registration,
        north,
        identity={"given_names": "Muestra", "family_names": family},
        needs=[{"category": "shelter"}],
        consents=[a_consent()],
    )
    for who, there in ((north, 200), (west, 404)):
        for path in ("", "/needs", "/consents"):
            assert (await registration.get(f"/v1/returnees/{person['id']}{path}", **who)).status_code == there, path
        for path in ("", "/entries"):
            assert (await registration.get(f"/v1/arrival-batches/{batch['id']}{path}", **who)).status_code == there
        found = (await registration.post("/v1/returnees/search", {"names": family}, **who)).json()["items"]
        assert [one["id"] for one in found] == ([person["id"]] if there == 200 else [])
        found = await registration.post("/v1/returnees/search", {"case_code": person["case_code"]}, **who)
        assert len(found.json()["items"]) == (there == 200)
        listed = (await registration.get("/v1/arrival-batches?limit=200", **who)).json()["items"]
        assert (batch["id"] in {one["id"] for one in listed}) == (there == 200)


async def test_the_same_reference_of_two_clerks_is_two_people_and_two_batches(registration, north, west):
    """Taken out: `person` in `actor_of` (the second clerk was told of the first one's person)."""
    reference = f"seat-{uuid4()}"
    one = await a_person_of(registration, north, sender_reference=reference)
    other = await a_person_of(registration, west, sender_reference=reference, reception_place="GT12")
    assert other["id"] != one["id"]
    again = await registration.post("/v1/returnees", a_returnee(sender_reference=reference), **north)
    assert again.json()["id"] == one["id"], "the same clerk repeats itself"
    announced = an_announcement(1, sender_reference=f"bus-{uuid4()}", mode="bus")
    told = [
        await registration.post("/v1/arrival-batches", announced | {"reception_place": place}, **who)
        for who, place in ((clerk("other", "GT12"), "GT12"), (west, "GT12"))
    ]
    assert [answer.status_code for answer in told] == [201, 201], [answer.text for answer in told]
    batches = [answer.json() for answer in told]
    assert batches[0]["id"] != batches[1]["id"]


async def test_two_clerks_without_places_see_their_own_people_only_and_so_does_the_database(registration):
    """Taken out: `actor.source` in `said_of` for the source of the client (the database hid everybody)."""
    one, other = clerk("one"), clerk("other")
    person = await a_person_of(registration, one)
    assert (await registration.get(f"/v1/returnees/{person['id']}", **one)).status_code == 200
    assert (await registration.get(f"/v1/returnees/{person['id']}", **other)).status_code == 404
    for who, sees in ((one, True), (other, False)):
        claims = {"client_id": PAGES, "sub": who["subject"], "staff": True}
        tenant, scopes = Tenant.of(claims, frozenset()), frozenset[str]()
        caller = Caller(
            subject=who["subject"], client_id=PAGES, tenant=tenant, scopes=scopes, claims=claims, person=True
        )
        transaction = partial(registration.database.transaction_of, tenant, said_of(caller, pack=registration.pack))
        async with transaction() as session:
            found = {str(row["id"]) for row in await (await raw(session)).fetch("SELECT id FROM returnee")}
        assert (person["id"] in found) == sees


async def test_a_program_keeps_its_people_whatever_its_subject_is(registration):
    """Keycloak names the account of a client in `sub`, and a new account has another one."""
    me = {"client_id": f"reception-{uuid4()}", "reception_places": [], "staff": True}
    person = await a_person_of(registration, me)
    (row,) = await registration.fetch("SELECT source FROM returnee WHERE id = $1", person["id"])
    assert row["source"] == f"client:{me['client_id']}"
    account = me | {"subject": str(uuid4())}
    assert (await registration.get(f"/v1/returnees/{person['id']}", **account)).status_code == 200


async def test_what_a_clerk_records_is_its_own_and_no_event_can_claim_to_be_the_clerk(registration, north):
    """Taken out: PERSON in `is_source_of_a_client` (the event joined the clerk's batch)."""
    batch = (await registration.post("/v1/arrival-batches", an_announcement(0), **north)).json()
    person = await a_person_of(registration, north)
    given = await registration.post(f"/v1/returnees/{person['id']}/consents", a_consent(), **north)
    assert given.json()["discloser"] == f"person:{north['subject']}"
    (source,) = await registration.fetch("SELECT source FROM arrival_batch WHERE id = $1", batch["id"])
    assert source["source"] == f"person:{north['subject']}"
    told = a_returnee(sender_reference=f"p-{uuid4()}", batch_reference=batch["sender_reference"], arrived_at=LANDED_AT)
    with pytest.raises(SourceOfAClient) as refused:
        await registration.hear(ReturneeArrived.model_validate(told), source=source["source"])
    assert reason_of(refused.value) == "source-of-a-client"


async def test_a_clerk_who_guesses_case_codes_waits_and_its_colleague_does_not(registration, running, issuer, north):
    """Taken out: the subject in `digest_of` (the colleague waited too)."""
    real = await registration.register()
    settings = registration.settings.model_copy(update={"rate_unknown_per_minute": 1})

    def signed_in(subject):
        return issuer.headers("returnees:read", client_id=PAGES, subject=subject, reception_places=["GT"])

    guesser, colleague = signed_in("guesser"), signed_in("colleague")
    async with running(create_app(settings)) as client:

        async def search(headers, case_code):
            answer = await client.post("/v1/returnees/search", json={"case_code": case_code}, headers=headers)
            return answer.status_code

        assert [await search(guesser, "GT-2222-2222") for _ in range(6)] == [200] * 5 + [429]
        assert await search(guesser, real["case_code"]) == 429
        assert await search(colleague, real["case_code"]) == 200
