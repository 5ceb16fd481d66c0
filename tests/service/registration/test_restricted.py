"""Restricted needs do not exist without the right: two people, alike but for such needs, give the same answers."""

import json
import re
from dataclasses import dataclass
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from libs.events.catalogue.arrivals import ArrivalBatchAnnounced, ReturneeArrived
from libs.events.catalogue.referral import OfferAccepted
from services.registration.arrivals.tables import reference_key
from services.registration.needs.restricted import of_person
from tests.service.registration.conftest import LANDED_AT, RECEPTION, a_consent, a_returnee, an_announcement
from tests.service.registration.matching import a_name_of_their_own
from tests.service.registration.whole_lists import to_the_end

SENDER = "urn:reception:twins"
READING = f"{RECEPTION} restricted:read"
CALLERS = {
    "reception": {},
    "a centre": {"reception_places": ["GT01"]},
    "who registered them": {"reception_places": []},
    "an officer": {"client_id": "officer", "scopes": "returnees:read access-log:read"},
    "somebody without a certificate": {"client_id": "untrained", "scopes": READING, "certified": False},
}
"""Who may see the people, each in another way, without `restricted:read` or without a certificate."""
_IDS = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}|(?<="next":")[^"]+')
_TIMES = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)")
_CASE_CODES = re.compile(r"GT-[0-9A-Z]{4}-[0-9A-Z]{4}")
_PASSING = {"date", "content-length"}


@dataclass
class Twin:
    """One of the two, and all ids that a path may name."""

    person: dict
    batch_id: str
    ordinary: list[str]
    hidden: list[str]
    """Restricted needs; for the twin without any, ids that nothing has."""

    def paths(self, template):
        """Every address of a route for this person; whatever a path calls that we don't know is the person's id."""
        filled = [template]
        values = {
            "batch_id": [self.batch_id],
            "household_id": [self.person["household_id"]],
            "need_id": [*self.ordinary, *self.hidden],
            "offer_id": [str(uuid4())],
        }
        for name in re.findall(r"{(\w+)}", template):
            ids = values.get(name, [self.person["id"]])
            filled = [path.replace(f"{{{name}}}", one) for path in filled for one in ids]
        return filled


def alike(response):
    """An answer without what must differ between two people: ids, also those in cursors, times and case codes."""
    text = _CASE_CODES.sub("<case>", _TIMES.sub("<time>", _IDS.sub("<id>", response.text)))
    headers = {name: _IDS.sub("<id>", value) for name, value in response.headers.items() if name not in _PASSING}
    return response.status_code, headers, text


def listed(rows, twin):
    """Of a list that shows others too, the rows about this person, without ids and times."""
    about = {twin.person["id"], twin.person["case_code"], twin.batch_id, twin.person["household_id"]}
    rows = [json.dumps(row) for row in rows]
    mine = [row for row in rows if any(one in row for one in about)]
    return [_CASE_CODES.sub("<case>", _TIMES.sub("<time>", _IDS.sub("<id>", row))) for row in mine]


def a_told_person(batch, *, restricted, family_names):
    """Somebody with two ordinary needs and, if `restricted`, two more and the flag of their path."""
    hidden = [{"category": "gbv"}, {"category": "anti_trafficking", "after_category": "gbv"}] if restricted else []
    needs = [{"category": "shelter", "people_count": 2}, *hidden, {"category": "documents"}]
    return a_returnee(
        sender_reference=f"person-{uuid4()}",
        batch_reference=batch["sender_reference"],
        household_reference=f"family-{uuid4()}",
        household_size=2,
        needs=needs,
        consents=[a_consent()],
        identity={"given_names": "Muestra Uno", "family_names": family_names},
        profile={
            "nationality": "GT",
            "identity_document": "held",
            "protection_flags": ["fears_return", *(["restricted_path"] if restricted else [])],
        },
    )


async def a_batch_by_event(registration):
    flight = an_announcement(1)
    await registration.hear(ArrivalBatchAnnounced.model_validate(flight), source=SENDER)
    key = reference_key(registration.vault.master, SENDER, flight["sender_reference"])
    (row,) = await registration.fetch("SELECT id FROM arrival_batch WHERE reference_key = $1", key)
    return {"id": row["id"], "sender_reference": flight["sender_reference"]}


