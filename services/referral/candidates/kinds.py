"""Whether a service gives what a need asks for: its kind, within the scope that the provider has named. Pure.

A kind is a hard rule. A need of which only the category is known goes to services that find out what is needed (pack,
`triage`), and to services that do not name their kinds. A kind may be offered for another one only if the pack says so
(`instead_of`); the offer then says so too.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from libs.events.detail_values import DetailValue
from libs.taxonomy.model import Taxonomy
from services.referral.candidates.facts import Need, Service
from services.referral.candidates.reasons import Exclusion

REACH: Final = frozenset({Exclusion.NOT_PRESENT_HERE, Exclusion.CATCHMENT, Exclusion.TOO_FAR})
"""The rules that say that a service is too far away for the person."""
_KINDS: Final = frozenset({Exclusion.KIND_NOT_OFFERED, Exclusion.BEYOND_SCOPE})


def kinds_served(service: Service, taxonomy: Taxonomy) -> set[str | None]:
    """The kinds of need for which the service may be a candidate. None: needs of which only the category is known."""
    if not service.scopes:
        return {None}
    served: set[str | None] = set()
    for kind in service.scopes:
        known = taxonomy.kinds.get(kind)
        served.add(taxonomy.current(kind))
        if known is not None:
            served.update(taxonomy.current(one) for one in known.instead_of)
            served.update({None} if known.triage else ())
    return served


def offered_kind(need: Need, service: Service, taxonomy: Taxonomy) -> str | None:
    """The kind that the service would give for this need: the kind itself, else the first one that may stand in for it.
    None for a need of which only the category is known, and if the service may not take the need."""
    return next(iter(_offered(need, service, taxonomy)), None)


def kind_fault(need: Need, service: Service, taxonomy: Taxonomy) -> Exclusion | None:
    """Why the service does not give what the need asks for, or None if it does."""
    if need.kind is None:
        finds_out = not service.scopes or None in kinds_served(service, taxonomy)
        return None if finds_out else Exclusion.KIND_NOT_OFFERED
    if any(True for _ in _offered(need, service, taxonomy)):
        return None
    named = need.kind in service.scopes or taxonomy.current(need.kind) in kinds_served(service, taxonomy)
    return Exclusion.BEYOND_SCOPE if named else Exclusion.KIND_NOT_OFFERED


def stands_in(need: Need, kind: str | None, taxonomy: Taxonomy) -> bool:
    """True if this offered kind is another one than the need asks for."""
    return None not in (need.kind, kind) and taxonomy.current(str(need.kind)) != taxonomy.current(str(kind))


def lacking(excluded: Iterable[Iterable[str]]) -> Exclusion | None:
    """What the network lacks for a need that no service may take: `BEYOND_SCOPE` if services within reach give the kind
    but not what the details ask for, `KIND_NOT_OFFERED` if none gives the kind. None if the reason is another one.

    `excluded`: for each service that could have been a candidate, the codes that exclude it.
    """
    codes = [set(one) for one in excluded]
    if any(one.isdisjoint(_KINDS | REACH) for one in codes):
        return None
    if any(Exclusion.BEYOND_SCOPE in one for one in codes):
        return Exclusion.BEYOND_SCOPE
    return Exclusion.KIND_NOT_OFFERED if all(Exclusion.KIND_NOT_OFFERED in one for one in codes) else None


def _offered(need: Need, service: Service, taxonomy: Taxonomy) -> Iterable[str]:
    if need.kind is None:
        return
    wanted = taxonomy.current(need.kind)
    for kind, scope in service.scopes.items():
        if taxonomy.current(kind) == wanted and covers_details(scope, need.detail_values):
            yield kind
    for kind, scope in service.scopes.items():
        known = taxonomy.kinds.get(kind)
        others = () if known is None else [taxonomy.current(one) for one in known.instead_of]
        if wanted in others and covers_details(scope, need.detail_values):
            yield kind


def covers_details(scope: Mapping[str, frozenset[str]], details: Mapping[str, DetailValue]) -> bool:
    """True if every told value of each detail of the scope is one that the service covers. A detail that was not told
    excludes nothing."""
    return all(_values(details[detail]) <= covered for detail, covered in scope.items() if detail in details)


def _values(value: DetailValue) -> set[str]:
    return {str(one) for one in value} if isinstance(value, list) else {str(value)}
