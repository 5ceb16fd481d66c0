"""The commands of registration: serve, migrate (both databases), verify-audit."""

from libs.chassis.cli import add_audit_check, make_cli
from libs.chassis.database import Database
from services.registration.app import SERVICE, create_app
from services.registration.audit.tables import AUDIT
from services.registration.settings import Settings

cli = make_cli(
    SERVICE,
    create_app,
    histories={
        "migrations": "ENLACE_REGISTRATION_DATABASE_URL",
        "keys_migrations": "ENLACE_REGISTRATION_KEYS_DATABASE_URL",
    },
)


def _database() -> Database:
    settings = Settings()
    return Database(settings.database_url, clock=settings.clock(), application_name=SERVICE, pool_size=1)


add_audit_check(cli, _database, table=AUDIT)

if __name__ == "__main__":
    cli()
