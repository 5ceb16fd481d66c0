"""What the pages of the desks show. Each page makes few calls, most of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from services.console.answers import Json, Part
from services.console.calls import Service, part, together
from services.console.people import Person
from services.console.taxonomy import Names, Taxonomy, desks_told, names_of, taxonomy_of
from services.console.work.rules import (
    NeedActs,
    Number,
    Sent,
    WorkList,
    asked_of,
    is_searched,
    live_referral,
    numbers,
    stayed_referral,
)

ROWS: Final = 50
_FOUND: Final = 30
_SUMMARY_ROWS: Final = 300
_KEPT_SECONDS: Final = 60.0
REFERRAL: Final = Service.REFERRAL


@dataclass(frozen=True)
class Desks:
    """The desks of the country."""

    names: Sequence[tuple[str, str]] = ()
    """Codes and names."""
    mine: frozenset[str] = frozenset()

    def name(self, code: str | None) -> str:
        """The name of a desk; its code for one that the country pack no longer has."""
        return next((name for known, name in self.names if known == code), code or "–")


async def desks_of(person: Person) -> Desks:
    """The desks, kept for a minute. Without them, codes stand for names."""

    found = await part(desks_told(person))
    told = found.value or ()
    mine = frozenset(one["desk"] for one in told if one["mine"])
    return Desks([(one["desk"], one["name"]) for one in told], mine)


async def _stages(person: Person) -> Sequence[tuple[str, str]]:
    async def read() -> list[tuple[str, str]]:
        told = (await person.calls.get(REFERRAL, "/v1/stages")).body["stages"]
        return [(str(one["stage"]), one["name"]) for one in told]

    if not person.may("referrals:read"):
        return ()
    found = await part(person.shared("stages", read, seconds=_KEPT_SECONDS))
    return found.value or ()


async def _body(person: Person, path: str, **query: Any) -> Any:
    return (await person.calls.get(REFERRAL, path, **query)).body


def _counting(person: Person) -> dict[str, Any]:
    return {
        "counts": _body(person, "/v1/work-lists/counts"),
        "reviews": _body(person, "/v1/reviews/count", status="pending"),
        "stays": _body(person, "/v1/work-lists/stay-counts"),
        "waitlists": _body(person, "/v1/waitlists/count"),
    }


@dataclass(frozen=True)
class Overview:
    """The first page: the length of each list, and the queue of each stage."""

    numbers: Mapping[str, Number]
    counts: Part[Json]
    stages: Part[Json]
    desks: Desks


async def overview(person: Person) -> Overview:
    """The first page of a desk."""
    found = await together(**_counting(person), stages=_body(person, "/v1/work-lists/stages"), desks=desks_of(person))
    return Overview(numbers(found), found["counts"], found["stages"], found["desks"].value or Desks())


@dataclass(frozen=True)
class ListPage:
    """One page of a list, with what its filters offer."""

    one: WorkList
    numbers: Mapping[str, Number]
    rows: Part[Json]
    chosen: Mapping[str, str]
    desks: Desks
    stages: Sequence[tuple[str, str]]
    taxonomy: Taxonomy
    names: Names
    summary: Part[list[Json]] | None = None
    kinds: Part[list[Json]] | None = None
    sent: Sent | None = None


async def list_page(
    person: Person, one: WorkList, chosen: Mapping[str, str], *, after: str | None, sent: Sent | None = None
) -> ListPage:
    """One page of a list."""
    calls = _counting(person) | {
        "rows": _body(person, one.path, limit=ROWS, after=after, **asked_of(one, chosen)),
        "desks": desks_of(person),
        "steps": _stages(person),
        "taxonomy": taxonomy_of(person),
    }
    if one.name == "unmet" and after is None:
        calls |= _summaries(person, chosen)
    found = await together(**calls)
    rows = [] if found["rows"].value is None else found["rows"].value["items"]
    return ListPage(
        one,
        numbers(found),
        found["rows"],
        chosen,
        found["desks"].value or Desks(),
        found["steps"].value or (),
        found["taxonomy"].value or Taxonomy(),
        await names_of(person, [*rows, *_services(rows)]),
        found.get("summary"),
        found.get("kinds"),
        sent,
    )


def _summaries(person: Person, chosen: Mapping[str, str]) -> dict[str, Any]:
    def asked(*names: str) -> dict[str, Any]:
        return {name: chosen.get(name) for name in names}

    path = "/v1/work-lists/unmet"
    return {
        "summary": person.calls.rows(
            REFERRAL, f"{path}/summary", most=_SUMMARY_ROWS, **asked("category", "area", "reason")
        ),
        "kinds": person.calls.rows(
            REFERRAL, f"{path}/kinds", most=_SUMMARY_ROWS, **asked("category", "kind", "reason")
        ),
    }


def _services(rows: Sequence[Json]) -> list[Json]:
    """The services that entries of a queue wait for, as rows whose names are looked up."""
    return [{"provider_service_id": id} for row in rows for id in row.get("provider_service_ids", ())[:3]]


@dataclass(frozen=True)
class NeedPage:
    """One need with everything that a desk decides about it."""

    need: Json
    journey: Part[Json]
    acts: NeedActs
    desks: Desks
    taxonomy: Taxonomy
    names: Names
    attempts: Part[list[Json]] | None = None
    found: Part[Json] | None = None
    """The services that were looked for by name."""
    text: str = ""
    others: Sequence[Json] = field(default_factory=list)


async def need_page(
    person: Person, need_id: UUID, *, back: str = "/work", sent: Sent | None = None, find: str | None = None
) -> NeedPage:
    """One need. `find`: look for services of its category whose name contains this."""
    need = await _body(person, f"/v1/needs/{need_id}")
    told = await together(
        journey=_body(person, f"/v1/returnees/{need['returnee_id']}/journey"),
        desks=desks_of(person),
        taxonomy=taxonomy_of(person),
    )
    journey: Json = told["journey"].value or {"needs": [], "referrals": [], "steps": [], "journey_end_reason": None}
    referral = live_referral(journey["referrals"], need["id"])
    stayed = stayed_referral(journey["referrals"], need["id"])
    more = await together(**_about(person, referral, stayed), **_finding(person, need, find))
    desks = told["desks"].value or Desks()
    others = [one for one in journey["needs"] if one["id"] != need["id"]]
    acts = NeedActs(
        rights=person.rights,
        need=need,
        referral=referral,
        **_present(more),
        others=others,
        is_searched=is_searched(journey["steps"], None if referral is None else referral["id"]),
        journey_end=journey["journey_end_reason"],
        desks=desks.names,
        back=back,
        sent=sent,
    )
    return NeedPage(
        need=need,
        journey=told["journey"],
        acts=acts,
        desks=desks,
        taxonomy=told["taxonomy"].value or Taxonomy(),
        names=more["names"].value or Names(),
        attempts=more.get("attempts"),
        found=more.get("found"),
        text=find or "",
        others=others,
    )


def _present(more: Mapping[str, Part[Any]]) -> dict[str, Any]:
    """The pending review and the stay, as far as they are there."""
    stay = more["stay"].value if "stay" in more else None
    reviews = more["reviews"].value if "reviews" in more else None
    return {
        "review": reviews["items"][0] if reviews and reviews["items"] else None,
        "stay": None if stay is None else stay.body,
        "etag": "" if stay is None else stay.etag or "",
    }


def _about(person: Person, referral: Json | None, stayed: Json | None) -> dict[str, Any]:
    calls: dict[str, Any] = {"names": names_of(person, [] if referral is None else [referral])}
    if referral is not None:
        path = f"/v1/referrals/{referral['id']}/search-attempts"
        calls["attempts"] = person.calls.rows(REFERRAL, path, most=100)
        if referral["status"] == "awaiting_review":
            calls["reviews"] = _body(person, "/v1/reviews", status="pending", referral_id=referral["id"])
    if stayed is not None:
        calls["stay"] = person.calls.get(REFERRAL, f"/v1/referrals/{stayed['id']}/stay")
    return calls


def _finding(person: Person, need: Json, text: str | None) -> dict[str, Any]:
    async def search() -> Any:
        body = {"category": need["category"], **({"text": text} if text else {})}
        query = {"limit": _FOUND}
        return (await person.calls.send("POST", Service.DIRECTORY, "/v1/services/search", body, query=query)).body

    return {} if text is None else {"found": search()}


async def hand_over(person: Person, hand_over_id: UUID) -> tuple[Json, Desks]:
    """The progress of a hand-over."""
    found = await _body(person, f"/v1/work-lists/hand-overs/{hand_over_id}")
    return found, await desks_of(person)


@dataclass(frozen=True)
class AbsencesPage:
    """The absences of a desk."""

    desk: str
    rows: Part[Json] | None
    desks: Desks


async def absences(person: Person, desk: str | None) -> AbsencesPage:
    """The present and future absences of a desk; of the person's first desk if none is chosen."""
    desks = await desks_of(person)
    chosen = desk or next(iter(sorted(desks.mine)), "") or next((code for code, _ in desks.names), "")
    known = chosen in dict(desks.names)
    rows = await part(_body(person, f"/v1/desks/{chosen}/absences", limit=100)) if known else None
    return AbsencesPage(chosen if known else "", rows, desks)
