"""`python -m bench.floor STAGE`: one stage of the floor. Environment variables name its databases and its Kafka."""

import os
import sys
import uuid

import asyncpg

from bench.floor import notifications, referral, registration
from bench.floor.stage import Handle, run_stage
from libs.chassis.walls import WORKS_FOR

TOPICS = {
    "registration": ["enlace.arrivals"],
    "referral": ["enlace.registration"],
    "notifications": ["enlace.referral"],
}


async def main(stage: str) -> None:
    """Run the stage until it is terminated."""
    await run_stage(
        group=stage,
        dsn=os.environ[f"ENLACE_{stage.upper()}_DATABASE_URL"],
        bootstrap=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        topics=TOPICS[stage],
        handle=await _handler(stage),
    )


async def _handler(stage: str) -> Handle:
    if stage == "registration":
        keys = await asyncpg.create_pool(os.environ["ENLACE_REGISTRATION_KEYS_DATABASE_URL"], min_size=1, max_size=1)
        return registration.handler(keys)
    if stage == "referral":
        return referral.handler(await _services())
    return notifications.handler(await _endpoints())


async def _services() -> dict[str, list[referral.Service]]:
    """The pools that the directory declared, by category."""
    connection = await asyncpg.connect(
        os.environ["ENLACE_REFERRAL_DATABASE_URL"], server_settings={WORKS_FOR: "service"}
    )
    found = await connection.fetch(
        "SELECT s.category, s.provider_service_id, s.organization_id, p.pool_id, s.view->>'service_type'"
        " FROM provider_service s JOIN pool p USING (provider_service_id)"
    )
    await connection.close()
    services: dict[str, list[referral.Service]] = {}
    for category, *service in found:
        services.setdefault(category, []).append((service[0], service[1], service[2], service[3]))
    return services


async def _endpoints() -> dict[str, uuid.UUID]:
    connection = await asyncpg.connect(
        os.environ["ENLACE_NOTIFICATIONS_DATABASE_URL"], server_settings={WORKS_FOR: "service"}
    )
    found = await connection.fetch("SELECT organization_id, id FROM endpoint")
    await connection.close()
    return {str(organization): endpoint for organization, endpoint in found}


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(sys.argv[1]))
