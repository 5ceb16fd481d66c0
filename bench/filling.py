"""Fills a database of referral, with set-based SQL, with the rows of several months of work.

These are needs, referrals, offers, clocks, queue entries, reviews and steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

STATUSES: Final = (
    *("completed",) * 5,
    *("not_delivered", "cancelled", "seeking", "offered", "accepted", "in_service", "waitlisted", "awaiting_review"),
    *("blocked", "completed", "completed"),
)


@dataclass(frozen=True)
class Names:
    """To whom the rows belong. Without arguments, to desks and services that no other service knows."""

    desks: Sequence[str] = tuple(f"desk-{nth}" for nth in range(12))
    services: Sequence[tuple[UUID, UUID]] = ()
    """Organisations and their services."""
    open_offers: int | None = None
    """How many offers wait for an answer; None for one in sixteen of all rows."""
    statuses: Sequence[str] = STATUSES
    """What the referrals have become, in turns: sixteen. If all have ended, no clock and no owner is added."""

    @property
    def columns(self) -> dict[str, str]:
        """The expressions for the columns of the temporary table."""
        columns = {
            "desk": _one_of(self.desks, every=24),
            "review_desk": _one_of(self.desks[:4], every=128),
            "open": "true" if self.open_offers is None else f"n <= {16 * self.open_offers}",
            "statuses": ", ".join(f"'{status}'" for status in self.statuses),
            "organization": "md5('o' || n % 20)::uuid",
            "service": "md5('s' || n % 60)::uuid",
        }
        for nth, name in enumerate(("organization", "service")):
            if self.services:
                columns[name] = f"{_one_of([str(pair[nth]) for pair in self.services], every=1)}::uuid"
        return columns


def _one_of(values: Sequence[str], *, every: int) -> str:
    """The SQL expression for one of these values; the next one after `every` rows."""
    quoted = ", ".join(f"'{value}'" for value in values)
    return f"(ARRAY[{quoted}])[1 + (n / {every}) % {len(values)}]"


_WAYS = """
CREATE TEMP TABLE way AS SELECT n, uuidv7(-make_interval(mins => (n % 500000)::int)) AS returnee_id,
    uuidv7() AS need_id, uuidv7() AS referral_id, uuidv7() AS offer_id,
    (ARRAY['shelter', 'food', 'health', 'documents', 'transport', 'employment', 'legal', 'gbv'])[1 + n % 8]
        AS category,
    (ARRAY['emergency', 'urgent', 'normal'])[1 + n % 3] AS urgency, (n % 3)::int AS urgency_rank,
    n % 8 = 7 AS restricted,
    'GT' || lpad((1 + n % 22)::text, 2, '0') AS area,
    (ARRAY[{statuses}])[1 + CASE WHEN (n / 8) % 16 = 8 AND NOT {open} THEN 0 ELSE (n / 8) % 16 END] AS status,
    {desk} AS desk, {review_desk} AS review_desk, {organization} AS organization_id, {service} AS provider_service_id,
    '{at}'::timestamptz - make_interval(secs => n * 7) AS at
