"""People who are registered at the same moment share a transaction. Each caller is told only its own result, and no
caller pays for the fault of another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database
from libs.chassis.gathering import Gathering
from tests.service.registration.conftest import Registration, a_returnee, an_announcement


class Together:
    """Sends requests that must share a transaction: the first one waits for the row of the batch, which the test holds,
    and the others wait for the first one."""

    def __init__(self, registration: Registration, batch_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.registration, self.batch_id, self.asked = registration, batch_id, 0
        real = Gathering.write

        async def counted(gathering: Any, asked: Any, **how: Any) -> Any:
            self.asked += 1
            return await real(gathering, asked, **how)

        monkeypatch.setattr(Gathering, "write", counted)

    def one(self, **changes: Any) -> dict[str, Any]:
        return a_returnee(arrival_batch_id=self.batch_id, **changes)

    async def send(self, *requests: tuple[dict[str, Any], dict[str, str]]) -> list[httpx.Response]:
        """The answers to these bodies with their headers, which are sent while another person is being registered."""
        connection = await asyncpg.connect(self.registration.url)
        try:
            async with connection.transaction():
                await connection.execute("SELECT FROM arrival_batch WHERE id = $1 FOR UPDATE", self.batch_id)
                first = self._post(self.one(), self.registration.headers())
                await self._until(1)
                tasks = []
                for nth, (body, headers) in enumerate(requests):
                    tasks.append(self._post(body, headers))
                    await self._until(nth + 2)
        finally:
            await connection.close()
        assert (await first).status_code == 201
        return list(await asyncio.gather(*tasks))

    def _post(self, body: dict[str, Any], headers: dict[str, str]) -> asyncio.Task[httpx.Response]:
        return asyncio.create_task(self.registration.client.post("/v1/returnees", json=body, headers=headers))

    async def _until(self, count: int) -> None:
        while self.asked < count:  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0.01)


@pytest.fixture
async def together(registration: Registration, monkeypatch: pytest.MonkeyPatch) -> Together:
    batch = await registration.announce(0)
    return Together(registration, batch["id"], monkeypatch)


async def transactions_of(registration: Registration, answers: Sequence[httpx.Response]) -> int:
    """The number of transactions that have written these people."""
    ids = [answer.json()["id"] for answer in answers]
    rows = await registration.fetch("SELECT DISTINCT xmin::text FROM returnee WHERE id = ANY($1::uuid[])", ids)
    return len(rows)


def named(name: str) -> dict[str, str]:
    return {"given_names": name, "family_names": "Ejemplo"}


def clerk(registration: Registration, subject: str, **claims: Any) -> dict[str, str]:
    """The headers of somebody who signed in."""
    return registration.headers(**{"client_id": "enlace-console", "subject": subject} | claims)


async def test_people_who_are_registered_at_the_same_moment_share_a_transaction(registration, together):
    """With `MOST` at 1 each has a transaction of its own."""
    bodies = [together.one(identity=named(f"Muestra {nth}"), sender_reference=f"{uuid4()}") for nth in range(8)]
    told = await together.send(*((body, registration.headers()) for body in bodies))
    assert [one.status_code for one in told] == [201] * 8
    assert await transactions_of(registration, told) == 1
    people = [(await registration.get(f"/v1/returnees/{one.json()['id']}")).json() for one in told]
    assert [one["identity"]["given_names"] for one in people] == [f"Muestra {nth}" for nth in range(8)]
    assert [one.headers["location"] for one in told] == [f"/v1/returnees/{one.json()['id']}" for one in told]
    assert all(one.headers["etag"] for one in told)
    batch = (await registration.get(f"/v1/arrival-batches/{together.batch_id}")).json()
    assert batch["registered_count"] == 9
    assert len(await registration.events("returnee.registered.v1")) == 9


async def test_a_refused_person_spoils_no_other(registration, together):
    """Without the second try, one by one, nobody of the group is registered."""
    sound, more = together.one(identity=named("Una")), together.one(identity=named("Otra"))
    future = together.one() | {"arrived_at": "2126-01-01T00:00:00Z"}
    told = await together.send(*((body, registration.headers()) for body in (sound, future, more)))
    assert [one.status_code for one in told] == [201, 422, 201]
    assert told[1].json()["errors"][0]["pointer"] == "/arrived_at"
    batch = (await registration.get(f"/v1/arrival-batches/{together.batch_id}")).json()
    assert batch["registered_count"] == 3


async def test_a_reference_that_was_used_for_another_person_is_refused_for_that_one_alone(registration, together):
    reference = f"seat-{uuid4()}"
    first = together.one(identity=named("Primera"), sender_reference=reference)
    other = together.one(identity=named("Segunda"), sender_reference=reference)
    free = together.one(identity=named("Tercera"), sender_reference=f"seat-{uuid4()}")
    told = await together.send(*((body, registration.headers()) for body in (first, other, free)))
    assert sorted(one.status_code for one in told) == [201, 201, 409]
    assert told[2].status_code == 201
    refused = next(one for one in told if one.status_code == 409)
    assert refused.json()["code"] == "arrival-reference-reused"


async def test_the_same_arrival_twice_in_one_transaction_is_one_person(registration, together):
    body = together.one(identity=named("Misma"), sender_reference=f"seat-{uuid4()}")
    told = await together.send((body, registration.headers()), (body, registration.headers()))
    assert [one.status_code for one in told] == [201, 201]
    assert len({one.json()["id"] for one in told}) == 1
    batch = (await registration.get(f"/v1/arrival-batches/{together.batch_id}")).json()
    assert batch["registered_count"] == 2


async def test_twins_with_one_key_are_registered_once(registration, together):
    """Of requests with one key that share a transaction, one is taken; sent again, all are told the same."""
    headers, body = registration.headers(), together.one(identity=named("Gemela"))
    told = await together.send(*((body, headers) for _ in range(3)))
    assert sorted(one.status_code for one in told) == [201, 409, 409]
    assert {one.json().get("code") for one in told if one.status_code == 409} == {"idempotency-in-flight"}
    again = await registration.client.post("/v1/returnees", json=body, headers=headers)
    made = next(one for one in told if one.status_code == 201)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.json()["id"] == made.json()["id"]


async def test_a_key_of_another_request_is_refused_and_a_repeated_one_is_answered(registration, together):
    keys, body = [registration.headers() for _ in range(2)], together.one(identity=named("Antes"))
    earlier = [await registration.client.post("/v1/returnees", json=body, headers=key) for key in keys]
    together.asked = 0
    other = together.one(identity=named("Nueva"))
    told = await together.send((other, keys[0]), (body, keys[1]), (other, registration.headers()))
    assert [one.status_code for one in told] == [422, 201, 201]
    assert told[0].json()["code"] == "idempotency-key-reused"
    assert (told[1].json(), told[1].headers["Idempotency-Replayed"]) == (earlier[1].json(), "true")
    assert told[2].json()["id"] not in {one.json()["id"] for one in earlier}


async def test_callers_who_share_a_transaction_see_only_their_own(registration, together):
    """The batch is of GT01. Without `_acting_for` each caller, the one elsewhere has the rights of the first."""
    here = clerk(registration, "clerk-here", reception_places=["GT01"])
    elsewhere = clerk(registration, "clerk-elsewhere", reception_places=["GT12"])
    told = await together.send(
        (together.one(identity=named("Aquí")), here),
        (together.one(identity=named("Allá")), elsewhere),
        (together.one(identity=named("Todavía aquí")), here | {"Idempotency-Key": str(uuid4())}),
    )
    assert [one.status_code for one in told] == [201, 404, 201]
    assert await transactions_of(registration, [told[0], told[2]]) == 1
    batch = (await registration.get(f"/v1/arrival-batches/{together.batch_id}")).json()
    assert batch["registered_count"] == 3


async def test_each_registration_is_recorded_for_its_own_caller(registration, together):
    """Two clerks and a program share a transaction; each is named in the record of access of its own person."""
    whose = {"clerk-1": clerk(registration, "clerk-1"), "clerk-2": clerk(registration, "clerk-2")}
    told = await together.send(*((together.one(identity=named(name)), headers) for name, headers in whose.items()))
    assert await transactions_of(registration, told) == 1
    for name, answer in zip(whose, told, strict=True):
        scopes = {"scopes": "access-log:read"}
        log = (await registration.get(f"/v1/returnees/{answer.json()['id']}/access-log", **scopes)).json()["items"]
        assert [one["who"] for one in log if one["action"] == "returnee.register"] == [name]


async def test_a_certificate_opens_nothing_for_a_caller_who_shares_the_transaction(registration, together):
    """Who holds no certificate is not told that a person has a restricted need, whoever comes before or after."""
    flags = {"nationality": "GT", "identity_document": "held", "protection_flags": ["restricted_path"]}
    scopes = "returnees:write returnees:read restricted:read"
    certified = clerk(registration, "clerk-certified", scopes=scopes)
    plain = clerk(registration, "clerk-plain", scopes=scopes, certified=False)
    bodies = [together.one(identity=named(f"Persona {nth}"), profile=flags) for nth in range(4)]
    headers = [certified, plain, certified | {"Idempotency-Key": str(uuid4())}, plain | {"Idempotency-Key": "again"}]
    told = await together.send(*zip(bodies, headers, strict=True))
    assert [one.status_code for one in told] == [201] * 4
    assert await transactions_of(registration, told) == 1
    shown = ["restricted_path" in one.json()["profile"]["protection_flags"] for one in told]
    assert shown == [True, False, True, False]


async def test_bands_of_people_who_share_a_transaction_are_tied_to_their_own(registration, together):
    sheet = await registration.post(f"/v1/arrival-batches/{together.batch_id}/wristbands", {"count": 3})
    codes = sheet.json()["codes"]
    bodies = [together.one(identity=named(code[:4]), wristband=code) for code in [*codes, codes[0]]]
    told = await together.send(*((body, registration.headers()) for body in bodies))
    assert sorted(one.status_code for one in told) == [201, 201, 201, 409]
    rows = await registration.fetch(
        "SELECT w.code, c.returnee_id FROM check_in c JOIN wristband w ON w.id = c.wristband_id WHERE w.code = ANY($1)",
        codes,
    )
    made = {body["wristband"]: one.json()["id"] for body, one in zip(bodies, told, strict=True) if one.is_success}
    assert {row["code"]: str(row["returnee_id"]) for row in rows} == made
    refused = next(one for one in told if not one.is_success)
    assert refused.json()["code"] == "wristband-taken"


async def test_a_band_that_does_not_exist_is_refused_for_its_own_request(registration, together):
    sheet = await registration.post(f"/v1/arrival-batches/{together.batch_id}/wristbands", {"count": 1})
    (code,) = sheet.json()["codes"]
    elsewhere = {"client_id": "other-reception", "subject": "other-reception", "reception_places": ["GT12"]}
    bus = an_announcement(0, reception_place="GT12", mode="bus")
    other = (await registration.post("/v1/arrival-batches", bus, **elsewhere)).json()
    hidden = await registration.post(f"/v1/arrival-batches/{other['id']}/wristbands", {"count": 1}, **elsewhere)
    here = {"reception_places": ["GT01"]}
    told = await together.send(
        (together.one(wristband=hidden.json()["codes"][0]), registration.headers(**here)),
        (together.one(wristband=code), registration.headers(**here)),
    )
    assert [one.status_code for one in told] == [404, 201]
    assert await transactions_of(registration, told[1:]) == 1


async def test_after_a_commit_of_which_nobody_knows_nobody_is_registered_again(
    registration, together, monkeypatch: pytest.MonkeyPatch
):
    """The connection is lost after the commit: each caller gets an error, and sent again, its own person.

    Without `decided` in `Gathering._write_together` people without a reference are registered twice.
    """
    real, lost_once = Database.transaction_of, []

    @asynccontextmanager
    async def lost(database: Database, *who: Any) -> AsyncIterator[AsyncSession]:
        async with real(database, *who) as session:
            yield session
        if len(lost_once) < 2:
            lost_once.append(True)
            raise ConnectionResetError

    bodies = [(together.one(identity=named(f"Perdida {nth}")), registration.headers()) for nth in range(3)]
    with monkeypatch.context() as patched:
        patched.setattr(Database, "transaction_of", lost)
        tasks = [asyncio.create_task(registration.client.post("/v1/returnees", json=b, headers=h)) for b, h in bodies]
        told = await asyncio.gather(*tasks)
    assert {one.status_code for one in told} <= {500, 503, 201}
    assert any(one.status_code >= 500 for one in told)
    again = [await registration.client.post("/v1/returnees", json=body, headers=headers) for body, headers in bodies]
    assert [one.status_code for one in again] == [201] * 3
    batch = (await registration.get(f"/v1/arrival-batches/{together.batch_id}")).json()
    assert batch["registered_count"] == 3
