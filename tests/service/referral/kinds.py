"""Kinds of need in the tests of referral, with the taxonomy of Guatemala."""

from datetime import UTC, datetime
from pathlib import Path

from libs.events.catalogue.directory import CoveredDetail, OfferedKind
from libs.events.detail_values import ToldDetail
from libs.taxonomy.model import load_taxonomy
from tests.service.referral.world import World

TAXONOMY = load_taxonomy(Path(__file__).parents[3] / "deploy" / "packs" / "guatemala")
HEALTH, DOCUMENTS, EMPLOYMENT, LEGAL = "health", "documents", "employment", "legal"
CARD = {"category": DOCUMENTS, "kind": "identity_document"}


def gives(*kinds: str, **scopes: dict[str, list[str]]) -> list[OfferedKind]:
    """The kinds of a service, some with a scope."""
    return [
        OfferedKind(
            kind=kind,
            scope=[CoveredDetail(detail=detail, values=values) for detail, values in scopes.get(kind, {}).items()],
        )
        for kind in (*kinds, *(kind for kind in scopes if kind not in kinds))
    ]


def symptoms(group: str) -> list[ToldDetail]:
    return [ToldDetail(detail="symptom_group", value=group)]


async def asked(world: World, returnee) -> object | None:
    """The service that is asked for the person, or None."""
    row = await world.rows(
        "SELECT provider_service_id FROM offer WHERE returnee_id = $1 AND status = 'pending'", returnee
    )
    return row[0]["provider_service_id"] if row else None


async def refine(world: World, event, **changes) -> None:
    await world.hear(event.model_copy(update={"reported_at": datetime.now(UTC) + world.clock.passed, **changes}))


async def served(world: World, provider, returnee, **body):
    """Accept, start and complete the person's offer; the answer to the completion."""
    offer, partner = await world.offer_of(returnee), world.partner(provider)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=partner)
    await world.step(f"referrals/{offer['referral_id']}/start", headers=partner)
    return await world.step(f"referrals/{offer['referral_id']}/complete", body, headers=partner)
