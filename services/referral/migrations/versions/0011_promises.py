"""Reviews of broken promises. They belong to the subject that breaks the promise, not to a referral."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A review may be about a promise and its subject."""
    op.execute(
        """
        ALTER TABLE review
            ALTER COLUMN referral_id DROP NOT NULL, ALTER COLUMN need_id DROP NOT NULL,
            ALTER COLUMN returnee_id DROP NOT NULL, ALTER COLUMN category DROP NOT NULL,
            ADD COLUMN promise VARCHAR, ADD COLUMN subject_id UUID, ADD COLUMN note VARCHAR,
            ADD CONSTRAINT ck_review_subject CHECK ((referral_id IS NULL) = (promise IS NOT NULL)),
            DROP CONSTRAINT ck_review_status,
            ADD CONSTRAINT ck_review_status CHECK (status IN ('pending', 'approved', 'rejected', 'resolved'))
        """
    )
    op.execute("CREATE UNIQUE INDEX uq_review_breach ON review (promise, subject_id) WHERE status = 'pending'")


def downgrade() -> None:
    """Delete the reviews of promises."""
    op.execute("DELETE FROM review WHERE promise IS NOT NULL")
    op.execute("DROP INDEX uq_review_breach")
    op.execute(
        """
        ALTER TABLE review
            DROP CONSTRAINT ck_review_subject, DROP COLUMN promise, DROP COLUMN subject_id, DROP COLUMN note,
            ALTER COLUMN referral_id SET NOT NULL, ALTER COLUMN need_id SET NOT NULL,
            ALTER COLUMN returnee_id SET NOT NULL, ALTER COLUMN category SET NOT NULL,
            DROP CONSTRAINT ck_review_status,
            ADD CONSTRAINT ck_review_status CHECK (status IN ('pending', 'approved', 'rejected'))
        """
    )
