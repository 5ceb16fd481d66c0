"""Who excludes a private person is never put together with them, and nobody but who sees the excluding person learns
of it."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.service.registration.conftest import Registration, a_consent, a_returnee
from tests.service.registration.releasing import CHILD, DESK, a_handover, a_release, ready, step
from tests.service.registration.test_packets import a_person, accepted, facts, fetch

NAME = {"given_names": "Muestra Temida", "family_names": "Ejemplo Pareja"}
SCOPES = "returnees:read access-reports:read access-log:read"
WORDS = "Muestra de palabras selladas"


async def exclude(registration: Registration, person: dict[str, Any], **told: Any) -> list[dict[str, Any]]:
    answer = await registration.post(f"/v1/returnees/{person['id']}/excluded-people", told)
    assert answer.status_code == 201, answer.text
    return list(answer.json())


async def reported(registration: Registration, person: dict[str, Any], way: str = "") -> Any:
    path = f"/v1/returnees/{person['id']}/access-report{way}?proof=document_seen"
    return await registration.get(path, scopes=SCOPES)


async def refusal(registration: Registration, path: str, body: Any) -> tuple[int, str]:
    answer = await registration.post(path, body)
    return answer.status_code, answer.json().get("code", "")


def a_household(*people: dict[str, Any], **more: Any) -> dict[str, Any]:
    ids = [one["id"] for one in people]
    return {"reference_returnee_id": ids[0], "member_ids": ids, "expected_size": len(ids)} | more


async def two(registration: Registration, **other: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return await registration.register(), await registration.register(**other)


async def test_what_was_told_is_shown_to_who_sees_the_person_and_not_on_the_other_record(registration):
    person, other = await two(registration)
    told = {"name": NAME, "returnee_id": other["id"], "relation": "former_partner", "reason": "other"}
    (shown,) = await exclude(registration, person, **told, reason_words=WORDS)
    assert {name: shown[name] for name in told} == told
    assert (shown["is_registered"], shown["reason_words"]) == (True, WORDS)
    path = f"/v1/returnees/{person['id']}/excluded-people"
    assert (await registration.get(path)).json() == [shown]
    for way in ("", "/excluded-people", "/access-report?proof=document_seen", "/access-log"):
        theirs = await registration.get(f"/v1/returnees/{other['id']}{way}", scopes=SCOPES)
        assert theirs.status_code == 200, theirs.text
        assert person["id"] not in theirs.text, way
        assert "Temida" not in theirs.text, way
    (record,) = (await reported(registration, person)).json()["records"]
    assert record["excluded_people"] == [shown]
    page = await reported(registration, person, "/page")
    assert WORDS in page.text
    log = (await registration.get(f"/v1/returnees/{person['id']}/access-log")).json()["items"]
    assert {"excluded_person.add", "excluded_person.read"} <= {entry["action"] for entry in log}


async def test_nothing_of_it_is_in_clear_or_in_an_event(registration):
    person, other = await two(registration)
    told = {"name": NAME, "relation": "partner", "reason": "other", "reason_words": WORDS}
    await exclude(registration, person, returnee_id=other["id"], **told)
    (row,) = await registration.fetch(
        "SELECT told_sealed FROM excluded_person WHERE returnee_id = $1", UUID(person["id"])
    )
    assert not any(text in row["told_sealed"] for text in (b"Temida", b"partner", b"other", WORDS.encode()))
    for one in (person, other):
        assert await registration.events("returnee.changed.v1", key=one["id"]) == []


@pytest.mark.parametrize(
    ("told", "pointer", "rule"),
    [
        ({}, "/name", "name-or-record"),
        ({"name": NAME, "reason": "unknown_code"}, "/reason", "known-reason"),
        ({"name": NAME, "reason": "fear_of_harm", "reason_words": WORDS}, "/reason_words", "only-with-other"),
        ({"name": NAME, "reason_words": WORDS}, "/reason_words", "only-with-other"),
        ({"returnee_id": str(uuid4)}, "/returnee_id", ""),
        ({"returnee_id": "01956b0e-5b2c-7c3e-9d41-0c7f5a1b2c3d"}, "/returnee_id", "known"),
        ({"name": NAME, "reason": 1}, "/reason", ""),
        ({"name": {"given_names": "Muestra"}}, "/name/family_names", ""),
    ],
    ids=["nobody", "reason", "words-without", "words-alone", "no-id", "unknown", "number", "half-a-name"],
)
async def test_what_cannot_be_is_refused_and_nothing_is_stored(registration, told, pointer, rule):
    person = await registration.register()
    answer = await registration.post(f"/v1/returnees/{person['id']}/excluded-people", told)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert rule in ("", error["rule"])
    assert (await registration.get(f"/v1/returnees/{person['id']}/excluded-people")).json() == []


async def test_nobody_excludes_themselves_or_somebody_whom_the_desk_cannot_see(registration):
    person = await registration.register()
    path = f"/v1/returnees/{person['id']}/excluded-people"
    itself = await registration.post(path, {"returnee_id": person["id"]})
    assert itself.json()["errors"][0]["rule"] == "another-person"
    unseen = await registration.register()
    await registration.fetch("UPDATE returnee SET reception_place = 'GT12' WHERE id = $1", UUID(unseen["id"]))
    local = {"client_id": "desk-here", "reception_places": ["GT01"]}
    hidden = await registration.post(path, {"returnee_id": unseen["id"]}, **local)
    assert (hidden.status_code, hidden.json()["errors"][0]["rule"]) == (422, "known")
    await exclude(registration, person, returnee_id=unseen["id"])
    (shown,) = (await registration.get(path, **local)).json()
    assert (shown["returnee_id"], shown["is_registered"]) == (None, True), "the id of whom the desk cannot see"


@pytest.mark.parametrize("who_says", ["first", "second"])
async def test_the_two_are_never_put_into_one_household_whoever_said_it(registration, who_says):
    """Taken out: `kept_apart` in `_require_apart`."""
    first, second = await two(registration)
    says, feared = (first, second) if who_says == "first" else (second, first)
    await exclude(registration, says, returnee_id=feared["id"])
    body = a_household(first, second, namesakes_confirmed=True)
    assert await refusal(registration, "/v1/households", body) == (409, "must-stay-apart")
    third = await registration.register()
    made = (await registration.post("/v1/households", a_household(first, third))).json()
    ids = [first["id"], third["id"], second["id"]]
    joined = await registration.patch(f"/v1/households/{made['id']}", {"member_ids": ids}, etag='"1"')
    assert (joined.status_code, joined.json()["code"]) == (409, "must-stay-apart")
    assert (await registration.get(f"/v1/households/{made['id']}")).json()["member_ids"] == sorted(ids[:2])


async def test_a_claim_does_not_join_the_two(registration):
    reference = f"family/{uuid4()}"
    first = await registration.register(household_reference=reference, household_size=2)
    second = await registration.register(household_reference=reference, household_size=3)
    assert second["household_id"] is None
    await exclude(registration, first, returnee_id=second["id"])
    claims = (await registration.get("/v1/household-claims?limit=100")).json()["items"]
    (claim,) = [one for one in claims if one["returnee_id"] == second["id"]]
    path = f"/v1/household-claims/{claim['id']}/decide"
    assert await refusal(registration, path, {"decision": "keep_together"}) == (409, "must-stay-apart")
    assert (await registration.post(path, {"decision": "separate"})).status_code == 200


async def claim_of(registration: Registration, person: dict[str, Any]) -> tuple[str | None, str]:
    """The household that the person is in, and the reason of the claim."""
    found = (await registration.get(f"/v1/returnees/{person['id']}")).json()
    claims = (await registration.get("/v1/household-claims?limit=100")).json()["items"]
    (claim,) = [one for one in claims if one["returnee_id"] == person["id"]]
    return found["household_id"], claim["reason"]


async def test_a_newcomer_with_an_excluded_name_waits_for_a_desk(registration):
    reference = f"family/{uuid4()}"
    person = await registration.register(household_reference=reference, household_size=3)
    await exclude(registration, person, name=NAME)
    feared = await registration.register(identity=NAME, household_reference=reference, household_size=3)
    assert await claim_of(registration, feared) == (None, "excluded_person")
    another = await registration.register(household_reference=reference, household_size=3)
    assert another["household_id"] == person["household_id"]


@pytest.mark.parametrize("by", ["record", "name"])
async def test_a_registered_person_joins_no_household_of_whom_they_exclude(registration, by):
    reference, told = f"family/{uuid4()}", a_returnee(sender_reference=f"desk/{uuid4()}")
    person = (await registration.post("/v1/returnees", told)).json()
    other = await registration.register(identity=NAME, household_reference=reference, household_size=2)
    await exclude(registration, person, **({"name": NAME} if by == "name" else {"returnee_id": other["id"]}))
    again = told | {"household_reference": reference, "household_size": 2}
    assert (await registration.post("/v1/returnees", again)).json()["id"] == person["id"]
    assert await claim_of(registration, person) == (None, "excluded_person")


async def test_who_excludes_a_member_of_the_household_leaves_it_at_once(registration):
    reference = f"family/{uuid4()}"
    person, other = [await registration.register(household_reference=reference, household_size=2) for _ in range(2)]
    await exclude(registration, person, returnee_id=other["id"])
    found = (await registration.get(f"/v1/returnees/{person['id']}")).json()
    assert found["household_id"] is None
    household = (await registration.get(f"/v1/households/{other['household_id']}")).json()
    assert (household["member_ids"], household["reference_returnee_id"]) == ([other["id"]], other["id"])
    (told,) = await registration.events("returnee.changed.v1", key=person["id"])
    assert (told["household_id"], told["version"]) == (None, found["version"])


async def test_a_child_who_leaves_the_household_of_the_excluded_person_is_protected(registration):
    reference = f"family/{uuid4()}"
    child = await registration.register(identity=CHILD, household_reference=reference, household_size=2)
    other = await registration.register(household_reference=reference, household_size=2)
    await exclude(registration, child, returnee_id=other["id"])
    needs = (await registration.get(f"/v1/returnees/{child['id']}/needs")).json()["items"]
    assert [(one["category"], one["urgency"]) for one in needs] == [("child_protection", "emergency")]


async def test_a_name_alone_warns_the_desk_until_it_confirms_a_namesake(registration):
    person, other = await two(
        registration, identity={"given_names": "muestra TEMIDA", "family_names": "Ejemplo Paréja"}
    )
    await exclude(registration, person, name=NAME)
    body = a_household(person, other)
    assert await refusal(registration, "/v1/households", body) == (409, "may-be-excluded")
    made = await registration.post("/v1/households", body | {"namesakes_confirmed": True})
    assert made.status_code == 201, made.text


async def test_an_ended_exclusion_holds_no_more_and_leaves_nothing(registration):
    person, other = await two(registration)
    (told,) = await exclude(registration, person, name=NAME, returnee_id=other["id"])
    path = f"/v1/returnees/{person['id']}/excluded-people"
    elsewhere = await registration.post(f"/v1/returnees/{other['id']}/excluded-people/{told['id']}/end")
    assert elsewhere.status_code == 404, "it is an exclusion of somebody else"
    ended = await registration.post(f"{path}/{told['id']}/end")
    assert (ended.status_code, ended.json()) == (200, [])
    assert not await registration.fetch("SELECT FROM excluded_person WHERE id = $1", UUID(told["id"]))
    assert (await registration.post("/v1/households", a_household(person, other))).status_code == 201


async def test_a_packet_does_not_name_a_member_who_is_the_excluded_person_under_another_record(registration):
    reference = f"family/{uuid4()}"
    head = await a_person(registration, household_reference=reference, household_size=2)
    told = {"identity": {"given_names": "Muestra Dos", "family_names": "Ejemplo"}, "consents": [a_consent()]}
    member = await registration.register(**told, household_reference=reference)
    known = facts(head, category="shelter")
    await registration.hear(accepted(known, service_type="family_shelter", people_count=2))
    assert len((await fetch(registration, known)).json()["household_members"]) == 1
    other = await registration.register()
    await exclude(registration, head, returnee_id=other["id"])
    merging = "UPDATE returnee SET merged_into = $2 WHERE id = $1"
    await registration.fetch(merging, UUID(member["id"]), UUID(other["id"]))
    packet = (await fetch(registration, known)).json()
    assert (packet["household_members"], packet["members_withheld_count"]) == (None, 1)


@pytest.mark.parametrize(
    "relative",
    [NAME, {"given_names": "Otro", "family_names": "Nombre", "document_number": "1987-65432-0101"}],
    ids=["names", "document"],
)
async def test_a_child_is_never_released_to_an_excluded_person_who_is_registered(registration, relative):
    child = await registration.register(identity=CHILD)
    other = await registration.register(identity=NAME | {"document_number": "1987654320101"})
    await exclude(registration, child, returnee_id=other["id"])
    body = a_release(child, relative=relative, namesake_confirmed=True)
    answer = await registration.post("/v1/child-releases", body, **DESK)
    assert (answer.status_code, answer.json()["code"]) == (409, "relative-excluded")


async def test_a_name_that_the_child_excludes_warns_the_desk_at_the_beginning_and_at_the_handover(registration):
    child = await registration.register(identity=CHILD)
    release = await ready(registration, child)
    relative = a_release(child)["relative"]
    name = {"given_names": "Abuela", "family_names": relative["family_names"]}
    await exclude(registration, child, name=name)
    warned = await step(registration, release, "handover", a_handover())
    assert (warned.status_code, warned.json()["code"]) == (409, "may-be-excluded")
    done = await step(registration, release, "handover", a_handover(namesake_confirmed=True))
    assert done.status_code == 200, done.text
    again = await registration.post("/v1/child-releases", a_release(child), **DESK)
    assert (again.status_code, again.json()["code"]) == (409, "may-be-excluded")


async def test_an_erasure_of_the_excluded_person_keeps_the_name_and_ends_the_link(registration):
    person, other = await two(registration)
    await exclude(registration, person, name=NAME, returnee_id=other["id"])
    await exclude(registration, person, returnee_id=other["id"])
    assert (await registration.post(f"/v1/returnees/{other['id']}/erasure")).status_code == 200
    (left,) = (await registration.get(f"/v1/returnees/{person['id']}/excluded-people")).json()
    assert (left["name"], left["is_registered"]) == (NAME, False)
    assert (await registration.post(f"/v1/returnees/{person['id']}/erasure")).status_code == 200
    assert not await registration.fetch("SELECT FROM excluded_person WHERE returnee_id = $1", UUID(person["id"]))
