"""The directory's tables: organisations, listings, declared capacity; with the outbox, inbox and idempotency.

Revision ID: 0001
Revises: -
"""

from alembic import op
from libs.chassis import idempotency
from libs.events import tables as events

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ORGANIZATIONS = (
    """
    CREATE TABLE organization (
        id uuid NOT NULL,
        name varchar NOT NULL,
        description varchar NOT NULL,
        alternate_name varchar,
        website varchar,
        organization_type varchar NOT NULL,
        restricted boolean NOT NULL,
        status varchar NOT NULL,
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT organization_status CHECK (status IN ('active', 'suspended', 'withdrawn')),
        CONSTRAINT organization_type CHECK (organization_type IN ('government', 'municipality',
            'civil_society', 'church', 'international', 'private_sector', 'community')),
        CONSTRAINT organization_version CHECK (version >= 1)
    )
    """,
    "CREATE INDEX organization_by_name ON organization (name, id)",
    """
    CREATE TABLE accreditation (
        organization_id uuid NOT NULL,
        category varchar NOT NULL,
        valid_until date NOT NULL,
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, category),
        CONSTRAINT accreditation_category CHECK (category IN ('shelter', 'food', 'health', 'mhpss', 'documents',
            'transport', 'family_contact', 'child_protection', 'training', 'employment', 'legal', 'anti_trafficking',
            'gbv')),
        FOREIGN KEY(organization_id) REFERENCES organization (id)
    )
    """,
    """
    CREATE TABLE agreement (
        organization_id uuid NOT NULL,
        category varchar NOT NULL,
        valid_until date NOT NULL,
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, category),
        CONSTRAINT agreement_category CHECK (category IN ('shelter', 'food', 'health', 'mhpss', 'documents',
            'transport', 'family_contact', 'child_protection', 'training', 'employment', 'legal', 'anti_trafficking',
            'gbv')),
        FOREIGN KEY(organization_id) REFERENCES organization (id)
    )
    """,
)

LISTINGS = (
    """
    CREATE TABLE location (
        id uuid NOT NULL,
        organization_id uuid NOT NULL,
        location_type varchar NOT NULL,
        name varchar,
        description varchar NOT NULL,
        place varchar NOT NULL,
        on_site_at varchar,
        timezone varchar NOT NULL,
        access varchar[] NOT NULL,
        address_hidden boolean NOT NULL,
        latitude double precision,
        longitude double precision,
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT location_type CHECK (location_type IN ('physical', 'postal', 'virtual')),
        CONSTRAINT location_access CHECK (access <@ ARRAY['wheelchair', 'visual', 'hearing', 'cognitive']::varchar[]),
        CONSTRAINT location_point CHECK ((latitude IS NULL) = (longitude IS NULL)),
        CONSTRAINT location_version CHECK (version >= 1),
        FOREIGN KEY(organization_id) REFERENCES organization (id)
    )
    """,
    "CREATE INDEX ix_location_organization_id ON location (organization_id)",
    """
    CREATE TABLE service (
        id uuid NOT NULL,
        organization_id uuid NOT NULL,
        location_id uuid,
        name varchar NOT NULL,
        description varchar NOT NULL,
        status varchar NOT NULL,
        category varchar NOT NULL,
        service_type varchar NOT NULL,
        restricted boolean NOT NULL,
        place varchar,
        on_site_at varchar,
        timezone varchar,
        minimum_age integer,
        maximum_age integer,
        sexes varchar[] NOT NULL,
        nationalities varchar[] NOT NULL,
        households boolean NOT NULL,
        unaccompanied_children boolean NOT NULL,
        language_must_match boolean NOT NULL,
        access varchar[],
        own_schedule boolean NOT NULL,
        accepts_automatically boolean NOT NULL,
        max_stay_hours integer,
        address_hidden boolean NOT NULL,
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        words tsvector GENERATED ALWAYS AS (
            to_tsvector('simple'::regconfig, translate(
                lower((((name)::text || ' '::text) || (description)::text)),
                'ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿ'::text,
                'aaaaaaceeeeiiiinooooouuuuyaaaaaaceeeeiiiinooooouuuuyy'::text))
        ) STORED,
        PRIMARY KEY (id),
        CONSTRAINT service_status CHECK (status IN ('active', 'suspended', 'withdrawn')),
        CONSTRAINT service_category CHECK (category IN ('shelter', 'food', 'health', 'mhpss', 'documents',
            'transport', 'family_contact', 'child_protection', 'training', 'employment', 'legal', 'anti_trafficking',
            'gbv')),
        CONSTRAINT service_restricted CHECK (restricted OR NOT (category IN ('anti_trafficking', 'gbv'))),
        CONSTRAINT service_minimum_age CHECK (minimum_age IN (0, 5, 12, 18, 25, 35, 60)),
        CONSTRAINT service_maximum_age CHECK (maximum_age IN (4, 11, 17, 24, 34, 59)),
        CONSTRAINT service_ages CHECK (minimum_age <= maximum_age),
        CONSTRAINT service_sexes CHECK (sexes <@ ARRAY['female', 'male', 'other', 'unknown']::varchar[]),
        CONSTRAINT service_access CHECK (access <@ ARRAY['wheelchair', 'visual', 'hearing', 'cognitive']::varchar[]),
        CONSTRAINT service_somewhere CHECK (location_id IS NOT NULL OR (place IS NOT NULL AND timezone IS NOT NULL)),
        CONSTRAINT service_max_stay_hours CHECK (max_stay_hours > 0),
        CONSTRAINT service_version CHECK (version >= 1),
        FOREIGN KEY(organization_id) REFERENCES organization (id),
        FOREIGN KEY(location_id) REFERENCES location (id)
    )
    """,
    "CREATE INDEX service_by_words ON service USING gin (words)",
    "CREATE INDEX ix_service_organization_id ON service (organization_id)",
    "CREATE INDEX service_by_name ON service (name, id)",
    "CREATE INDEX ix_service_location_id ON service (location_id)",
    "CREATE INDEX service_by_category ON service (category, name, id)",
    """
    CREATE TABLE schedule (
        id uuid NOT NULL,
        service_id uuid,
        location_id uuid,
        weekday integer NOT NULL,
        opens_minute integer NOT NULL,
        closes_minute integer NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT schedule_of_one CHECK (num_nonnulls(service_id, location_id) = 1),
        CONSTRAINT schedule_weekday CHECK (weekday BETWEEN 1 AND 7),
        CONSTRAINT schedule_forward CHECK (opens_minute >= 0 AND opens_minute < closes_minute AND closes_minute <=
            1440),
        CONSTRAINT schedule_of_service UNIQUE (service_id, weekday, opens_minute),
        CONSTRAINT schedule_of_location UNIQUE (location_id, weekday, opens_minute),
        FOREIGN KEY(service_id) REFERENCES service (id),
        FOREIGN KEY(location_id) REFERENCES location (id)
    )
    """,
    """
    CREATE TABLE language (
        id uuid NOT NULL,
        service_id uuid NOT NULL,
        code varchar NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT language_of_service UNIQUE (service_id, code),
        FOREIGN KEY(service_id) REFERENCES service (id)
    )
    """,
    """
    CREATE TABLE service_area (
        id uuid NOT NULL,
        service_id uuid NOT NULL,
        place varchar NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT service_area_of_service UNIQUE (service_id, place),
        FOREIGN KEY(service_id) REFERENCES service (id)
    )
    """,
    """
    CREATE TABLE required_document (
        id uuid NOT NULL,
        service_id uuid NOT NULL,
        document varchar NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT required_document_kind CHECK (document IN ('identity_card', 'passport', 'birth_certificate',
            'driving_licence', 'school_certificate')),
        CONSTRAINT required_document_of_service UNIQUE (service_id, document),
        FOREIGN KEY(service_id) REFERENCES service (id)
    )
    """,
    """
    CREATE TABLE address (
        id uuid NOT NULL,
        service_id uuid,
        location_id uuid,
        address_1 varchar NOT NULL,
        address_2 varchar,
        city varchar NOT NULL,
        region varchar,
        state_province varchar,
        postal_code varchar,
        country varchar NOT NULL,
        address_type varchar NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT address_of_one CHECK (num_nonnulls(service_id, location_id) = 1),
        CONSTRAINT address_of_service UNIQUE (service_id),
        CONSTRAINT address_of_location UNIQUE (location_id),
        FOREIGN KEY(service_id) REFERENCES service (id),
        FOREIGN KEY(location_id) REFERENCES location (id)
    )
    """,
)

