"""The partners' record of people who are at their services. It is kept between runs, so that a later run can complete
these referrals."""

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
    """Accepted referrals of all organisations. Each partner writes and reads only those of its own services."""

    stays: dict[str, Stay] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)
    """The ids of the last run's people; the next run may take them out of the queues."""

    def begun(self, referral_id: str) -> None:
        """Record that the service has begun."""
        stay = self.stays.get(referral_id)
        if stay is not None:
            self.stays[referral_id] = Stay(stay.provider_service_id, stay.people_count, is_started=True)

    def at(self, provider_service_id: str) -> dict[str, Stay]:
        """The accepted referrals at this service, the oldest first."""
        return {key: stay for key, stay in self.stays.items() if stay.provider_service_id == provider_service_id}

    @classmethod
    def load(cls, state: Path) -> "Notebook":
        """The record of the last run; empty if there is no file or the file is not readable."""
        try:
            read: Mapping[str, Any] = json.loads((state / FILE).read_text(encoding="utf-8"))
            return cls({key: Stay(**stay) for key, stay in read["stays"].items()}, [*read["people"]])
        except (OSError, ValueError, TypeError, AttributeError, KeyError):
            return cls()

    def save(self, state: Path) -> None:
        """Write the record for the next run."""
        stays = {key: asdict(stay) for key, stay in self.stays.items()}
        (state / FILE).write_text(json.dumps({"stays": stays, "people": self.people}), encoding="utf-8")
