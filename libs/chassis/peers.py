"""The peer of a connection: what counts as one peer, and which proxies may state its address (pure)."""

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_PROXY_LINE_LONGEST = 107
"""Bytes of a line of the PROXY protocol, version 1, with its line end."""
_HOST_BITS = 64
"""For IPv6: the owner of an address normally has its whole /64 network."""


def peer_of(host: str) -> str:
    """The identity of a peer: an IPv4 address, or the network of an IPv6 address; other texts unchanged."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:100]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address) >> _HOST_BITS << _HOST_BITS, 128 - _HOST_BITS)).network_address)


def is_trusted(host: str, networks: Sequence[Network]) -> bool:
    """Whether the address lies in one of `networks`."""
    if not networks:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks if network.version == address.version)


class BadProxyLine(ValueError):  # noqa: N818 (a refusal is not an error)
    """The first line of a connection begins with PROXY and is invalid."""


def read_proxy_line(data: bytes) -> tuple[tuple[str, int] | None, bytes] | None:
    """Address and port of the caller that a PROXY line (version 1) at the start of `data` names, and what follows it.

    The address is None if the line says UNKNOWN, or if there is no such line. The result is None if more bytes are
    needed. `BadProxyLine` if the line is invalid.
    """
    start = b"PROXY "
    if not data.startswith(start[: len(data)]):
        return None, data
    line, end, rest = data[:_PROXY_LINE_LONGEST].partition(b"\r\n")
    if not end:
        if len(data) >= _PROXY_LINE_LONGEST:
            raise BadProxyLine
        return None
    rest = data[len(line) + len(end) :]
    words = line.decode("ascii", "replace").split(" ")
    if words[1] == "UNKNOWN":
        return None, rest
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6") or not words[4].isascii() or not words[4].isdecimal():
        raise BadProxyLine
    try:
        return (str(ipaddress.ip_address(words[2])), int(words[4])), rest
    except ValueError:
        raise BadProxyLine from None
