"""The rules of webhook endpoints: their states, which addresses are allowed, and when one is disabled."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

URL_CHARACTERS_MAX = 2048
ENDPOINTS_MAX = 50
"""The limit per organisation. It limits how many deliveries one event can create."""
DISABLE_AFTER = timedelta(hours=72)
"""An endpoint without a successful response for this time is disabled. It is shorter than the whole retry schedule (75
h 35 min), so one delivery that never succeeds is enough."""
OVERLAP_DEFAULT_HOURS = 24
OVERLAP_MAX_HOURS = 168


class NotifiedType(StrEnum):
    """The types of event of which an organisation is notified; an endpoint may ask for only some of them.

    Steps that the organisation has just taken by its own call are omitted (acknowledge, decline, start, complete).
    Acceptance is included, because some services accept automatically.
    """

    OFFER_MADE = "offer.made.v1"
    OFFER_REMINDED = "offer.reminded.v1"
    OFFER_ACCEPTED = "offer.accepted.v1"
    OFFER_EXPIRED = "offer.expired.v1"
    OFFER_RECALLED = "offer.recalled.v1"
    OFFER_HALTED = "offer.halted.v1"
    OFFER_UPHELD = "offer.upheld.v1"
    REFERRAL_REMINDED = "referral.reminded.v1"
    REFERRAL_CANCELLED = "referral.cancelled.v1"
    REFERRAL_ENTERED_IN_ERROR = "referral.entered-in-error.v1"
    REFERRAL_NOT_DELIVERED = "referral.not-delivered.v1"
    STAY_ENDING = "stay.ending.v1"
    PACKET_DELETION_REQUESTED = "packet.deletion-requested.v1"
    CAPACITY_REFRESH_REQUESTED = "capacity.refresh-requested.v1"
    ENDPOINT_DISABLED = "endpoint.disabled.v1"


class EndpointStatus(StrEnum):
    """Whether notifications are sent to an endpoint."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"


class EndpointStep(StrEnum):
    """What can happen to an endpoint."""

    ENABLE = "enable"
    DISABLE = "disable"
    DELETE = "delete"


class DisabledReason(StrEnum):
    """Why an endpoint is disabled."""

    BY_OWNER = "by_owner"
    GONE = "gone"
    FAILING = "failing"


NEXT_STATUS: dict[tuple[EndpointStatus, EndpointStep], EndpointStatus] = {
    (EndpointStatus.ENABLED, EndpointStep.DISABLE): EndpointStatus.DISABLED,
    (EndpointStatus.DISABLED, EndpointStep.ENABLE): EndpointStatus.ENABLED,
    (EndpointStatus.ENABLED, EndpointStep.DELETE): EndpointStatus.DELETED,
    (EndpointStatus.DISABLED, EndpointStep.DELETE): EndpointStatus.DELETED,
}


def next_status(current: EndpointStatus, step: EndpointStep) -> EndpointStatus | None:
    """The status to which `step` leads from `current`, or None if the step is not allowed."""
    return NEXT_STATUS.get((current, step))


def disabled_reason(*, gone: bool, failing_since: datetime | None, now: datetime) -> DisabledReason | None:
    """Why an endpoint must be disabled after a failed attempt, or None: at once after a 410, otherwise after long
    failure."""
    if gone:
        return DisabledReason.GONE
    if failing_since is not None and now - failing_since >= DISABLE_AFTER:
        return DisabledReason.FAILING
    return None


class UrlFault(StrEnum):
    """Why a URL cannot be an endpoint; a public code."""

    LENGTH = "url-length"
    CHARACTERS = "url-characters"
    SCHEME = "url-scheme"
    CREDENTIALS = "url-credentials"
    FRAGMENT = "url-fragment"
    HOST = "url-host"
    PORT = "url-port"
    ADDRESS = "url-address"


URL_FAULT_TEXTS: dict[UrlFault, str] = {
    UrlFault.LENGTH: f"must have 1 to {URL_CHARACTERS_MAX} characters",
    UrlFault.CHARACTERS: "must be plain ASCII without spaces or backslashes; encode the rest",
    UrlFault.SCHEME: "must begin with https://",
    UrlFault.CREDENTIALS: "must not hold a user name or a password",
    UrlFault.FRAGMENT: "must not have a fragment",
    UrlFault.HOST: "must name a public host",
    UrlFault.PORT: "must have a port from 1 to 65535 or none",
    UrlFault.ADDRESS: "must not be a private, loopback, link-local or otherwise special address",
}


