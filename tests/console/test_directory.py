"""The directory: the search with its reasons, lists, one organisation, service or location, places of a service."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.console.directory import rules
from services.console.labels import LABELS
from services.console.words import all_words
from tests.console.test_places import capacity
from tests.console.told import page
from tests.console.told_directory import (
    DIRECTORY,
    LOCATION,
    READER,
    hit,
    listed,
    location,
    openings,
    organization,
    steward,
    tell_directory,
)
from tests.console.told_provider import ORGANIZATION, SERVICE
from tests.console.world import World, document_of

EN = all_words()["en"]
TABLES = {
    "match": (DIRECTORY, "MatchReason"),
    "organization_type": (DIRECTORY, "OrganizationType"),
    "organization_status": (DIRECTORY, "PublicationStatus"),
    "location_type": (DIRECTORY, "LocationType"),
    "access_offered": (DIRECTORY, "AccessNeed"),
    "access_kind": ("referral", "AccessKind"),
    "deletion_cause": ("registration", "DeletionReason"),
}
GUATEMALA = ZoneInfo("America/Guatemala")
MOTHER = {"need": "shelter", "place": "GT09", "language": "quc", "women": "1", "children": "8, 3", "when": "tonight"}


@pytest.fixture(autouse=True)
def known(world: World) -> None:
    tell_directory(world)
    world.services.tell(DIRECTORY, f"/v1/services/{SERVICE}/capacity", capacity())


async def test_a_caseworker_searches_for_a_woman_with_two_children_tonight_and_reads_why(world: World):
    browser = world.client(*READER)
    form = await browser.get("/directory")
    assert "K&#39;iche&#39;" in form.text or "K'iche'" in form.text
    page_ = await browser.post("/directory", **MOTHER)
    assert page_.status_code == 200
    (asked,) = world.services.sent("POST", "/v1/services/search")
    people = [{"age_group": "adult", "sex": "female"}, {"age": 8}, {"age": 3}]
    assert asked.body["for_people"] == people
    assert (asked.body["category"], asked.body["place"], asked.body["language"]) == ("shelter", "GT09", "quc")
    assert datetime.fromisoformat(asked.body["open_at"]).astimezone(GUATEMALA).hour >= 20
    text = page_.text.replace("&#39;", "'")
    for words in (
        "Casa Sample", "gives Shelter", "serves people of Quetzaltenango", "speaks K'iche'", "is open at this time",
        "takes people of this sex", "takes people together", "Monday to Friday: 08:00-16:00", "7 <span",
    ):  # fmt: skip
        assert words in text, words
    assert "serves_place" not in text


async def test_nothing_of_a_person_is_in_an_address_and_what_was_typed_stays_also_on_the_next_page(world: World):
    world.services.tell(DIRECTORY, "/v1/services/search", page(hit(), next="c-2"), method="POST")
    browser = world.client(*READER)
    first = await browser.post("/directory", **MOTHER)
    assert 'name="children" type="text" value="8, 3"' in first.text
    assert 'name="after" value="c-2"' in first.text
    await browser.post("/directory", **MOTHER, after="c-2")
    asked = world.services.sent("POST", "/v1/services/search")
    assert [one.query for one in asked] == [{"limit": ["20"]}, {"limit": ["20"], "after": ["c-2"]}]
    assert first.request.url.query == b""


async def test_a_mistake_is_shown_beside_its_field(world: World):
    faults = [{"pointer": "/for_people/1/age", "rule": "int-type", "detail": "x"}]
    world.services.refuse(DIRECTORY, "/v1/services/search", "invalid-input", status=422, errors=faults)
    page_ = await world.client(*READER).post("/directory", women="1", children="12")
    assert page_.status_code == 422
    assert 'id="children-fault1"' in page_.text
    assert "Write a whole number." in page_.text
    assert 'value="12"' in page_.text


async def test_traits_are_told_as_the_directory_takes_them():
    fields = {"alone": ["yes"], "children": ["15"], "documents_told": ["yes"], "access_needs": ["visual"]}
    told, pointers = rules.people_of(lambda name: (fields.get(name) or [""])[0], lambda name: fields.get(name, []))
    assert told == [{"age": 15, "unaccompanied_child": True, "access_needs": ["visual"], "documents_held": []}]
    assert pointers["/for_people/0"] == "children"
    nothing = rules.people_of(lambda name: "", lambda name: [])
    assert nothing == ([], {})


def test_tonight_is_the_evening_or_now_and_another_time_is_that_of_the_country():
    day, night = datetime(2026, 1, 5, 14, tzinfo=UTC), datetime(2026, 1, 6, 4, tzinfo=UTC)
    assert rules.open_at("tonight", "", now=day, zone=GUATEMALA) == "2026-01-05T20:00:00-06:00"
    assert rules.open_at("tonight", "", now=night, zone=GUATEMALA) == night.isoformat()
    assert rules.open_at("other", "2026-01-07T09:30", now=day, zone=GUATEMALA) == "2026-01-07T09:30:00-06:00"
    assert rules.open_at("other", "soon", now=day, zone=GUATEMALA) == "soon"
    assert rules.open_at("any", "2026-01-07T09:30", now=day, zone=GUATEMALA) is None


def test_openings_are_told_by_days_with_the_same_hours():
    hours = openings((1, 480, 720), (1, 840, 1440), (2, 480, 720), (2, 840, 1440), (4, 0, 60))
    told = rules.openings_in_words(EN, hours)
    assert told == [("Monday to Tuesday", "08:00-12:00, 14:00-24:00"), ("Thursday", "00:00-01:00")]


async def test_an_organisation_shows_its_standing_services_and_locations(world: World):
    page_ = await world.client(*READER).get(f"/directory/organizations/{ORGANIZATION}")
    for words in ("Red de Ejemplo", "church", "agreement on data", "December 31, 2099", "January 31, 2020", "ended",
                  "Casa Sample", "Casa Central"):  # fmt: skip
        assert words in page_.text, words
    for forbidden in ("/edit", "/suspend", "/validity"):
        assert forbidden not in page_.text, forbidden


async def test_a_service_shows_whom_it_serves_when_and_how_old_its_figures_are(world: World):
    page_ = await world.client(*READER).get(f"/directory/services/{SERVICE}")
    for words in ("Casa Sample", "Red de Ejemplo", "A bed", "up to 59 years", "Quetzaltenango", "beds for adults",
                  "told 60 minutes ago", "Monday to Friday: 08:00-16:00", "3 days", "Version"):  # fmt: skip
        assert words in page_.text, words
    assert "/edit" not in page_.text


async def test_a_location_shows_its_hours_and_the_services_that_are_given_there(world: World):
    world.services.tell(DIRECTORY, "/v1/services", page(listed(location_id=LOCATION), listed(name="Somewhere else")))
    page_ = await world.client(*READER).get(f"/directory/locations/{LOCATION}")
    assert "Monday: 08:00-12:00" in page_.text
    assert "Casa Sample" in page_.text
    assert "Somewhere else" not in page_.text


async def test_a_hidden_address_is_called_secret(world: World):
    hidden = location(address_hidden=True)
    world.services.tell(DIRECTORY, f"/v1/locations/{LOCATION}", hidden)
    page_ = await world.client(*READER).get(f"/directory/locations/{LOCATION}")
    assert "<dd>secret</dd>" in page_.text


async def test_lists_are_paged_and_filtered_by_a_category_that_exists_for_the_reader(world: World):
    world.services.tell(DIRECTORY, "/v1/services", page(listed(), next="c-2"))
    world.services.tell(DIRECTORY, "/v1/organizations", page(organization(), next="c-9"))
    services = await world.client(*READER).get("/directory/services?category=shelter")
    assert "after=c-2&amp;category=shelter" in services.text
    assert "Violence" not in services.text
    organizations = await world.client(*READER).get("/directory/organizations")
    assert "after=c-9" in organizations.text
    restricted = await world.client(*READER, "restricted:read").get("/directory/services")
    assert "Violence" in restricted.text


@pytest.mark.parametrize(
    "path", ["", "/services", "/organizations", f"/services/{SERVICE}", f"/organizations/{ORGANIZATION}"]
)
async def test_without_the_right_no_page_exists(world: World, path: str):
    assert (await world.client("progress:read").get(f"/directory{path}")).status_code == 404


async def test_without_the_directory_the_search_and_the_lists_say_so(world: World):
    """Seen to fail without `ServiceAway` in the search."""
    world.services.away.add(DIRECTORY)
    browser = world.client(*READER)
    for answer in (
        await browser.get("/directory/services"),
        await browser.get("/directory/organizations"),
        await browser.post("/directory", text="casa"),
    ):
        assert answer.status_code == 200
        assert "does not answer now" in answer.text
    assert 'value="casa"' in answer.text


async def test_a_steward_declares_places_for_an_organisation_and_nobody_else_does(world: World):
    path = f"/v1/services/{SERVICE}/capacity"
    world.services.tell("referral", "/v1/places", page())
    world.services.tell(DIRECTORY, path, capacity(), method="PUT")
    browser = steward(world)
    shown = await browser.get(f"/directory/places/{SERVICE}")
    assert f'action="/directory/places/{SERVICE}"' in shown.text
    (pool,) = capacity()["pools"]
    figures = {f"available-{pool['id']}": "3", f"maximum-{pool['id']}": "40", "etag": '"7"'}
    sent = await browser.post(f"/directory/places/{SERVICE}", **figures)
    assert (sent.status_code, sent.headers["location"]) == (303, f"/directory/services/{SERVICE}")
    (asked,) = world.services.sent("PUT", path)
    assert asked.body["pools"][0]["available"] == 3
    for other in (steward(world, without="capacity:write"), world.client("directory:read", "capacity:write")):
        assert (await other.get(f"/directory/places/{SERVICE}")).status_code == 404
        assert (await other.post(f"/directory/places/{SERVICE}", **figures)).status_code == 404


@pytest.mark.parametrize("table", TABLES)
def test_each_code_of_the_api_documents_has_words(table: str):
    service, schema = TABLES[table]
    assert set(LABELS[table]) == set(document_of(service)["components"]["schemas"][schema]["enum"])


def test_purposes_of_both_services_and_all_answers_of_organisations_have_words():
    documents = [document_of(service)["components"]["schemas"] for service in ("registration", "referral")]
    assert set(LABELS["access_purpose"]) == {code for one in documents for code in one["AccessPurpose"]["enum"]}
    assert set(LABELS["deletion_state"]) == {*documents[0]["DeletionAnswer"]["enum"], "waits", "overdue"}
    assert set(LABELS["access_kind"]) == set(documents[0]["AccessKind"]["enum"])
