"""The place that appears in the demo: if whoever is put to it is refused, another service declares places."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from deploy.demo.staging import Staging
from deploy.packs.directory import Directory

FIRST, SECOND = UUID(int=1), UUID(int=2)
DIRECTORY = SimpleNamespace(
    organizations=[
        SimpleNamespace(slug="first", services=[SimpleNamespace(id=FIRST)]),
        SimpleNamespace(slug="second", services=[SimpleNamespace(id=SECOND)]),
    ]
)
"""Two organisations with one service each."""
RUN = [{"needs": [{"id": f"n-{id_}"} for id_ in ("r1", "r2", "r3")]}]
"""The journeys of this run. Referral r0, of an earlier run, waits before r3."""


class Network:
    """The referral API as a steward sees it: a queue, and what becomes of each referral when its service declares."""

    def __init__(self, statuses: dict[str, list[str]]) -> None:
        self._statuses = statuses
        self.declared: list[tuple[str, int]] = []
        self.queue = [
            {
                "need_id": f"n-{id_}",
                "referral_id": id_,
                "provider_service_ids": [str(service)],
                "people_count": 2,
                "urgency_rank": 1,
                "waiting_since": id_,
            }
            for id_, service in (("r0", SECOND), ("r1", FIRST), ("r2", FIRST), ("r3", SECOND))
        ]

    async def get(self, url: str, **_: Any) -> Any:
        if url.endswith("/v1/waitlists"):
            return {"items": self.queue, "next": None}
        statuses = self._statuses[url.rsplit("/", 1)[1]]
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        self.queue = [
            one for one in self.queue if one["referral_id"] != url.rsplit("/", 1)[1] or status == "waitlisted"
        ]
        return {
            "status": status,
            "offer_id": "o" if status in {"offered", "accepted"} else None,
            "waitlist": {} if status == "waitlisted" else None,
        }

    def partner(self, slug: str) -> Any:
        async def declare_more(_service: Any, places: int) -> None:
            self.declared.append((slug, places))

        return SimpleNamespace(declare_more=declare_more)


async def served(network: Network) -> Staging:
    staging = Staging(
        cast(Directory, DIRECTORY), referral="http://referral", registration="http://registration",
        steward=cast(Any, network), now=lambda: datetime.now(UTC), withdrawals=frozenset(),
    )  # fmt: skip
    await staging.serve_the_queue(RUN, {slug: network.partner(slug) for slug in ("first", "second")})
    return staging


async def test_one_service_declares_when_somebody_gets_its_place() -> None:
    network = Network({"r1": ["waitlisted", "offered", "accepted"], "r2": ["waitlisted"], "r3": ["waitlisted"]})
    staging = await served(network)
    assert network.declared == [("first", 6)]
    assert staging.staged.served_from_queue == {"n-r1", "n-r2"}


async def test_the_next_service_declares_when_the_first_refuses_all_who_left_the_queue() -> None:
    network = Network(
        {"r1": ["waitlisted", "offered", "closed"], "r2": ["waitlisted"], "r3": ["waitlisted", "offered", "accepted"]}
    )
    staging = await served(network)
    assert network.declared == [("first", 6), ("second", 6 + 2)]
    assert staging.staged.served_from_queue == {"n-r3"}


async def test_nobody_is_served_where_every_service_refuses() -> None:
    network = Network({"r1": ["closed"], "r2": ["closed"], "r3": ["closed"]})
    await served(network)
    assert network.declared == [("first", 6), ("second", 6 + 2)]
