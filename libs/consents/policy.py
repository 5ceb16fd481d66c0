"""`consents.yaml` of the country pack, as closed models. Registration uses it for packets, referral for offers.

Both services read this one file through this one model, so that an offer and its packet never require different
consents. A service does not start if the file has an error.
"""

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field

from libs.chassis.yaml_files import PackPart, open_yaml
from libs.events.codes import ConsentPurpose, NeedCategory, RecipientClass
from libs.taxonomy.model import Taxonomy
from libs.taxonomy.policies import of_every_category


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
    other_categories: ConsentGate | None = None
    """The same for categories that `by_category` does not name."""
    statistics: ConsentGate
    """Without it a person's needs are not counted in statistics."""

    def gate_of(self, category: NeedCategory) -> ConsentGate | None:
        """The consent for this category. None for one that the taxonomy lacks: then no consent is sufficient."""
        return self.by_category.get(category)

    def opened_by(self, keys: Collection[str]) -> frozenset[NeedCategory]:
        """The categories that consents with these keys open."""
        return frozenset(
            category for category, gate in self.by_category.items() if any(key in keys for key in gate.keys)
        )


def load_consents(directory: Path, taxonomy: Taxonomy) -> ConsentPolicy:
    """The consents of the pack in `directory`, with an entry for each category of its taxonomy.

    Raises FaultyFileError, which names file, line and key.
    """
    file = open_yaml(directory / "consents.yaml")
    policy = file.model(ConsentPolicy)
    gates = of_every_category(
        policy.by_category, policy.other_categories, taxonomy=taxonomy, file=file, key="by_category"
    )
    return policy.model_copy(update={"by_category": gates})
