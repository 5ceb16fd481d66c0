"""Commands of provider_directory: `python -m services.provider_directory.cli serve|migrate`."""

from libs.chassis.cli import make_cli
from services.provider_directory.app import SERVICE, create_app

cli = make_cli(SERVICE, create_app)

if __name__ == "__main__":
    cli()
