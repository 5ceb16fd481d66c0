import services.provider_directory.capacity.tables
import services.provider_directory.listings.tables
import services.provider_directory.organizations.tables  # noqa: F401
from libs.chassis.migrations import run_env
from services.provider_directory.database import TABLES

run_env(TABLES.metadata)
