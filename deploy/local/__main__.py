"""`python -m deploy.local` runs the commands of `cli.py`."""

from deploy.local.cli import app

if __name__ == "__main__":
    app(prog_name="python -m deploy.local")
