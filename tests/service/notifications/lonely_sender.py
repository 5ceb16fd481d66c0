"""A sender in a process of its own, to be killed: arguments: the database's URL, the key, the lease in seconds."""

import asyncio
import sys
from datetime import timedelta

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from services.notifications.deliveries.actions import deliveries
from services.notifications.deliveries.loop import Sender
from services.notifications.endpoints.sealing import SecretBox


async def main(url: str, key: str, lease_seconds: float) -> None:
    """Send until killed."""
    deliveries.LEASE = timedelta(seconds=lease_seconds)
    database = Database(url, clock=Clock(), application_name="lonely-sender")
    sender = Sender(database, box=SecretBox(key), allow_private=True, concurrency=4, endpoint_concurrency=4)
    await sender.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
