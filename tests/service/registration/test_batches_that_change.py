"""Flights and buses that change on their way: who gets on, who leaves earlier, where they go, and whether they come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.service.registration.conftest import a_returnee, an_announcement

CENTRES = {
    "GT01": {"client_id": "air-base", "reception_places": ["GT01"]},
    "GT12": {"client_id": "tecun-uman", "reception_places": ["GT12"]},
}


async def shown(registration: Any, batch: dict[str, Any], place: str) -> bool:
    """Whether the centre at this place sees the batch, its entries, and that it is in its lists."""
    answers = [
        (await registration.get(f"/v1/arrival-batches/{batch['id']}{rest}", **CENTRES[place])).status_code
        for rest in ("", "/entries")
    ]
    lists = (await registration.get("/v1/arrival-batches?limit=200", **CENTRES[place])).json()["items"]
    listed = batch["id"] in [one["id"] for one in lists]
    assert (answers == [200, 200]) == listed
    return listed


async def test_a_diverted_bus_is_expected_by_the_other_centre_and_by_the_first_no_more(registration: Any):
    batch = await registration.announce(2, mode="bus")
    assert await shown(registration, batch, "GT01")
    assert not await shown(registration, batch, "GT12")
    way = f"/v1/arrival-batches/{batch['id']}/divert"
    headers = registration.headers(**CENTRES["GT01"])
    answers = [await registration.client.post(way, json={"reception_place": "GT12"}, headers=headers) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200], "the answer can be had again, though the bus is gone"
    assert answers[0].json() == answers[1].json()
    assert (answers[0].json()["diverted_from"], answers[0].json()["reception_place"]) == ("GT01", "GT12")
    assert not await shown(registration, batch, "GT01")
    assert await shown(registration, batch, "GT12")
    view = (await registration.get(f"/v1/arrival-batches/{batch['id']}", **CENTRES["GT12"])).json()
    assert (view["diverted_from"], view["entries_count"], view["open_count"]) == ("GT01", 2, 2)
    landed = await registration.post(f"/v1/arrival-batches/{batch['id']}/land", {"people_count": 2}, **CENTRES["GT12"])
    assert landed.status_code == 200, landed.text
    made = await registration.post(
        "/v1/returnees", a_returnee(arrival_batch_id=batch["id"], manifest_reference="seat-0"), **CENTRES["GT12"]
    )
    assert made.json()["reception_place"] == "GT12"


async def test_a_manifest_sent_again_by_who_does_not_know_of_it_does_not_undo_a_diversion(registration: Any):
    """Seen to fail when each announcement set its place."""
    told = an_announcement(1, mode="bus")
    batch = (await registration.post("/v1/arrival-batches", told)).json()
    await registration.post(f"/v1/arrival-batches/{batch['id']}/divert", {"reception_place": "GT12"})
    again = (await registration.post("/v1/arrival-batches", told)).json()
    assert (again["id"], again["reception_place"], again["diverted_from"]) == (batch["id"], "GT12", "GT01")
    elsewhere = (await registration.post("/v1/arrival-batches", told | {"reception_place": "GT1217"})).json()
    assert elsewhere["reception_place"] == "GT1217"


@pytest.mark.parametrize(
    ("place", "rule"), [("GT01", "another-place"), ("GT99", "known-place"), ("GT1801", "mode-of-place")]
)
async def test_a_place_to_which_nothing_can_be_diverted_is_named(registration: Any, place: str, rule: str):
    batch = await registration.announce(1)
    refused = await registration.post(f"/v1/arrival-batches/{batch['id']}/divert", {"reception_place": place})
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["pointer"], error["rule"]) == (422, "/reception_place", rule)


async def test_a_cancelled_flight_keeps_no_names_and_may_come_after_all(registration: Any):
    told = an_announcement(2)
    batch = (await registration.post("/v1/arrival-batches", told)).json()
    path = f"/v1/arrival-batches/{batch['id']}"
    cancelled = await registration.post(f"{path}/cancel", {"reason": "not_departed"})
    assert cancelled.status_code == 200, cancelled.text
    view = cancelled.json()
    assert (view["cancelled_because"], view["entries_count"]) == ("not_departed", 0)
    assert await registration.fetch("SELECT 1 FROM manifest_entry WHERE arrival_batch_id = $1", batch["id"]) == []
    progress = await registration.get("/v1/arrival-batches/progress?limit=200", scopes="progress:read")
    assert batch["id"] not in [one["batch_id"] for one in progress.json()["items"]], "nobody waits for it"
    again = (await registration.post("/v1/arrival-batches", told)).json()
    assert (again["id"], again["cancelled_at"], again["entries_count"]) == (batch["id"], None, 2)
    await registration.post(f"{path}/cancel", {"reason": "other"})
    landed = (await registration.post(f"{path}/land", {"people_count": 1})).json()
    assert (landed["status"], landed["cancelled_at"]) == ("landed", None)


@pytest.mark.parametrize("come", ["landed", "registered"])
@pytest.mark.parametrize(("way", "body"), [("cancel", {"reason": "other"}), ("divert", {"reception_place": "GT12"})])
async def test_what_has_come_is_neither_cancelled_nor_diverted(registration: Any, come: str, way: str, body: Any):
    batch = await registration.announce(1, mode="bus")
    if come == "landed":
        await registration.post(f"/v1/arrival-batches/{batch['id']}/land", {"people_count": 1})
    else:
        await registration.register(arrival_batch_id=batch["id"])
    refused = await registration.post(f"/v1/arrival-batches/{batch['id']}/{way}", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "arrival-batch-has-come")


async def test_of_a_bus_with_several_stops_who_left_earlier_is_not_waited_for_and_registered_there(registration: Any):
    batch = await registration.announce(2, mode="bus")
    path = f"/v1/arrival-batches/{batch['id']}"
    stays, leaves = (await registration.get(f"{path}/entries")).json()["items"]
    absent = await registration.post(f"{path}/entries/{leaves['id']}/absent", {"reason": "left_at_earlier_stop"})
    assert absent.json()["absent_count"] == 1
    entry = (await registration.get(f"{path}/entries")).json()["items"][1]
    assert (entry["status"], entry["absent_because"]) == ("absent", "left_at_earlier_stop")
    there = await registration.post("/v1/returnees", a_returnee(reception_place="GT12"), **CENTRES["GT12"])
    assert there.json()["reception_place"] == "GT12"
    await registration.post(f"{path}/land", {"people_count": 1})
    await registration.register(arrival_batch_id=batch["id"], manifest_reference=stays["sender_reference"])
    assert (await registration.get(path)).json()["status"] == "intake_completed"


async def test_an_absence_without_a_reason_is_accepted_as_before(registration: Any):
    batch = await registration.announce(1)
    path = f"/v1/arrival-batches/{batch['id']}/entries"
    (entry,) = (await registration.get(path)).json()["items"]
    assert (await registration.post(f"{path}/{entry['id']}/absent")).status_code == 200
    assert (await registration.get(path)).json()["items"][0]["absent_because"] == "not_stated"


async def test_who_gets_on_later_is_on_the_manifest_that_is_sent_again_and_an_extra_person_is_counted(
    registration: Any,
):
    told = an_announcement(2)
    batch = (await registration.post("/v1/arrival-batches", told)).json()
    boarded = {"sender_reference": "seat-9", "given_names": "Muestra 9", "family_names": "Ejemplo"}
    again = (await registration.post("/v1/arrival-batches", told | {"entries": [told["entries"][0], boarded]})).json()
    assert (again["id"], again["entries_count"]) == (batch["id"], 2)
    await registration.post(f"/v1/arrival-batches/{batch['id']}/land", {"people_count": 3})
    for one in ("seat-0", "seat-9"):
        await registration.register(arrival_batch_id=batch["id"], manifest_reference=one)
    extra = await registration.register(arrival_batch_id=batch["id"])
    assert extra["arrival_batch_id"] == batch["id"]
    view = (await registration.get(f"/v1/arrival-batches/{batch['id']}")).json()
    assert (view["status"], view["registered_count"]) == ("intake_completed", 3)


@pytest.mark.parametrize(("mode", "place"), [("boat", "GT1801"), ("on_foot", "GT12")])
async def test_people_come_by_sea_and_on_foot(registration: Any, mode: str, place: str):
    batch = await registration.announce(1, mode=mode, reception_place=place)
    landed = await registration.post(f"/v1/arrival-batches/{batch['id']}/land", {"people_count": 1})
    assert landed.json()["mode"] == mode
    made = await registration.register(arrival_batch_id=batch["id"], manifest_reference="seat-0")
    assert made["reception_place"] == place
    (told,) = await registration.events("arrival-batch.landed.v1", key=batch["id"])
    assert told["mode"] == mode


async def test_the_people_of_a_border_post_on_one_day_are_a_batch_that_staff_close_in_the_evening(registration: Any):
    day = await registration.announce(
        0, mode="on_foot", reception_place="GT12", sender_reference=f"on-foot-{datetime.now(UTC).date()}-{uuid4()}"
    )
    path = f"/v1/arrival-batches/{day['id']}"
    await registration.post(f"{path}/land", {"people_count": 0})
    for _ in range(3):
        await registration.register(arrival_batch_id=day["id"])
    view = (await registration.get(path)).json()
    assert (view["status"], view["registered_count"]) == ("landed", 3)
    assert (await registration.post(f"{path}/complete-intake")).json()["status"] == "intake_completed"
