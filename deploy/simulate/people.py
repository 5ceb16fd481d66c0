"""Whom the simulation knows: which case code stands for which person of the plan, so that dice fall the same again."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.demo.needs import Told

INTRODUCED_WITHIN_SECONDS: Final = 60.0
"""Real seconds in which an intake desk has its answer, which tells the case code."""


@dataclass
class People:
    """Person references by case code. An offer may be told before the intake desk has read its answer."""

    references: dict[str, str] = field(default_factory=dict)

    def met(self, reference: str, told: Told, view: dict[str, Any]) -> str:
        """Registration has given this person a case code; returns the person's reference."""
        person = f"{reference}/{told.person.number}"
        self.references[view["case_code"]] = person
        return person

    async def known(self, case_code: str) -> str:
        """The person's reference; raises TimeoutError for a code that nobody's intake told."""
        async with asyncio.timeout(INTRODUCED_WITHIN_SECONDS):
            while case_code not in self.references:  # noqa: ASYNC110 - thousands wait, each for a moment
                await asyncio.sleep(0.05)
        return self.references[case_code]
