"""Connects case codes with the people of the plan, so that each person is treated in the same way in every run."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.demo.needs import Told

INTRODUCED_WITHIN_SECONDS: Final = 60.0
"""The real seconds within which an intake desk gets its answer, which contains the case code."""


@dataclass
class People:
    """Person references by case code. An offer can arrive before the intake desk has read its answer."""

    references: dict[str, str] = field(default_factory=dict)

    def met(self, reference: str, told: Told, view: dict[str, Any]) -> str:
        """Store the case code that registration has assigned to this person; returns the person's reference."""
        person = f"{reference}/{told.person.number}"
        self.references[view["case_code"]] = person
        return person

    async def known(self, case_code: str) -> str:
        """The person's reference. Raises TimeoutError if no intake has got this case code in time."""
        async with asyncio.timeout(INTRODUCED_WITHIN_SECONDS):
            while case_code not in self.references:  # noqa: ASYNC110 - thousands wait, each for a moment
                await asyncio.sleep(0.05)
        return self.references[case_code]
