"""Finds the services that the needs of a round can reach."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
    """The services that the needs of a round can reach."""

    listed: Sequence[Listed]
    reaches: Mapping[UUID, Reach]
    """By need."""


async def within(session: AsyncSession, policy: RoutingPolicy, known: Views, placing: Placing, *, at: datetime) -> Near:
    """The services for these needs. `known` is added to."""
    needs = _needs(placing, policy, at)
    is_limited = any(policy.rules_of(one.category, one.kind).distance_limit_km is not None for one in needs)
    places = await providers.places(session) if is_limited else []
    # Many needs of a flight are alike in what decides about their reach.
    alike = {(one.category, one.kind, origin(one, policy)): one for one in needs}
    tokens = {key: tokens_of(one, policy, places) for key, one in alike.items()}
    listed = await providers.within(session, known, set().union(*tokens.values()))
    with_token: defaultdict[str, set[UUID]] = defaultdict(set)
    for service in listed:
        for token in service.reach:
            with_token[token].add(service.view.provider_service_id)
    ids = {key: set[UUID]().union(*(with_token.get(one, ()) for one in mine)) for key, mine in tokens.items()}
    kinds = {key: kind_tokens(one, policy.taxonomy) for key, one in alike.items() if not ids[key]}
    elsewhere = await providers.exist(session, {token for mine in kinds.values() for token in mine}) if kinds else set()
    counts = await providers.counts(session, {one.category for one in needs})
    reaches = {
        key: Reach(ids[key], counts.get(key[0], 0), not elsewhere.isdisjoint(kinds.get(key, ()))) for key in alike
    }
    return Near(listed, {one.need_id: reaches[one.category, one.kind, origin(one, policy)] for one in needs})


def _needs(placing: Placing, policy: RoutingPolicy, at: datetime) -> list[Need]:
    """The needs as the rules use them. One that cannot be read is left out; the decider reports it."""
    found = []
    for one in placing.referrals:
        with suppress(Exception):
            found.append(queries.as_candidate(placing, placing.needs[one.need_id], one, policy.consents, at=at))
    return found
