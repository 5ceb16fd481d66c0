"""Which organisation has which packet, and which data it was asked to delete.

For packets that were accepted before, the record of access shows who fetched them.
"""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCRIPT = """
CREATE TABLE packet_share (
    offer_id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    referral_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    provider_service_id UUID NOT NULL,
    category VARCHAR NOT NULL,
    fetched_at TIMESTAMP WITH TIME ZONE,
    lapses_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (offer_id, returnee_id),
    CONSTRAINT packet_share_category CHECK (category IN ('shelter', 'food', 'health', 'mhpss', 'documents', 'transport', 'family_contact', 'child_protection', 'training', 'employment', 'legal', 'anti_trafficking', 'gbv'))
);
CREATE INDEX packet_share_of_returnee ON packet_share (returnee_id);
CREATE INDEX packet_share_of_referral ON packet_share (referral_id);
CREATE INDEX packet_share_lapsing ON packet_share (lapses_at) WHERE lapses_at IS NOT NULL;

CREATE TABLE deletion_request (
    offer_id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    referral_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    category VARCHAR NOT NULL,
    case_code VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answer_by TIMESTAMP WITH TIME ZONE NOT NULL,
    answer VARCHAR,
    ground VARCHAR,
    answered_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (offer_id, returnee_id),
    CONSTRAINT deletion_request_reason CHECK (reason IN ('consent_withdrawn', 'consent_expired', 'consent_invalid', 'do_not_share', 'erased')),
    CONSTRAINT deletion_request_answer CHECK (answer IN ('deleted', 'not_held', 'kept_by_law')),
    CONSTRAINT deletion_request_ground CHECK (ground IN ('health_record', 'child_protection_record', 'civil_register', 'accounts', 'legal_proceedings')),
    CONSTRAINT deletion_request_answered CHECK ((answer IS NULL) = (answered_at IS NULL))
);
CREATE INDEX deletion_request_in_order ON deletion_request (requested_at, offer_id, returnee_id);
CREATE INDEX deletion_request_of_organization
    ON deletion_request (organization_id, requested_at, offer_id, returnee_id);
CREATE INDEX deletion_request_open ON deletion_request (answer_by, offer_id, returnee_id) WHERE answer IS NULL;

CREATE TABLE deletion_answer (
    id UUID NOT NULL,
    offer_id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    answer VARCHAR NOT NULL,
    ground VARCHAR,
    answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answered_by VARCHAR NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX deletion_answer_of_offer ON deletion_answer (offer_id, returnee_id, answered_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON deletion_answer
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON deletion_answer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

WITH seen AS (
    SELECT offer_id, subject_id, max(at) AS at FROM audit_entry WHERE action IN ('packet.read', 'restricted.packet.read')
    GROUP BY offer_id, subject_id
), shown AS (
    SELECT offer_id, returnee_id FROM packet_access UNION SELECT offer_id, subject_id FROM seen
)
INSERT INTO packet_share
    (offer_id, returnee_id, referral_id, organization_id, provider_service_id, category, fetched_at, lapses_at, ended_at)
SELECT access.offer_id, shown.returnee_id, referral_id, organization_id, provider_service_id, category, seen.at, seen.at,
       CASE WHEN closing IS NOT NULL THEN closes_at END
FROM packet_access AS access JOIN shown USING (offer_id)
LEFT JOIN seen ON seen.offer_id = access.offer_id AND seen.subject_id = shown.returnee_id;
"""


def upgrade() -> None:
    """Create the tables. For packets that were fetched before, the end of the consent is checked once, immediately."""
    run_script(op, SCRIPT)


def downgrade() -> None:
    """Drop the tables. The answers of organisations are lost."""
    run_script(op, "DROP TABLE deletion_answer; DROP TABLE deletion_request; DROP TABLE packet_share;")
