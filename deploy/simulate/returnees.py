"""Returnees who change something after the intake: they withdraw their consent or a need."""

from datetime import timedelta
from typing import Any, Final

from deploy.demo.client import Caller, CallError
from deploy.demo.hands import Hands
from deploy.simulate.conduct import Change, change_of_mind, dice
from deploy.simulate.tally import Tally
from deploy.simulate.timing import Timepiece
from libs.events.codes import ConsentPurpose

ALREADY: Final = frozenset({409})


class Returnees:
    """The changes that people report to the reception system after their intake."""

    def __init__(
        self, *, url: str, reception: Caller, timepiece: Timepiece, tally: Tally, hands: Hands, seed: int
    ) -> None:
        self._url, self._reception, self._timepiece = f"{url}/v1/returnees", reception, timepiece
        self._tally, self._hands, self._seed = tally, hands, seed

    async def live(self, returnee_id: str, person: str) -> None:
        """Wait until this person wants a change, and report it; returns at once if there is none."""
        change, after = change_of_mind(seed=self._seed, person=person)
        if change is Change.NOTHING:
            return
        await self._timepiece.rest(max(after, timedelta()))
        try:
            async with self._hands.working():
                if change is Change.WITHDRAW_CONSENT:
                    await self._withdraw_consent(f"{self._url}/{returnee_id}/consents")
                else:
                    await self._withdraw_need(f"{self._url}/{returnee_id}/needs", person)
        except CallError as error:
            self._tally.fail(error)

    async def _withdraw_consent(self, url: str) -> None:
        consents: list[dict[str, Any]] = await self._reception.get(url)
        for consent in consents:
            if consent["purpose"] == ConsentPurpose.REFERRAL.value:
                await self._reception.call("POST", f"{url}/{consent['id']}/withdraw", expect=ALREADY)
                self._tally.done["consents withdrawn"] += 1

    async def _withdraw_need(self, url: str, person: str) -> None:
        needs = sorted((await self._reception.get(url))["items"], key=lambda need: str(need["category"]))
        if needs:
            need = dice(self._seed, person, "which need").choice(needs)
            await self._reception.call("POST", f"{url}/{need['id']}/withdraw", expect=ALREADY)
            self._tally.done["needs withdrawn"] += 1
