"""What every route of every service keeps to, in the addresses, methods and bodies of its requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from tests.architecture.test_dependencies import APIS, routes_of
from tests.architecture.test_told_values import dependants, models_of

TELLING = {
    "name", "names", "given_name", "given_names", "family_name", "family_names", "birth_date", "document_number",
    "phone", "phone_number", "email", "address", "token", "access_token", "secret", "password", "note", "case_code",
}  # fmt: skip
"""Parameters that would put into an address, and so into logs of proxies, who somebody is or what is secret."""


def routes() -> Iterator[APIRoute]:
    return (route for module in APIS for route in routes_of(module))


def scopes_of(route: APIRoute) -> set[str]:
    return {scope for one in dependants(route.dependant) for scope in one.own_oauth_scopes or ()}


def test_no_address_asks_for_what_tells_of_a_person():
    """The free texts of `services/search` are words of the directory, `q`, not of a person."""
    asked = {
        f"{route.path}: {parameter.alias}"
        for route in routes()
        for one in dependants(route.dependant)
        for parameter in [*one.query_params, *one.path_params]
        if parameter.alias.lower() in TELLING
    }
    assert not asked


def test_what_asks_for_a_right_to_change_something_is_no_get():
    """Nothing is changed by following a link. `intake:decide` is the right of a desk, to its lists too."""
    verbs = {
        f"{route.path}: {scope}"
        for route in routes()
        if route.methods & {"GET", "HEAD", "OPTIONS"}
        for scope in scopes_of(route)
        if not scope.endswith(":read") and scope != "intake:decide"
    }
    assert not verbs


def test_scopes_are_found_at_all():
    assert sum(bool(scopes_of(route)) for route in routes()) > 100


@pytest.mark.parametrize("module", APIS)
def test_no_request_takes_a_field_that_its_body_does_not_declare(module: str):
    open_bodies = {
        f"{route.path}: {model.__name__}"
        for route in routes_of(module)
        for one in dependants(route.dependant)
        for parameter in one.body_params
        for model in models_of(parameter.field_info.annotation)
        if model.model_config.get("extra") != "forbid"
    }
    assert not open_bodies
