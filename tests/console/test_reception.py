"""The reception: flights and buses, the list of a flight, the registration of a person, the search."""

from typing import Any

import pytest

from services.console.reception.rules import matches
from tests.console.told_arrivals import (
    BATCH,
    CLERK,
    ENTRY,
    INTAKE_DESK,
    KEY,
    OTHER,
    PERSON,
    batch,
    clerk,
    entry,
    page,
    tell_batch,
)
from tests.console.world import Asked, World

BATCH_PATH = f"/v1/arrival-batches/{BATCH}"
FIELDS = {
    "form_key": KEY,
    "arrived_at": "2026-03-02T14:20:00Z",
    "given_names": "Marta Ixchel",
    "family_names": "Canario Tuj",
    "age_basis": "own_word",
    "nationality": "GT",
    "identity_document": "lost_on_route",
    "language": "quc",
}


def _batches(world: World, *rows: dict[str, Any]) -> None:
    def answer(asked: Asked) -> Any:
        wanted = asked.query.get("status", [None])[0]
        return page(*(row for row in rows if wanted in (None, row["status"])))

    world.services.tell("registration", "/v1/arrival-batches", answer)


async def test_the_reception_shows_the_flights_that_are_worked_on_with_their_counts(world: World):
    old = batch(id=OTHER, status="intake_completed", carrier="Past Air", intake_completed_at="2026-03-02T18:00:00Z")
    _batches(world, batch(), old)
    shown = await clerk(world).get("/reception")
    assert shown.status_code == 200
    assert "Sample Air 101" in shown.text
    assert "Past Air" not in shown.text
    assert "Reception centre at the Air Force base" in shown.text
    assert "not met yet" in shown.text
    assert "Intake completed" in shown.text
    every = await clerk(world).get("/reception?all=true")
    assert "Past Air" in every.text


async def test_without_registration_the_reception_says_so_and_the_page_is_there(world: World):
    world.services.away.add("registration")
    shown = await clerk(world).get("/reception")
    assert shown.status_code == 200
    assert "does not answer now" in shown.text
    assert "No flight or bus is expected" not in shown.text


@pytest.mark.parametrize("missing", ["arrivals:read", "returnees:write"])
async def test_the_reception_does_not_exist_without_the_rights_for_it(world: World, missing: str):
    browser = world.client(*(scope for scope in CLERK if scope != missing))
    assert (await browser.get("/reception")).status_code == 404
    assert world.services.asked == []


async def test_a_landing_is_recorded_once_with_its_number_and_comes_back(world: World):
    world.services.tell("registration", f"{BATCH_PATH}/land", batch(), method="POST")
    answer = await clerk(world).post(
        f"/reception/batches/{BATCH}/land", form_key=KEY, people_count="135", back="/reception"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/reception")
    (sent,) = world.services.sent("POST", f"{BATCH_PATH}/land")
    assert sent.body == {"people_count": 135}
    assert sent.headers["idempotency-key"] == KEY


async def test_a_landing_with_a_wrong_number_shows_what_is_wrong_and_keeps_it(world: World):
    tell_batch(world, status="announced", landed_at=None, people_count=None)
    fault = {"pointer": "/people_count", "rule": "less-than-equal", "detail": "x"}
    world.services.refuse("registration", f"{BATCH_PATH}/land", "invalid-input", status=422, errors=[fault])
    answer = await clerk(world).post(f"/reception/batches/{BATCH}/land", people_count="900")
    assert answer.status_code == 422
    assert "This number is too large." in answer.text
    assert 'value="900"' in answer.text


async def test_an_intake_that_is_not_complete_says_how_many_are_missing_beside_the_button(world: World):
    tell_batch(world, entry())
    world.services.refuse(
        "registration", f"{BATCH_PATH}/complete-intake", "intake-incomplete", open_count=2, registered_count=1
    )
    answer = await clerk(world).post(f"/reception/batches/{BATCH}/complete", form_key=KEY)
    assert answer.status_code == 409
    assert "Register them, or mark them absent" in answer.text
    assert "Not met yet: 2." in answer.text


async def test_a_reader_without_the_right_to_write_sees_no_button_and_cannot_send(world: World):
    tell_batch(world, entry())
    browser = world.client(*INTAKE_DESK, reception_places=("GT",))
    shown = await browser.get(f"/reception/batches/{BATCH}")
    assert "/land" not in shown.text
    assert "/absent" not in shown.text
    for path in ("land", "complete", f"entries/{ENTRY}/absent"):
        assert (await browser.post(f"/reception/batches/{BATCH}/{path}")).status_code == 404
    assert not [one for one in world.services.asked if one.method == "POST"]


async def test_the_list_of_a_flight_has_a_way_to_register_and_to_mark_absent(world: World):
    tell_batch(world, entry(), entry(id=OTHER, status="registered", returnee_id=PERSON, given_names=None))
    shown = await clerk(world).get(f"/reception/batches/{BATCH}")
    assert "José Andrés Muñoz Xol" in shown.text
    assert f"/reception/register?batch={BATCH}&amp;entry={ENTRY}" in shown.text
    assert f"/reception/people/{PERSON}" in shown.text
    only = await clerk(world).get(f"/reception/batches/{BATCH}?show=registered")
    assert "José Andrés" not in only.text
    world.services.tell("registration", f"{BATCH_PATH}/entries/{ENTRY}/absent", batch(), method="POST")
    answer = await clerk(world).post(f"/reception/batches/{BATCH}/entries/{ENTRY}/absent", form_key=KEY)
    assert answer.headers["location"] == f"/reception/batches/{BATCH}"
    (sent,) = world.services.sent("POST", f"{BATCH_PATH}/entries/{ENTRY}/absent")
    assert sent.headers["idempotency-key"] == KEY


async def test_an_absence_that_is_refused_says_so_at_the_row(world: World):
    tell_batch(world, entry())
    path = f"{BATCH_PATH}/entries/{ENTRY}/absent"
    world.services.refuse("registration", path, "entry-already-registered")
    answer = await clerk(world).post(f"/reception/batches/{BATCH}/entries/{ENTRY}/absent")
    assert answer.status_code == 409
    assert "registered already, so they cannot be absent" in answer.text


async def test_a_name_is_found_in_the_list_without_being_in_an_address(world: World):
    tell_batch(world, entry(), entry(id=OTHER, given_names="Ana", family_names="Pop"))
    answer = await clerk(world).post(f"/reception/batches/{BATCH}/find", name="munoz jose")
    assert answer.status_code == 200
    assert "Muñoz" in answer.text
    assert "Pop" not in answer.text
    assert all("munoz" not in str(one.query) + one.path for one in world.services.asked)


@pytest.mark.parametrize(("name", "found"), [("XOL", True), ("and", True), ("ndres", False), ("xol pop", False)])
def test_each_typed_word_must_begin_a_word_of_the_names(name: str, found: bool):
    assert matches(entry(), name) is found
