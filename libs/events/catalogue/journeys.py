"""What every event about one returnee's journey says, and on which facts an offer was let stand."""

from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from libs.events.codes import CaseCodeIfKnown, NeedCategory, Version
from libs.events.event import Event
from libs.wire.values import Moment

TOPIC = "enlace.referral"


class ReferralEvent(Event):
    """Base of all events about one returnee's journey."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "returnee_id"

    returnee_id: UUID
    """Whose journey it is."""
    case_code: CaseCodeIfKnown
    """What the person is called outside registration; empty if the profile has not come yet or is erased."""
    need_id: UUID
    """The need that it is about."""
    category: NeedCategory
    at: Moment
    """When it happened, on the installation's clock."""


class OfReferral(ReferralEvent):
    """Base of events about one referral."""

    referral_id: UUID
    """One need on its way to a provider service."""


class PerhapsAtProvider(OfReferral):
    """Base of events about a referral that a provider may have accepted; if so it is named, since it must be told."""

    offer_id: UUID | None = None
    """The offer that was accepted."""
    organization_id: UUID | None = None
    """Who accepted it."""
    provider_service_id: UUID | None = None
    """For which of its services."""


class AtProvider(OfReferral):
    """Base of events about a referral at one provider service."""

    offer_id: UUID
    """The offer, under which the provider knows the referral."""
    organization_id: UUID
    """The provider."""
    provider_service_id: UUID
    """Which of its services."""


class JudgedProfile(BaseModel):
    """One person's routing profile, as referral knew it when it judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    returnee_id: UUID
    """The person."""
    version: Version
    """The version of the routing profile."""


class JudgedOn(BaseModel):
    """On which facts the rules and interlocks let an offer stand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profiles: list[JudgedProfile]
    """Of everybody whom the need is for."""
    household_version: Version | None
    """Of the person's household, or None without one."""
