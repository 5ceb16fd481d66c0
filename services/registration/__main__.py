"""`python -m services.registration`: the commands of `cli.py`."""

from services.registration.cli import cli

if __name__ == "__main__":
    cli()
