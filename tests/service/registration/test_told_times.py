"""Times and days from outside: one form, bounded by our clock, and none of them decides an age."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.errors import InvalidInput
from libs.events.catalogue.arrivals import ArrivalBatchAnnounced, ArrivalBatchLanded, ReturneeArrived
from libs.events.messages.opening import UnreadableEventError, parse
from tests.service.registration.conftest import LANDED_AT, a_consent, a_returnee, an_announcement

NO_DAYS = [
    0,
    "0",
    1.5,
    True,
    "1990-05-17T00:00:00",
    "19900517",
    "1990-05-17 ",
    "17/05/1990",
    "1990-02-30",
    "١٩٩٠-٠٥-١٧",
]
NO_MOMENTS = [0, "0", 1_772_480_400, "1772480400", "2026-03-02", "20260302T194000Z", "2026-03-02 19:40:00Z"]


def in_years(count: int) -> str:
    return (datetime.now(UTC) + timedelta(days=366 * count)).isoformat()


def born(birth_date: Any) -> dict[str, Any]:
    return {"given_names": "Muestra", "family_names": "Ejemplo", "birth_date": birth_date}


async def refused(registration: Any, path: str, body: dict[str, Any]) -> list[tuple[str, str]]:
    """Where and by which rule the request is refused; it must have stored nothing."""
    before = await registration.events()
    answer = await registration.post(path, body)
    assert answer.status_code == 422, answer.text
    assert await registration.events() == before
    return [(error["pointer"], error["rule"]) for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("told", "rule"),
    [
        (timedelta(days=3660), "too-far-ahead"),
        (timedelta(hours=1), "too-far-ahead"),
        (timedelta(days=-730), "too-long-ago"),
        ("2126-03-02T19:40:00Z", "too-far-ahead"),
        ("9999-12-31T23:59:59-14:00", "too-far-ahead"),
        ("0001-01-01T00:00:00+14:00", "too-long-ago"),
    ],
)
async def test_a_time_of_arrival_far_from_our_clock_is_refused(registration, told, rule):
    told = told if isinstance(told, str) else (datetime.now(UTC) + told).isoformat()
    assert await refused(registration, "/v1/returnees", a_returnee(arrived_at=told)) == [("/arrived_at", rule)]
    with pytest.raises(InvalidInput) as parked:
        await registration.hear(
            ReturneeArrived.model_validate(a_returnee(sender_reference=str(uuid4()), arrived_at=told))
        )
    assert [(fault.pointer, fault.rule) for fault in parked.value.errors] == [("/arrived_at", rule)]


@pytest.mark.parametrize(("years", "rule"), [(100, "too-far-ahead"), (-2, "too-long-ago")])
async def test_a_landing_and_an_expectation_far_from_our_clock_are_refused(registration, years, rule):
    told = in_years(years)
    announcement = an_announcement(expected_at=told)
    assert await refused(registration, "/v1/arrival-batches", announcement) == [("/expected_at", rule)]
    batch = await registration.announce()
    landing = {"landed_at": told, "people_count": 2}
    assert await refused(registration, f"/v1/arrival-batches/{batch['id']}/land", landing) == [("/landed_at", rule)]
    landed = ArrivalBatchLanded.model_validate(
        {"sender_reference": str(uuid4()), "mode": "bus", "reception_place": "GT12"} | landing
    )
    for event in (ArrivalBatchAnnounced.model_validate(announcement), landed):
        with pytest.raises(InvalidInput) as parked:
            await registration.hear(event)
        assert [fault.rule for fault in parked.value.errors] == [rule]


@pytest.mark.parametrize(
    ("change", "pointer", "rule"),
    [
        ({"given_at": 10, "expires_at": 11}, "/given_at", "too-far-ahead"),
        ({"given_at": -30}, "/given_at", "too-long-ago"),
        ({"expires_at": 200}, "/expires_at", "too-far-ahead"),
    ],
)
async def test_a_consent_of_another_age_is_refused_at_intake_and_later(registration, change, pointer, rule):
    body = a_consent(**{field: in_years(years) for field, years in change.items()})
    assert await refused(registration, "/v1/returnees", a_returnee(consents=[body])) == [
        (f"/consents/0{pointer}", rule)
    ]
    person = await registration.register()
    assert await refused(registration, f"/v1/returnees/{person['id']}/consents", body) == [(pointer, rule)]


async def test_a_child_stays_a_child_whatever_time_of_arrival_is_told(registration):
    nine = born((datetime.now(UTC) - timedelta(days=9 * 366)).date().isoformat())
    for told in (LANDED_AT, datetime.now(UTC) - timedelta(days=360)):
        view = await registration.register(identity=nine, arrived_at=told.isoformat())
        assert view["profile"]["age_band"] == "5_11"


async def test_a_corrected_birth_date_is_reckoned_by_our_clock_too(registration):
    """Entered eleven months after the arrival, at which the person was a child still."""
    today = datetime.now(UTC).date()
    grown_up_since = today.replace(year=today.year - 18, day=1) - timedelta(days=60)
    view = await registration.register(arrived_at=(datetime.now(UTC) - timedelta(days=330)).isoformat())
    etag = (await registration.get(f"/v1/returnees/{view['id']}")).headers["ETag"]
    corrected = await registration.patch(
        f"/v1/returnees/{view['id']}", {"identity": {"birth_date": grown_up_since.isoformat()}}, etag=etag
    )
    assert corrected.json()["profile"]["age_band"] == "18_24"


async def test_the_bounds_go_by_the_installations_clock_however_far_ahead_of_real_time_it_runs(registration):
    ahead = Clock(rate=100_000.0, origin=datetime.now(UTC) - timedelta(minutes=20))
    there = ahead.at(datetime.now(UTC))
    assert there - datetime.now(UTC) > timedelta(days=1000)
    database = Database(registration.url, clock=ahead, application_name="registration-ahead")
    person = ReturneeArrived.model_validate(a_returnee(sender_reference=str(uuid4()), arrived_at=there.isoformat()))
    try:
        await replace(registration, database=database).hear(person)
        with pytest.raises(InvalidInput):
            await registration.hear(person.model_copy(update={"sender_reference": str(uuid4())}))
    finally:
        await database.close()


@pytest.mark.parametrize("told", NO_DAYS)
async def test_a_birth_date_is_text_of_one_form_everywhere(registration, told):
    pointer = "/identity/birth_date"
    assert await refused(registration, "/v1/returnees", a_returnee(identity=born(told))) == [(pointer, "day")]
    entries = [{"sender_reference": "seat-1", **born(told)}]
    assert await refused(registration, "/v1/arrival-batches", an_announcement(entries=entries)) == [
        ("/entries/0/birth_date", "day")
    ]
    search = {"names": "Muestra Ejemplo", "birth_date": told}
    assert await refused(registration, "/v1/returnees/search", search) == [("/birth_date", "day")]
    person = await registration.register()
    etag = (await registration.get(f"/v1/returnees/{person['id']}")).headers["ETag"]
    answer = await registration.patch(f"/v1/returnees/{person['id']}", {"identity": {"birth_date": told}}, etag=etag)
    assert [(error["pointer"], error["rule"]) for error in answer.json()["errors"]] == [(pointer, "day")]


@pytest.mark.parametrize("told", NO_MOMENTS)
async def test_a_moment_is_text_of_one_form_with_a_time_zone(registration, told):
    assert await refused(registration, "/v1/returnees", a_returnee(arrived_at=told)) == [("/arrived_at", "moment")]
    announcement = an_announcement(expected_at=told)
    assert await refused(registration, "/v1/arrival-batches", announcement) == [("/expected_at", "moment")]
    batch = await registration.announce()
    landing = {"landed_at": told, "people_count": 1}
    path = f"/v1/arrival-batches/{batch['id']}/land"
    assert await refused(registration, path, landing) == [("/landed_at", "moment")]


@pytest.mark.parametrize("cell", ["0", "36000", "17/05/1990", "1990-05-17T00:00:00", "19900517"])
async def test_a_number_in_the_birth_date_column_of_a_manifest_is_refused(registration, cell):
    sheet = f"sender_reference;given_names;family_names;birth_date\nseat-1;Ana;Muestra;{cell}\n"
    query = {"sender_reference": str(uuid4()), "mode": "bus", "reception_place": "GT12", "expected_at": in_years(0)}
    answer = await registration.client.post(
        "/v1/arrival-batches",
        params=query,
        content=sheet,
        headers=registration.headers() | {"Content-Type": "text/csv"},
    )
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["rule"], error["detail"][:7]) == ("/entries/0/birth_date", "day", "Line 2:")


async def test_a_manifest_that_tells_a_birth_date_of_the_future_is_refused(registration):
    entries = [{"sender_reference": "seat-1", **born("2126-01-01")}]
    assert await refused(registration, "/v1/arrival-batches", an_announcement(entries=entries)) == [
        ("/entries/0/birth_date", "possible-birth-date")
    ]


@pytest.mark.parametrize("told", [0, "0", "19900517", "1990-05-17T00:00:00", True])
def test_an_event_with_a_number_for_a_birth_date_is_not_read(told):
    body = a_returnee(sender_reference="desk/1", identity=born(told))
    with pytest.raises(UnreadableEventError) as refusal:
        parse(ReturneeArrived, json.dumps(body).encode())
    assert (refusal.value.code, refusal.value.places) == ("schema", "identity.birth_date day")


@pytest.mark.parametrize("word", ["yes", "true", 1, 0, "on"])
async def test_a_word_is_no_yes(registration, word):
    assert await refused(registration, "/v1/returnees", a_returnee(stay_together=word)) == [
        ("/stay_together", "bool-type")
    ]
    consent = a_consent(revocation_explained=word)
    assert await refused(registration, "/v1/returnees", a_returnee(consents=[consent])) == [
        ("/consents/0/revocation_explained", "bool-type")
    ]
