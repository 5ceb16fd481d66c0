"""Commands of notifications: `serve`, `migrate`."""

from libs.chassis.cli import make_cli
from services.notifications.app import SERVICE, create_app

cli = make_cli(SERVICE, create_app)

if __name__ == "__main__":
    cli()
