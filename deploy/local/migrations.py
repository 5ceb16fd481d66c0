"""`python -m deploy.local.migrations services.referral.cli ...`: run `migrate` of each service, one after the other.

In one process: what takes time is importing the libraries, and that is done once instead of four times.
"""

import importlib
import sys


def main(modules: list[str]) -> None:
    """Run the `migrate` command of each module's `cli`."""
    for name in modules:
        importlib.import_module(name).cli(["migrate"], standalone_mode=False)


if __name__ == "__main__":
    main(sys.argv[1:])
