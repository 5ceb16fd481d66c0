"""Wristbands and absences that a device recorded without a line."""

from __future__ import annotations

from typing import Any

from tests.service.registration.offline import Device, person
from tests.service.registration.test_wristbands import bands_of, open_codes, told


async def test_a_person_is_registered_under_the_band_that_they_got_and_nobody_else_under_it(registration: Any):
    """Taken out: `named_band` in `arrivals.queries.coming` (the person is of no batch, and the band stays open)."""
    batch = await registration.announce(0)
    await registration.post(f"/v1/arrival-batches/{batch['id']}/land", {"people_count": 2})
    (band,) = await bands_of(registration, batch, 1)
    await told(registration, {"wristband": band, "stage": "welcomed"})
    first, second = Device(registration), Device(registration)
    mine = first.person(wristband=band, reception_place=None)
    (registered,) = await first.send(mine)
    (again,) = await first.send(mine)
    assert (registered["status"], again["status"]) == (201, 201)
    assert again["returnee_id"] == registered["returnee_id"]
    assert (await person(registration, registered["returnee_id"]))["arrival_batch_id"] == batch["id"]
    assert await open_codes(registration, batch) == {}
    other, apart = second.person(wristband=band, reception_place=None), second.person()
    refused, kept = await second.send(other, apart)
    assert (refused["status"], refused["problem"]["code"]) == (409, "wristband-taken")
    assert kept["status"] == 201


async def test_an_absence_keeps_the_reason_that_the_device_sent(registration: Any):
    """Taken out: `op.reason` in `apply` (the reason is `not_stated`)."""
    batch = await registration.announce(1)
    path = f"/v1/arrival-batches/{batch['id']}/entries"
    (entry,) = (await registration.get(path)).json()["items"]
    device = Device(registration)
    absent = device.op("mark_absent", arrival_batch_id=batch["id"], entry_id=entry["id"], reason="left_at_earlier_stop")
    (result,) = await device.send(absent)
    assert result["status"] == 200, result
    rows = await registration.fetch("SELECT absent_because FROM manifest_entry WHERE id::text = $1", entry["id"])
    assert [row["absent_because"] for row in rows] == ["left_at_earlier_stop"]
