"""Events of registration and the directory, valid by default: a test states only what matters to it. All invented."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from libs.events.catalogue.directory import (
    Accreditation,
    Agreement,
    CapacityDeclared,
    Eligibility,
    OrganizationPublished,
    PoolDeclared,
    ProviderServicePublished,
)
from libs.events.catalogue.registration import (
    ConsentChanged,
    ConsentGrant,
    HouseholdChanged,
    NeedReported,
    ReturneeRegistered,
)
from libs.events.codes import (
    AgeBand,
    ConsentPurpose,
    IdentityDocumentStatus,
    PublicationStatus,
    RecipientClass,
    Sex,
    Urgency,
)
from tests.categories import CATEGORIES

FAR_AWAY = date(2099, 1, 1)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
SOMEDAY = datetime(2099, 1, 1, tzinfo=UTC)


def organization(organization_id: UUID, **changes: Any) -> OrganizationPublished:
    values: dict[str, Any] = {
        "organization_id": organization_id,
        "version": 1,
        "status": PublicationStatus.ACTIVE,
        "accreditations": [Accreditation(category=one, valid_until=FAR_AWAY) for one in CATEGORIES],
        "agreements": [Agreement(category=one, valid_until=FAR_AWAY) for one in CATEGORIES],
    }
    return OrganizationPublished(**{**values, **changes})


def service(provider_service_id: UUID, organization_id: UUID, **changes: Any) -> ProviderServicePublished:
    eligibility: dict[str, Any] = {
        "minimum_age": None,
        "maximum_age": None,
        "sexes": [],
        "nationalities": [],
        "households": True,
        "unaccompanied_children": False,
        "documents_required": [],
        **changes.pop("eligibility", {}),
    }
    values: dict[str, Any] = {
        "provider_service_id": provider_service_id,
        "organization_id": organization_id,
        "version": 1,
        "status": PublicationStatus.ACTIVE,
        "category": "shelter",
        "service_type": "temporary_shelter",
        "restricted": False,
        "place": "GT01",
        "on_site_at": None,
        "catchment": [],
        "eligibility": Eligibility(**eligibility),
        "languages": ["spa"],
        "language_must_match": False,
        "access": [],
        "openings": [],
        "timezone": "America/Guatemala",
        "accepts_automatically": False,
        "max_stay_hours": None,
    }
    return ProviderServicePublished(**{**values, **changes})


def capacity(
    provider_service_id: UUID,
    organization_id: UUID,
    *,
    pool_id: UUID,
    maximum: int,
    available: int | None = None,
    version: int = 1,
    as_of: datetime = LONG_AGO,
    kind: str = "beds",
    starts_on: date | None = None,
    ends_on: date | None = None,
    besides: Sequence[PoolDeclared] = (),
    accepted_left_out: bool = False,
) -> CapacityDeclared:
    pool = PoolDeclared(
        pool_id=pool_id,
        kind=kind,
        maximum=maximum,
        available=maximum if available is None else available,
        starts_on=starts_on,
        ends_on=ends_on,
    )
    return CapacityDeclared(
        provider_service_id=provider_service_id,
        organization_id=organization_id,
        version=version,
        as_of=as_of,
        pools=[pool, *besides],
        accepted_left_out=accepted_left_out,
    )


def registered(returnee_id: UUID, **changes: Any) -> ReturneeRegistered:
    values: dict[str, Any] = {
        "returnee_id": returnee_id,
        "version": 1,
        "case_code": f"EN-{returnee_id.hex[-8:-4].upper()}-{returnee_id.hex[-4:].upper()}",
        "arrival_batch_id": None,
        "reception_place": "GT01",
        "household_id": None,
        "age_band": AgeBand.FROM_25_TO_34,
        "sex": Sex.MALE,
        "nationality": "GT",
        "identity_document": IdentityDocumentStatus.HELD,
        "documents_held": [],
        "languages": ["spa"],
        "destination": "GT12",
        "access_needs": [],
        "protection_flags": [],
        "avoid_places": [],
        "avoid_organizations": [],
    }
    return ReturneeRegistered(**{**values, **changes})


REFERRAL = (ConsentPurpose.REFERRAL, RecipientClass.PROVIDERS)
EMPLOYERS = (ConsentPurpose.EMPLOYER_SHARING, RecipientClass.EMPLOYERS)
COUNTED = (ConsentPurpose.STATISTICS, RecipientClass.STATISTICS_OFFICE)


def consent(returnee_id: UUID, *, to_providers: bool = True, version: int = 1) -> ConsentChanged:
    """Referral and being counted, or nothing."""
    return allowing(returnee_id, *((REFERRAL, COUNTED) if to_providers else ()), version=version)


def allowing(
    returnee_id: UUID, *grants: tuple[ConsentPurpose, RecipientClass], version: int = 1, until: datetime = SOMEDAY
) -> ConsentChanged:
    """All that this person allows."""
    return ConsentChanged(
        returnee_id=returnee_id,
        version=version,
        grants=[
            ConsentGrant(purpose=purpose, recipient_class=recipient, expires_at=until) for purpose, recipient in grants
        ],
    )


def need(returnee_id: UUID, **changes: Any) -> NeedReported:
    values: dict[str, Any] = {
        "returnee_id": returnee_id,
        "need_id": uuid4(),
        "category": "shelter",
        "urgency": Urgency.URGENT,
        "people_count": 1,
        "household_id": None,
        "arrival_batch_id": None,
        "after_need_id": None,
        "reported_at": datetime.now(UTC) - timedelta(minutes=5),
    }
    return NeedReported(**{**values, **changes})


def household(household_id: UUID, members: list[UUID], **changes: Any) -> HouseholdChanged:
    values: dict[str, Any] = {
        "household_id": household_id,
        "reference_returnee_id": members[0],
        "version": 1,
        "member_ids": members,
        "expected_size": len(members),
        "stay_together": True,
    }
    return HouseholdChanged(**{**values, **changes})
