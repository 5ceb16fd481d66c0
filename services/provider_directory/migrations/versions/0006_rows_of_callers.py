"""Row-level security: everybody reads listings, except restricted ones; the organisation itself and administrators
write (decision 0068)."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import ORGANIZATION, RESTRICTED, is_true, no_wall, wall

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ADMIN = is_true("enlace.administers")
SHOWN = f"(NOT restricted OR {RESTRICTED})"
CATEGORY_SHOWN = f"(category NOT IN ('anti_trafficking', 'gbv') OR {RESTRICTED})"
OURS = f"(organization_id = {ORGANIZATION} OR {ADMIN})"
# A row that belongs to another row is visible to those who see the other row. The policy of the other table decides
# this.
OF_ORGANIZATION = "EXISTS (SELECT FROM organization WHERE organization.id = organization_id)"
_SERVICE = "SELECT FROM service WHERE service.id = {}.service_id"
_LOCATION = "SELECT FROM location WHERE location.id = {}.location_id"
_ADDRESS_SHOWN = f"(NOT address_hidden OR {RESTRICTED} OR organization_id = {ORGANIZATION})"
OF_SERVICE = ("language", "service_area", "required_document", "capacity", "service_capacity", "capacity_declaration",
              "capacity_doubt")  # fmt: skip
OF_EITHER = ("schedule", "address")


def _of_service(table: str, more: str = "true") -> str:
    return f"EXISTS ({_SERVICE.format(table)} AND {more})"


def _of_either(table: str, more: str = "true") -> str:
    return f"{_of_service(table, more)} OR EXISTS ({_LOCATION.format(table)} AND {more})"


SEEN = {
    "organization": SHOWN,
    "accreditation": f"{OF_ORGANIZATION} AND {CATEGORY_SHOWN}",
    "agreement": f"{OF_ORGANIZATION} AND {CATEGORY_SHOWN}",
    "service": SHOWN,
    # The policies of `service` would hide the restricted services from a query here. So a function with the rights of
    # the owner checks whether a location has no services or only restricted ones.
    "location": f"{RESTRICTED} OR ({OF_ORGANIZATION} AND NOT only_restricted_at(id))",
    "schedule": _of_either("schedule"),
    "address": _of_either("address", _ADDRESS_SHOWN),
    **{table: _of_service(table) for table in OF_SERVICE},
}
WRITTEN = {
    "organization": f"{SHOWN} AND (id = {ORGANIZATION} OR {ADMIN})",
    "accreditation": f"{OF_ORGANIZATION} AND {CATEGORY_SHOWN} AND {ADMIN}",
    "agreement": f"{OF_ORGANIZATION} AND {CATEGORY_SHOWN} AND {ADMIN}",
    "service": f"{SHOWN} AND {OURS}",
    "location": f"{OF_ORGANIZATION} AND {OURS}",
    **{table: _of_either(table, OURS) for table in OF_EITHER},
    **{table: _of_service(table, OURS) for table in OF_SERVICE},
    # Only events of referral create doubts, when an offer is declined as full. So no caller may write them.
    "capacity_doubt": "false",
}
ONLY_RESTRICTED_AT = """
CREATE FUNCTION only_restricted_at(there uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $body$
    SELECT coalesce(bool_and(restricted), false) FROM service WHERE location_id = there
$body$;
REVOKE ALL ON FUNCTION only_restricted_at FROM PUBLIC
"""


def upgrade() -> None:
    """Enable row-level security on every table."""
    run_script(op, ONLY_RESTRICTED_AT)
    for table, seen in SEEN.items():
        run_script(op, wall(table, seen, WRITTEN[table]))


def downgrade() -> None:
    """Remove row-level security."""
    for table in SEEN:
        run_script(op, no_wall(table))
    op.execute("DROP FUNCTION only_restricted_at")