class UrlRefused(ValueError):  # noqa: N818 (a refusal is not an error)
    """A URL that the policy does not allow as an endpoint. The text is the code of the fault, never the URL."""

    def __init__(self, fault: UrlFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Target:
    """The parsed URL. It is parsed only once, so the parts that are checked are the parts that are connected to."""

    scheme: str
    host: str
    """Lower case; an address without brackets or a name without a trailing dot."""
    port: int
    path: str
    """Path and query, as the request line contains them."""

    @property
    def authority(self) -> str:
        """The `Host` header. It contains the port only if this is not the default port of the scheme."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


DEFAULT_PORTS = {"https": 443, "http": 80}
_PRINTABLE = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOCAL_SUFFIXES = ("localhost", "local", "internal", "intranet", "home.arpa", "lan", "corp", "home")
"""Names that mean something only inside a network."""


def target_of(url: str, *, allow_private: bool) -> Target:
    """The URL's parts, or `UrlRefused`. `allow_private` (local runs) allows http and names of a local network."""
    if not 1 <= len(url) <= URL_CHARACTERS_MAX:
        raise UrlRefused(UrlFault.LENGTH)
    if not _PRINTABLE.fullmatch(url):
        raise UrlRefused(UrlFault.CHARACTERS)
    if "#" in url:
        raise UrlRefused(UrlFault.FRAGMENT)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UrlRefused(UrlFault.HOST) from None
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise UrlRefused(UrlFault.SCHEME)
    if "@" in parts.netloc:
        raise UrlRefused(UrlFault.CREDENTIALS)
    host = _host(parts.hostname or "", bracketed=parts.netloc.startswith("["), allow_private=allow_private)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme=parts.scheme, host=host, port=_port(parts.netloc, parts.scheme), path=path)


def _port(netloc: str, scheme: str) -> int:
    after_host = netloc.rpartition("]")[2] if "]" in netloc else netloc
    _, colon, text = after_host.partition(":")
    if not colon:
        return DEFAULT_PORTS[scheme]
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise UrlRefused(UrlFault.PORT)
    return int(text)


def _host(hostname: str, *, bracketed: bool, allow_private: bool) -> str:
    host = hostname.lower().removesuffix(".")
    address = _address(host)
    if address is not None:
        if bracketed != (address.version == 6):
            raise UrlRefused(UrlFault.HOST)
        if not address_allowed(host, allow_private=allow_private):
            raise UrlRefused(UrlFault.ADDRESS)
        return host
    labels = host.split(".")
    if bracketed or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlRefused(UrlFault.HOST)
    # If the last label is a number, resolvers read the whole name as an IPv4 address in an old notation (127.1,
    # 0x7f.1).
    if _NUMBER.fullmatch(labels[-1]):
        raise UrlRefused(UrlFault.HOST)
    inside = len(labels) == 1 or any(host == suffix or host.endswith(f".{suffix}") for suffix in _LOCAL_SUFFIXES)
    if inside and not allow_private:
        raise UrlRefused(UrlFault.HOST)
    return host


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


_UNICAST_6 = ipaddress.ip_network("2000::/3")
_SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # the host's own service inside a large public cloud
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4, withdrawn
        "2001::/23",  # protocol assignments, Teredo among them
        "2002::/16",  # 6to4: contains an IPv4 address
        "3fff::/20",  # documentation
    )
)
_METADATA = tuple(ipaddress.ip_network(network) for network in ("fd00:ec2::/32", "fd20:ce::/32"))


def address_allowed(address: str, *, allow_private: bool) -> bool:
    """Whether a webhook may be sent to this IP address. It is used for literals in URLs and for the results of DNS.

    Only globally routed unicast addresses are allowed. `allow_private` also allows loopback and private addresses. It
    never allows link-local addresses (clouds serve their metadata there) or IPv6 addresses that contain an IPv4
    address.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or any(ip in network for network in _METADATA):
        return False
    if allow_private and (ip.is_loopback or _in_private_network(ip)):
        return True
    if any(ip in network for network in _SPECIAL if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_reserved and (ip.version == 4 or ip in _UNICAST_6)


_PRIVATE = tuple(
    ipaddress.ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


def _in_private_network(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(ip in network for network in _PRIVATE if network.version == ip.version)
