"""Reads a pack's `directory.yaml`: organisations and services in models without unknown fields, with ids from slugs.

The pack is loaded through provider_directory's public API (deploy/demo/loading.py), so this module imports no service.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, field_validator

from libs.chassis.yaml_files import FaultyFileError, PackPart, open_yaml, read_model
from libs.events.catalogue.directory import Eligibility, Opening
from libs.events.codes import AccessNeed, NeedCategory, NeedKind
from libs.events.detail_values import DetailCode
from libs.taxonomy.model import Taxonomy, load_taxonomy
from libs.taxonomy.told import category_faults, kind_faults, scope_faults

PACK_NAMESPACE: Final = UUID("6f0c5a9e-3d0b-5c8e-9a53-1f2a7c6d4b10")
"""The namespace of all ids of a pack. The same slug gives the same id on every machine and in every run."""

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,60}$")]
PlaceCode = Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9]{2,6}$")]

_HOURS: Final = re.compile(r"([1-7])(?:-([1-7]))? (\d\d):(\d\d)-(\d\d):(\d\d)")


def organization_id(slug: str) -> UUID:
    """The id of the organisation with this slug."""
    return uuid5(PACK_NAMESPACE, f"organization/{slug}")


def service_id(slug: str) -> UUID:
    """The id of the service with this slug."""
    return uuid5(PACK_NAMESPACE, f"service/{slug}")


def openings_of(hours: str | list[str]) -> list[Opening]:
    """The openings in `always` (an empty list) or in lines such as `1-5 08:00-16:00`.

    Raises ValueError for any other form.
    """
    if hours == "always":
        return []
    found: list[Opening] = []
    for line in [hours] if isinstance(hours, str) else hours:
        match = _HOURS.fullmatch(line)
        if match is None:
            raise ValueError(f"hours must be `always` or `1-5 08:00-16:00`, not {line!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        opens, closes = int(match[3]) * 60 + int(match[4]), int(match[5]) * 60 + int(match[6])
        if not 0 <= opens < closes <= 1440 or last < first:
            raise ValueError(f"hours must ascend within one week and one day, not {line!r}")
        found.extend(Opening(weekday=day, opens_minute=opens, closes_minute=closes) for day in range(first, last + 1))
    return found


class Pool(PackPart):
    """Places of one kind, with the figures that the organisation declares in the morning."""

    kind: Annotated[str, Field(pattern=r"^[a-z_]{3,40}$")]
    maximum: Annotated[int, Field(ge=0, le=10_000)]
    available: Annotated[int, Field(ge=0, le=10_000)]


class Service(PackPart):
    """One service of an organisation; the fields that routing reads are those of `ProviderServicePublished`."""

    slug: Slug
    name: str
    description: str = ""
    source: str
    category: NeedCategory
    kinds: Annotated[dict[NeedKind, dict[DetailCode, list[DetailCode]]], Field(min_length=1)]
    """The kinds of need that it meets, with the values of details that it covers; `{}`: all of the kind."""
    service_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,60}$")]
    restricted: bool
    place: PlaceCode
    on_site_at: PlaceCode | None
    catchment: list[PlaceCode]
    eligibility: Eligibility
    languages: list[str]
    language_must_match: bool
    access: list[AccessNeed]
    hours: str | list[str]
    accepts_automatically: bool
    max_stay_hours: int | None
    pools: Annotated[list[Pool], Field(min_length=1)]

    @field_validator("hours")
    @classmethod
    def _readable(cls, hours: str | list[str]) -> str | list[str]:
        openings_of(hours)
        return hours

    @cached_property
    def id(self) -> UUID:
        """The service's id, made from its slug."""
        return service_id(self.slug)

    def pool_id(self, kind: str) -> UUID:
        """The id of the service's pool of this kind."""
        return uuid5(PACK_NAMESPACE, f"pool/{self.slug}/{kind}")


class Organization(PackPart):
    """One organisation with its services, accreditations and sharing agreements (category to last valid day)."""

    slug: Slug
    name: str
    kind: Annotated[
        str, Field(pattern=r"^(government|municipality|civil_society|church|international|private_sector|community)$")
    ]
    source: str
    description: str
    accreditations: dict[NeedCategory, date]
    agreements: dict[NeedCategory, date]
    services: Annotated[list[Service], Field(min_length=1)]

    @cached_property
    def id(self) -> UUID:
        """The organisation's id, made from its slug."""
        return organization_id(self.slug)

    @cached_property
    def is_restricted(self) -> bool:
        """True if all its services are restricted; then only callers with the restricted scope can see it."""
        return all(service.restricted for service in self.services)


