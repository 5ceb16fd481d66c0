"""Names in the API documents are for readers: no path of a module is among them."""

import pytest

from tests.contract.apis import SETTINGS, wired


@pytest.mark.parametrize("service", SETTINGS)
def test_no_schema_is_named_by_its_module(service, postgres_server, issuer):
    """Two models of one name in one document get the paths of their modules as names."""
    schemas = wired(service, postgres_server, issuer).openapi()["components"]["schemas"]
    assert [name for name in schemas if "__" in name] == []
