"""What the partners wrote down of the people who are with them, kept between runs so that they can leave one day."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "demo-notebook.json"


@dataclass(frozen=True, slots=True)
class Stay:
    """One accepted referral that is not completed yet."""

    provider_service_id: str
    people_count: int
    is_started: bool


@dataclass
class Notebook:
    """Stays by referral id, of all organisations: each partner writes and reads its own services only."""

    stays: dict[str, Stay] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)
    """Ids of the people of the last run, so that the next one knows whom it may take out of the queues."""

    def begun(self, referral_id: str) -> None:
        """Note that the service has begun."""
        stay = self.stays.get(referral_id)
        if stay is not None:
            self.stays[referral_id] = Stay(stay.provider_service_id, stay.people_count, is_started=True)

    def at(self, provider_service_id: str) -> dict[str, Stay]:
        """Who is at this service, the longest first."""
        return {key: stay for key, stay in self.stays.items() if stay.provider_service_id == provider_service_id}

    @classmethod
    def load(cls, state: Path) -> "Notebook":
        """What the last run wrote; empty where there is nothing or nothing readable."""
        try:
            read: Mapping[str, Any] = json.loads((state / FILE).read_text(encoding="utf-8"))
            return cls({key: Stay(**stay) for key, stay in read["stays"].items()}, [*read["people"]])
        except (OSError, ValueError, TypeError, AttributeError, KeyError):
            return cls()

    def save(self, state: Path) -> None:
        """Keep it for the next run."""
        stays = {key: asdict(stay) for key, stay in self.stays.items()}
        (state / FILE).write_text(json.dumps({"stays": stays, "people": self.people}), encoding="utf-8")
