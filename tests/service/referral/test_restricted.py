"""Restricted needs change no answer to who may not know of them: every list, count and record is as it was before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.service.referral import making
from tests.service.referral.world import STAFF, Provider, World

NOTHING = "00000000-0000-7000-8000-000000000000"
Snapshot = dict[tuple[str, str], tuple[int, str]]
OTHER_ORDERS = {"/v1/offers": ("/v1/offers?order=newest", "/v1/offers?order=most_urgent")}
_TIMES = re.compile(r'"\d{4}-\d\d-\d\dT[^"]*"')
_NAMES = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Z]{2}(-[0-9A-Z]{4}){2}")
_TRACES = re.compile(r"[0-9a-f]{32}")


async def ids_of(world: World) -> dict[str, list[str]]:
    """Every id that a path may name, whether it is restricted or not, and one that nothing has."""
    statements = {
        "returnee_id": "SELECT DISTINCT returnee_id FROM need",
        "need_id": "SELECT need_id FROM need",
        "referral_id": "SELECT referral_id FROM referral",
        "offer_id": "SELECT offer_id FROM offer",
        "pool_id": "SELECT pool_id FROM pool",
        "review_id": "SELECT review_id FROM review",
        "desk": "SELECT DISTINCT owner FROM need WHERE owner IS NOT NULL",
    }
    return {
        name: [str(next(iter(row.values()))) for row in await world.rows(statement)]
        for name, statement in statements.items()
    }


def paths(template: str, ids: dict[str, list[str]]) -> Iterator[str]:
    """All addresses of a route; a parameter that is not known here is filled with an id that nothing has."""
    names = re.findall(r"{(\w+)}", template)
    for values in product(*(ids.get(name, [NOTHING]) for name in names)):
        path = template
        for name, value in zip(names, values, strict=True):
            path = path.replace(f"{{{name}}}", value)
        yield path


async def look(world: World, callers: dict[str, dict[str, str]], ids: dict[str, list[str]]) -> Snapshot:
    """Every answer of every route that reads, for each of the callers, without times."""
    routes = world.app.openapi()["paths"]
    found: Snapshot = {}
    for template in sorted(path for path, methods in routes.items() if "get" in methods and path.startswith("/v1/")):
        if template.endswith("/access-log"):
            continue  # each look is in it, so it is compared between two people instead
        for path in (*paths(template, ids), *OTHER_ORDERS.get(template, ())):
            for who, headers in callers.items():
                found[who, path] = plain(await world.client.get(path, headers=headers))
    return found


def plain(answer: httpx.Response) -> tuple[int, str]:
    """Status and body, without times and trace ids."""
    return answer.status_code, _TRACES.sub("<trace>", _TIMES.sub('"<time>"', answer.text))


async def a_restricted_course(world: World, returnee: UUID, house: Provider) -> None:
    """The person tells of restricted needs: one is decided, offered, accepted and begun, two wait for a decision."""
    open_eyes = world.staff(restricted=True)
    await world.hear(making.need(returnee, category="gbv"))
    (review,) = (await world.ask("reviews", headers=open_eyes))["items"]
    assert (await world.step(f"reviews/{review['id']}/approve", {}, headers=open_eyes)).status_code == 200
    await world.round()
    offer = await world.row("SELECT * FROM offer WHERE restricted")
    steward = world.partner(house, restricted=True)
    assert (await world.step(f"offers/{offer['offer_id']}/accept", headers=steward)).status_code == 200
    assert (await world.step(f"referrals/{offer['referral_id']}/start", {}, headers=steward)).status_code == 200
    await world.hear(making.need(returnee, category="gbv"))
    await world.hear(making.need(returnee, category="anti_trafficking"))


async def test_restricted_needs_change_no_answer_to_who_may_not_know_of_them(world: World):
    shelter = await world.provider(places=2)
    house = await world.provider(category="gbv", service_type="safe_house", restricted=True)
    returnee = await world.person({}, {"category": "health"})
    for _ in range(3):
        await world.person({})  # two have places, two wait in the queue
    await world.round()
    offer = await world.row("SELECT * FROM offer WHERE returnee_id = $1", returnee)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    await world.pass_time(hours=30)  # desks own what nobody took
    while await world.round():
        pass
    await world.round()  # what is ordinary has come to rest
    callers: dict[str, dict[str, str]] = {
        "staff": world.staff(),
        "a desk": world.issuer.headers(STAFF, client_id="lead"),
        "somebody without a certificate": world.issuer.headers(f"{STAFF} restricted:read", client_id="untrained"),
        "the shelter": world.partner(shelter),
        "the house, without the right": world.partner(house),
    }
    before = await look(world, callers, await ids_of(world))
    await a_restricted_course(world, returnee, house)
    ids = await ids_of(world)
    after = await look(world, callers, ids)
    changed = {place: (before[place], after[place]) for place in before if before[place] != after[place]}
    assert not changed
    new = {place: answer for place, answer in after.items() if place not in before}
    assert new, "the restricted needs, referrals and offers have addresses of their own"
    assert {status for status, _ in new.values()} <= {403, 404}
    eyes = {"staff": world.staff(restricted=True)}
    seen = await look(world, eyes, ids)
    assert any(seen[place] != after[place] for place in seen), "with the right they are there"


async def test_a_restricted_need_is_as_unknown_as_one_that_does_not_exist(world: World):
    returnee = await world.person({"category": "gbv"})
    need: Any = await world.need_of(returnee)
    for path in ("needs/{}/refuse", "needs/{}/close", "needs/{}/assign", "needs/{}/reopen"):
        bodies: dict[str, Any] = {"close": {"reason": "met_elsewhere"}, "assign": {"desk": "lead"}}
        body = bodies.get(path.rsplit("/", 1)[1], {})
        answers = [plain(await world.step(path.format(one), body)) for one in (need["need_id"], uuid4())]
        assert answers[0] == answers[1], path


async def test_a_person_with_nothing_but_restricted_needs_is_one_who_has_told_of_none(world: World):
    house = await world.provider(category="gbv", service_type="safe_house", restricted=True)
    told, silent = await world.person(), await world.person()
    await a_restricted_course(world, told, house)
    for part in ("journey", "timeline"):
        for headers in (world.staff(), world.partner(house)):
            answers = [await world.client.get(f"/v1/returnees/{one}/{part}", headers=headers) for one in (told, silent)]
            alike = [_NAMES.sub("<person>", str(plain(answer))) for answer in answers]
            assert alike[0] == alike[1], part
