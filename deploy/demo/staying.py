"""The sixth scene: a person's stay of 72 hours in a shelter, with its alarms and its end, while three days pass."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from deploy.demo.client import Caller
from deploy.demo.looking import journeys, pages
from deploy.demo.outcomes import Journey, needs_of
from deploy.demo.pace import LATE, Pace
from deploy.demo.partners import Partner
from deploy.demo.stay_act import HOURS, Stayed
from deploy.packs.directory import Directory, Service

MARKS: Final = (24, 48, 60, HOURS)
"""Hours after the start of a stay at which an alarm is due or the stay ends (the packs' routing.yaml, `stays`)."""
AFTER: Final = LATE + timedelta(seconds=1)
"""How long after such an hour the clock stops running fast. As this is longer than LATE, an alarm of that hour counts
as overdue until it is handled, and the demo waits for it."""
NIGHTS: Final = 3
Say = Callable[[str], None]


class Staying:
    """Follows one stay from its start to its end through the public APIs."""

    def __init__(
        self,
        directory: Directory,
        *,
        referral: str,
        steward: Caller,
        partners: Mapping[str, Partner],
        pace: Pace,
        say: Say,
    ) -> None:
        self._url, self._steward, self._partners, self._pace, self._say = referral, steward, partners, pace, say
        self._services: dict[str, tuple[str, Service]] = {
            str(service.id): (organization.slug, service)
            for organization in directory.organizations
            for service in organization.services
        }

    async def follow(self, found: Sequence[Journey]) -> Stayed | None:
        """Follow a stay of 72 hours to its end; None if nobody could start one."""
        for journey, referral in self._candidates(found):
            partner = self._partners[self._services[referral["provider_service_id"]][0]]
            if await partner.begin(referral["id"]):
                return await self._pass(
                    Stayed(journey["case_code"], referral["need_id"], referral["id"]), journey, partner
                )
        return None

    def _candidates(self, found: Sequence[Journey]) -> Iterator[tuple[Journey, Mapping[str, Any]]]:
        """Accepted referrals to services with a limit of 72 hours, for needs without an owner.

        Those that have not started come first.
        """
        fitting = [
            (journey, {**referral, "need_id": need["id"], "provider_service_id": offer["provider_service_id"]})
            for journey, need in needs_of(found)
            if need["owner"] is None
            for referral in need["referrals"]
            for offer in referral["offers"]
            if offer["status"] == "accepted" and self._services[offer["provider_service_id"]][1].max_stay_hours == HOURS
        ]
        for status in ("accepted", "in_service"):
            yield from (one for one in fitting if one[1]["status"] == status)

    async def _pass(self, stayed: Stayed, journey: Journey, partner: Partner) -> Stayed:
        stay = await self._stay(stayed.referral_id)
        stayed.plan_at_first = stay
        await partner.plan_exit(stayed.referral_id, "unknown", family_reached="done", documents="not_needed")
        stayed.plan_in_part = await self._stay(stayed.referral_id)
        began = datetime.fromisoformat(stay["started_at"])
        for hours in MARKS:
            self._say(f"letting time pass: hour {hours} of a stay")
            await self._pace.pass_to(began + timedelta(hours=hours) + AFTER)
            await self._look(stayed, hours, journey)
        await partner.plan_exit(
            stayed.referral_id, "family", money="done", transport="done", next_address="done"
        )  # fmt: skip
        stayed.plan_at_last = await self._stay(stayed.referral_id)
        stayed.completed = await partner.see_off(stayed.referral_id, nights=NIGHTS)
        stayed.journey = await self._journey(journey)
        return stayed

    async def _look(self, stayed: Stayed, hours: int, journey: Journey) -> None:
        """Record for this hour the owner of the need, and the work lists that contain the stay."""
        need = next(one for one in (await self._journey(journey))["needs"] if one["id"] == stayed.need_id)
        stayed.owners[hours] = None if need["owner"] is None else (need["owner"], need["owner_reason"])
        for name in ("leaving-without-next-step", "exits-today"):
            for entry in await pages(self._steward, f"{self._url}/v1/work-lists/{name}"):
                if entry["referral_id"] == stayed.referral_id:
                    stayed.listed[hours, name] = entry

    async def _stay(self, referral_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self._steward.get(f"{self._url}/v1/referrals/{referral_id}/stay")
        return found

    async def _journey(self, journey: Journey) -> dict[str, Any]:
        return (await journeys(self._steward, [journey["returnee_id"]], url=self._url))[0]
