"""Fields of every event about one returnee's journey, and the facts on which an offer was allowed."""

from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from libs.events.codes import CaseCodeIfKnown, NeedCategory, NeedKind, Version
from libs.events.event import Event
from libs.wire.values import Moment

TOPIC = "enlace.referral"


class ReferralEvent(Event):
    """Base of all events about one returnee's journey."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "returnee_id"

    returnee_id: UUID
    """The returnee."""
    case_code: CaseCodeIfKnown
    """The person's case code; empty if the profile has not arrived yet or is erased."""
    need_id: UUID
    """The need that the event is about."""
    category: NeedCategory
    kind: NeedKind | None = None
    """What exactly is needed; None if only the category is known."""
    at: Moment
    """When it happened, by the clock of the installation."""


class OfReferral(ReferralEvent):
    """Base of events about one referral."""

    referral_id: UUID
    """The referral of the need to a provider service."""


class PerhapsAtProvider(OfReferral):
    """Base of events about a referral that a provider may have accepted; then they name the provider, to notify it."""

    offer_id: UUID | None = None
    """The offer that was accepted."""
    organization_id: UUID | None = None
    """The organisation that accepted it."""
    provider_service_id: UUID | None = None
    """The service for which it was accepted."""


class AtProvider(OfReferral):
    """Base of events about a referral at one provider service."""

    offer_id: UUID
    """The offer, under which the provider knows the referral."""
    organization_id: UUID
    """The provider."""
    provider_service_id: UUID
    """The service of the provider."""


class JudgedProfile(BaseModel):
    """One person's routing profile, in the version that referral evaluated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    returnee_id: UUID
    """The person."""
    version: Version
    """The version of the routing profile."""


class JudgedOn(BaseModel):
    """The facts on which rules and interlocks allowed an offer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profiles: list[JudgedProfile]
    """The profiles of all people of the need."""
    household_version: Version | None
    """The version of the person's household, or None without one."""