async def a_twin(registration, *, restricted, by_event=False, family_names="Ejemplo Primero"):
    batch = await (a_batch_by_event(registration) if by_event else registration.announce(1))
    await registration.post(f"/v1/arrival-batches/{batch['id']}/land", {"people_count": 1, "landed_at": str(LANDED_AT)})
    told = a_told_person(batch, restricted=restricted, family_names=family_names)
    if by_event:
        await registration.hear(ReturneeArrived.model_validate(told), source=SENDER)
    else:
        answer = await registration.post("/v1/returnees", told)
        assert answer.status_code == 201, answer.text
    (row,) = await registration.fetch("SELECT id FROM returnee WHERE arrival_batch_id = $1", batch["id"])
    person = (await registration.get(f"/v1/returnees/{row['id']}")).json()
    if restricted:  # and one that is told later
        later = {"category": "gbv", "second_reason": "another_place"}
        answer = await registration.post(f"/v1/returnees/{person['id']}/needs", later)
        assert answer.status_code == 201, answer.text
    stored = await registration.fetch("SELECT id, category FROM need WHERE returnee_id = $1 ORDER BY id", row["id"])
    async with registration.database.transaction() as session:
        kept = await of_person(session, row["id"], None, vault=registration.vault)
    hidden = [str(need.id) for need in kept]
    assert len(hidden) == (3 if restricted else 0)
    assert {need["category"] for need in stored} == {"shelter", "documents", "legal"}
    return Twin(
        person,
        batch_id=str(batch["id"]),
        ordinary=[str(need["id"]) for need in stored],
        hidden=hidden or [str(uuid7()) for _ in range(3)],
    )


async def twins(registration, **how):
    how |= {"family_names": a_name_of_their_own()}
    return await a_twin(registration, restricted=True, **how), await a_twin(registration, restricted=False, **how)


async def reading_routes(registration):
    paths = (await registration.client.get("/openapi.json")).json()["paths"]
    return sorted(path for path, methods in paths.items() if "get" in methods and path.startswith("/v1/"))


@pytest.mark.parametrize("by_event", [False, True], ids=["by REST", "by event"])
async def test_every_answer_about_a_person_with_restricted_needs_is_that_about_a_person_without(registration, by_event):
    one, other = await twins(registration, by_event=by_event)
    compared = 0
    for who, claims in CALLERS.items():
        for template in await reading_routes(registration):
            for mine, theirs in zip(one.paths(template), other.paths(template), strict=True):
                query = "?purpose=registration" if template.endswith("/safe-contact") else ""
                query = "?proof=document_seen" if "/access-report" in template else query
                answers = [await registration.get(path + query, **claims) for path in (mine, theirs)]
                if "{" not in template:
                    lists = [
                        await to_the_end(registration, path, answer, claims)
                        for path, answer in zip((mine, theirs), answers, strict=True)
                    ]
                    assert listed(lists[0], one) == listed(lists[1], other), (who, template)
                else:
                    assert alike(answers[0]) == alike(answers[1]), (who, mine)
                compared += answers[0].status_code == 200
    assert compared > 20, "most answers tell something"


