"""Who sees whom: a centre its own people, the child desk children, an organisation its own; and searching."""

from uuid import uuid4

import pytest

from libs.events.catalogue.arrivals import ArrivalBatchLanded, ReturneeArrived
from services.registration.arrivals.tables import reference_key
from tests.service.registration.conftest import LANDED_AT, a_returnee, an_announcement

NORTH = {"client_id": "reception-north", "reception_places": ["GT01"]}
WEST = {"client_id": "reception-west", "reception_places": ["GT12"]}
CHILD_DESK = {"client_id": "pgn-child-desk", "scopes": "returnees:read", "reception_places": ["GT"]}


async def a_person_at(registration, place, *, family_names="Ejemplo", **changes):
    """Somebody whom a system by event registers, as received at a place."""
    bus = f"bus-{uuid4()}"
    landed = ArrivalBatchLanded(
        sender_reference=bus, mode="bus", reception_place=place, landed_at=LANDED_AT, people_count=1
    )
    identity = {"given_names": "Muestra", "family_names": family_names} | changes.pop("identity", {})
    told = a_returnee(sender_reference=str(uuid4()), batch_reference=bus, identity=identity, **changes)
    await registration.hear(landed, ReturneeArrived.model_validate(told))
    find = (
        "SELECT r.id, r.case_code, b.id AS batch_id FROM returnee r JOIN arrival_batch b ON b.id = r.arrival_batch_id"
    )
    key = reference_key(registration.vault.master, "urn:reception:sample", bus)
    (row,) = await registration.fetch(f"{find} WHERE b.reference_key = $1", key)
    return {name: str(value) for name, value in row.items()}


@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        ({"names": "."}, "/names", "two-letters"),
        ({"names": " - "}, "/names", "two-letters"),
        ({"names": "__"}, "/names", "two-letters"),
        ({"names": "%%"}, "/names", "two-letters"),
        ({"names": "a"}, "/names", "two-letters"),
        ({"names": "a b c"}, "/names", "two-letters"),
        ({"names": "12"}, "/names", "two-letters"),
        ({"names": ".", "birth_date": "1990-05-17"}, "/names", "two-letters"),
        ({"names": ".", "case_code": "GT-2222-2222"}, "/names", "two-letters"),
        ({"document_number": "-"}, "/document_number", "letters-or-digits"),
        ({"document_number": " . ", "names": "Muestra"}, "/document_number", "letters-or-digits"),
        ({"birth_date": "1990-05-17"}, "", "enough-to-search"),
        ({}, "", "enough-to-search"),
    ],
)
async def test_a_search_that_says_nothing_of_a_person_is_refused_and_shows_nobody(registration, body, pointer, rule):
    answer = await registration.post("/v1/returnees/search", body)
    assert answer.status_code == 422, answer.text
    assert [(one["pointer"], one["rule"]) for one in answer.json()["errors"]] == [(pointer, rule)]
    looks = "SELECT count(*) FROM audit_entry WHERE action = 'returnee.search' AND who = 'says-nothing'"
    await registration.post("/v1/returnees/search", body, client_id="says-nothing")
    assert (await registration.fetch(looks))[0]["count"] == 0


async def test_a_search_answers_one_page_and_says_when_more_match(registration):
    family = f"Pagina{uuid4().hex}"
    for _ in range(3):
        await registration.register(identity={"given_names": "Muestra", "family_names": family})
    found = (await registration.post("/v1/returnees/search?limit=2", {"names": family})).json()
    assert (len(found["items"]), found["more"], found["next"]) == (2, True, None)
    whole = (await registration.post("/v1/returnees/search", {"names": family})).json()
    assert (len(whole["items"]), whole["more"]) == (3, False)


async def test_a_search_is_recorded_with_everybody_whom_it_showed_and_never_with_what_was_searched(registration):
    family = f"Registro{uuid4().hex}"
    shown = [
        (await registration.register(identity={"given_names": "Muestra", "family_names": family}))["id"]
        for _ in range(2)
    ]
    hidden = await registration.register()
    await registration.post("/v1/returnees/search", {"names": family}, client_id=f"seeker-{family}")
    rows = await registration.fetch("SELECT * FROM audit_entry WHERE client_id = $1", f"seeker-{family}")
    assert sorted(str(row["subject_id"]) for row in rows) == sorted(shown)
    assert {row["action"] for row in rows} == {"returnee.search"}
    assert hidden["id"] not in str(rows)
    assert family not in str([{**row, "client_id": "", "who": ""} for row in rows])


