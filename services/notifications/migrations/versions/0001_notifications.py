"""Webhook endpoints, deliveries, inboxes, and the tables of the event bus."""

from alembic import op

from libs.chassis.idempotency import create_table as create_idempotency_table
from libs.chassis.migrations import run_script
from libs.events.tables import create_tables as create_event_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE endpoint (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL,
    url text,
    event_types text[],
    status text NOT NULL,
    disabled_reason text,
    failing_since timestamptz,
    paused_until timestamptz,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT endpoint_status CHECK (status IN ('enabled', 'disabled', 'deleted')),
    CONSTRAINT endpoint_disabled_reason CHECK (disabled_reason IN ('by_owner', 'gone', 'failing')),
    CONSTRAINT endpoint_disabled_has_reason CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL)),
    CONSTRAINT endpoint_url_until_deleted CHECK ((status = 'deleted') = (url IS NULL)),
    CONSTRAINT endpoint_version CHECK (version >= 1)
);
CREATE INDEX endpoint_of_organization ON endpoint (organization_id, id) WHERE status <> 'deleted';

CREATE TABLE endpoint_secret (
    id uuid NOT NULL PRIMARY KEY,
    endpoint_id uuid NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    sealed bytea NOT NULL,
    signs_until timestamptz
);
CREATE UNIQUE INDEX endpoint_secret_current ON endpoint_secret (endpoint_id) WHERE signs_until IS NULL;
CREATE INDEX endpoint_secret_of_endpoint ON endpoint_secret (endpoint_id);

CREATE TABLE delivery (
    id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    message_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    event_type text NOT NULL,
    body text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    due_at timestamptz,
    lease_until timestamptz,
    attempt_count integer NOT NULL DEFAULT 0,
    attempts_before_replay integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    journey_id uuid,
    traceparent text,
    stored_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT delivery_status CHECK (status IN ('pending', 'sending', 'succeeded', 'failed')),
    CONSTRAINT delivery_pending_is_due CHECK ((status = 'pending') = (due_at IS NOT NULL)),
    CONSTRAINT delivery_sending_has_lease CHECK ((status = 'sending') = (lease_until IS NOT NULL)),
    CONSTRAINT delivery_attempts CHECK (attempt_count >= attempts_before_replay),
    CONSTRAINT delivery_body_is_thin CHECK (octet_length(body) <= 20000),
    CONSTRAINT delivery_once_per_endpoint UNIQUE (message_id, endpoint_id)
) WITH (fillfactor = 70);
CREATE INDEX delivery_due ON delivery (endpoint_id, due_at) WHERE status = 'pending';
CREATE INDEX delivery_leased ON delivery (lease_until) WHERE status = 'sending';
CREATE INDEX delivery_of_organization ON delivery (organization_id, created_at, id);
CREATE INDEX delivery_age ON delivery USING brin (stored_at);

CREATE TABLE attempt (
    delivery_id uuid NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    duration_ms integer,
    status_code integer,
    fault text,
    PRIMARY KEY (delivery_id, number),
    CONSTRAINT attempt_of_delivery FOREIGN KEY (delivery_id) REFERENCES delivery (id) ON DELETE CASCADE,
    CONSTRAINT attempt_fault CHECK (fault IN (
        'address-forbidden', 'url-forbidden', 'name-not-found', 'connection-failed', 'tls-failed', 'protocol-error',
        'timeout', 'redirected', 'gone', 'status-not-2xx', 'sender-lost', 'endpoint-not-enabled', 'signing-failed')),
    CONSTRAINT attempt_status_code CHECK (status_code BETWEEN 100 AND 999)
);

CREATE TABLE notification (
    message_id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL,
    event_type text NOT NULL,
    body text NOT NULL,
    position bigint,
    created_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX notification_position ON notification (organization_id, position) WHERE position IS NOT NULL;
CREATE INDEX notification_unread ON notification (organization_id) WHERE position IS NULL;
CREATE INDEX notification_age ON notification USING brin (stored_at);

CREATE TABLE inbox_counter (
    organization_id uuid NOT NULL PRIMARY KEY,
    last_position bigint NOT NULL
);
"""


def upgrade() -> None:
    run_script(op, TABLES)
    create_idempotency_table(op)
    create_event_tables(op)


def downgrade() -> None:
    raise NotImplementedError("the first migration has nothing to go back to")
