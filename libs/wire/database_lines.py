"""Checks of database URLs: connections to other machines must be encrypted.

`postgresql://…@host:port/database?sslmode=verify-full&sslrootcert=/path/to/authorities.pem`
"""

import ipaddress
from urllib.parse import parse_qs, urlsplit

_PROVEN = frozenset({"verify-full"})
"""Values of `sslmode` that prevent reading the connection and impersonating the server."""


def is_reached_safely(url: str) -> bool:
    """Whether every host of the URL is this machine, or proves its name by a certificate. ValueError if `url` is not a
    URL."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    hosts = parts.netloc.rpartition("@")[2].split(",") + query.get("host", [])
    return query.get("sslmode", [""])[-1] in _PROVEN or all(is_this_machine(_name(host)) for host in hosts)


def check_line(url: str, *, tls: str) -> None:
    """ValueError without any value if the connection could be read on the network; `tls` is ENLACE_DATABASE_TLS."""
    if tls != "off" and not is_reached_safely(url):
        raise ValueError(
            "a database on another machine needs ?sslmode=verify-full (and sslrootcert=… for a private authority)"
            "; ENLACE_DATABASE_TLS=off allows none on a network without other machines"
        )


def _name(host: str) -> str:
    return host.partition("]")[0].strip("[") if host.startswith("[") else host.partition(":")[0]


def is_on_this_machine(url: str) -> bool:
    """Whether every host that a URL names is this machine, by a loopback address or a socket."""
    hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
    return all(is_this_machine(_name(host)) for host in hosts)


def is_this_machine(host: str) -> bool:
    """Whether a host's name, its address or the path of a socket means the machine that asks."""
    if host.startswith("/") or host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
