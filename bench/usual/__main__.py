"""`python -m bench.usual STAGE`: one service of the usual stack. Environment variables name its databases and Kafka."""

import os
import sys

import uvloop
from faststream import FastStream

from bench.usual import notifications, referral, registration
from bench.usual.stage import stage


async def main(name: str) -> None:
    """Run the service until it is terminated."""
    await (await _built(name)).run()


async def _built(name: str) -> FastStream:
    url = os.environ[f"ENLACE_{name.upper()}_DATABASE_URL"]
    one = stage(name, url=url, bootstrap=os.environ["KAFKA_BOOTSTRAP_SERVERS"])
    if name == "registration":
        return registration.build(one, keys_url=os.environ["ENLACE_REGISTRATION_KEYS_DATABASE_URL"])
    if name == "referral":
        return referral.build(one, await referral.turns_of(one.sessions))
    return notifications.build(one, await notifications.endpoints_of(one.sessions))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
