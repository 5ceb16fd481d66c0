"""The token matrix over all four services ends without a deviation."""

from uuid import uuid4

import pytest

from tests.attack.tokens import foreign_rows, operations_of, token_matrix
from tests.contract.apis import SETTINGS, wired
from tests.contract.seeds import fill_referral, seeds_of
from tests.infra import apart
from tests.served import running

FEWEST = {"registration": 30, "referral": 50, "provider_directory": 15, "notifications": 12}
"""So many operations there are at least: a matrix of nothing has no deviation either."""


@pytest.mark.parametrize("service", SETTINGS)
async def test_no_token_opens_an_operation_that_is_not_for_its_bearer(service, postgres_server, issuer):
    app = wired(service, postgres_server, issuer)
    assert len(operations_of(app)) >= FEWEST[service]
    async with running(app) as client:
        lines = await token_matrix(app, client, issuer)
    assert all(line.tries for line in lines if not line.attack.startswith("of the wrong kind"))
    assert {line.attack: line.deviations for line in lines if line.deviations} == {}


@pytest.mark.parametrize("service", SETTINGS)
async def test_rows_of_another_organisation_are_as_if_they_were_not(service, postgres_server, issuer):
    owner = uuid4()
    app = wired(service, postgres_server, issuer)
    url = app.state.settings.database_url
    if service == "referral":
        apart(fill_referral(app, issuer, url, owner))
        app = wired(service, postgres_server, issuer, database_url=url)
    scopes = sorted({one.requirement.scope for one in operations_of(app)} | {"restricted:read"})
    mine = issuer.headers(scopes, organization_id=owner, client_id="owner")
    steward = issuer.headers(scopes, client_id="steward")
    async with running(app) as client:
        for operation, path, body in seeds_of(service):
            headers = (steward if service == "provider_directory" else mine) | {"Idempotency-Key": str(uuid4())}
            made = await client.request(operation.split(" ")[0], path, json=body, headers=headers)
            assert made.is_success, (operation, made.text)
        line = await foreign_rows(app, client, issuer, database_url=url, stranger=uuid4())
    assert line.tries > 3
    assert line.deviations == []
