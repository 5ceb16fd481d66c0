"""The supervisor over two tiny services, as a process of its own: `python -m tests.deploy_local.tiny_system STATE`."""

import asyncio
import signal
import sys
from pathlib import Path

from deploy.local.installation import Installation, ServiceProcess
from deploy.local.supervisor import running_system

MODULE = "tests.deploy_local.tiny_service"
TINY = (
    ServiceProcess("registration", "REGISTRATION", {"ENLACE_REGISTRATION_DATABASE_URL": "registration"}, MODULE),
    ServiceProcess("referral", "REFERRAL", {"ENLACE_REFERRAL_DATABASE_URL": "referral"}, MODULE),
)


def tiny(state: Path) -> Installation:
    return Installation(state=state, services=TINY)


async def main() -> None:
    async with running_system(tiny(Path(sys.argv[1]))):
        await asyncio.Event().wait()


if __name__ == "__main__":
    # A shell that starts tests in the background has them ignore it, and what they start too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asyncio.run(main())
