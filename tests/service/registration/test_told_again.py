"""A flight or bus that is told again: the newest manifest holds, and another flight under its reference is refused."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.events.catalogue.arrivals import ArrivalBatchAnnounced, ArrivalBatchLanded
from services.registration.errors import BatchReferenceReused
from tests.service.registration.conftest import LANDED_AT, an_announcement

CSV_HEADER = "sender_reference,given_names,family_names"


def without(body, *seats):
    return body | {"entries": [entry for entry in body["entries"] if entry["sender_reference"] not in seats]}


async def entries(registration, batch_id):
    """Status and given names by the sender's reference; of who has been met neither is kept."""
    page = (await registration.get(f"/v1/arrival-batches/{batch_id}/entries")).json()["items"]
    return [(entry["sender_reference"], entry["status"], entry["given_names"]) for entry in page]


async def as_json(registration, body):
    return await registration.post("/v1/arrival-batches", body)


async def as_csv(registration, body):
    fields = ("sender_reference", "given_names", "family_names")
    rows = [",".join(entry[name] for name in fields) for entry in body["entries"]]
    return await registration.client.post(
        "/v1/arrival-batches",
        params={name: value for name, value in body.items() if name != "entries"},
        content="\n".join([CSV_HEADER, *rows]).encode(),
        headers=registration.headers() | {"Content-Type": "text/csv"},
    )


@pytest.mark.parametrize("announce", [as_json, as_csv])
async def test_a_manifest_sent_again_forgets_who_is_gone_from_it_and_the_intake_can_be_complete(registration, announce):
    body = an_announcement(3)
    batch = (await announce(registration, body)).json()
    path = f"/v1/arrival-batches/{batch['id']}"
    await registration.post(f"{path}/land", {"people_count": 3})
    await registration.register(arrival_batch_id=batch["id"], manifest_reference="seat-0")
    again = await announce(registration, without(body, "seat-2"))
    assert (again.json()["entries_count"], again.json()["open_count"]) == (2, 1)
    assert await entries(registration, batch["id"]) == [
        (None, "registered", None),
        ("seat-1", "expected", "Muestra 1"),
    ]
    await registration.register(arrival_batch_id=batch["id"], manifest_reference="seat-1")
    complete = await registration.post(f"{path}/complete-intake")
    assert (complete.status_code, complete.json()["status"]) == (200, "intake_completed")


async def test_who_has_been_met_or_marked_absent_stays_when_a_new_manifest_leaves_them_out(registration):
    body = an_announcement(3)
    batch = (await registration.post("/v1/arrival-batches", body)).json()
    path = f"/v1/arrival-batches/{batch['id']}"
    await registration.register(arrival_batch_id=batch["id"], manifest_reference="seat-0")
    absent = (await registration.get(f"{path}/entries")).json()["items"][1]["id"]
    await registration.post(f"{path}/entries/{absent}/absent")
    await registration.post("/v1/arrival-batches", without(body, "seat-0", "seat-1", "seat-2"))
    assert [status for _, status, _ in await entries(registration, batch["id"])] == ["registered", "absent"]


async def test_a_new_manifest_corrects_names_and_leaves_who_was_met_under_the_old_name_linked(registration):
    body = an_announcement(2)
    batch = (await registration.post("/v1/arrival-batches", body)).json()
    person = await registration.register(arrival_batch_id=batch["id"], manifest_reference="seat-0")
    for entry in body["entries"]:
        entry["given_names"] = "Otra Muestra"
    await registration.post("/v1/arrival-batches", body)
    page = (await registration.get(f"/v1/arrival-batches/{batch['id']}/entries")).json()["items"]
    assert [(entry["status"], entry["given_names"]) for entry in page] == [
        ("registered", None),
        ("expected", "Otra Muestra"),
    ]
    assert page[0]["returnee_id"] == person["id"]


async def test_an_announcement_without_a_manifest_leaves_the_manifest_as_it_is(registration):
    body = an_announcement(2)
    batch = (await registration.post("/v1/arrival-batches", body)).json()
    late = {name: value for name, value in body.items() if name != "entries"}
    late["expected_at"] = (LANDED_AT + timedelta(hours=9)).isoformat()
    again = (await registration.post("/v1/arrival-batches", late)).json()
    assert (again["id"], again["entries_count"]) == (batch["id"], 2)
    assert datetime.fromisoformat(again["expected_at"]) == LANDED_AT + timedelta(hours=9)


