"""People who may be the same, and what staff do about them, for the tests of matching."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from services.registration.linkage.priors import load
from services.registration.matching.actions.comparing import compare_due
from tests.service.registration.conftest import LANDED_AT, PACK, Registration

PRIORS = load(PACK / "linkage.yaml")
BORN = "1988-04-17"
DESK = "arrivals:read returnees:read returnees:write intake:decide matches:read matches:decide"


def identity(mark: str = "", **changes: Any) -> dict[str, Any]:
    """Names that no other test uses, a birth date and a document number."""
    mark = mark or uuid4().hex[:12]
    letters = "".join(chr(ord("a") + int(one, 16)) for one in mark)
    return {
        "given_names": f"Muestra {letters[:6]}",
        "family_names": f"Ejemplo {letters[6:]}",
        "birth_date": BORN,
        "document_number": f"{int(mark, 16) % 10**13:013d}",
    } | changes


async def compare(registration: Registration) -> None:
    """Compare everybody who waits, as the loop does."""
    while True:
        async with registration.database.transaction() as session:
            if not await compare_due(session, limit=100, vault=registration.vault, priors=PRIORS):
                return


async def twice(registration: Registration, **changes: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """One person who is registered twice: both records, and their match."""
    same = identity(**changes.pop("identity", {}))
    first = await registration.register(identity=same, **changes)
    second = await registration.register(identity=same, **changes)
    (match,) = await matches(registration, second["id"])
    return first, second, match


async def matches(registration: Registration, returnee_id: str, **claims: Any) -> list[dict[str, Any]]:
    """What the clerk is told."""
    answer = await registration.get(f"/v1/returnees/{returnee_id}/matches", **claims)
    assert answer.status_code == 200, answer.text
    assert answer.json()["compared"]
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def match_of(registration: Registration, one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The match of two records."""
    ids = {one["id"], other["id"]}
    found = await matches(registration, one["id"])
    return next(match for match in found if {side["returnee_id"] for side in match["people"]} == ids)


async def decide(registration: Registration, path: str, body: Any, *, version: int, **claims: Any) -> Any:
    """Merge, different or unmerge."""
    headers = registration.headers(**claims) | {"If-Match": f'"{version}"'}
    return await registration.client.post(path, json=body, headers=headers)


async def merge(registration: Registration, match: dict[str, Any], into: str, **claims: Any) -> Any:
    body = {"into": into, "reason": "document_seen"}
    return await decide(registration, f"/v1/matches/{match['id']}/merge", body, version=match["version"], **claims)


async def different(registration: Registration, match: dict[str, Any], **claims: Any) -> Any:
    path, body = f"/v1/matches/{match['id']}/different", {"reason": "relatives"}
    return await decide(registration, path, body, version=match["version"], **claims)


async def unmerge(registration: Registration, returnee_id: str, *, version: int, **claims: Any) -> Any:
    body = {"reason": "mistake"}
    return await decide(registration, f"/v1/returnees/{returnee_id}/unmerge", body, version=version, **claims)


async def row_of(registration: Registration, returnee_id: str) -> dict[str, Any]:
    """All of a person's row, but for its version."""
    (row,) = await registration.fetch("SELECT * FROM returnee WHERE id = $1", UUID(returnee_id))
    return {name: value for name, value in row.items() if name != "version"}


def days_ago(days: int) -> str:
    return (LANDED_AT - timedelta(days=days)).isoformat()


def a_name_of_their_own() -> str:
    """A surname that nobody of another test has: its matches are those of the test only."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in uuid4().hex).title()
