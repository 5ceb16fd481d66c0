"""The people with whom the bench fills the tables are read, found and compared like people who were registered."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from bench.crowd import Place, fill_people
from bench.matching import intake
from bench.names import sample
from tests.infra import apart
from tests.service.registration.conftest import KEY, Registration
from tests.service.registration.matching import matches

PEOPLE = 60
_INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"


@pytest.fixture(scope="module")
def empty(postgres_server: Any) -> str:
    return postgres_server.migrated("registration")


@pytest.fixture(scope="module")
def databases(postgres_server: Any) -> tuple[str, str]:
    """A pair for this file alone, because the filling drops indexes meanwhile."""
    url, keys_url = (
        postgres_server.migrated("registration"),
        postgres_server.migrated("registration", "keys_migrations"),
    )
    apart(fill_people(Place(url, keys_url, base64.b64decode(KEY)), PEOPLE, at=datetime.now(UTC)))
    return url, keys_url


async def _person(registration: Registration, number: int) -> Any:
    """The person with this number, as reception sees them; the ids are in the order of the arrivals."""
    (row,) = await registration.fetch("SELECT id FROM returnee ORDER BY id OFFSET $1 LIMIT 1", number)
    answer = await registration.get(f"/v1/returnees/{row['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("number", [0, PEOPLE - 1])
async def test_everybody_is_stored_with_the_identity_of_their_number(registration: Registration, number: int):
    one, told = sample(number), await _person(registration, number)
    assert told["identity"]["given_names"] == one.given_names
    assert told["identity"]["birth_date"] == one.birth_date.isoformat()
    assert told["profile"]["destination"] == one.destination


async def test_somebody_of_the_crowd_who_comes_again_is_found_by_the_clerk(registration: Registration):
    known = await _person(registration, 17)
    answer = await registration.post("/v1/returnees", intake(sample(17)))
    assert answer.status_code == 201, answer.text
    found = await matches(registration, answer.json()["id"])
    assert known["id"] in {one["returnee_id"] for match in found for one in match["people"]}
    assert found[0]["band"] == "same"


async def test_the_crowd_is_found_by_name_and_birth_date(registration: Registration):
    one, known = sample(23), await _person(registration, 23)
    asked = {"names": f"{one.given_names} {one.family_names}", "birth_date": one.birth_date.isoformat()}
    answer = await registration.post("/v1/returnees/search", asked)
    assert answer.status_code == 200, answer.text
    assert known["id"] in {item["id"] for item in answer.json()["items"]}


async def test_after_the_filling_every_index_is_there_again(databases: tuple[str, str], empty: str):
    found = []
    for url in (databases[0], empty):
        connection = await asyncpg.connect(url)
        try:
            found.append([row["indexdef"] for row in await connection.fetch(_INDEXES)])
        finally:
            await connection.close()
    assert found[0] == found[1]
