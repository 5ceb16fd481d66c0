"""What judging offers again and the list of halted ones ask for touches few rows, however full the tables are."""

from __future__ import annotations

from libs.chassis.database import Database, raw
from libs.consents.policy import ConsentGate
from libs.events.codes import ConsentPurpose, RecipientClass
from services.referral.access import Rights
from services.referral.judging import queries
from services.referral.work_lists import queries as lists
from services.referral.work_lists.schemas import Filters
from tests.service.referral.test_clock_plans import NOW, filled, filled_url, of_timers, touched

__all__ = ["filled", "filled_url"]
AT_ONCE = 50


async def test_what_is_under_way_is_found_from_the_people_alone(filled: Database):
    """Each change of a profile asks."""
    returnees = {one.returnee_id for one in await of_timers(filled)}
    rows = await touched(filled, lambda session: queries.under_way(session, returnees))
    assert rows.get("referral", 0) <= 2 * len(returnees)


async def test_who_is_with_an_unfit_service_is_found_from_the_service(filled: Database):
    """Asked every second."""
    async with filled.transaction() as session:
        some = await (await raw(session)).fetch("SELECT DISTINCT provider_service_id FROM offer LIMIT 3")
    services = [row["provider_service_id"] for row in some]
    rows = await touched(filled, lambda session: queries.concerned_by_unfit(session, services, limit=AT_ONCE))
    assert rows.get("offer", 0) <= 4 * AT_ONCE * len(services)


async def test_consents_that_have_run_out_are_looked_for_among_what_is_live(filled: Database):
    gates = [
        (category, ConsentGate(purpose=purpose, recipient_classes=(whom,)))
        for category, purpose, whom in (
            ("training", ConsentPurpose.REFERRAL, RecipientClass.PROVIDERS),
            ("employment", ConsentPurpose.EMPLOYER_SHARING, RecipientClass.EMPLOYERS),
        )
    ]
    rows = await touched(filled, lambda session: queries.consent_run_out(session, gates, at=NOW, limit=AT_ONCE))
    assert rows.get("journey", 0) <= 10 * AT_ONCE


async def test_the_list_of_halted_offers_walks_along_the_halted_alone(filled: Database):
    """A hundred are halted, of some ten thousand."""
    walk, rights = lists.halted(), Rights(None, restricted=True)
    chosen = "SELECT referral_id FROM referral WHERE status = 'in_service' LIMIT 100"
    async with filled.transaction() as session:
        await (await raw(session)).execute(f"UPDATE referral SET halted_since = now() WHERE referral_id IN ({chosen})")
    try:
        statement, values = lists.page_statement(walk, rights, Filters(), after=None, limit=10)

        async def ask(session):
            found = await (await raw(session)).fetch(statement, *values)
            assert len(found) == 11

        rows = await touched(filled, ask)
    finally:
        async with filled.transaction() as session:
            await (await raw(session)).execute("UPDATE referral SET halted_since = NULL WHERE halted_since IS NOT NULL")
    assert rows["referral"] <= 150
