"""A row that cannot be decrypted stops nobody's search and nobody's list."""

from uuid import UUID

from services.registration.people.actions.indexing import index_anew
from tests.service.registration.matching import identity

BROKEN = "UPDATE returnee SET birth_date_sealed = document_number_sealed, index_form = $2 WHERE id = $1"


async def two_of_a_name(registration):
    """One row is as it was written, the other one was manipulated."""
    shared = identity()
    whole, spoilt = [await registration.register(identity=shared) for _ in range(2)]
    await registration.fetch(BROKEN, UUID(spoilt["id"]), 0)
    return shared["family_names"], whole, spoilt


async def test_a_search_shows_the_others_and_the_log_tells_operators(registration, caplog):
    names, whole, spoilt = await two_of_a_name(registration)
    found = await registration.post("/v1/returnees/search", {"names": names})
    assert found.status_code == 200, found.text
    assert [one["id"] for one in found.json()["items"]] == [whole["id"]]
    assert "people.unreadable" in caplog.messages
    await registration.post(f"/v1/returnees/{spoilt['id']}/erasure")


async def test_a_device_gets_the_list_and_this_person_without_names(registration):
    _, whole, spoilt = await two_of_a_name(registration)
    shown, after = {}, ""
    while after is not None:
        answer = await registration.get(f"/v1/sync/people?limit=200{after}")
        assert answer.status_code == 200, answer.text
        shown |= {one["id"]: one for one in answer.json()["items"]}
        after = answer.json()["next"] and f"&after={answer.json()['next']}"
    assert shown[whole["id"]]["family_names"]
    assert (shown[spoilt["id"]]["case_code"], shown[spoilt["id"]]["family_names"]) == (spoilt["case_code"], None)
    await registration.post(f"/v1/returnees/{spoilt['id']}/erasure")


async def test_the_renewal_of_hashes_goes_on_with_the_others(registration):
    _, whole, spoilt = await two_of_a_name(registration)
    await registration.fetch("UPDATE returnee SET index_form = 0 WHERE id = $1", UUID(whole["id"]))
    for _ in range(20):
        async with registration.database.transaction() as session:
            if not await index_anew(session, vault=registration.vault, limit=100):
                break
    rows = await registration.fetch(
        "SELECT id, index_form, search_index FROM returnee WHERE id = ANY($1::uuid[])",
        [UUID(whole["id"]), UUID(spoilt["id"])],
    )
    found = {str(row["id"]): row for row in rows}
    assert found[whole["id"]]["search_index"]
    assert (found[spoilt["id"]]["search_index"], found[spoilt["id"]]["index_form"]) == (
        [],
        found[whole["id"]]["index_form"],
    )
    await registration.post(f"/v1/returnees/{spoilt['id']}/erasure")
