"""A person who came without a flight or bus is registered at the reception place where they are."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from libs.events.catalogue.arrivals import ArrivalBatchLanded
from tests.service.registration.conftest import LANDED_AT, RECEPTION, a_returnee, an_announcement
from tests.service.registration.test_doubtful_parts import arrive, parts, value_of

DESK = f"{RECEPTION} restricted:read"


def a_walk_in(place: str | None = None, **changes: Any) -> dict[str, Any]:
    return a_returnee(**changes) | {"reception_place": place}


async def place_of(registration: Any, returnee_id: str) -> str | None:
    """The place that was published last."""
    told = await registration.events("returnee.registered.v1", "returnee.changed.v1", key=returnee_id)
    place: str | None = told[-1]["reception_place"]
    return place


async def test_by_rest_the_place_is_asked_for_and_published(registration):
    before = len(await registration.fetch("SELECT id FROM returnee"))
    for place, rule in ((None, "place-required"), ("GT13", "known-place"), ("Guatemala", "string_pattern_mismatch")):
        answer = await registration.post("/v1/returnees", a_walk_in(place))
        assert answer.status_code == 422
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["rule"].replace("-", "_")) == ("/reception_place", rule.replace("-", "_"))
        assert "GT13" not in answer.text
    assert len(await registration.fetch("SELECT id FROM returnee")) == before
    person = (await registration.post("/v1/returnees", a_walk_in("GT12"))).json()
    assert person["reception_place"] == "GT12"
    assert await place_of(registration, person["id"]) == "GT12"


async def test_all_faults_are_named_together(registration):
    late = a_walk_in(identity={"given_names": "Muestra", "family_names": "Uno", "birth_date": "2999-01-01"})
    faults = (await registration.post("/v1/returnees", late)).json()["errors"]
    assert {fault["pointer"] for fault in faults} == {"/identity/birth_date", "/reception_place"}


async def test_with_a_batch_it_is_the_place_of_the_batch(registration):
    announced = an_announcement(0, mode="bus", reception_place="GT12")
    batch = (await registration.post("/v1/arrival-batches", announced)).json()
    named = {"arrival_batch_id": batch["id"]}
    assert (await registration.register(**named))["reception_place"] == "GT12"
    assert (await registration.register(**named, reception_place="GT1217"))["reception_place"] == "GT12"
    answer = await registration.post("/v1/returnees", a_returnee(**named, reception_place="GT01"))
    assert [(one["pointer"], one["rule"]) for one in answer.json()["errors"]] == [
        ("/reception_place", "place-of-batch")
    ]


@pytest.mark.parametrize(
    ("place", "rule"), [(None, "place-required"), ("GT13", "known-place"), ("here", "string-pattern-mismatch")]
)
async def test_by_event_nobody_is_lost_and_the_missing_place_waits_for_the_desk(registration, place, rule):
    person = await arrive(registration, reception_place=place, needs=[{"category": "food"}])
    assert await place_of(registration, person) is None
    (part,) = await parts(registration, person)
    assert (part["pointer"], part["rule"], part["is_urgent"]) == ("/reception_place", rule, True)
    assert await value_of(registration, part) == place
    path = f"/v1/returnees/{person}"
    etag = (await registration.get(path)).headers["ETag"]
    corrected = await registration.patch(path, {"reception_place": "GT01"}, etag=etag)
    assert corrected.json()["reception_place"] == "GT01"
    assert await place_of(registration, person) == "GT01"
    closing = {"closing": "mended", "reason": "asked_the_person"}
    closed = await registration.post(f"/v1/doubtful-parts/{part['id']}/close", closing, scopes=DESK)
    assert closed.status_code == 200, closed.text


async def test_by_event_a_place_against_the_batch_is_set_aside_and_the_batch_counts(registration):
    reference = f"bus-{uuid4()}"
    landed = ArrivalBatchLanded(
        sender_reference=reference, mode="bus", reception_place="GT12", landed_at=LANDED_AT, people_count=2
    )
    source = f"urn:reception:{uuid4()}"
    await registration.hear(landed, source=source)
    person = await arrive(registration, source=source, batch_reference=reference, reception_place="GT01")
    assert await place_of(registration, person) == "GT12"
    (part,) = await parts(registration, person)
    assert (part["pointer"], part["rule"]) == ("/reception_place", "place-of-batch")


async def test_a_batch_that_has_not_come_yet_leaves_the_place_open(registration):
    person = await arrive(registration, batch_reference=f"bus-{uuid4()}")
    assert (await place_of(registration, person), await parts(registration, person)) == (None, [])


async def test_a_place_that_is_told_later_is_taken_up(registration):
    reference, source = f"p-{uuid4()}", f"urn:reception:{uuid4()}"
    first = await arrive(registration, source=source, sender_reference=reference, reception_place=None)
    again = await arrive(registration, source=source, sender_reference=reference, reception_place="GT12")
    assert again == first
    assert await place_of(registration, first) == "GT12"
    other = await arrive(registration, source=source, sender_reference=reference, reception_place="GT01")
    assert await place_of(registration, other) == "GT12"
    rules = {part["rule"] for part in await parts(registration, first)}
    assert rules == {"place-required", "told-differently"}


async def test_a_correction_names_a_known_place_and_none_of_a_person_of_a_batch(registration):
    alone = await registration.register()
    batch = await registration.announce(0)
    together = await registration.register(arrival_batch_id=batch["id"])
    for person, place, rule in ((alone, "GT13", "known-place"), (together, "GT12", "place-of-batch")):
        answer = await registration.patch(f"/v1/returnees/{person['id']}", {"reception_place": place}, etag='"1"')
        assert [(one["pointer"], one["rule"]) for one in answer.json()["errors"]] == [("/reception_place", rule)]
    cleared = await registration.patch(f"/v1/returnees/{alone['id']}", {"reception_place": None}, etag='"1"')
    assert cleared.status_code == 422
