"""`python -m services.referral.cli serve | migrate | verify-audit`."""

from libs.chassis.cli import add_audit_check, make_cli
from libs.chassis.clock import Clock
from libs.chassis.database import Database
from services.referral.app import create_app
from services.referral.audit.tables import AUDIT
from services.referral.settings import ReadModelSettings

cli = make_cli("referral", create_app)


def _database() -> Database:
    url = ReadModelSettings().database_url
    return Database(url, clock=Clock(), application_name="enlace-referral-cli", pool_size=1)


add_audit_check(cli, _database, table=AUDIT)

if __name__ == "__main__":
    cli()
