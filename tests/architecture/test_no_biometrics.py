"""No biometric data are collected (domain P27): no table, event or request has a field for them."""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from libs.events.catalogue import CATALOGUE
from libs.events.contracts.schemas import event_schema
from libs.events.topics import TOPICS
from services.registration.app import ROUTERS
from services.registration.database import Table

assert import_module("services.registration.app"), "importing the application declares every table"
_BIOMETRIC = re.compile(
    r"(^|_)(biometr\w*|fingerprints?|fingers?|thumb\w*|iris|retina|face|faces|facial|palm|voiceprints?|gait|dna|photos?"
    r"|pictures?|portraits?|image|images|scan|scans|signature_image|huellas?|rostro)(_|$)"
)
NOT_OF_A_BODY = {"fingerprint"}
"""The keyed hash of a request, by which a repeated Idempotency-Key is compared (`libs/chassis/idempotency.py`)."""


def biometric(names: set[str]) -> set[str]:
    return {name for name in names if _BIOMETRIC.search(name)}


def names_in(schema: Any) -> Iterator[str]:
    """The names of all fields of a JSON schema, and the codes that it lists."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}) if isinstance(schema.get("properties"), dict) else ()
        yield from (one for one in schema.get("enum", ()) if isinstance(one, str))
        for part in schema.values():
            yield from names_in(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from names_in(part)


def bodies_of_registration() -> Iterator[type]:
    for router in ROUTERS:
        for route in router.routes:
            if (body := getattr(route, "body_field", None)) is not None:
                yield body.field_info.annotation


@pytest.mark.parametrize("name", ["fingerprint", "face_template", "left_iris", "photo", "huella_digital", "photos"])
def test_such_a_name_is_found(name):
    assert biometric({name, "given_names", "interface", "surface_kind"}) == {name}


def test_no_column_of_registration_holds_biometric_data():
    columns = {column.name for table in Table.metadata.tables.values() for column in table.columns}
    assert len(columns) > 100
    assert biometric(columns) <= NOT_OF_A_BODY


def test_no_event_carries_biometric_data():
    names = {name for model in CATALOGUE.values() for name in names_in(event_schema(model, TOPICS[model.topic]))}
    assert len(names) > 100
    assert biometric(names) == set()


def test_no_request_takes_biometric_data():
    names: set[str] = set()
    for body in bodies_of_registration():
        if hasattr(body, "model_json_schema"):
            names |= set(names_in(body.model_json_schema()))
    assert len(names) > 50
    assert biometric(names) == set()
