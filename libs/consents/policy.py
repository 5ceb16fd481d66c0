"""`consents.yaml` of the country pack, as closed models. Registration uses it for packets, referral for offers.

Both services read this one file through this one model, so that an offer and its packet never require different
consents. A service does not start if the file has an error.
"""

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from libs.chassis.yaml_files import PackPart, read_model
from libs.events.codes import ConsentPurpose, NeedCategory, RecipientClass


def consent_key(purpose: ConsentPurpose, recipient_class: RecipientClass) -> str:
    """The name of one purpose and recipient class, such as `referral:providers`."""
    return f"{purpose}:{recipient_class}"


class ConsentGate(PackPart):
    """A condition on consents. A consent meets it if it has this purpose and one of these recipient classes."""

    purpose: ConsentPurpose
    recipient_classes: Annotated[tuple[RecipientClass, ...], Field(min_length=1)]

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys (`consent_key`) of the consents that open the gate; one valid consent is enough."""
        return tuple(consent_key(self.purpose, one) for one in self.recipient_classes)


class ConsentPolicy(PackPart):
    """The consent for each category of need, and the consent for statistics."""

    version: str
    by_category: dict[NeedCategory, ConsentGate]
    """The consent for the provider's packet, and for the offer too if the category is not basic."""
    statistics: ConsentGate
    """Without it a person's needs are not counted in statistics."""

    def opened_by(self, keys: Collection[str]) -> frozenset[NeedCategory]:
        """The categories that consents with these keys open."""
        return frozenset(
            category for category, gate in self.by_category.items() if any(key in keys for key in gate.keys)
        )

    @model_validator(mode="after")
    def _every_category(self) -> Self:
        missing = set(NeedCategory) - set(self.by_category)
        if missing:
            raise ValueError(f"by_category lacks {sorted(missing)}")
        return self


def load_consents(directory: Path) -> ConsentPolicy:
    """The consents of the pack in `directory`. Raises FaultyFileError, which names file, line and key."""
    return read_model(ConsentPolicy, directory / "consents.yaml")
