"""Finds mistakes in a country pack: in each file, and between files.

A service reads only the files that it needs, and does not start if one of them has a mistake. This check reads all
files before anything starts, and also compares them. For example, a service starts even if a lead agency is not in the
directory or a desk has no client; but then nobody acts on the needs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from deploy.local.clients import pack_file
from deploy.packs.demo_check import demo_disagreements
from deploy.packs.demo_data import Demo, load_demo
from deploy.packs.directory import Directory, directory_file, load_directory, organization_id
from deploy.packs.disagreements import Disagreement
from deploy.packs.mechanism import mechanism_disagreements
from deploy.packs.sample_people import SamplePeople, people_disagreements
from libs.certificates.holders import holder_of
from libs.certificates.kinds import CertificateKinds, load_kinds, load_required
from libs.chassis.yaml_files import FaultyFileError, PackPart, YamlFile, open_yaml, read_model
from libs.consents.policy import ConsentPolicy, load_consents
from libs.taxonomy.model import Taxonomy, load_taxonomy
from libs.taxonomy.policies import load_restricted
from services.provider_directory.pack import Pack as Declarations
from services.provider_directory.pack import load_pack as load_declarations
from services.referral.pack.mechanism import Mechanism
from services.referral.pack.policy import RoutingPolicy, load_policy
from services.registration.linkage.priors import Priors
from services.registration.linkage.priors import load as load_weights
from services.registration.pack import PacketPolicy, Reception, instruments_of, load_packets


class Place(PackPart):
    """A department or another area of the country: its name, a coarse centre in degrees, and its languages."""

    name: str
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    languages: list[str]


class Places(PackPart):
    """`places.yaml`."""

    country: str
    places: Annotated[dict[str, Place], Field(min_length=1)]
    reception_places: dict[str, dict[str, str]]


class ClientEntry(PackPart):
    """A client of `clients.yaml`."""

    client_id: str
    name: str
    roles: Annotated[list[str], Field(min_length=1)]
    organization: str | None = None
    organization_id: UUID | None = None
    reception_places: list[str] = []
    desks: list[str] = []
    staff: bool = False
    service: str | None = None


class Clients(PackPart):
    """`clients.yaml`."""

    sample: bool = False
    clients: Annotated[list[ClientEntry], Field(min_length=1)]


class RoleEntry(PackPart):
    """A role of `roles.yaml`."""

    description: str
    scopes: Annotated[list[str], Field(min_length=1)]


class Roles(PackPart):
    """`roles.yaml`."""

    roles: Annotated[dict[str, RoleEntry], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Files:
    """The content of a pack's files, and `texts`, the files themselves, for the lines of mistakes."""

    taxonomy: Taxonomy
    routing: RoutingPolicy
    reception: Reception
    packets: PacketPolicy
    consents: ConsentPolicy
    declarations: Declarations
    directory: Directory
    places: Places
    nrm: Mechanism
    roles: Roles
    clients: Clients
    people: SamplePeople | None
    demo: Demo | None
    linkage: Priors | None
    certificates: CertificateKinds | None
    texts: Mapping[str, YamlFile]


def _of(model: type[BaseModel], name: str) -> Callable[[Path], Any]:
    return lambda pack: read_model(model, pack_file(pack, f"{name}.yaml"))


READERS: Final[Mapping[str, Callable[[Path], Any]]] = {
    "taxonomy": load_taxonomy,
    "routing": load_policy,
    "reception": _of(Reception, "reception"),
    "packets": lambda pack: load_packets(pack, load_taxonomy(pack)),
    "consents": lambda pack: load_consents(pack, load_taxonomy(pack)),
    "declarations": load_declarations,
    "directory": load_directory,
    "places": _of(Places, "places"),
    "nrm": _of(Mechanism, "nrm"),
    "roles": _of(Roles, "roles"),
    "clients": _of(Clients, "clients"),
    "people": _of(SamplePeople, "people"),
    "certificates": load_kinds,
    "linkage": lambda pack: load_weights(pack_file(pack, "linkage.yaml")),
    "demo": load_demo,
}
OPTIONAL: Final = frozenset({"certificates", "demo", "linkage", "people"})
"""Files that a pack may lack. Without `demo.yaml`, `make demo` and `make simulate` do not run with the pack; without
`people.yaml`, nobody can sign in at the local issuer; without `certificates.yaml`, nobody can be certified. Without
`linkage.yaml`, records are compared by the weights of `services/registration/linkage/weights.yaml`."""


def faults(pack: Path) -> list[str]:
    """One line for each mistake, with file, line and key. Files are compared only if all of them are valid."""
    read: dict[str, Any] = {}
    found: list[str] = []
    for name, reader in READERS.items():
        if name in OPTIONAL and not _path(pack, name).exists():
            read[name] = None
            continue
        try:
            read[name] = reader(pack)
        except FaultyFileError as error:
            found += [str(fault) for fault in error.faults]
    # Two files may have been read for one model, and then each of them has reported the same mistake.
    return list(dict.fromkeys(found)) or _compared(pack, read) or _of_instruments(pack, read)


def _of_instruments(pack: Path, read: Mapping[str, Any]) -> list[str]:
    """The mistakes of certificates and instruments. They name kinds, categories and services of the other files."""
    folder = pack_file(pack, "routing.yaml").parent
    try:
        load_required(folder, load_restricted(folder, read["taxonomy"]))
        instruments_of(folder, read["taxonomy"], read["packets"])
    except FaultyFileError as error:
        return [str(fault) for fault in error.faults]
    return []


