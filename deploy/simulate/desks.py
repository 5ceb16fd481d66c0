"""The desks of the country pack as programs: they decide reviews and act on needs that they own, a limited number at a
time.

Some desks never act. The needs that they own must still not be forgotten.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from deploy.demo.client import Caller, CallError
from deploy.demo.completing import facts_of
from deploy.demo.hands import Hands
from deploy.simulate.conduct import Deed, deed_of, dice
from deploy.simulate.people import People
from deploy.simulate.tally import Tally
from deploy.simulate.timing import Timepiece

LOOKS_EVERY: Final = timedelta(hours=1)
A_LOOK: Final = 12
"""How many needs a desk works on each time, if the simulation has all of the real traffic; assumed."""
TAKES_UP_AFTER: Final = timedelta(minutes=10)
AGAIN_AFTER: Final = timedelta(hours=24)
"""The time after which a desk works again on a need that it still owns."""
SILENT_SHARE: Final = 0.15
"""The share of desks, without the steward's and the child desk, that never act; assumed."""
APPROVING: Final = 0.95
"""The share of reviews that are approved; assumed."""
GONE_ON: Final = frozenset({404, 409})
AGE_UNRESOLVED: Final = "age_unresolved"
AGE_DECIDED: Final = {"group": "adult", "basis": "assessment"}
"""What the desk decides about an unsure age. Only adults among the invented people do not know their birth date."""
AWAITING_REVIEW: Final = "awaiting_review"
AT_PROVIDER: Final = frozenset({"accepted", "in_service"})


def silent_desks(desks: Iterable[str], *, seed: int, always_acting: Collection[str]) -> frozenset[str]:
    """The desks that never act: at least one of those that are not `always_acting`."""
    possible = sorted(desk for desk in desks if desk not in always_acting)
    return frozenset(dice(seed, "silent desks").sample(possible, max(1, round(len(possible) * SILENT_SHARE))))


@dataclass
class Desk:
    """One desk of a lead agency."""

    name: str
    caller: Caller
    url: str
    people: People
    timepiece: Timepiece
    tally: Tally
    hands: Hands
    seed: int
    share: float
    _turns: Counter[str] = field(default_factory=Counter)
    _looked_at: dict[str, datetime] = field(default_factory=dict)

    async def work(self) -> None:
        """Work on needs every hour. Ends when cancelled."""
        while True:
            await self.timepiece.rest(LOOKS_EVERY)
            try:
                await self._take_up_needs()
            except (CallError, TimeoutError) as error:
                self.tally.fail(error)

    async def _decide_reviews(self) -> None:
        found = await self.caller.get(f"{self.url}/v1/reviews", status="pending", desk=self.name, limit=100)
        for review in found["items"]:
            person = await self.people.known(review["case_code"])
            if review["reason"] == AGE_UNRESOLVED:
                await self._call(f"/v1/reviews/{review['id']}/decide-age", AGE_DECIDED)
                continue
            approves = dice(self.seed, person, review["category"], "review").random() < APPROVING
            await self._call(f"/v1/reviews/{review['id']}/{'approve' if approves else 'reject'}", {})

    async def _take_up_needs(self) -> None:
        found = await self.caller.get(f"{self.url}/v1/work-lists/owned", owner=self.name, limit=200)
        if any(need["referral_status"] == AWAITING_REVIEW for need in found["items"]):
            await self._decide_reviews()
        most = max(1, round(A_LOOK * self.share))
        for need in _first(most, filter(self._is_due, found["items"])):
            self._looked_at[need["need_id"]] = self.timepiece.now()
            await self._act(need)

    def _is_due(self, need: Mapping[str, Any]) -> bool:
        now = self.timepiece.now()
        if now - datetime.fromisoformat(need["owned_since"]) < TAKES_UP_AFTER:
            return False
        before = self._looked_at.get(need["need_id"])
        return before is None or now - before >= AGAIN_AFTER

    async def _act(self, need: Mapping[str, Any]) -> None:
        if need["referral_status"] == AWAITING_REVIEW:
            return
        turns = self._turns
        turns[need["need_id"]] += 1
        person = await self.people.known(need["case_code"])
        if need["referral_status"] in AT_PROVIDER:
            await self._ask_provider(need, person)
            return
        deed = deed_of(
            seed=self.seed, person=person, category=need["category"], reason=need["owner_reason"],
            turn=turns[need["need_id"]],
        )  # fmt: skip
        self.tally.done[f"desk: {deed.value}"] += 1
        if deed is Deed.KEEP:
            await self._call(f"/v1/needs/{need['need_id']}/acknowledge")
        elif deed is Deed.SEEK_AGAIN:
            await self._call(f"/v1/needs/{need['need_id']}/seek-again")
        elif deed is Deed.MET_ELSEWHERE and need["referral_id"] is not None:
            await self._call(f"/v1/referrals/{need['referral_id']}/cancel", {"reason": "met_elsewhere"})
        elif deed is Deed.CLOSE:
            reason = "lost_contact" if need["owner_reason"] == "person_not_found" else "no_help_exists"
            await self._call(f"/v1/needs/{need['need_id']}/close", {"reason": reason})

    async def _ask_provider(self, need: Mapping[str, Any], person: str) -> None:
        """Ask a provider that has not reported the start or the end of a service, and report its answer."""
        came = dice(self.seed, person, need["category"], "asked").random() < 0.6
        path = f"/v1/referrals/{need['referral_id']}"
        self.tally.done["desk: asked the provider"] += 1
        if not came:
            await self._call(f"{path}/not-delivered", {"reason": "provider_unable"})
            return
        if need["referral_status"] == "accepted":
            await self._call(f"{path}/start")
        facts = await facts_of(need["referral_id"], self.caller, url=self.url)
        await self._call(f"{path}/complete", {"outcome": "need_met", "facts": facts})

    async def _call(self, path: str, body: dict[str, Any] | None = None) -> None:
        async with self.hands.working():
            answer = await self.caller.call("POST", f"{self.url}{path}", body=body, expect=GONE_ON)
        if not answer.is_success:
            self.tally.refused[f"desk {path.rsplit('/', 1)[-1]}: {answer.json().get('code')}"] += 1


def _first(most: int, needs: Iterator[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [need for _, need in zip(range(most), needs, strict=False)]
