"""Data about people who are already erased become as coarse as those of people who are erased from now on."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_ERASED = "returnee_id IN (SELECT returnee_id FROM journey WHERE erased_at IS NOT NULL)"


def _month(column: str) -> str:
    return f"{column} = date_trunc('month', {column} AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"


def upgrade() -> None:
    """Remove their case code, flight, trace and municipality, and shorten times to the month."""
    op.execute(
        "UPDATE journey SET case_code = NULL, arrival_batch_id = NULL, traceparent = NULL,"
        f" {_month('first_seen_at')} WHERE erased_at IS NOT NULL"
    )
    op.execute(
        f"UPDATE need SET {_month('reported_at')}, area = left(area, 4), arrival_batch_id = NULL, traceparent = NULL"
        f" WHERE {_ERASED}"
    )
    op.execute(
        f"UPDATE referral SET {_month('opened_at')}, {_month('waiting_since')}, arrival_batch_id = NULL,"
        f" traceparent = NULL WHERE {_ERASED}"
    )
    op.execute(f"UPDATE offer SET case_code = '', traceparent = NULL WHERE {_ERASED}")


def downgrade() -> None:
    """Nothing to do, because deleted data cannot be restored."""
