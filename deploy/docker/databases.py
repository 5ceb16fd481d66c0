"""Makes the services' databases and logins on the PostgreSQL of the compose file: `python -m deploy.docker.databases`.

A job of its own and no script of the image's first start: such a script runs on an empty volume only, so that one that
failed once would never be made good.
"""

import asyncio
import os
import sys
import time
from urllib.parse import quote

import asyncpg

from deploy.service_databases import LOGINS, make_databases

WAIT_SECONDS = 120.0
PAUSE_SECONDS = 0.5


async def answered(url: str, *, seconds: float = WAIT_SECONDS) -> None:
    """Wait until the server takes connections; while it makes itself, it listens on its socket only."""
    until = time.monotonic() + seconds
    while True:
        try:
            connection = await asyncpg.connect(url, timeout=5)
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
            if time.monotonic() > until:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            await connection.close()
            return


async def make(url: str) -> str | None:
    """Make everything, with the passwords of the environment; what is wrong, in words that a person can act on."""
    try:
        await answered(url)
        await make_databases(url, {name: os.environ[f"{name.upper()}_PASSWORD"] for name in LOGINS})
    except asyncpg.InvalidPasswordError:
        return "PostgreSQL refuses the superuser's password of postgres.env: its volume was made with another one"
    except KeyError as error:
        return f"the environment variable is missing: {error.args[0]}: run deploy/docker/make_secrets.py again"
    except (OSError, TimeoutError) as error:
        return f"PostgreSQL does not answer: {type(error).__name__}"
    return None


if __name__ == "__main__":
    host = sys.argv[1] if len(sys.argv) > 1 else "postgres:5432"
    fault = asyncio.run(
        make(f"postgresql://postgres:{quote(os.environ['POSTGRES_PASSWORD'], safe='')}@{host}/postgres")
    )
    if fault is not None:
        sys.exit(fault)
    sys.stdout.write("the databases and their logins are there\n")
