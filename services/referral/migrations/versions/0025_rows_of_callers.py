"""Row-level security: staff see everything except restricted rows, an organisation sees what was offered to it
(decision 0068)."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import ORGANIZATION, RESTRICTED, SERVICE, STAFF, behind_walls, no_wall, wall

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

NOBODY = "false"
SHOWN = f"(NOT restricted OR {RESTRICTED})"
OURS = f"organization_id = {ORGANIZATION}"
# A row that belongs to a row of another table is visible if that other row is: the policy of the other table decides.
SEEN = {
    "offer": f"{SHOWN} AND ({STAFF} OR {OURS})",
    "journey": f"{STAFF} OR EXISTS (SELECT FROM offer WHERE offer.returnee_id = journey.returnee_id)",
    "need": f"{STAFF} AND {SHOWN}",
    # After its acceptance. Before that, an organisation sees only its offer.
    "referral": f"{SHOWN} AND ({STAFF} OR EXISTS (SELECT FROM offer WHERE offer.offer_id = referral.offer_id"
    " AND offer.status = 'accepted'))",
    "step": f"({STAFF} AND EXISTS (SELECT FROM need WHERE need.need_id = step.need_id))"
    " OR EXISTS (SELECT FROM offer WHERE offer.offer_id = step.offer_id)"
    " OR (step.offer_id IS NULL AND EXISTS (SELECT FROM offer WHERE offer.referral_id = step.referral_id"
    " AND offer.status = 'accepted'))",
    "stay": f"{SHOWN} AND ({STAFF} OR {OURS})",
    "review": f"{STAFF} AND {SHOWN}",
    "search_attempt": f"{STAFF} AND EXISTS (SELECT FROM referral WHERE referral.referral_id = search_attempt.referral_id)",
    "timer": STAFF,
    "note": NOBODY,
    "household": STAFF,
    "arrival_batch": STAFF,
    "waitlist_entry": f"{SHOWN} AND ({STAFF} OR provider_service_ids &&"
    f" ARRAY(SELECT provider_service_id FROM provider_service WHERE {OURS}))",
    "kept_pool": "EXISTS (SELECT FROM waitlist_entry WHERE waitlist_entry.referral_id = kept_pool.referral_id)",
    "provider_service": f"({STAFF} OR {OURS}) AND (coalesce(view->>'restricted', 'false') = 'false' OR {RESTRICTED})",
    "provider_organization": f"{STAFF} OR {OURS}",
    "capacity": f"{STAFF} OR {OURS}",
    "pool": "EXISTS (SELECT FROM provider_service"
    " WHERE provider_service.provider_service_id = pool.provider_service_id)",
    "place_hold": "EXISTS (SELECT FROM offer WHERE offer.offer_id = place_hold.offer_id)",
    "absence": STAFF,
    "hand_over": f"{STAFF} AND {SHOWN}",
    "bulk_answer": OURS,
    "access_entry": f"{STAFF} AND {SHOWN}",
    "access_seal": NOBODY,
    "conflict_of_interest": NOBODY,
    "exclusion": NOBODY,
    "no_longer_offered": NOBODY,
    "republished": NOBODY,
    "journey_to_judge": NOBODY,
}
# All other rows are written by steps, which run with the rights of the service.
WRITTEN = {"absence": STAFF, "bulk_answer": OURS}
# An existing call belongs to the organisation of the offers that it answered. If it answered none, a repeated call
# gets a response without results.
CALLED_BY = """
ALTER TABLE bulk_answer ADD COLUMN organization_id uuid;
UPDATE bulk_answer SET organization_id = of.organization_id
FROM (SELECT DISTINCT ON (call_id) call_id, offer.organization_id FROM bulk_answer AS taken JOIN offer USING (offer_id)
      WHERE problem IS NULL) AS of
WHERE of.call_id = bulk_answer.call_id
"""

# Functions for the entries that wait for pools and for the accesses to a person's data. They use the indexes on
# arrays.
WAITING_FOR = behind_walls(
    "waiting_for(pools uuid[])",
    "TABLE (referral_id uuid, urgency_rank integer, waiting_since timestamptz, pool_ids uuid[], pool_places integer[])",
    "SELECT referral_id, urgency_rank, waiting_since, pool_ids, pool_places FROM waitlist_entry"
    f" WHERE pool_ids && pools AND {SERVICE}",
)
ACCESSES_OF = behind_walls(
    "accesses_of(person uuid)",
    "TABLE (id bigint, restricted boolean)",
    f"SELECT id, restricted FROM access_entry WHERE returnee_ids @> ARRAY[person] AND {SERVICE}",
)


def upgrade() -> None:
    """Every table with rows about people or of organisations gets policies."""
    run_script(op, CALLED_BY)
    for table, seen in SEEN.items():
        run_script(op, wall(table, seen, WRITTEN.get(table, NOBODY)))
    run_script(op, WAITING_FOR)
    run_script(op, ACCESSES_OF)


def downgrade() -> None:
    """Remove the policies."""
    for table in SEEN:
        run_script(op, no_wall(table))
    run_script(op, "DROP FUNCTION waiting_for; DROP FUNCTION accesses_of")
    op.execute("ALTER TABLE bulk_answer DROP COLUMN organization_id")
