"""Facts for the router's rules, valid by default: a test states only what matters to it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from libs.consents.policy import load_consents
from libs.events.catalogue.directory import (
    Accreditation,
    Agreement,
    Eligibility,
    OrganizationPublished,
    ProviderServicePublished,
)
from libs.events.codes import AgeBand, NeedCategory, PublicationStatus, Sex, Urgency
from libs.events.people_codes import ClientKind
from libs.taxonomy.model import Taxonomy
from services.referral.candidates.facts import Need, Person, Pool, Service
from services.referral.journeys.facts import Offer, Referral, Stay
from services.referral.pack.clocks import OfferClock, OwnerClock, Wait
from services.referral.pack.mechanism import Mechanism
from services.referral.pack.policy import CategoryPolicy, RoutingPolicy
from services.referral.pack.routing import Place, Rounds, Search, Weights
from services.referral.pack.stays import StayPolicy
from tests.categories import CATEGORIES, GUATEMALA, TAXONOMY

NOW = datetime(2026, 3, 4, 18, 0, tzinfo=UTC)  # a Wednesday, noon in Guatemala
HOUR = 3600.0
ABSENCE = {"ahead": timedelta(days=732), "back": timedelta(days=31)}
STAYS: dict[str, object] = {
    "alarms_before_end": [48 * HOUR, 24 * HOUR, 12 * HOUR],
    "owned_from_alarm": 2,
    "extension_max": 48 * HOUR,
    "leaving_within": 24 * HOUR,
    "of_type": {"child_shelter": {"maximum": 72 * HOUR, "extension_max": 0}},
}
CONSENTS = load_consents(GUATEMALA, TAXONOMY)
DOCUMENTS = ["identity_card", "passport", "birth_certificate", "driving_licence", "school_certificate"]
RESTRICTED = {"anti_trafficking", "gbv"}


def a_policy(**changes: object) -> RoutingPolicy:
    """A policy in which every category is alike but for the restricted ones; `categories` overrides by category."""
    overrides = {category: dict(values) for category, values in changes.pop("categories", {}).items()}
    basic = {category: overrides.get(category, {}).pop("basic", True) for category in CATEGORIES}
    categories = {category: _category(category, **overrides.get(category, {})) for category in CATEGORIES}
    weights = dict.fromkeys(Weights.model_fields, 1.0)
    values: dict[str, object] = {
        "country": "GT",
        "version": "test-1",
        "steward_desk": "steward",
        "small_cells_below": 3,
        "child_desk": "child-desk",
        "absences": {"starts_at": ABSENCE, "ends_at": ABSENCE},
        "categories": categories,
        "certificates": {one: "protected_cases" for one, rules in categories.items() if rules.restricted},
        "taxonomy": _taxonomy(basic),
        "consents": CONSENTS,
        "mechanism": _mechanism(categories),
        "timezone": "America/Guatemala",
        "stays": StayPolicy(**STAYS),
        "weights": Weights(**weights),
        "rounds": Rounds(batch_timeout=600, household_timeout=600),
        "search": Search(attempts=3, every=3600),
        "completion_facts": {},
        "places": {
            "GT01": Place(name="Guatemala", latitude=14.6, longitude=-90.5),
            "GT12": Place(name="San Marcos", latitude=14.96, longitude=-91.8),
            "GT13": Place(name="Huehuetenango", latitude=15.3, longitude=-91.5),
        },
    }
    return RoutingPolicy(**{**values, **changes})


def _mechanism(categories: Mapping[NeedCategory, CategoryPolicy]) -> Mechanism:
    """Six stages, each with the categories that the policy puts there and their lead desks."""
    stages = []
    for number in range(1, 7):
        mine = [category for category, policy in categories.items() if policy.stage == number]
        leads = sorted({categories[one].lead_desk for one in mine}) or ["lead"]
        stages.append({"stage": number, "name": f"Stage {number}", "services": [], "categories": mine, "leads": [
            {"organization": "ministry", "desk": desk, "co_leads": []} for desk in leads]})  # fmt: skip
    charts = {kind: list(range(1, 7)) for kind in ClientKind}
    return Mechanism(sample=True, country="GT", stages=stages, flow_charts=charts, other_categories=1)


def _taxonomy(basic: Mapping[NeedCategory, bool]) -> Taxonomy:
    """Each category with one kind of the same name, and the facts of completions. Documents yield every document."""
    words = {"label": {"en": "Sample"}, "definition": {"en": "A sample."}}
    return Taxonomy.model_validate(
        {
            "country": "GT",
            "version": "test-1",
            "languages": ["en"],
            "documents": {document: {"en": "Sample"} for document in DOCUMENTS},
            "details": {},
            "facts": {
                "document_issued": {"label": {"en": "Issued"}, "form": "yes_no", "met_by": [True]},
                "certificate_awarded": {"label": {"en": "Awarded"}, "form": "yes_no", "met_by": [True]},
                "nights_stayed": {"label": {"en": "Nights"}, "form": "number", "at_most": 366, "met_by": [1]},
            },
            "categories": {
                category: {
                    **words,
                    "dimension": "social",
                    "basic": basic[category],
                    "whole_household": category == "shelter",
                }
                for category in basic
            },
            "kinds": {
                category: {
                    **words,
                    "category": category,
                    "unit": "item",
                    "yields": DOCUMENTS if category == "documents" else [],
                }
                for category in basic
            },
        }
    )


def _category(category: NeedCategory, **changes: object) -> CategoryPolicy:
    clock = OfferClock(answer_within=3600, remind_after=[1800])
    values: dict[str, object] = {
        "stage": 2,
        "restricted": category in RESTRICTED,
        "lead_desk": "lead",
        "distance_from": "reception",
        "clocks": dict.fromkeys(Urgency, clock),
        "route_within": dict.fromkeys(Urgency, 7200),
        "start_clocks": dict.fromkeys(Urgency, Wait(within=86400, remind_after=[43200])),
        "report_clocks": dict.fromkeys(Urgency, Wait(within=86400, remind_after=[43200])),
        "waitlist_within": dict.fromkeys(Urgency, 86400),
        "owner_clocks": dict.fromkeys(Urgency, OwnerClock(see_within=3600, act_within=7200)),
    }
    return CategoryPolicy(**{**values, **changes})


def a_person(**changes: object) -> Person:
    values: dict[str, object] = {"age_band": AgeBand.FROM_25_TO_34, "sex": Sex.MALE, "nationality": "GT"}
    return Person(**{**values, **changes})


def a_need(**changes: object) -> Need:
    values: dict[str, object] = {
        "need_id": uuid4(),
        "category": "shelter",
        "urgency": Urgency.URGENT,
        "people": (a_person(),),
        "reported_at": NOW,
        "reception_place": "GT01",
        "destination": "GT12",
    }
    values.update(changes)
    values.setdefault("people_count", len(values["people"]))
    return Need(**values)


def an_organization(organization_id: UUID | None = None, **changes: object) -> OrganizationPublished:
    until = date(2027, 1, 1)
    values: dict[str, object] = {
        "organization_id": organization_id or uuid4(),
        "version": 1,
        "status": PublicationStatus.ACTIVE,
        "accreditations": [Accreditation(category=category, valid_until=until) for category in CATEGORIES],
        "agreements": [Agreement(category=category, valid_until=until) for category in CATEGORIES],
    }
    return OrganizationPublished(**{**values, **changes})


def a_pool(**changes: object) -> Pool:
    values: dict[str, object] = {"pool_id": uuid4(), "kind": "beds", "maximum": 10, "free": 10, "as_of": NOW}
    return Pool(**{**values, **changes})


def a_service(
    *, pools: list[Pool] | None = None, organization: OrganizationPublished | None = None, **changes: object
) -> Service:
    """A service open to everybody; `eligibility` may name single fields of it."""
    organization = organization or an_organization()
    eligibility: dict[str, object] = {
        "minimum_age": None,
        "maximum_age": None,
        "sexes": [],
        "nationalities": [],
        "households": True,
        "unaccompanied_children": False,
        "documents_required": [],
    }
    eligibility.update(changes.pop("eligibility", {}))
    record = {name: changes.pop(name) for name in ("offers_answered", "offers_made", "offers_open") if name in changes}
    values: dict[str, object] = {
        "provider_service_id": uuid4(),
        "organization_id": organization.organization_id,
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
    view = ProviderServicePublished(**{**values, **changes})
    return Service(view=view, organization=organization, pools=[a_pool()] if pools is None else pools, **record)


def a_stay(referral: Referral, offer: Offer, **changes: object) -> Stay:
    """The stay of this referral with the service of this offer: 72 hours from NOW on."""
    values: dict[str, object] = {
        **{name: getattr(referral, name) for name in ("referral_id", "need_id", "returnee_id", "category")},
        **{name: getattr(offer, name) for name in ("offer_id", "organization_id", "provider_service_id")},
        "service_type": offer.service_type,
        "people_count": referral.people_count,
        "restricted": referral.restricted,
        "started_at": NOW,
        "ends_at": NOW + timedelta(hours=72),
        "leaves_at": NOW + timedelta(hours=72),
    }
    return Stay(**{**values, **changes})
