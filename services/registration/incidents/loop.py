"""Watches the times for the duties after an incident: warns once in each stage, and publishes how many are late."""

import asyncio

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.telemetry import meter
from libs.waiting.pauses import is_set_within
from services.registration.incidents.actions import Watched, watch
from services.registration.incidents.rules import DutyStage
from services.registration.protection import IncidentPolicy

log = get_logger(__name__, fields=("incident_id", "duty", "stage", "due_at"))
INTERVAL_SECONDS = 60.0
_GAUGES = {
    DutyStage.OVERDUE: meter().create_gauge(
        "enlace.registration.incident_duties_overdue",
        unit="{duty}",
        description="Duties of open incidents whose time has passed: the authority or the people are not told",
    ),
    DutyStage.HALF_TIME: meter().create_gauge(
        "enlace.registration.incident_duties_past_half_time",
        unit="{duty}",
        description="Duties of open incidents for which less than half of the time is left",
    ),
}


async def watch_forever(stop: asyncio.Event, *, database: Database, policy: IncidentPolicy) -> None:
    """Look once a minute until `stop` is set."""
    while not stop.is_set():
        await watch_once(database, policy)
        await is_set_within(stop, INTERVAL_SECONDS)


async def watch_once(database: Database, policy: IncidentPolicy) -> Watched:
    """Compare all duties with the time of the database, and warn.

    The warning is logged before the commit: after a crash in between it comes a second time, and never not at all.
    """
    async with database.transaction() as session:
        found = await watch(session, policy=policy)
        for one in found.warnings:
            tell = log.error if one.stage is DutyStage.OVERDUE else log.warning
            tell(
                "incident.duty_due",
                incident_id=str(one.incident_id),
                duty=one.duty.value,
                stage=one.stage.value,
                due_at=one.due_at.isoformat(),
            )
    for stage, gauge in _GAUGES.items():
        gauge.set(found.counts[stage])
    return found
