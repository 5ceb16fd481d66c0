"""The menu: which views a person has, by their rights. What the menu leaves out does not exist for them (404)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.console.sessions import Rights
from services.console.words import N_


@dataclass(frozen=True, slots=True)
class View:
    """An entry of the menu."""

    path: str
    name: str
    icon: str
    scopes: tuple[str, ...]
    further: Callable[[Rights], bool] = lambda rights: True

    def is_for(self, rights: Rights) -> bool:
        """Whether these rights include the view."""
        return rights.may(*self.scopes) and self.further(rights)


def _answers(rights: Rights) -> bool:
    return rights.organization_id is not None


def _is_staff(rights: Rights) -> bool:
    return rights.staff


def _asks_or_decides_in_emergencies(rights: Rights) -> bool:
    return rights.may("emergency:open", "emergency-person:read") or (rights.staff and rights.may("emergency:read"))


VIEWS: Final = (
    View("/tonight", N_("Tonight"), "tonight", ("progress:read",)),
    View("/work", N_("Work"), "work", ("work-lists:read",), _is_staff),
    View("/offers", N_("Offers"), "offers", ("offers:answer",), _answers),
    View("/stays", N_("Stays"), "stays", ("offers:answer", "referrals:read"), _answers),
    View("/places", N_("Free places"), "places", ("capacity:write",), _answers),
    View("/endpoints", N_("Connections"), "endpoints", ("endpoints:read",), _answers),
    View("/reception", N_("Reception"), "reception", ("arrivals:read", "returnees:write")),
    View("/reception/doubts", N_("Doubtful data"), "doubts", ("intake:decide",)),
    View("/cases", N_("Cases"), "cases", ("referrals:read",), _is_staff),
    View("/directory", N_("Directory"), "directory", ("directory:read",)),
    View(
        "/people-data",
        N_("People's own data"),
        "people",
        ("access-log:read", "erasure:write", "returnees:read"),
        _is_staff,
    ),
    View(
        "/screening",
        N_("Screening"),
        "people",
        ("returnees:read", "screening:read", "screening:write", "restricted:read"),
    ),
    View("/matches", N_("Matches"), "matches", ("matches:read",)),
    View("/child-releases", N_("Releases of children"), "releases", ("child-releases:read",), _is_staff),
    View("/emergencies", N_("Emergencies"), "emergencies", (), _asks_or_decides_in_emergencies),
    View("/exports", N_("Exports"), "exports", ("exports:read",), _is_staff),
    View("/incidents", N_("Incidents"), "incidents", ("incidents:read",), _is_staff),
)


def of(rights: Rights | None) -> Sequence[View]:
    """The views of a person, in the order of the menu."""
    return [] if rights is None else [view for view in VIEWS if view.is_for(rights)]


def first(rights: Rights) -> str:
    """Where a person begins after the sign-in."""
    views = of(rights)
    return views[0].path if views else "/nothing"
