"""`python -m libs.events`: see `libs.events.cli`."""

from libs.events.cli.main import cli

if __name__ == "__main__":
    cli()
