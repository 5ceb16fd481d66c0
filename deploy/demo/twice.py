"""A scene at reception: somebody is registered twice, found, compared, merged and taken apart again."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from deploy.demo.acts import Act
from deploy.demo.client import Caller
from deploy.demo.world import World

TITLE: Final = "Registered twice: found by the document number, compared, merged, taken apart again"
ATTEMPTS: Final = 50


async def registered_twice(world: World, desk: Caller, *, place: str, nationality: str) -> Act:
    """Register a person twice, without a need, and let the intake desk decide; an act without lines if it fails."""
    url = f"{world.url('REGISTRATION')}/v1"
    number = str(uuid4().int)[:13]
    bodies = [_arrival(world, number, names, place, nationality) for names in ("María José", "Maria Jose")]
    first, second = [await desk.post(f"{url}/returnees", body) for body in bodies]
    match = await _match(desk, url, second["id"], first["id"])
    if match is None:
        return Act(TITLE)
    compared = await desk.get(f"{url}/matches/{match['id']}")
    body = {"into": first["id"], "reason": "document_seen"}
    merged = await _decide(desk, f"{url}/matches/{match['id']}/merge", body, compared["version"])
    ended = await desk.get(f"{url}/returnees/{second['id']}")
    arrivals = (await desk.get(f"{url}/returnees/{first['id']}/arrivals"))["items"]
    undo = f"{url}/returnees/{second['id']}/unmerge"
    apart = await _decide(desk, undo, {"reason": "mistake"}, ended["version"])
    after = await desk.get(f"{url}/returnees/{second['id']}")
    return act_of(first, second, match, merged, arrivals, apart=apart, same=_facts(after) == _facts(ended))


def act_of(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    match: Mapping[str, Any],
    merged: Mapping[str, Any],
    arrivals: list[Any],
    *,
    apart: Mapping[str, Any],
    same: bool,
) -> Act:
    """What happened, line by line, with case codes only."""
    if merged["status"] != "merged" or len(arrivals) != len({"first", "second"}) or apart["merged"] or not same:
        return Act(TITLE)
    one, other = first["case_code"], second["case_code"]
    known = next(side for side in match["people"] if side["returnee_id"] == first["id"])
    agrees = ", ".join(reason for reason in match["reasons"])
    return Act(TITLE, (
        f"{other} is registered; the clerk is told: may be the same as somebody registered on {known['registered_on']} "
        f"at {known['reception_place']} ({match['band']})",
        f"the intake desk compares both: {agrees}",
        f"merged, the document was seen: {other} continues as {one}, with {len(arrivals)} arrivals",
        f"taken apart again, it was a mistake: {one} and {other} are as they were",
    ))  # fmt: skip


def _arrival(world: World, number: str, given: str, place: str, nationality: str) -> dict[str, Any]:
    return {
        "arrived_at": world.now().isoformat(),
        "reception_place": place,
        "identity": {
            "given_names": given,
            "family_names": "Velásquez Muestra",
            "birth_date": "1991-08-14",
            "document_number": number,
        },
        "profile": {"nationality": nationality, "identity_document": "held"},
    }


async def _match(desk: Caller, url: str, returnee_id: str, other_id: str) -> Mapping[str, Any] | None:
    """What the clerk is told about the two."""
    for _ in range(ATTEMPTS):
        told = await desk.get(f"{url}/returnees/{returnee_id}/matches")
        for match in told["items"]:
            if other_id in {side["returnee_id"] for side in match["people"]}:
                found: Mapping[str, Any] = match
                return found
        await asyncio.sleep(0.2)
    return None


async def _decide(desk: Caller, url: str, body: Mapping[str, Any], version: int) -> Mapping[str, Any]:
    answer = await desk.call("POST", url, body=body, headers={"If-Match": f'"{version}"'})
    decided: Mapping[str, Any] = answer.json()
    return decided


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in {"merged", "version"}}
