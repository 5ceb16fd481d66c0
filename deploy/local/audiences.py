"""The service of each scope: a token is valid only for the services at which its scopes permit something."""

from collections.abc import Iterable
from typing import Final

SCOPES_OF: Final[dict[str, frozenset[str]]] = {
    "enlace-registration": frozenset(
        {
            *("access-log:read", "access-reports:read", "arrivals:read", "arrivals:write", "consents:write"),
            *("child-releases:read", "child-releases:sign-off", "child-releases:write"),
            *("deletions:answer", "deletions:read", "erasure:write", "incidents:read", "incidents:write"),
            *("emergency:approve", "emergency:open", "emergency:read", "emergency:review", "emergency-person:read"),
            *("exports:approve", "exports:read", "exports:write"),
            *("identity-checks:write", "intake:decide"),
            *("legal-requests:answer", "legal-requests:read", "legal-requests:write", "matches:decide", "matches:read"),
            *("operations:read", "packets:read", "progress:read", "returnees:read", "returnees:write"),
            *("retention:read", "retention:write", "safe-contact:read"),
            *("screening:read", "screening:write"),
        }
    ),
    "enlace-referral": frozenset(
        {
            *("access-log:read", "ages:decide", "needs:write", "offers:answer", "offers:read", "operations:read"),
            *("places:read", "progress:read", "referrals:read", "referrals:write", "reviews:decide"),
            "work-lists:read",
        }
    ),
    "enlace-provider-directory": frozenset(
        {
            *("capacity:write", "certificates:read", "certificates:write"),
            *("directory:admin", "directory:read", "directory:write", "operations:read"),
        }
    ),
    "enlace-notifications": frozenset({"deliveries:read", "endpoints:read", "endpoints:write", "operations:read"}),
}
"""The scopes of each audience. `restricted:read` belongs to none, because it only extends what other scopes show."""
_EVERY_SCOPE: Final = frozenset().union(*SCOPES_OF.values())


def audiences_of(scopes: Iterable[str]) -> tuple[str, ...]:
    """The services for which a token with these scopes is valid."""
    held = set(scopes)
    return tuple(audience for audience, own in SCOPES_OF.items() if held & own)


def narrowed(scopes: frozenset[str], audiences: Iterable[str]) -> frozenset[str]:
    """The scopes that permit something at one of these audiences, and those that belong to no audience."""
    chosen: frozenset[str] = frozenset().union(*(SCOPES_OF.get(audience, frozenset()) for audience in audiences))
    return scopes & chosen | (scopes - _EVERY_SCOPE)


def audience_of_resource(resource: str) -> str:
    """The audience that a `resource` (RFC 8707) names, either directly or as the URN `urn:enlace:<service>`."""
    return resource.replace("urn:enlace:", "enlace-", 1) if resource.startswith("urn:enlace:") else resource