WRITES = [
    ("post", "/v1/returnees/{id}/needs", {"category": "gbv", "urgency": "urgent"}),
    ("post", "/v1/returnees/{id}/needs", {"category": "anti_trafficking", "after_category": "gbv"}),
    ("post", "/v1/returnees/{id}/needs", {"category": "food", "after_category": "gbv"}),
    ("post", "/v1/returnees/{id}/needs", {"category": "food", "after_need_id": "{hidden}"}),
    ("post", "/v1/returnees/{id}/needs", {"category": "food", "after_category": "documents"}),
    ("post", "/v1/returnees/{id}/needs/{hidden}/withdraw", None),
    ("post", "/v1/returnees/search", {"case_code": "{case_code}"}),
    ("patch", "/v1/returnees/{id}", {"profile": {"protection_flags": ["fears_return"]}}),
    ("post", "/v1/arrival-batches/{batch}/complete-intake", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_no_answer_to_a_write_betrays_a_restricted_need(registration, method, path, body):
    answers = []
    for twin in await twins(registration):
        names = {
            "id": twin.person["id"], "case_code": twin.person["case_code"], "hidden": twin.hidden[0],
            "batch": twin.batch_id,
        }  # fmt: skip
        address = path.format(**names)
        filled = body and {
            name: value.format(**names) if isinstance(value, str) else value for name, value in body.items()
        }
        headers = registration.headers() | {"If-Match": '"1"'}
        first = await registration.client.request(method, address, json=filled, headers=headers)
        again = await registration.client.request(method, address, json=filled, headers=headers)
        log = await registration.get(f"/v1/returnees/{twin.person['id']}/access-log")
        answers.append([alike(first), alike(again), alike(log)])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("by_event", [False, True], ids=["by REST", "by event"])
async def test_a_person_with_nothing_but_restricted_needs_is_one_who_told_of_none(registration, by_event):
    logs = []
    for needs in ([{"category": "gbv"}, {"category": "anti_trafficking"}], []):
        told = a_returnee(sender_reference=f"person-{uuid4()}", needs=needs)
        before = [row["id"] for row in await registration.fetch("SELECT id FROM returnee")]
        if by_event:
            await registration.hear(ReturneeArrived.model_validate(told), source=SENDER)
        else:
            await registration.post("/v1/returnees", told)
        (row,) = await registration.fetch("SELECT id FROM returnee WHERE id <> ALL($1)", before)
        path = f"/v1/returnees/{row['id']}"
        logs.append([alike(await registration.get(f"{path}/{part}")) for part in ("needs", "access-log")])
    assert logs[0] == logs[1]


async def test_who_tells_of_a_restricted_need_gets_back_what_was_told_and_cannot_look_it_up(registration):
    person = await registration.register()
    path = f"/v1/returnees/{person['id']}/needs"
    told = await registration.post(path, {"category": "gbv", "urgency": "emergency"})
    assert (told.status_code, told.json()["category"], told.json()["urgency"]) == (201, "gbv", "emergency")
    assert (await registration.get(f"{path}/{told.json()['id']}")).status_code == 404
    assert (await registration.get(path)).json()["items"] == []
    (event,) = await registration.events("need.reported.v1", key=person["id"])
    assert (event["category"], event["need_id"]) == ("gbv", told.json()["id"]), "and referral hears of it"


async def test_a_reference_that_names_a_restricted_need_opens_nothing_and_loses_nothing(registration):
    person = await registration.register()
    path = f"/v1/returnees/{person['id']}/needs"
    await registration.post(path, {"category": "gbv", "sender_reference": "n-1"})
    again = await registration.post(path, {"category": "food", "sender_reference": "n-1"})
    assert (again.status_code, again.json()["code"]) == (409, "need-reference-taken")
    assert "gbv" not in again.text


async def test_with_the_right_restricted_needs_are_there_with_all_that_was_done_to_them(registration):
    twin, _ = await twins(registration)
    path = f"/v1/returnees/{twin.person['id']}"
    right = {"scopes": READING}
    needs = (await registration.get(f"{path}/needs", **right)).json()["items"]
    categories = ["anti_trafficking", "documents", "gbv", "gbv", "legal", "shelter"]
    assert sorted(need["category"] for need in needs) == categories
    (after,) = [need for need in needs if need["category"] == "anti_trafficking"]
    assert after["after_need_id"] in twin.hidden
    withdrawn = await registration.post(f"{path}/needs/{twin.hidden[0]}/withdraw", **right)
    assert withdrawn.json()["status"] == "withdrawn"
    log = (await registration.get(f"{path}/access-log", **right)).json()["items"]
    told = [entry["action"] for entry in reversed(log) if entry["action"].startswith("restricted.")]
    assert told == ["restricted.need.report", "restricted.need.report", "restricted.need.withdraw"]
    assert "restricted_path" in (await registration.get(path, **right)).json()["profile"]["protection_flags"]


async def test_an_organisation_with_the_right_sees_restricted_needs_of_its_own_people_only(registration):
    mine = {"organization_id": uuid4(), "scopes": READING}
    own = (await registration.post("/v1/returnees", a_returnee(needs=[{"category": "gbv"}]), **mine)).json()
    twin, _ = await twins(registration)
    seen = (await registration.get(f"/v1/returnees/{own['id']}/needs", **mine)).json()["items"]
    assert [need["category"] for need in seen] == ["gbv"]
    others = (await registration.get(f"/v1/returnees/{twin.person['id']}/needs", **mine)).json()["items"]
    assert sorted(need["category"] for need in others) == ["documents", "legal", "shelter"]


async def test_who_cannot_see_the_flag_of_a_restricted_path_does_not_take_it_away(registration):
    twin, _ = await twins(registration)
    path = f"/v1/returnees/{twin.person['id']}"
    answer = await registration.patch(path, {"profile": {"protection_flags": ["age_disputed"]}}, etag='"1"')
    assert answer.json()["profile"]["protection_flags"] == ["age_disputed"]
    (row,) = await registration.fetch(
        "SELECT protection_flags FROM returnee WHERE case_code = $1", twin.person["case_code"]
    )
    assert row["protection_flags"] == ["age_disputed", "restricted_path"]


async def test_a_packet_of_a_restricted_offer_needs_the_right_also_in_the_organisation_that_accepted(registration):
    twin, _ = await twins(registration)
    organization_id, offer_id = uuid4(), uuid7()
    await registration.hear(an_acceptance(twin, offer_id=offer_id, organization_id=organization_id))
    of = {"organization_id": organization_id, "reception_places": []}
    hidden = await registration.get(f"/v1/packets/{offer_id}", scopes="packets:read", **of)
    others = await registration.get(f"/v1/packets/{offer_id}", scopes="packets:read", organization_id=uuid4())
    assert alike(hidden) == alike(others)
    assert hidden.status_code == 404
    shown = await registration.get(f"/v1/packets/{offer_id}", scopes="packets:read restricted:read", **of)
    assert shown.status_code == 200, shown.text
    path = f"/v1/returnees/{twin.person['id']}/access-log"
    assert str(offer_id) not in (await registration.get(path)).text
    assert str(offer_id) in (await registration.get(path, scopes=READING)).text


def an_acceptance(twin, *, offer_id, organization_id):
    return OfferAccepted(
        returnee_id=twin.person["id"],
        case_code=twin.person["case_code"],
        need_id=twin.hidden[0],
        referral_id=uuid7(),
        offer_id=offer_id,
        organization_id=organization_id,
        provider_service_id=uuid4(),
        category="gbv",
        service_type="gbv_shelter",
        people_count=1,
        at=LANDED_AT,
    )
