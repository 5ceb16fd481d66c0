"""One referral service per test: a migrated database of its own, the API on a port, the loops by hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from libs.chassis.settings import Role
from services.referral import app as referral_app
from services.referral.app import create_app
from services.referral.pack.policy import RoutingPolicy
from services.referral.settings import Settings
from tests.certifying import Certifying
from tests.infra import for_service
from tests.served import IssuerForTests
from tests.service.referral.world import World
from tests.unit.referral.making_facts import a_policy

NewWorld = Callable[..., AbstractAsyncContextManager[World]]


def write_pack(directory: Path, policy: RoutingPolicy) -> None:
    """The files of a pack from which referral reads this policy."""
    files = policy.model_dump(mode="json", exclude={"taxonomy"})
    required = files.pop("certificates")
    kinds = {kind: {"label": {"en": kind}} for kind in required.values()}
    restricted_needs = {"default": next(iter(kinds)), "by_category": required} if kinds else None
    certificates = {"kinds": kinds, "restricted_needs": restricted_needs}
    (directory / "certificates.yaml").write_text(json.dumps(certificates), encoding="utf-8")
    (directory / "consents.yaml").write_text(json.dumps(files.pop("consents")), encoding="utf-8")
    taxonomy = policy.taxonomy.model_dump(mode="json", exclude_unset=True)
    (directory / "taxonomy.yaml").write_text(json.dumps(taxonomy), encoding="utf-8")
    (directory / "nrm.yaml").write_text(json.dumps(files.pop("mechanism")), encoding="utf-8")
    (directory / "routing.yaml").write_text(json.dumps(files), encoding="utf-8")


@pytest.fixture
def new_world(
    migrated: Callable[..., str],
    issuer: IssuerForTests,
    running: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> NewWorld:
    """`async with new_world(**policy changes) as world`, or `new_world(policy=...)` with a whole one."""

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[World]:
        policy = changes.pop("policy", None) or a_policy(**changes)
        write_pack(tmp_path, policy)  # for processes that a test starts
        monkeypatch.setattr(referral_app, "load_policy", lambda _: policy)
        url = migrated("referral")
        settings = Settings(
            database_url=for_service(url),
            kafka_bootstrap_servers="127.0.0.1:9",
            token_issuer=issuer.url,
            token_jwks_url=issuer.jwks_url,
            role=Role.API,
            fingerprint_key="a-fingerprint-key-for-tests",
            pack=tmp_path,
        )
        app = create_app(settings)
        async with running(app) as client:
            yield World(app, client, issuer, url, Certifying(settings.interactive_clients))

    return opened


@pytest.fixture
async def world(new_world: NewWorld) -> AsyncIterator[World]:
    """A service with the policy that most tests are content with."""
    async with new_world() as made:
        yield made
