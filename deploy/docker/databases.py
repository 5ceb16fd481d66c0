"""Creates the services' databases and logins on the compose file's PostgreSQL: `python -m deploy.docker.databases`.

This is a separate job, not an init script of the image: init scripts run only on an empty volume, so a script that
failed once would never be repeated.
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
    """Wait until the server accepts connections; during its initialisation it listens only on its socket."""
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
    """Create everything, with the passwords in the environment; returns a description of the problem, if any."""
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
    sys.stdout.write("all databases and their logins exist\n")
