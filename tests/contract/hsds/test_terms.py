"""The taxonomy of each pack in the form of HSDS is valid under the schemas of HSDS 3.1."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from libs.taxonomy.model import load_taxonomy
from services.provider_directory.taxonomy.queries import terms_of

HERE = Path(__file__).parent
PACKS = HERE.parents[2] / "deploy" / "packs"
SCHEMAS: dict[str, Any] = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in HERE.glob("*.json")}
REGISTRY: Any = Registry().with_resources(
    (name, Resource.from_contents(schema, default_specification=DRAFT202012)) for name, schema in SCHEMAS.items()
)


def faults(name: str, content: Any) -> list[str]:
    validator = Draft202012Validator(SCHEMAS[name], registry=REGISTRY, format_checker=FormatChecker())
    return [one.message for one in validator.iter_errors(content)]


@pytest.mark.parametrize("name", ["ethiopia", "guatemala", "honduras"])
def test_the_terms_of_a_pack_are_valid_and_a_kind_has_its_category_as_parent(name: str) -> None:
    """Seen to fail with a parent of null, which the schema refuses."""
    taxonomy = load_taxonomy(PACKS / name)
    for language in taxonomy.languages:
        found = terms_of(taxonomy, language).model_dump(mode="json", exclude_none=True)
        assert faults("taxonomy.json", found["taxonomy"]) == []
        terms = {one["id"]: one for one in found["taxonomy_terms"]}
        assert [fault for one in terms.values() for fault in faults("taxonomy_term.json", one)] == []
        assert len(terms) == len(taxonomy.categories) + len(taxonomy.kinds)
        for one in terms.values():
            if "parent_id" in one:
                assert terms[one["parent_id"]]["code"] == taxonomy.kinds[one["code"]].category
            else:
                assert one["code"] in taxonomy.categories


def test_ids_stay_with_the_code_and_differ_between_countries() -> None:
    guatemala, honduras = (
        {one.code: one.id for one in terms_of(load_taxonomy(PACKS / name), "es").taxonomy_terms}
        for name in ("guatemala", "honduras")
    )
    assert str(guatemala["prosthesis"]) == "bbd3546f-cc79-59ff-958d-dbafa26d96a0"
    assert not {*guatemala.values()} & {*honduras.values()}


def test_the_schema_refuses_what_is_not_a_term() -> None:
    assert faults("taxonomy_term.json", {"id": "x", "name": "Bread"}) != []