async def test_a_reception_system_finds_the_people_of_its_own_centre_only(registration):
    family = f"Centro{uuid4().hex}"
    north = await a_person_at(registration, "GT0101", family_names=family)
    west = await a_person_at(registration, "GT1217", family_names=family)
    for claims, mine, other in ((NORTH, north, west), (WEST, west, north)):
        found = (await registration.post("/v1/returnees/search", {"names": family}, **claims)).json()["items"]
        assert [one["id"] for one in found] == [mine["id"]]
        by_code = await registration.post("/v1/returnees/search", {"case_code": other["case_code"]}, **claims)
        assert by_code.json()["items"] == []


READS = [
    "/v1/returnees/{id}",
    "/v1/returnees/{id}/needs",
    "/v1/returnees/{id}/consents",
    "/v1/returnees/{id}/access-log",
    "/v1/returnees/{id}/safe-contact?purpose=registration",
    "/v1/arrival-batches/{batch_id}",
    "/v1/arrival-batches/{batch_id}/entries",
]
WRITES = [
    ("/v1/returnees/{id}/needs", {"category": "food"}),
    ("/v1/returnees/{id}/erasure", None),
    ("/v1/arrival-batches/{batch_id}/land", {"people_count": 1}),
    ("/v1/arrival-batches/{batch_id}/complete-intake", None),
]


async def test_people_and_batches_of_another_centre_do_not_exist_at_any_route(registration):
    person = await a_person_at(registration, "GT01", safe_contact={"channel": "none", "language": "spa"})
    for path in READS:
        assert (await registration.get(path.format(**person), **NORTH)).status_code == 200, path
        assert (await registration.get(path.format(**person), **WEST)).status_code == 404, path
    for path, body in WRITES:
        assert (await registration.post(path.format(**person), body, **WEST)).status_code == 404, path
    listed = (await registration.get("/v1/arrival-batches?limit=200", **WEST)).json()["items"]
    assert person["batch_id"] not in {one["id"] for one in listed}


async def test_a_token_without_reception_places_sees_whom_its_client_registered_and_nobody_else(registration):
    me = {"client_id": f"reception-{uuid4()}", "reception_places": []}
    other = await a_person_at(registration, "GT01")
    own = (await registration.post("/v1/returnees", a_returnee(), **me)).json()
    bus = an_announcement(mode="bus", reception_place="GT12")
    batch = (await registration.post("/v1/arrival-batches", bus, **me)).json()
    assert (await registration.get(f"/v1/returnees/{own['id']}", **me)).status_code == 200
    assert (await registration.get(f"/v1/returnees/{other['id']}", **me)).status_code == 404
    assert [one["id"] for one in (await registration.get("/v1/arrival-batches", **me)).json()["items"]] == [batch["id"]]


