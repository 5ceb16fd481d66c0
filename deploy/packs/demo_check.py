"""Compares a pack's `demo.yaml` with its other files: its places, clients and services must be there."""

from collections.abc import Collection, Iterator, Mapping

from deploy.packs.demo_data import Demo
from deploy.packs.directory import Directory
from deploy.packs.disagreements import Disagreement
from libs.events.codes import NeedCategory
from libs.taxonomy.model import Taxonomy
from libs.taxonomy.told import detail_faults, kind_faults
from services.referral.pack.policy import RoutingPolicy
from services.registration.pack import Reception

Keys = tuple[str | int, ...]


def demo_disagreements(
    demo: Demo,
    *,
    directory: Directory,
    reception: Reception,
    places: Collection[str],
    routing: RoutingPolicy,
    clients: Mapping[str, Collection[str]],
) -> Iterator[Disagreement]:
    """What does not fit the other files.

    `places` are those of places.yaml, `clients` the reception places of each client.
    """
    yield from _about_arrivals(demo, reception, clients)
    yield from _about_places(demo, places)
    yield from _about_needs(demo, directory, routing)
    yield from _about_kinds(demo, directory, routing.taxonomy)
    yield from _about_partners(demo, directory)


def _wrong(keys: Keys, why: str) -> Disagreement:
    return Disagreement("demo", keys, why)


def _about_arrivals(demo: Demo, reception: Reception, clients: Mapping[str, Collection[str]]) -> Iterator[Disagreement]:
    for mode, arrival in demo.arrivals.items():
        keys: Keys = ("arrivals", mode.value)
        found = reception.places.get(arrival.place)
        if found is None:
            yield _wrong((*keys, "place"), f"{arrival.place} is not a place of reception.yaml")
        elif mode not in found.modes:
            yield _wrong((*keys, "place"), f"reception.yaml has no {mode.value} at {arrival.place}")
        if not any(arrival.place.startswith(code) for code in clients.get(arrival.client, ())):
            yield _wrong((*keys, "client"), f"{arrival.client} is no client of clients.yaml for {arrival.place}")


def _about_places(demo: Demo, places: Collection[str]) -> Iterator[Disagreement]:
    people = demo.people
    told: dict[Keys, Collection[str]] = {
        ("people", "destinations"): people.destinations,
        ("people", "languages", "local"): people.languages.local,
    }
    for keys, codes in told.items():
        for code in sorted({*codes} - {*places}):
            yield _wrong(keys, f"{code} is not a place of places.yaml")


def _about_needs(demo: Demo, directory: Directory, routing: RoutingPolicy) -> Iterator[Disagreement]:
    offered = {service.category for service in directory.services if not service.restricted}
    for_children = {
        service.category for service in directory.services if service.eligibility.unaccompanied_children
    }  # fmt: skip
    told: tuple[tuple[str, Collection[NeedCategory], set[NeedCategory]], ...] = (
        ("adults", demo.needs.adults, offered),
        ("child_alone", demo.needs.child_alone, offered & for_children),
        ("family", demo.needs.family, offered),
    )
    for name, categories, served in told:
        for category in categories:
            if category not in served:
                yield _wrong(("needs", name, category), "no service of the directory may take such a need")
    for category in sorted(demo.needs.told_singly - demo.needs.family.keys()):
        yield _wrong(("needs", "told_singly"), f"{category} is not a need of families")
    for category, need in demo.needs.adults.items():
        if need.after is not None and need.after not in demo.needs.adults:
            yield _wrong(("needs", "adults", category, "after"), f"{need.after} is not among these needs")
    for category in sorted(routing.categories.keys() - demo.work.keys()):
        if demo.other_categories is None:
            yield _wrong(("work",), f"lacks {category}")
    for category in sorted(demo.scenes.withdrawals):
        if routing.is_basic(category):
            why = f"{category} is a basic category; its offers do not end with a consent"
            yield _wrong(("scenes", "withdrawals"), why)


def _about_kinds(demo: Demo, directory: Directory, taxonomy: Taxonomy) -> Iterator[Disagreement]:
    needs = demo.needs
    given = {kind for service in directory.services if not service.restricted for kind in service.kinds}
    told: list[tuple[Keys, str, str]] = [
        (("adult_kinds", category), category, kind) for category, kinds in needs.adult_kinds.items() for kind in kinds
    ]
    told += [(("child_kinds",), category, kind) for category, kind in needs.child_kinds.items()]
    told += [(("family_kinds",), category, kind) for category, kind in needs.family_kinds.items()]
    for keys, category, kind in told:
        for fault in kind_faults(taxonomy, kind, category=category, pointer=""):
            yield _wrong(("needs", *keys), f"{kind}: {fault.detail}")
        if kind in taxonomy.kinds and kind not in given:
            yield _wrong(("needs", *keys), f"no service of the directory gives {kind}")
    for kind, details in needs.details.items():
        faults = kind_faults(taxonomy, kind, category=None, pointer="")
        for fault in faults or detail_faults(taxonomy, kind, details, pointer=""):
            yield _wrong(("needs", "details", kind), fault.detail)


def _about_partners(demo: Demo, directory: Directory) -> Iterator[Disagreement]:
    partners = demo.partners
    organizations = {one.slug for one in directory.organizations}
    declared = {one.slug: sum(pool.available for pool in one.pools) for one in directory.services}
    told: dict[str, tuple[Collection[str], Collection[str], str]] = {
        "polling": (partners.polling, organizations, "an organisation"),
        "never_answering": (partners.never_answering, declared, "a service"),
        "true_places": (partners.true_places, declared, "a service"),
        "often_not_eligible": (partners.often_not_eligible, declared, "a service"),
        "keeping_hours": (partners.keeping_hours, declared, "a service"),
    }
    for name, (slugs, known, word) in told.items():
        for slug in sorted({*slugs} - {*known}):
            yield _wrong(("partners", name), f"{slug} is not {word} of directory.yaml")
    for slug, places in partners.true_places.items():
        if places >= declared.get(slug, places + 1):
            yield _wrong(
                ("partners", "true_places", slug), f"must be below the {declared[slug]} places that it declares"
            )