class Certified(PackPart):
    """Certificates of one kind for members of staff of the network."""

    kind: str
    issuing_body: str
    valid_from: date
    valid_until: date
    holders: Annotated[list[str], Field(min_length=1)]
    """Subjects of people, and `client:` with the client id for programs."""


class Directory(PackPart):
    """All organisations of a pack, and who holds a certificate."""

    sample: bool
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    timezone: str
    certificates: list[Certified] = []
    organizations: list[Organization]

    @cached_property
    def services(self) -> list[Service]:
        """All services of all organisations."""
        return [service for organization in self.organizations for service in organization.services]


def directory_file(pack: Path) -> Path:
    """The file of the pack's directory. An overlay pack has none; its `overlay.yaml` names the base pack."""
    return pack / load_overlay(pack).base / "directory.yaml"


def load_directory(pack: Path) -> Directory:
    """The directory of the pack in `pack`. Raises FaultyFileError, which names file, line and key.

    A category or kind that the taxonomy of the pack lacks is a mistake too: the API would refuse it in the middle of
    loading.
    """
    overlay, path = load_overlay(pack), directory_file(pack)
    file = open_yaml(path)
    written = file.model(_Written)
    organizations = [
        organization | {"services": [_with_defaults(one, written.defaults, overlay) for one in _services(organization)]}
        for organization in written.organizations
    ]
    whole = replace(file, content=written.model_dump(exclude={"defaults"}) | {"organizations": organizations})
    directory = whole.model(Directory)
    faults = [file.fault(keys, why) for keys, why in _unknown_codes(directory, load_taxonomy(path.parent))]
    if faults:
        raise FaultyFileError(faults)
    return directory


def _unknown_codes(directory: Directory, taxonomy: Taxonomy) -> Iterator[tuple[Sequence[str | int], str]]:
    """The keys of each code that the taxonomy lacks, and what is wrong."""
    for number, organization in enumerate(directory.organizations):
        at = ("organizations", number)
        told: dict[tuple[str | int, ...], str] = {}
        for name in ("accreditations", "agreements"):
            told |= {(name, code): code for code in getattr(organization, name)}
        for index, service in enumerate(organization.services):
            told[("services", index, "category")] = service.category
        for keys, code in told.items():
            for fault in category_faults(taxonomy, code, pointer=""):
                yield (*at, *keys), f"{code}: {fault.detail}"
        for index, service in enumerate(organization.services):
            for kind, scope in service.kinds.items():
                faults = kind_faults(taxonomy, kind, category=service.category, pointer="")
                if not faults:
                    faults = scope_faults(taxonomy, kind, [*scope.items()], pointer="")
                for fault in faults:
                    yield (*at, "services", index, "kinds", kind), f"{service.slug}: {fault.detail}"


class _Written(BaseModel):
    """The file before the defaults are filled in."""

    model_config = ConfigDict(frozen=True, extra="allow")

    defaults: dict[str, Any]
    organizations: list[dict[str, Any]]


def _services(organization: dict[str, Any]) -> list[Any]:
    services = organization.get("services")
    return services if isinstance(services, list) else []


class Overlay(PackPart):
    """The changes of an overlay pack to the directory of its base pack."""

    base: str = "."
    """The path of the base pack, relative to the overlay."""
    always_open: bool = False
    """If True, weekly hours are left out, so that the demo can run at any time."""
    keeps_hours: list[str] = []
    """The slugs of services that keep their hours even then."""


def load_overlay(pack: Path) -> Overlay:
    """The pack's `overlay.yaml`, or an overlay that changes nothing."""
    path = pack / "overlay.yaml"
    return read_model(Overlay, path) if path.exists() else Overlay()


def _with_defaults(service: Any, defaults: dict[str, Any], overlay: Overlay) -> Any:
    if not isinstance(service, dict):
        return service  # the model refuses it
    merged = {**defaults, **service}
    told = service.get("eligibility", {})
    usual = defaults.get("eligibility", {})
    if isinstance(told, dict) and isinstance(usual, dict):
        merged["eligibility"] = usual | told
    if overlay.always_open and service.get("slug") not in overlay.keeps_hours:
        merged["hours"] = "always"
    return merged
