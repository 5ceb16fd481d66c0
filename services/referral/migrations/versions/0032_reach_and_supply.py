"""Services are found by what they give and where; changes of supply are counted where they happen."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import SERVICE, behind_walls

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE provider_service ADD COLUMN reach TEXT[] NOT NULL DEFAULT '{}', ADD COLUMN place VARCHAR;
UPDATE provider_service SET place = view::jsonb->>'place';
UPDATE provider_service SET reach = ARRAY(
    SELECT DISTINCT unnest(ARRAY[
        category || '/' || kind, category || '/' || kind || '/' || area,
        category || '/' || kind || '/' || area || '@' || coalesce(view::jsonb->>'place', '')])
    FROM (SELECT coalesce(offered->>'kind', '') AS kind FROM (SELECT 1) AS one
        LEFT JOIN jsonb_array_elements(coalesce(view::jsonb->'kinds', '[]')) AS offered ON true) AS kinds,
        (SELECT coalesce(told, '') AS area FROM (SELECT 1) AS one
        LEFT JOIN jsonb_array_elements_text(coalesce(view::jsonb->'catchment', '[]')) AS told ON true) AS areas
);
ALTER TABLE provider_service ALTER COLUMN reach DROP DEFAULT;
CREATE INDEX ix_provider_service_reach ON provider_service USING gin (reach);
CREATE INDEX ix_provider_service_place ON provider_service (place);
CREATE INDEX ix_pool_begins ON pool (starts_on) WHERE starts_on IS NOT NULL;

CREATE TABLE supply_total (
    category VARCHAR NOT NULL,
    changes BIGINT NOT NULL,
    CONSTRAINT pk_supply_total PRIMARY KEY (category)
);
CREATE TABLE supply_change (
    supply_change_id BIGINT GENERATED ALWAYS AS IDENTITY,
    category VARCHAR NOT NULL,
    CONSTRAINT pk_supply_change PRIMARY KEY (supply_change_id)
);
INSERT INTO supply_total (category, changes)
SELECT category, coalesce(sum(freed.total), 0)::bigint + sum(revision)::bigint
    + (SELECT coalesce(sum(revision), 0) FROM provider_organization)::bigint
FROM provider_service LEFT JOIN (
    SELECT provider_service_id, sum(freed_count) AS total FROM pool GROUP BY provider_service_id
) AS freed USING (provider_service_id)
GROUP BY category;

CREATE FUNCTION supply_of_pool() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO supply_change (category)
    SELECT category FROM provider_service WHERE provider_service_id = NEW.provider_service_id;
    RETURN NULL;
END $$;
CREATE FUNCTION supply_of_service() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO supply_change (category) SELECT DISTINCT category FROM (
        VALUES (CASE WHEN TG_OP <> 'DELETE' THEN NEW.category END), (CASE WHEN TG_OP <> 'INSERT' THEN OLD.category END)
    ) AS concerned(category) WHERE category IS NOT NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION supply_of_organization() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO supply_change (category) VALUES ('');
    RETURN NULL;
END $$;
CREATE TRIGGER declared AFTER INSERT ON pool FOR EACH ROW EXECUTE FUNCTION supply_of_pool();
CREATE TRIGGER freed AFTER UPDATE OF freed_count ON pool
    FOR EACH ROW WHEN (NEW.freed_count > OLD.freed_count) EXECUTE FUNCTION supply_of_pool();
CREATE TRIGGER published AFTER INSERT OR DELETE OR UPDATE OF revision ON provider_service
    FOR EACH ROW EXECUTE FUNCTION supply_of_service();
CREATE TRIGGER published AFTER INSERT OR DELETE OR UPDATE OF revision ON provider_organization
    FOR EACH ROW EXECUTE FUNCTION supply_of_organization();
"""
_WITHIN = f"""
SELECT provider_service_id, organization_id, revision, reach FROM provider_service WHERE reach && $1 AND {SERVICE}
"""  # noqa: S608 (a constant)
_KNOWN = f"""
SELECT token FROM unnest($1) AS asked(token)
WHERE {SERVICE} AND EXISTS (SELECT FROM provider_service WHERE reach && ARRAY[token])
"""  # noqa: S608 (a constant)
_COUNTED = f"""
SELECT category, services FROM unnest($1) AS asked(category) CROSS JOIN LATERAL (
    SELECT count(*) AS services FROM (
        SELECT FROM provider_service WHERE provider_service.category = asked.category LIMIT 1000
    ) AS counted
) AS found WHERE {SERVICE}
"""  # noqa: S608 (a constant)
_FUNCTIONS = {
    "services_within(tokens text[])": (
        "TABLE (provider_service_id uuid, organization_id uuid, revision bigint, reach text[])", _WITHIN),
    "tokens_known(tokens text[])": ("TABLE (token text)", _KNOWN),
    "services_counted(categories text[])": ("TABLE (category text, services bigint)", _COUNTED),
}
DOWNGRADE = """
DROP FUNCTION services_within;
DROP FUNCTION tokens_known;
DROP FUNCTION services_counted;
DROP TRIGGER declared ON pool;
DROP TRIGGER freed ON pool;
DROP TRIGGER published ON provider_service;
DROP TRIGGER published ON provider_organization;
DROP FUNCTION supply_of_pool;
DROP FUNCTION supply_of_service;
DROP FUNCTION supply_of_organization;
DROP TABLE supply_change;
DROP TABLE supply_total;
DROP INDEX ix_pool_begins;
DROP INDEX ix_provider_service_reach;
DROP INDEX ix_provider_service_place;
ALTER TABLE provider_service DROP COLUMN reach, DROP COLUMN place;
"""


def upgrade() -> None:
    """The counts continue from their present values, so that no waiting referral is forgotten."""
    run_script(op, UPGRADE)
    for signature, (returns, query) in _FUNCTIONS.items():
        run_script(op, behind_walls(signature, returns, query))


def downgrade() -> None:
    """The counts are sums over the tables again."""
    run_script(op, DOWNGRADE)
