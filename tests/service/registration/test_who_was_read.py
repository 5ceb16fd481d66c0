"""After an incident: everybody whose data one client read since a moment is found by one query (domain P23)."""

from datetime import UTC, datetime
from uuid import UUID

from services.registration.audit.queries import accesses


async def looked_up(registration, since, **asked):
    async with registration.database.transaction() as session:
        return await accesses(session, asked.get("returnee_id"), by=asked.get("by"), since=since)


async def test_everybody_whose_data_a_stolen_client_read_is_found(registration):
    client = "stolen-client"
    before, seen, untouched = [await registration.register() for _ in range(3)]
    await registration.get(f"/v1/returnees/{before['id']}", client_id=client)
    stolen_at = datetime.now(UTC)
    await registration.get(f"/v1/returnees/{seen['id']}", client_id=client)
    await registration.get(f"/v1/returnees/{seen['id']}/needs", client_id=client)
    await registration.get(f"/v1/returnees/{untouched['id']}", client_id="another-client")
    rows = await looked_up(registration, stolen_at, by=client)
    assert {one for row in rows for one in row["returnee_ids"]} == {UUID(seen["id"])}
    assert {row["action"] for row in rows} >= {"returnee.read"}
    assert all(row["at"] >= stolen_at and row["client_id"] == client for row in rows)


async def test_who_has_read_one_person_is_found(registration):
    person, other = await registration.register(), await registration.register()
    for one in (person, other):
        await registration.get(f"/v1/returnees/{one['id']}", client_id="curious")
    rows = await looked_up(registration, None, returnee_id=UUID(person["id"]))
    assert {row["client_id"] for row in rows} >= {"curious"}
    assert {one for row in rows for one in row["returnee_ids"]} == {UUID(person["id"])}
