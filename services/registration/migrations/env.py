import services.registration.arrivals.tables
import services.registration.audit.tables
import services.registration.consent.tables
import services.registration.erasure.tables
import services.registration.households.tables
import services.registration.manifests.tables
import services.registration.needs.tables
import services.registration.organizations.tables
import services.registration.packets.tables
import services.registration.people.tables  # noqa: F401
from libs.chassis.migrations import run_env
from services.registration.database import Table

run_env(Table.metadata)
