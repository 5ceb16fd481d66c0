"""Conflicts of interest, services no longer offered, searches, completion facts, and ends of journeys."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KINDS = (
    "'offer_reminder', 'offer_expiry', 'routing_deadline', 'household_deadline', 'waitlist_deadline',"
    " 'start_deadline', 'report_deadline'"
)
_OF_0006 = ", 'acknowledge_deadline', 'owner_silence'"


def upgrade() -> None:
    """Add the tables and columns. There are no searches, exclusions or ended journeys yet."""
    op.execute("ALTER TABLE journey ADD COLUMN journey_ended_at timestamptz, ADD COLUMN journey_end_reason varchar")
    op.execute("ALTER TABLE need ADD COLUMN moved_from uuid")
    op.execute(
        "ALTER TABLE referral ADD COLUMN outcome_facts jsonb, ADD COLUMN searching_since timestamptz,"
        " ADD COLUMN missed_count integer NOT NULL DEFAULT 0, ADD COLUMN next_attempt_at timestamptz"
    )
    op.execute("ALTER TABLE referral ALTER COLUMN missed_count DROP DEFAULT")
    op.execute(
        "CREATE INDEX ix_referral_searching ON referral (next_attempt_at, referral_id)"
        " WHERE searching_since IS NOT NULL"
    )
    op.execute(
        "CREATE TABLE conflict_of_interest (returnee_id uuid NOT NULL, organization_id uuid NOT NULL,"
        " since timestamptz NOT NULL, CONSTRAINT pk_conflict_of_interest PRIMARY KEY (returnee_id, organization_id))"
    )
    op.execute(
        "CREATE TABLE no_longer_offered (provider_service_id uuid NOT NULL, version integer NOT NULL,"
        " since timestamptz NOT NULL, CONSTRAINT pk_no_longer_offered PRIMARY KEY (provider_service_id))"
    )
    op.execute(
        """CREATE TABLE search_attempt (
            search_attempt_id uuid NOT NULL, referral_id uuid NOT NULL, need_id uuid NOT NULL,
            returnee_id uuid NOT NULL, at timestamptz NOT NULL, by varchar NOT NULL, channel varchar NOT NULL,
            result varchar NOT NULL, note varchar,
            CONSTRAINT pk_search_attempt PRIMARY KEY (search_attempt_id),
            CONSTRAINT ck_search_attempt_channel CHECK (channel IN ('sms', 'call', 'email', 'relay', 'visit')),
            CONSTRAINT ck_search_attempt_result CHECK (result IN ('found', 'not_found', 'will_return'))
        )"""
    )
    op.execute("CREATE INDEX ix_search_attempt_referral_id ON search_attempt (referral_id, search_attempt_id)")
    _check_kinds(f"{_KINDS}{_OF_0006}, 'search_deadline'")


def downgrade() -> None:
    """Remove them, and the clocks of searches."""
    op.execute("DELETE FROM timer WHERE kind = 'search_deadline'")
    _check_kinds(f"{_KINDS}{_OF_0006}")
    op.execute("DROP TABLE search_attempt, no_longer_offered, conflict_of_interest")
    op.execute("DROP INDEX ix_referral_searching")
    op.execute(
        "ALTER TABLE referral DROP COLUMN outcome_facts, DROP COLUMN searching_since, DROP COLUMN missed_count,"
        " DROP COLUMN next_attempt_at"
    )
    op.execute("ALTER TABLE need DROP COLUMN moved_from")
    op.execute("ALTER TABLE journey DROP COLUMN journey_ended_at, DROP COLUMN journey_end_reason")


def _check_kinds(kinds: str) -> None:
    op.execute("ALTER TABLE timer DROP CONSTRAINT ck_timer_kind")
    op.execute(f"ALTER TABLE timer ADD CONSTRAINT ck_timer_kind CHECK (kind IN ({kinds}))")
