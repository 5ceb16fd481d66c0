"""Sets the password and the rights of every user of Kafka, once, before the services start.

`python -m deploy.docker.kafka_access`.

The rights are those of `python -m libs.events acls apply`. The command can run again at any time: it sets passwords
that have changed in `kafka-access.env` and adds missing rights. It removes no rights.
"""

import asyncio
import os
import sys
from collections.abc import Mapping

from libs.events.acls import apply, rights
from libs.events.cluster import Cluster
from libs.events.users import set_passwords

RECEPTION = ("reception-system",)
"""The reception systems that send events; add yours, with its password in `kafka-access.env`."""


async def give_access(
    cluster: Cluster, environment: Mapping[str, str], *, reception: tuple[str, ...] = RECEPTION
) -> int:
    """Set passwords and rights; returns the number of rights. Raises KeyError with the name of a missing password."""
    wanted = rights(reception=reception)
    users = sorted({right.user for right in wanted})
    await set_passwords(cluster, {user: environment[f"{user.upper().replace('-', '_')}_PASSWORD"] for user in users})
    await apply(cluster, wanted)
    return len(wanted)


def main() -> str | None:
    """Give access on the cluster that the environment names; returns a description of the problem, if any."""
    cluster = Cluster.from_environment(os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ)
    try:
        count = asyncio.run(give_access(cluster, os.environ))
    except KeyError as error:
        return f"the environment variable is missing: {error.args[0]}: run deploy/docker/make_secrets.py again"
    sys.stdout.write(f"all users have their passwords; {count} rights exist\n")
    return None


if __name__ == "__main__":
    sys.exit(main())
