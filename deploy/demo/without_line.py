"""A scene at the gate: a device works for an hour without a line, then sends what it did, and sends it once more."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from deploy.demo.acts import Act
from deploy.demo.client import Caller
from deploy.demo.country import Country
from deploy.demo.world import World

TITLE: Final = "An hour without a line: the device sends what it did, one change waits for a person, nothing is doubled"
AWAY: Final = timedelta(minutes=60)
OUTCOMES: Final = ("done", "done", "conflict")


async def without_a_line(
    world: World, country: Country, *, gate: Caller, desk: Caller, place: str, known: Mapping[str, Any]
) -> Act:
    """Register a person without a line, and change the safe contact of `known`, which the desk changes meanwhile."""
    url = f"{world.url('REGISTRATION')}/v1"
    body = _device(world, country, place=place, known=known)
    await desk.call("PUT", f"{url}/returnees/{known['id']}/safe-contact", body={"channel": "none"})
    first = await gate.post(f"{url}/sync", body)
    results = first["results"]
    if tuple(one["outcome"] for one in results) != OUTCOMES:
        return Act(TITLE)
    conflict, decided = await _decide(desk, url, results[-1]["conflict_ids"][0])
    new = f"{url}/returnees/{results[0]['returnee_id']}"
    before = await desk.get(new)
    again = await gate.post(f"{url}/sync", {**body, "sent_at": world.now().isoformat()})
    after, consents = await desk.get(new), await desk.get(f"{new}/consents")
    return act_of(
        results, again["results"], conflict, decided, known=known,
        same=before == after and len(consents) == 1,
    )  # fmt: skip


def act_of(
    results: Sequence[Mapping[str, Any]],
    again: Sequence[Mapping[str, Any]],
    conflict: Mapping[str, Any],
    decided: Mapping[str, Any],
    *,
    known: Mapping[str, Any],
    same: bool,
) -> Act:
    """What happened, line by line, with case codes only; an act without lines if any part is missing."""
    if conflict["held"] != "nobody" or decided["resolution"] != "told" or not same:
        return Act(TITLE)
    if not all(one["replayed"] for one in again):
        return Act(TITLE)
    new = results[0]["case_code"]
    return Act(TITLE, (
        f"60 min ago the line breaks; the device registers somebody, 50 min ago it records a consent: {new}, "
        "once the line is back",
        f"30 min ago the device notes a telephone number for {known['case_code']}; meanwhile the desk, which has a "
        "line, records that nobody may contact this person",
        f"the line is back, {len(results)} operations in one request: "
        + ", ".join(str(one["outcome"]) for one in results),
        "two values for the safe contact: no clock decides; nobody contacts the person until a person has decided",
        "the intake desk asks the person and decides: the number of the device counts",
        f"the answer was lost, the device sends all {len(again)} again: nothing changes, {new} is there once",
    ))  # fmt: skip


def _device(world: World, country: Country, *, place: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """The request of the device: three operations of the last hour."""
    now, person = world.now(), str(uuid4())
    left = now - AWAY

    def made(sequence: int, minutes: int, kind: str, **fields: Any) -> dict[str, Any]:
        at = (left + timedelta(minutes=minutes)).isoformat()
        return {"id": str(uuid4()), "sequence": sequence, "made_at": at, "kind": kind, **fields}

    contact = {"channel": "sms", "address": f"{country.sample.people.phone}900001"}
    return {
        "device_id": str(uuid4()),
        "sent_at": now.isoformat(),
        "operations": [
            made(1, 0, "register", person_id=person, data={
                "arrived_at": left.isoformat(),
                "reception_place": place,
                "identity": {"given_names": "Muestra", "family_names": f"Sin Línea {uuid4().hex[:6]}"},
                "profile": {"nationality": country.sample.people.nationality, "identity_document": "held"},
            }),
            made(2, 10, "give_consent", returnee_id=person, data=_consent(world, country)),
            made(3, 30, "set_safe_contact", returnee_id=known["id"], data=contact),
        ],
    }  # fmt: skip


def _consent(world: World, country: Country) -> dict[str, Any]:
    people = country.sample.people
    given = world.now() - AWAY + timedelta(minutes=10)
    return {
        "purpose": "registration_services",
        "recipient_class": "network_staff",
        "data_described": people.consent_texts[people.languages.common],
        "given_by": "self",
        "method": "signature",
        "language": people.languages.common,
        "revocation_explained": True,
        "staff_reference": "gate-device-1",
        "given_at": given.isoformat(),
        "expires_at": (given + timedelta(days=90)).isoformat(),
    }


async def _decide(desk: Caller, url: str, conflict_id: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The conflict with both values, and the same after the decision of the desk."""
    path = f"{url}/sync/conflicts/{conflict_id}"
    conflict = await desk.get(path)
    body = {"resolution": "told", "reason": "asked_the_person"}
    headers = {"If-Match": f'"{conflict["version"]}"'}
    return conflict, (await desk.call("POST", f"{path}/resolve", body=body, headers=headers)).json()