CAPACITY = (
    """
    CREATE TABLE capacity (
        service_id uuid NOT NULL,
        version integer NOT NULL,
        as_of timestamptz NOT NULL,
        declared_at timestamptz NOT NULL,
        declaration_id uuid NOT NULL,
        refresh_requested_at timestamptz,
        PRIMARY KEY (service_id),
        CONSTRAINT capacity_version CHECK (version >= 1),
        FOREIGN KEY(service_id) REFERENCES service (id)
    )
    """,
    """
    CREATE TABLE service_capacity (
        id uuid NOT NULL,
        service_id uuid NOT NULL,
        unit varchar NOT NULL,
        maximum integer NOT NULL,
        available integer NOT NULL,
        starts_on date,
        ends_on date,
        updated timestamptz NOT NULL,
        declared boolean NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT service_capacity_maximum CHECK (maximum >= 0),
        CONSTRAINT service_capacity_available CHECK (available >= 0 AND available <= maximum),
        CONSTRAINT service_capacity_dates CHECK (starts_on <= ends_on),
        FOREIGN KEY(service_id) REFERENCES service (id)
    )
    """,
    "CREATE INDEX ix_service_capacity_service_id ON service_capacity (service_id)",
    """
    CREATE TABLE capacity_declaration (
        id uuid NOT NULL,
        service_id uuid NOT NULL,
        version integer NOT NULL,
        as_of timestamptz NOT NULL,
        declared_at timestamptz NOT NULL,
        declared_by varchar NOT NULL,
        pools jsonb NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT capacity_declaration_of_service UNIQUE (service_id, version),
        CONSTRAINT capacity_declaration_version CHECK (version >= 1),
        FOREIGN KEY(service_id) REFERENCES service (id)
    )
    """,
    """
    CREATE TABLE capacity_doubt (
        offer_id uuid NOT NULL,
        service_id uuid NOT NULL,
        declaration_id uuid NOT NULL,
        declined_at timestamptz NOT NULL,
        traceparent varchar,
        PRIMARY KEY (offer_id),
        FOREIGN KEY(service_id) REFERENCES service (id),
        FOREIGN KEY(declaration_id) REFERENCES capacity_declaration (id)
    )
    """,
    "CREATE INDEX ix_capacity_doubt_declaration_id ON capacity_doubt (declaration_id)",
    "CREATE INDEX capacity_doubt_by_service ON capacity_doubt (service_id, declined_at)",
)

APPEND_ONLY = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON capacity_declaration
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    """Create everything."""
    for statement in (*ORGANIZATIONS, *LISTINGS, *CAPACITY, *APPEND_ONLY):
        op.execute(statement)
    idempotency.create_table(op)
    events.create_tables(op)


def downgrade() -> None:
    """There is nothing before the first migration: drop the database instead."""
    raise NotImplementedError
