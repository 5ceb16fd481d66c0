"""`consents.yaml` of the country pack, as closed models. Registration uses it for packets, referral for offers.

Both services read this one file through this one model, so that an offer and its packet never require different
consents. A service does not start if the file has an error.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated
from uuid import UUID

from pydantic import Field

from libs.chassis.yaml_files import PackPart, open_yaml
from libs.events.codes import ConsentPurpose, NeedCategory, RecipientClass
from libs.taxonomy.model import Taxonomy
from libs.taxonomy.policies import of_every_category


def consent_key(purpose: ConsentPurpose, recipient_class: RecipientClass) -> str:
    """The name of one purpose and recipient class, such as `referral:providers`."""
    return f"{purpose}:{recipient_class}"


def named_prefix(purpose: ConsentPurpose) -> str:
    """How the keys of `organization_key` with this purpose begin; the id of the organisation follows."""
    return f"{purpose}:organization:"


def organization_key(purpose: ConsentPurpose, organization_id: UUID) -> str:
    """The name of one purpose and one named organisation, such as `referral:organization:<its id>`."""
    return f"{named_prefix(purpose)}{organization_id}"


def organization_named(purpose: ConsentPurpose, key: str) -> UUID | None:
    """The organisation in a key of `organization_key` with this purpose; None for every other key."""
    prefix = named_prefix(purpose)
    return UUID(key.removeprefix(prefix)) if key.startswith(prefix) else None


class ConsentGate(PackPart):
    """A condition on consents. A consent meets it if it has this purpose and one of these recipient classes, or if it
    has this purpose and names the organisation."""

    purpose: ConsentPurpose
    recipient_classes: Annotated[tuple[RecipientClass, ...], Field(min_length=1)]

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys (`consent_key`) of the consents that open the gate; one valid consent is enough."""
        return tuple(consent_key(self.purpose, one) for one in self.recipient_classes)

    def keys_for(self, organization_id: UUID) -> tuple[str, ...]:
        """The keys of the consents that open the gate for this organisation: those of its classes, and its own."""
        return (*self.keys, organization_key(self.purpose, organization_id))


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

    @cached_property
    def purposes_of_offers(self) -> frozenset[ConsentPurpose]:
        """The purposes for which an organisation gets data after an offer. Only for these can a consent name one: for
        all others nobody asks which organisation it is."""
        return frozenset(gate.purpose for gate in self.by_category.values())

    def opened_by(self, keys: Collection[str]) -> frozenset[NeedCategory]:
        """The categories that consents with these keys open for every organisation of a recipient class."""
        return frozenset(
            category for category, gate in self.by_category.items() if any(key in keys for key in gate.keys)
        )

    def opened_for(self, purposes: Collection[ConsentPurpose]) -> frozenset[NeedCategory]:
        """The categories that consents with these purposes open for the organisation that they name."""
        return frozenset(category for category, gate in self.by_category.items() if gate.purpose in purposes)


@dataclass(frozen=True, slots=True)
class Opened:
    """The categories whose packets a person allows."""

    to_classes: frozenset[NeedCategory] = frozenset()
    """To every organisation of a recipient class."""
    to_named: Mapping[UUID, frozenset[NeedCategory]] = field(default_factory=dict)
    """To an organisation because a consent names it."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Categories whose packets are not allowed any more."""

    categories: frozenset[NeedCategory]
    organization_id: UUID | None = None
    """To this organisation only; None: to all except `kept`."""
    kept: tuple[tuple[UUID, NeedCategory], ...] = ()

    def closes(self, category: NeedCategory, organization_id: UUID | None) -> bool:
        """Whether the packets of this category are among them at this organisation."""
        here = self.organization_id in (None, organization_id)
        return here and category in self.categories and (organization_id, category) not in self.kept


def lost_between(before: Opened, after: Opened) -> list[Lost]:
    """What a change of consents closes: for a consent to a class, at all organisations that no other consent names; for
    one that names an organisation, at this organisation only."""
    of_classes = before.to_classes - after.to_classes
    kept = tuple((one, category) for one, categories in after.to_named.items() for category in sorted(categories))
    lost = [Lost(of_classes, kept=kept)] if of_classes else []
    for organization_id, categories in before.to_named.items():
        still = after.to_classes | after.to_named.get(organization_id, frozenset()) | of_classes
        if categories - still:
            lost.append(Lost(categories - still, organization_id))
    return lost


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