FROM generate_series(1, {ways}::bigint) AS n
"""
_OWNED = "CASE WHEN status IN ('seeking', 'awaiting_review', 'not_delivered') THEN desk END"
_NEED_STATUS = """CASE status WHEN 'completed' THEN 'met' WHEN 'cancelled' THEN 'closed' ELSE 'open' END"""
_STATEMENTS = (
    """INSERT INTO journey (returnee_id, case_code, profile, profile_version, consent_version, first_seen_at)
    SELECT returnee_id, 'EN-' || n, jsonb_build_object('destination', area), 1, 1, at FROM way""",
    f"""INSERT INTO need (need_id, returnee_id, arrival_batch_id, category, urgency, people_count, restricted, status,
        reported_at, ended_at, end_reason, owner, owner_reason, owned_since, owner_due_at, area, counted_until)
    SELECT need_id, returnee_id, md5((n / 300)::text)::uuid, category, urgency, 1, restricted, {_NEED_STATUS}, at,
        CASE WHEN status IN ('completed', 'cancelled') THEN at END,
        CASE status WHEN 'cancelled' THEN 'no_help_exists' END, {_OWNED},
        CASE WHEN {_OWNED} IS NOT NULL THEN
            (ARRAY['routing_overdue', 'review_required', 'no_candidate', 'report_overdue'])[1 + (n / 7) % 4] END,
        CASE WHEN {_OWNED} IS NOT NULL THEN at END,
        CASE WHEN {_OWNED} IS NOT NULL THEN $1::timestamptz + make_interval(secs => n % 90000) END, area,
        CASE WHEN n % 5 > 0 THEN $1::timestamptz + interval '1 year' END
    FROM way""",  # noqa: S608 (constants)
    """INSERT INTO referral (referral_id, need_id, returnee_id, category, urgency, urgency_rank, people_count,
        restricted, status, waiting_since, tried_supply, missed_count, offer_id,
        opened_at, ended_at)
    SELECT referral_id, need_id, returnee_id, category, urgency, urgency_rank, 1, restricted, status, at, -1, 0,
        CASE WHEN status IN ('completed', 'offered', 'accepted', 'in_service') THEN offer_id END, at,
        CASE WHEN status IN ('completed', 'cancelled', 'not_delivered') THEN at END
    FROM way""",
    """INSERT INTO offer (offer_id, referral_id, need_id, returnee_id, organization_id, provider_service_id, pool_id,
        case_code, category, service_type, urgency, people_count, restricted, status, made_at, answer_by, ended_at,
        explanation)
    SELECT offer_id, referral_id, need_id, returnee_id, organization_id, provider_service_id,
        md5('p' || n % 60)::uuid, 'EN-' || n, category, 'any', urgency, 1, restricted,
        CASE status WHEN 'offered' THEN 'pending' WHEN 'cancelled' THEN 'declined' ELSE 'accepted' END, at,
        at + interval '1 hour', CASE WHEN status <> 'offered' THEN at + interval '5 minutes' END,
        '{"policy": "x", "ranked": [], "excluded": []}'
    FROM way WHERE status IN ('completed', 'offered', 'accepted', 'in_service', 'cancelled')""",
    """INSERT INTO timer (subject_id, kind, nth, returnee_id, due_at)
    SELECT CASE status WHEN 'offered' THEN offer_id ELSE referral_id END,
        CASE status WHEN 'offered' THEN 'offer_expiry' WHEN 'accepted' THEN 'start_deadline'
            WHEN 'in_service' THEN 'report_deadline' ELSE 'waitlist_deadline' END, 0, returnee_id,
        $1::timestamptz + make_interval(secs => n % 100000)
    FROM way WHERE status IN ('offered', 'accepted', 'in_service', 'waitlisted')""",
    """INSERT INTO timer (subject_id, kind, nth, returnee_id, due_at)
    SELECT need_id, 'owner_silence', 0, need.returnee_id, owner_due_at FROM need JOIN way USING (need_id)
    WHERE owner IS NOT NULL""",
    """INSERT INTO waitlist_entry (referral_id, need_id, returnee_id, category, urgency_rank, people_count, restricted,
        waiting_since, queued_at, provider_service_ids, pool_ids, pool_places)
    SELECT referral_id, need_id, returnee_id, category, urgency_rank, 1, restricted, at, at, '{}',
        ARRAY[md5('p' || n % 60)::uuid], '{1}'
    FROM way WHERE status = 'waitlisted'""",
    """INSERT INTO review (review_id, referral_id, need_id, returnee_id, category, restricted, reason, desk, status,
        requested_at, decided_at)
    SELECT uuidv7(), referral_id, need_id, returnee_id, category, restricted, 'policy', review_desk,
        CASE status WHEN 'awaiting_review' THEN 'pending' WHEN 'cancelled' THEN 'rejected' ELSE 'approved' END, at,
        CASE WHEN status <> 'awaiting_review' THEN at END
    FROM way WHERE status IN ('awaiting_review', 'cancelled', 'in_service')""",
    """INSERT INTO step (at, returnee_id, need_id, referral_id, offer_id, step, led_to, actor)
    SELECT at, returnee_id, need_id, CASE WHEN nth > 1 THEN referral_id END, CASE WHEN nth > 3 THEN offer_id END,
        (ARRAY['need.report', 'referral.open', 'referral.offer', 'offer.make', 'offer.accept'])[nth], 'open',
        CASE WHEN nth = 5 THEN 'partner' ELSE 'router' END
    FROM way CROSS JOIN generate_series(1, 5) AS nth""",
)


# Indexes that are not unique are dropped and created again when the tables are full, because this is much faster.
_INDEXES = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
WHERE NOT indisunique AND indrelid = ANY(
    '{journey, need, referral, offer, timer, waitlist_entry, review, step}'::regclass[])
"""


async def fill(url: str, ways: int, *, at: datetime, names: Names = Names()) -> None:
    """Add this many needs, each with its own returnee and one referral; then VACUUM ANALYZE, as autovacuum would."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT set_config('synchronous_commit', 'off', false)")
        await connection.execute(_WAYS.format(ways=int(ways), at=at.isoformat(), **names.columns), timeout=1800)
        indexes = await connection.fetch(_INDEXES)
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        for statement in _STATEMENTS:
            values = [at] if "$1" in statement else []
            await connection.execute(statement, *values, timeout=1800)
        for index in indexes:
            await connection.execute(index["definition"], timeout=1800)
        await connection.execute("DROP TABLE way")
        await connection.execute("VACUUM ANALYZE", timeout=1800)
    finally:
        await connection.close()