def _compared(pack: Path, read: Mapping[str, Any]) -> list[str]:
    texts = {name: open_yaml(_path(pack, name)) for name, content in read.items() if content is not None}
    disagreements = _disagreements(Files(**read, texts=texts))
    return [str(texts[one.file].fault(one.keys, one.why)) for one in disagreements]


def _path(pack: Path, name: str) -> Path:
    return directory_file(pack) if name == "directory" else pack_file(pack, f"{name}.yaml")


def _disagreements(files: Files) -> Iterator[Disagreement]:
    yield from _about_categories(files)
    yield from _about_places(files)
    yield from mechanism_disagreements(
        files.nrm,
        organizations={organization.slug for organization in files.directory.organizations},
        clients={client.client_id for client in files.clients.clients},
    )
    yield from _about_clients(files)
    yield from _about_certificates(files)
    if files.people is not None:
        yield from people_disagreements(
            files.people,
            roles=files.roles.roles.keys(),
            organizations={organization.slug: organization.id for organization in files.directory.organizations},
            desks=files.routing.desks,
            reception=files.reception,
        )
    if files.demo is not None:
        yield from demo_disagreements(
            files.demo,
            directory=files.directory,
            reception=files.reception,
            places=files.places.places.keys(),
            routing=files.routing,
            clients={one.client_id: one.reception_places for one in files.clients.clients},
        )


def _about_categories(files: Files) -> Iterator[Disagreement]:
    # A category of `other_categories` may wait for its first service: until then a desk owns its needs.
    named = {code for code, policy in files.routing.categories.items() if policy is not files.routing.other_categories}
    for category in sorted(named - {one.category for one in files.directory.services}):
        why = f"no service of the category {category}; all of its needs would go to a desk"
        yield Disagreement("directory", ("organizations",), why)


def _about_places(files: Files) -> Iterator[Disagreement]:
    country, places = files.routing.country, files.places.places
    for name in ("taxonomy", "reception", "places", "nrm", "directory"):
        if (told := getattr(files, name).country) != country:
            yield Disagreement(name, ("country",), f"is {told}; routing.yaml has {country}")
    for code in sorted(places.keys() ^ files.routing.places.keys()):
        yield Disagreement("places", ("places", code), "must be in routing.yaml and in places.yaml")
    for code in sorted(places.keys() & files.routing.places.keys()):
        if files.routing.places[code].model_dump() != places[code].model_dump(exclude={"languages"}):
            yield Disagreement("places", ("places", code), "routing.yaml has another name or centre for it")
    for code in files.reception.places:
        if not any(code.startswith(known) for known in places):
            yield Disagreement("reception", ("places", code), "is not a place of places.yaml or inside one")
    for number, organization in enumerate(files.directory.organizations):
        for index, service in enumerate(organization.services):
            keys = ("organizations", number, "services", index)
            told = {"place": [service.place], "catchment": service.catchment, "on_site_at": [service.on_site_at]}
            for name, codes in told.items():
                for code in sorted({code for code in codes if code is not None} - places.keys()):
                    why = f"{service.slug}: {code} is not a place of places.yaml"
                    yield Disagreement("directory", (*keys, name), why)


def _about_certificates(files: Files) -> Iterator[Disagreement]:
    kinds = files.certificates.kinds if files.certificates is not None else {}
    known = {holder_of(client.client_id, "", person=False) for client in files.clients.clients}
    known |= {person.subject for person in files.people.people} if files.people is not None else set()
    for index, certified in enumerate(files.directory.certificates):
        keys = ("certificates", index)
        if certified.kind not in kinds:
            yield Disagreement("directory", (*keys, "kind"), f"{certified.kind} is not a kind of certificates.yaml")
        for holder in certified.holders:
            if files.people is not None and holder not in known:
                why = f"{holder} is neither a subject of people.yaml nor a client of clients.yaml"
                yield Disagreement("directory", (*keys, "holders"), why)


def _about_clients(files: Files) -> Iterator[Disagreement]:
    clients = {client.client_id: client for client in files.clients.clients}
    for desk in sorted(files.routing.desks - clients.keys()):
        yield Disagreement("clients", ("clients",), f"no client for the desk {desk} of routing.yaml")
    index_of = {client.client_id: index for index, client in enumerate(files.clients.clients)}
    for organization in files.directory.organizations:
        client = clients.get(organization.slug)
        if client is None:
            why = f"no client for the organisation {organization.slug} of directory.yaml"
            yield Disagreement("clients", ("clients",), why)
        elif client.organization_id not in (None, organization.id):
            keys = ("clients", index_of[client.client_id], "organization_id")
            yield Disagreement("clients", keys, f"{client.client_id}: must be {organization_id(organization.slug)}")
    for index, client in enumerate(files.clients.clients):
        for role in sorted(set(client.roles) - files.roles.roles.keys()):
            why = f"{client.client_id}: {role} is not a role of roles.yaml"
            yield Disagreement("clients", ("clients", index, "roles"), why)
        for code in sorted(set(client.reception_places) - {files.reception.country, *files.reception.places}):
            why = f"{client.client_id}: {code} is not a place of reception.yaml"
            yield Disagreement("clients", ("clients", index, "reception_places"), why)
