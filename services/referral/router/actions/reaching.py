"""Finds the services that the needs of a round can reach."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.referral.candidates.facts import Need
from services.referral.candidates.reach import Reach, kind_tokens, tokens_of
from services.referral.candidates.rules import origin
from services.referral.pack.policy import RoutingPolicy
from services.referral.providers import queries as providers
from services.referral.providers.queries import Listed, Views
from services.referral.router import queries
from services.referral.router.queries import Placing


@dataclass(frozen=True, slots=True)
class Near:
    """The needs of a round as the rules use them, and the services that they can reach."""

    needs: Mapping[UUID, Need]
    unreadable: Mapping[UUID, Exception]
    """Needs that cannot be read, each with the error. They must not keep the others from being placed."""
    listed: Sequence[Listed]
    reaches: Mapping[UUID, Reach]
    """By need."""


async def within(session: AsyncSession, policy: RoutingPolicy, known: Views, placing: Placing, *, at: datetime) -> Near:
    """The needs of the round with the services that they can reach. `known` is added to."""
    needs, unreadable = _read(placing, policy, at)
    is_limited = any(policy.rules_of(one.category, one.kind).distance_limit_km is not None for one in needs.values())
    places = await providers.places(session) if is_limited else []
    # Many needs of a flight are alike in what decides about their reach.
    key_of = {need_id: (one.category, one.kind, origin(one, policy)) for need_id, one in needs.items()}
    alike = {key_of[need_id]: one for need_id, one in needs.items()}
    tokens = {key: tokens_of(one, policy, places) for key, one in alike.items()}
    listed = await providers.within(session, known, set().union(*tokens.values()))
    with_token: defaultdict[str, set[UUID]] = defaultdict(set)
    for service in listed:
        for token in service.reach:
            with_token[token].add(service.view.provider_service_id)
    ids = {key: set[UUID]().union(*(with_token.get(one, ()) for one in mine)) for key, mine in tokens.items()}
    kinds = {key: kind_tokens(one, policy.taxonomy) for key, one in alike.items() if not ids[key]}
    elsewhere = await providers.exist(session, {token for mine in kinds.values() for token in mine}) if kinds else set()
    counts = await providers.counts(session, {category for category, _, _ in alike})
    reaches = {
        key: Reach(ids[key], counts.get(key[0], 0), not elsewhere.isdisjoint(kinds.get(key, ()))) for key in alike
    }
    return Near(needs, unreadable, listed, {need_id: reaches[key] for need_id, key in key_of.items()})


def _read(placing: Placing, policy: RoutingPolicy, at: datetime) -> tuple[dict[UUID, Need], dict[UUID, Exception]]:
    needs: dict[UUID, Need] = {}
    unreadable: dict[UUID, Exception] = {}
    for one in placing.referrals:
        try:
            need = placing.needs[one.need_id]
            needs[one.need_id] = queries.as_candidate(placing, need, one, policy.consents, at=at)
        except Exception as error:  # the decider logs it
            unreadable[one.need_id] = error
    return needs, unreadable
