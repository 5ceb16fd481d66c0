"""Commands of provider_directory: `python -m services.provider_directory.cli serve|migrate|known`."""

from libs.chassis.cli import add_known, make_cli
from libs.chassis.database import Database
from services.provider_directory.app import SERVICE, create_app
from services.provider_directory.listings.queries import known
from services.provider_directory.settings import DirectorySettings

cli = make_cli(SERVICE, create_app)


def _database() -> Database:
    settings = DirectorySettings()
    return Database(settings.database_url, clock=settings.clock(), application_name=SERVICE, pool_size=1)


add_known(cli, _database, known)

if __name__ == "__main__":
    cli()
