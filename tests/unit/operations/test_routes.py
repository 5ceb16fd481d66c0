"""Each service shows operators what is stuck in its event bus."""

from importlib import import_module

import pytest

from libs.chassis.settings import Role
from tests.unit.packs.test_roles import PACKS, SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_shows_its_event_bus_to_staff_alone(service: str) -> None:
    name, own = SERVICES[service]
    of_service = getattr(import_module(f"services.{service}.settings"), name)
    settings = of_service(
        database_url="postgresql://nobody@127.0.0.1:1/none",
        kafka_bootstrap_servers="127.0.0.1:1",
        token_issuer="https://issuer.example",
        token_jwks_url="https://issuer.example/jwks",
        fingerprint_key="a-key-for-tests-alone",
        role=Role.API,
        **({"pack": PACKS / "guatemala"} if "pack" in of_service.model_fields else {}),
        **own,
    )
    app = import_module(f"services.{service}.app").create_app(settings)
    consumer, relay = app.state.event_bus
    assert (consumer.group, relay.rebuilds) == (service, 0)
    operation = app.openapi()["paths"]["/v1/event-bus"]["get"]
    assert operation["security"] == [{"bearer": ["operations:read"]}]
    assert operation["x-callers"] == ["staff"]
