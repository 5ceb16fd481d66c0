"""Commands of notifications: `serve`, `migrate`, `known`."""

from libs.chassis.cli import add_known, make_cli
from libs.chassis.database import Database
from services.notifications.app import SERVICE, create_app
from services.notifications.endpoints.queries import known
from services.notifications.settings import NotificationsSettings

cli = make_cli(SERVICE, create_app)


def _database() -> Database:
    settings = NotificationsSettings()
    return Database(settings.database_url, clock=settings.clock(), application_name=SERVICE, pool_size=1)


add_known(cli, _database, known)

if __name__ == "__main__":
    cli()
