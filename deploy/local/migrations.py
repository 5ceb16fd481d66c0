"""`python -m deploy.local.migrations services.referral.cli ...` runs `migrate` of each service, one after the other.

All run in one process, because importing the libraries takes most of the time and happens only once in this way.
"""

import importlib
import sys


def main(modules: list[str]) -> None:
    """Run the `migrate` command of each module's `cli`."""
    for name in modules:
        importlib.import_module(name).cli(["migrate"], standalone_mode=False)


if __name__ == "__main__":
    main(sys.argv[1:])
