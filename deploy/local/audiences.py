"""The service of each scope: a token is valid only for the services at which its scopes permit something."""

from collections.abc import Iterable
from typing import Final

SCOPES_OF: Final[dict[str, frozenset[str]]] = {
    "enlace-registration": frozenset(
        {
            *("access-log:read", "arrivals:read", "arrivals:write", "consents:write", "deletions:answer"),
            *("deletions:read", "erasure:write", "intake:decide", "packets:read", "returnees:read"),
            *("returnees:write", "safe-contact:read"),
        }
    ),
    "enlace-referral": frozenset(
        {
            *("access-log:read", "needs:write", "offers:answer", "offers:read", "places:read", "referrals:read"),
            *("referrals:write", "reviews:decide", "work-lists:read"),
        }
    ),
    "enlace-provider-directory": frozenset({"capacity:write", "directory:admin", "directory:read", "directory:write"}),
    "enlace-notifications": frozenset({"deliveries:read", "endpoints:read", "endpoints:write"}),
}
"""By audience. A scope that only widens what others show (`restricted:read`) belongs to none."""
_EVERY_SCOPE: Final = frozenset().union(*SCOPES_OF.values())


def audiences_of(scopes: Iterable[str]) -> tuple[str, ...]:
    """For whom a token with these scopes is."""
    held = set(scopes)
    return tuple(audience for audience, own in SCOPES_OF.items() if held & own)


def narrowed(scopes: frozenset[str], audiences: Iterable[str]) -> frozenset[str]:
    """Those of the scopes that open something at one of these audiences, and those that only widen."""
    chosen: frozenset[str] = frozenset().union(*(SCOPES_OF.get(audience, frozenset()) for audience in audiences))
    return scopes & chosen | (scopes - _EVERY_SCOPE)


def audience_of_resource(resource: str) -> str:
    """The audience that a `resource` (RFC 8707) names: as it is, or as the URN `urn:enlace:<service>`."""
    return resource.replace("urn:enlace:", "enlace-", 1) if resource.startswith("urn:enlace:") else resource
