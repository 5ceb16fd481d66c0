"""The migrations make exactly the tables that the code knows, in both databases."""

import services.registration.arrivals.tables
import services.registration.audit.tables
import services.registration.certificates.tables
import services.registration.consent.tables
import services.registration.doubts.tables
import services.registration.emergencies.tables
import services.registration.erasure.tables
import services.registration.excluded_people.tables
import services.registration.exports.tables
import services.registration.households.tables
import services.registration.identity_checks.tables
import services.registration.identity_ends.tables
import services.registration.incidents.tables
import services.registration.intake.tables
import services.registration.legal_requests.tables
import services.registration.manifests.tables
import services.registration.needs.tables
import services.registration.organizations.tables
import services.registration.packets.tables
import services.registration.people.tables
import services.registration.releases.tables
import services.registration.retention.tables
import services.registration.screening.tables
import services.registration.sharing.tables
import services.registration.sync.tables
import services.registration.vault.tables
import services.registration.withholding.tables  # noqa: F401
from libs.chassis.migrations import differences
from services.registration.database import KeyTable, Table


async def test_a_migrated_database_has_the_tables_of_the_code(databases):
    url, keys_url = databases
    assert await differences(url, Table.metadata) == []
    assert await differences(keys_url, KeyTable.metadata) == []


async def test_every_table_of_the_code_is_compared(registration):
    rows = await registration.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert set(Table.metadata.tables) <= {row["tablename"] for row in rows}
    assert len(Table.metadata.tables) == 53


async def test_the_keys_are_in_a_database_of_their_own(registration):
    rows = await registration.fetch("SELECT tablename FROM pg_tables WHERE tablename IN ('data_key', 'erased_subject')")
    assert rows == []
