"""Runs the Alembic migrations of the database of keys."""

import services.registration.vault.tables  # noqa: F401
from libs.chassis.migrations import run_env
from services.registration.database import KeyTable

run_env(KeyTable.metadata)
