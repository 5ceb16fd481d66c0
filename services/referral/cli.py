"""`python -m services.referral.cli serve | migrate`."""

from libs.chassis.cli import make_cli
from services.referral.app import create_app

cli = make_cli("referral", create_app)

if __name__ == "__main__":
    cli()
