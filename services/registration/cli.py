"""The commands of registration: serve, migrate (both databases), verify-audit."""

from libs.chassis.cli import make_cli
from services.registration.app import create_app

cli = make_cli(
    "registration",
    create_app,
    histories={
        "migrations": "ENLACE_REGISTRATION_DATABASE_URL",
        "keys_migrations": "ENLACE_REGISTRATION_KEYS_DATABASE_URL",
    },
)

if __name__ == "__main__":
    cli()
