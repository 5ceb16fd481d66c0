"""Pools of a service and the form that declares them (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

Json = Mapping[str, Any]
STALE: Final = timedelta(hours=12)
"""A figure that is older than this is marked: people may have come and gone since."""
_NEW_POOLS: Final = uuid.UUID("6d0a9a55-8f5c-5d0e-9c8e-2f6f3a7b1c40")


@dataclass(frozen=True)
class ServicePlaces:
    """A service with its pools as the network knows them."""

    service: Json
    pools: Sequence[Json]
    as_of: datetime | None
    """The oldest figure of its pools; None without any."""
    stale: bool


def by_service(services: Iterable[Json], pools: Iterable[Json], *, now: datetime) -> list[ServicePlaces]:
    """The pools by service, in the order of the services."""
    own: dict[str, list[Json]] = {}
    for pool in pools:
        own.setdefault(pool["provider_service_id"], []).append(pool)
    return [_of(service, own.get(service["id"], []), now=now) for service in services]


def _of(service: Json, pools: Sequence[Json], *, now: datetime) -> ServicePlaces:
    as_of = min((datetime.fromisoformat(pool["as_of"]) for pool in pools), default=None)
    return ServicePlaces(service, pools, as_of, as_of is not None and is_stale(as_of, now=now))


def is_stale(as_of: datetime, *, now: datetime) -> bool:
    """Whether the figure is too old to rely on."""
    return now - as_of > STALE


@dataclass(frozen=True)
class Declaration:
    """A declaration as the API takes it, and the form's fields by its JSON pointers."""

    body: dict[str, Any]
    pointers: Mapping[str, str]


def declaration(
    pools: Sequence[Json],
    *,
    number: Callable[[str], int | str | None],
    text: Callable[[str], str],
    full: bool,
    left_out: bool,
    form_key: str,
) -> Declaration:
    """All pools with the typed figures. `full`: nothing is free.

    A new pool has an id that follows from the form, so that a repetition of the form makes no second one.
    """
    told: list[dict[str, Any]] = []
    pointers: dict[str, str] = {}
    for n, pool in enumerate(pools):
        free = 0 if full else number(f"available-{pool['id']}")
        told.append({**pool, "available": free, "maximum": number(f"maximum-{pool['id']}")})
        pointers |= {f"/pools/{n}/{name}": f"{name}-{pool['id']}" for name in ("available", "maximum")}
        pointers[f"/pools/{n}"] = f"available-{pool['id']}"
    if text("new_kind") or text("new_maximum") or text("new_available"):
        n = len(told)
        new = {"kind": text("new_kind"), "maximum": number("new_maximum"), "available": number("new_available")}
        told.append({"id": str(uuid.uuid5(_NEW_POOLS, form_key)), **new})
        pointers |= {f"/pools/{n}/{name}": f"new_{name}" for name in new}
        pointers[f"/pools/{n}"] = "new_available"
    return Declaration({"accepted_left_out": left_out, "pools": told}, pointers)


def holds_already(present: Json, told: Json) -> bool:
    """Whether the present declaration says what this one says: the form was sent twice."""
    figures = [(one["id"], one["available"], one["maximum"]) for one in told["pools"]]
    known = [(one["id"], one["available"], one["maximum"]) for one in present["pools"]]
    return sorted(figures, key=str) == sorted(known, key=str) and (
        told["accepted_left_out"] == present["accepted_left_out"]
    )
