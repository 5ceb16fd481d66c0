"""The directory on a real port, with real PostgreSQL and real tokens; no Kafka: its outbox is what is looked at."""

from functools import cache
from pathlib import Path

import pytest

from libs.chassis.settings import Role
from services.provider_directory import app as directory_app
from services.provider_directory.app import create_app
from services.provider_directory.pack import Pack, load_pack
from services.provider_directory.settings import DirectorySettings
from tests.infra import for_service
from tests.service.provider_directory.making import Directory

PACK = Path(__file__).resolve().parents[3] / "deploy" / "packs" / "guatemala"


@cache
def the_pack() -> Pack:
    """Frozen, so one for all tests: reading it takes as long as many of them."""
    return load_pack(PACK)


@pytest.fixture
def pack_directory():
    """The country pack of the service; a test file may have another one."""
    return PACK


@pytest.fixture
async def directory(migrated, issuer, running, pack_directory, monkeypatch):
    if pack_directory == PACK:
        monkeypatch.setattr(directory_app, "load_pack", lambda _: the_pack())
    url = migrated("provider_directory")
    settings = DirectorySettings(
        database_url=for_service(url),
        kafka_bootstrap_servers="127.0.0.1:9",
        token_issuer=issuer.url,
        token_jwks_url=issuer.jwks_url,
        fingerprint_key="a-key-for-tests-alone",
        pack=pack_directory,
        role=Role.API,
    )
    async with running(create_app(settings)) as client:
        yield Directory(client=client, issuer=issuer, database_url=url)
