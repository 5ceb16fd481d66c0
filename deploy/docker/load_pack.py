"""Loads the country pack's directory into an empty installation, once: `python -m deploy.docker.load_pack`."""

import asyncio
import os
import sys
from pathlib import Path

from deploy.demo.client import CallError
from deploy.local.pack_loading import load_directory_once
from deploy.local.partners import RefusedError, find_client
from libs.chassis.yaml_files import FaultyFileError


def main() -> str | None:
    """Load the directory unless `ENLACE_LOAD_PACK` is false; returns a description of the problem, if any."""
    if os.environ.get("ENLACE_LOAD_PACK", "true").lower() == "false":
        return None
    try:
        asyncio.run(
            load_directory_once(
                os.environ,
                pack=Path(os.environ["ENLACE_PACK"]),
                secret_of=lambda client_id: find_client(os.environ, client_id).client_secret,
                say=print,
            )
        )
    except (CallError, RefusedError, FaultyFileError) as error:
        return f"the directory was not loaded: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