@pytest.mark.parametrize(
    ("by_event", "names_a_batch"),
    [(True, True), (False, True), (True, False)],
    ids=["by event with an unknown batch", "by REST with an unknown batch", "by event with nothing"],
)
async def test_who_came_without_a_known_place_is_seen_by_every_reception_until_it_is_known(
    registration, by_event, names_a_batch
):
    family, bus = f"Lugar{uuid4().hex}", f"bus-{uuid4()}"
    told = a_returnee(
        sender_reference=str(uuid4()), identity={"given_names": "Muestra", "family_names": family},
        **({"batch_reference": bus} if names_a_batch else {"reception_place": None}),
    )  # fmt: skip
    if by_event:
        await registration.hear(ReturneeArrived.model_validate(told), source="urn:reception:by-hand")
    else:
        await registration.post("/v1/returnees", told, client_id="by-hand")

    async def found_by(claims):
        answer = await registration.post("/v1/returnees/search", {"names": family}, **claims)
        return len(answer.json()["items"])

    nowhere = {"client_id": "nowhere", "reception_places": []}
    assert [await found_by(claims) for claims in (NORTH, WEST, nowhere)] == [1, 1, 0]
    partner = {"organization_id": uuid4(), "client_id": "partner"}
    own = (await registration.post("/v1/returnees", a_returnee(batch_reference=bus), **partner)).json()
    assert (await registration.get(f"/v1/returnees/{own['id']}", **NORTH)).status_code == 404, "an organisation's own"
    if names_a_batch:
        landed = ArrivalBatchLanded(
            sender_reference=bus, mode="bus", reception_place="GT12", landed_at=LANDED_AT, people_count=1
        )
        if by_event:
            await registration.hear(landed, source="urn:reception:by-hand")
        else:
            announced = an_announcement(0, sender_reference=bus, mode="bus", reception_place="GT12")
            batch = (await registration.post("/v1/arrival-batches", announced, client_id="by-hand")).json()
            here = {"people_count": 1, "landed_at": LANDED_AT.isoformat()}
            await registration.post(f"/v1/arrival-batches/{batch['id']}/land", here, client_id="by-hand")
        assert [await found_by(claims) for claims in (NORTH, WEST)] == [0, 1]


@pytest.mark.parametrize("claim", [["%"], [""], ["G"], ["gt01"], ["GT0"], ["__"]])
async def test_a_claim_that_names_no_place_opens_nothing(registration, claim):
    person = await a_person_at(registration, "GT01")
    answer = await registration.get(f"/v1/returnees/{person['id']}", client_id="odd", reception_places=claim)
    assert answer.status_code == 404


async def test_the_child_desk_reads_children_of_the_whole_country_and_no_adult(registration):
    family = f"Menor{uuid4().hex}"
    adult = await a_person_at(registration, "GT01", family_names=family, identity={"birth_date": "1990-05-17"})
    child = await a_person_at(registration, "GT12", family_names=family, identity={"birth_date": "2015-05-17"})
    unknown = await a_person_at(registration, "GT01", family_names=family)
    disputed = await a_person_at(
        registration,
        "GT01",
        family_names=family,
        identity={"birth_date": "2005-01-01"},
        profile={"nationality": "GT", "identity_document": "held", "protection_flags": ["age_disputed"]},
    )
    found = (await registration.post("/v1/returnees/search", {"names": family}, **CHILD_DESK)).json()["items"]
    assert {one["id"] for one in found} == {child["id"], unknown["id"], disputed["id"]}
    for part in ("", "/needs", "/consents"):
        assert (await registration.get(f"/v1/returnees/{child['id']}{part}", **CHILD_DESK)).status_code == 200
        assert (await registration.get(f"/v1/returnees/{adult['id']}{part}", **CHILD_DESK)).status_code == 404
    by_claim = CHILD_DESK | {"client_id": "somebody", "desks": ["pgn-child-desk"]}
    assert (await registration.get(f"/v1/returnees/{adult['id']}", **by_claim)).status_code == 404
    assert (await registration.get(f"/v1/returnees/{child['id']}", **by_claim)).status_code == 200


async def test_the_child_desk_sees_the_household_of_a_child_and_none_of_adults_alone(registration):
    for birth_date, status in (("1990-05-17", 404), ("2015-05-17", 200)):
        identity = {"given_names": "Muestra", "family_names": "Ejemplo", "birth_date": birth_date}
        person = await registration.register(household_reference=str(uuid4()), identity=identity)
        answer = await registration.get(f"/v1/households/{person['household_id']}", **CHILD_DESK)
        assert answer.status_code == status


async def test_an_organisation_sees_its_own_people_and_no_other_organisations_wherever_they_came_in(registration):
    mine = {"organization_id": uuid4(), "reception_places": ["GT"], "client_id": "partner-a"}
    other = {"organization_id": uuid4(), "reception_places": ["GT"], "client_id": "partner-a"}
    person = (await registration.post("/v1/returnees", a_returnee(), **mine)).json()
    assert (await registration.get(f"/v1/returnees/{person['id']}", **mine)).status_code == 200
    assert (await registration.get(f"/v1/returnees/{person['id']}", **other)).status_code == 404