async def test_an_older_manifest_that_comes_late_by_event_brings_nobody_back(registration):
    source, body = f"urn:reception:{uuid4()}", an_announcement(3)
    told = datetime.now(UTC) - timedelta(hours=1)
    newer = ArrivalBatchAnnounced.model_validate(without(body, "seat-2"))
    older = ArrivalBatchAnnounced.model_validate(body)
    await registration.hear(newer, source=source, told_at=told)
    await registration.hear(older, source=source, told_at=told - timedelta(minutes=5))
    (row,) = await registration.fetch("SELECT id FROM arrival_batch WHERE source = $1", source)
    assert [name for name, _, _ in await entries(registration, row["id"])] == ["seat-0", "seat-1"]
    await registration.hear(older, source=source, told_at=told + timedelta(minutes=5))
    assert len(await entries(registration, row["id"])) == 3, "told last, it holds"


async def test_a_sender_whose_clock_is_ahead_does_not_make_its_next_manifest_look_older(registration):
    source, body = f"urn:reception:{uuid4()}", an_announcement(2)
    ahead = datetime.now(UTC) + timedelta(days=3650)
    await registration.hear(ArrivalBatchAnnounced.model_validate(body), source=source, told_at=ahead)
    await registration.hear(ArrivalBatchAnnounced.model_validate(without(body, "seat-1")), source=source)
    (row,) = await registration.fetch("SELECT id FROM arrival_batch WHERE source = $1", source)
    assert [name for name, _, _ in await entries(registration, row["id"])] == ["seat-0"]


@pytest.mark.parametrize(
    "changes",
    [{"mode": "bus", "reception_place": "GT12"}, {"expected_at": (LANDED_AT + timedelta(days=100)).isoformat()}],
)
async def test_another_flight_under_the_reference_of_one_that_has_come_is_refused(registration, changes):
    body = an_announcement(2)
    batch = (await registration.post("/v1/arrival-batches", body)).json()
    path = f"/v1/arrival-batches/{batch['id']}"
    await registration.post(f"{path}/land", {"people_count": 2, "landed_at": LANDED_AT.isoformat()})
    refused = await registration.post("/v1/arrival-batches", body | changes)
    assert (refused.status_code, refused.json()["code"]) == (409, "batch-reference-reused")
    assert (await registration.get(path)).json()["entries_count"] == 2, "nothing of it was stored"


@pytest.mark.parametrize(
    "changes",
    [{"mode": "bus"}, {"reception_place": "GT12", "mode": "bus"}, {"landed_at": LANDED_AT - timedelta(days=100)}],
)
async def test_a_landing_that_differs_from_the_one_before_is_another_bus_and_has_a_reason_to_be_parked(
    registration, changes
):
    source = f"urn:reception:{uuid4()}"
    told = {
        "sender_reference": "bus-1",
        "mode": "flight",
        "reception_place": "GT01",
        "landed_at": LANDED_AT,
        "people_count": 2,
    }
    await registration.hear(ArrivalBatchLanded.model_validate(told), source=source)
    with pytest.raises(BatchReferenceReused) as refused:
        await registration.hear(ArrivalBatchLanded.model_validate(told | changes), source=source)
    assert refused.value.parked_as == "batch-reference-reused"
    (row,) = await registration.fetch("SELECT * FROM arrival_batch WHERE source = $1", source)
    assert (row["mode"], row["landed_at"]) == ("flight", LANDED_AT)


async def test_a_landing_told_twice_with_other_counts_corrects_and_an_older_count_that_comes_late_does_not(
    registration,
):
    source, told = f"urn:reception:{uuid4()}", datetime.now(UTC) - timedelta(hours=1)

    def landing(count):
        return ArrivalBatchLanded(
            sender_reference="bus-1", mode="bus", reception_place="GT12", landed_at=LANDED_AT, people_count=count
        )

    await registration.hear(landing(40), source=source, told_at=told)
    await registration.hear(landing(38), source=source, told_at=told + timedelta(minutes=5))
    await registration.hear(landing(41), source=source, told_at=told + timedelta(minutes=1))
    (row,) = await registration.fetch("SELECT people_count FROM arrival_batch WHERE source = $1", source)
    assert row["people_count"] == 38
