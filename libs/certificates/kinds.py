"""`certificates.yaml` of the country pack: the kinds of certificates that a person may hold.

The directory records certificates of these kinds only. An instrument of a screening names the kind that it requires,
and `restricted_needs` names the kind that each restricted category of needs requires.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from libs.chassis.yaml_files import FaultyFileError, FileFault, PackPart, open_yaml, read_model
from libs.taxonomy.questions import Code, Language

FILE = "certificates.yaml"
_Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class CertificateKind(PackPart):
    """A kind of certificate: what its holder has been trained for."""

    label: Annotated[dict[Language, _Label], Field(min_length=1)]


class RestrictedNeeds(PackPart):
    """The kind of certificate without which nobody sees restricted needs."""

    default: Code
    by_category: dict[Code, Code] = {}
    """For categories that require another kind than the default."""


class CertificateKinds(PackPart):
    """All kinds of a country."""

    kinds: dict[Code, CertificateKind] = {}
    restricted_needs: RestrictedNeeds | None = None
    """Required in a country with restricted categories."""


def load_kinds(directory: Path) -> CertificateKinds:
    """The kinds of the pack in `directory`; none if it lacks the file. Raises FaultyFileError."""
    path = directory / FILE
    return read_model(CertificateKinds, path) if path.exists() else CertificateKinds()


def load_required(directory: Path, restricted: Collection[str]) -> dict[str, str]:
    """The kind of certificate that each of these restricted categories requires. Raises FaultyFileError if one has
    none, or if a kind or a category is not known."""
    kinds = load_kinds(directory)
    required = kinds.restricted_needs
    if required is None:
        if not restricted:
            return {}
        why = f"is missing, and {', '.join(sorted(restricted))} are restricted in routing.yaml"
        raise FaultyFileError([FileFault(FILE, 1, "restricted_needs", why)])
    file, place = open_yaml(directory / FILE), "restricted_needs"
    named: dict[tuple[str, ...], str] = {(place, "default"): required.default}
    named |= {(place, "by_category", category): kind for category, kind in required.by_category.items()}
    faults = [
        file.fault(keys, f"{kind} is not one of kinds") for keys, kind in named.items() if kind not in kinds.kinds
    ]
    faults += [
        file.fault((place, "by_category", category), f"{category} is not restricted in routing.yaml")
        for category in required.by_category
        if category not in restricted
    ]
    if faults:
        raise FaultyFileError(faults)
    return {category: required.by_category.get(category, required.default) for category in restricted}
