"""One command compares all four services of an installation, and says what only people can enter again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any
from uuid import UUID

from deploy.reconcile.__main__ import orphans, published
from libs.chassis.knowing import Known
from tests.infra import for_service
from tests.service.registration.conftest import KEY, PACK, RESTRICTED_KEY

A, B, C = (UUID(int=number) for number in (1, 2, 3))


async def test_the_command_runs_over_four_real_databases(migrated: Any):
    environment = os.environ | {
        "ENLACE_REGISTRATION_DATABASE_URL": for_service(migrated("registration")),
        "ENLACE_REGISTRATION_KEYS_DATABASE_URL": for_service(migrated("registration", "keys_migrations")),
        "ENLACE_REFERRAL_DATABASE_URL": for_service(migrated("referral")),
        "ENLACE_DIRECTORY_DATABASE_URL": for_service(migrated("provider_directory")),
        "ENLACE_NOTIFICATIONS_DATABASE_URL": for_service(migrated("notifications")),
        "ENLACE_VAULT_KEY": KEY,
        "ENLACE_RESTRICTED_KEY": RESTRICTED_KEY,
        "ENLACE_WEBHOOK_SECRET_KEY": KEY,
        "ENLACE_PACK": str(PACK),
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "ENLACE_TOKEN_ISSUER": "http://127.0.0.1:1",
        "ENLACE_TOKEN_JWKS_URL": "http://127.0.0.1:1/jwks",
        "ENLACE_FINGERPRINT_KEY": "sample-fingerprint-key",
    }
    command = [sys.executable, "-m", "deploy.reconcile"]
    done = {
        how: await asyncio.to_thread(
            subprocess.run, [*command, *how], env=environment, capture_output=True, text=True, check=False
        )
        for how in (("--dry-run",), ())
    }
    assert done["--dry-run",].returncode == 0, done["--dry-run",].stderr[-2000:]
    assert done["--dry-run",].stdout == "0 open needs would go to desks\n"
    assert done[()].returncode == 2, "a change by an operator needs a reason"


def test_what_the_directory_has_lost_or_referral_has_not_heard_is_listed():
    directory = [Known(kind="organization", id=A, version=2), Known(kind="provider_service", id=B, version=1)]
    referral = [Known(kind="organization", id=A, version=1), Known(kind="provider_service", id=B, version=3),
                Known(kind="provider_service", id=C, version=1), Known(kind="need", id=C)]  # fmt: skip
    said = published(directory, iter(referral))
    assert [line.split(":")[0] for line in said] == [
        f"organization {A}",
        f"provider_service {B}",
        f"provider_service {C}",
    ]
    assert ["not heard" in said[0], "is lost" in said[1], "lost in the directory" in said[2]] == [True, True, True]
    assert published(directory, iter(directory)) == []


def test_an_endpoint_whose_organisation_is_lost_is_listed():
    directory = [Known(kind="organization", id=A)]
    assert orphans(directory, [Known(kind="endpoint", id=C, of=A)]) == []
    assert len(orphans(directory, [Known(kind="endpoint", id=C, of=B)])) == 1
