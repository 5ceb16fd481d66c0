"""Creates an authority and a broker's certificate (X.509, ECDSA on P-256) with the standard library only.

The authority's private key signs one certificate and is not stored, so nobody can sign a certificate for another
broker. This code verifies nothing; certificates are verified by OpenSSL or Java. It is not protected against timing
attacks.
"""

import base64
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256

DAYS = 3650
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_SEQUENCE, _SET, _INTEGER, _BITS, _OCTETS, _BOOLEAN, _UTF8, _TIME = 0x30, 0x31, 0x02, 0x03, 0x04, 0x01, 0x0C, 0x17
_Point = tuple[int, int]


@dataclass(frozen=True)
class BrokerIdentity:
    """A broker's certificate and the authority by which clients verify it; PEM on one line, for environment files."""

    key: str
    certificate: str
    authority: str


def make_identity(names: Sequence[str]) -> BrokerIdentity:
    """Create an authority and a certificate that it signs for a broker with these host names and addresses."""
    authority, broker = _Key(), _Key()
    vouched = _certificate("Enlace containers", authority, issuer=authority, extensions=_of_an_authority(authority))
    shown = _certificate("kafka", broker, issuer=authority, extensions=_of_a_server(broker, authority, names))
    return BrokerIdentity(
        key=_pem("PRIVATE KEY", broker.pkcs8()),
        certificate=_pem("CERTIFICATE", shown),
        authority=_pem("CERTIFICATE", vouched),
    )


def in_lines(pem: str) -> str:
    """PEM with line breaks, as in a file, from PEM on one line."""
    header, _, rest = pem.partition("----- ")
    body, _, footer = rest.partition(" -----")
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join([f"{header}-----", *lines, f"-----{footer}", ""])


def _pem(kind: str, der: bytes) -> str:
    return f"-----BEGIN {kind}----- {base64.b64encode(der).decode()} -----END {kind}-----"


def _double_or_add(one: _Point | None, other: _Point | None) -> _Point | None:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % _P == 0:
        return None
    slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, _P) if one == other else (y2 - y1) * pow(x2 - x1, -1, _P)
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P


def _times(scalar: int, point: _Point) -> _Point:
    found: _Point | None = None
    doubled: _Point | None = point
    while scalar:
        if scalar & 1:
            found = _double_or_add(found, doubled)
        doubled = _double_or_add(doubled, doubled)
        scalar >>= 1
    if found is None:
        raise ValueError("a multiple of the curve's order")
    return found


class _Key:
    """A new, random private key on P-256."""

    def __init__(self) -> None:
        self._secret = secrets.randbelow(_N - 1) + 1
        x, y = _times(self._secret, _G)
        self.public = b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")

    @property
    def identifier(self) -> bytes:
        """The identifier of the key in certificates: SHA-1 of the public key (RFC 5280, 4.2.1.2).

        Security does not depend on this hash.
        """
        return sha1(self.public, usedforsecurity=False).digest()

    def sign(self, message: bytes) -> bytes:
        """The signature by ECDSA with SHA-256 (FIPS 186-5, 6.4.1), in DER."""
        digest = int.from_bytes(sha256(message).digest(), "big")
        while True:
            nonce = secrets.randbelow(_N - 1) + 1
            r = _times(nonce, _G)[0] % _N
            s = pow(nonce, -1, _N) * (digest + r * self._secret) % _N
            if r and s:
                return _der(_SEQUENCE, _integer(r), _integer(s))

    def spki(self) -> bytes:
        """The public key (SubjectPublicKeyInfo)."""
        return _der(_SEQUENCE, _KIND, _bits(self.public))

    def pkcs8(self) -> bytes:
        """The private key (RFC 5915 inside RFC 5958)."""
        inner = _der(
            _SEQUENCE, _integer(1), _der(_OCTETS, self._secret.to_bytes(32, "big")), _der(0xA1, _bits(self.public))
        )
        return _der(_SEQUENCE, _integer(0), _KIND, _der(_OCTETS, inner))


def _certificate(name: str, key: _Key, *, issuer: _Key, extensions: bytes) -> bytes:
    now = datetime.now(UTC)
    times = (now - timedelta(days=1), now + timedelta(days=DAYS))
    issued = _der(
        _SEQUENCE,
        _der(0xA0, _integer(2)),
        _integer(secrets.randbits(127) | 1 << 126),
        _ECDSA_WITH_SHA256,
        _name("Enlace containers"),
        _der(_SEQUENCE, *(_der(_TIME, time.strftime("%y%m%d%H%M%SZ").encode()) for time in times)),
        _name(name),
        key.spki(),
        _der(0xA3, extensions),
    )
    return _der(_SEQUENCE, issued, _ECDSA_WITH_SHA256, _bits(issuer.sign(issued)))


def _of_an_authority(key: _Key) -> bytes:
    return _der(
        _SEQUENCE,
        _extension("2.5.29.19", _der(_SEQUENCE, _TRUE, _integer(0)), critical=True),
        _extension("2.5.29.15", _der(_BITS, b"\x02\x04"), critical=True),  # keyCertSign
        _extension("2.5.29.14", _der(_OCTETS, key.identifier)),
    )


def _of_a_server(key: _Key, authority: _Key, names: Sequence[str]) -> bytes:
    return _der(
        _SEQUENCE,
        _extension("2.5.29.19", _der(_SEQUENCE), critical=True),
        _extension("2.5.29.15", _der(_BITS, b"\x07\x80"), critical=True),  # digitalSignature
        # A broker also connects to itself as a client, so the certificate needs both purposes.
        _extension("2.5.29.37", _der(_SEQUENCE, _oid("1.3.6.1.5.5.7.3.1"), _oid("1.3.6.1.5.5.7.3.2"))),
        _extension("2.5.29.14", _der(_OCTETS, key.identifier)),
        _extension("2.5.29.35", _der(_SEQUENCE, _der(0x80, authority.identifier))),
        _extension("2.5.29.17", _der(_SEQUENCE, *map(_alternative, names))),
    )


def _alternative(name: str) -> bytes:
    try:
        return _der(0x87, ipaddress.ip_address(name).packed)
    except ValueError:
        return _der(0x82, name.encode("ascii"))


def _extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    return _der(_SEQUENCE, _oid(oid), *([_TRUE] if critical else []), _der(_OCTETS, value))


def _name(common: str) -> bytes:
    return _der(_SEQUENCE, _der(_SET, _der(_SEQUENCE, _oid("2.5.4.3"), _der(_UTF8, common.encode()))))


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def _integer(value: int) -> bytes:
    return _der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _bits(content: bytes) -> bytes:
    return _der(_BITS, b"\x00", content)


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    encoded = [40 * first + second]
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        encoded += reversed(groups)
    return _der(0x06, bytes(encoded))


_TRUE = _der(_BOOLEAN, b"\xff")
_KIND = _der(_SEQUENCE, _oid("1.2.840.10045.2.1"), _oid("1.2.840.10045.3.1.7"))
_ECDSA_WITH_SHA256 = _der(_SEQUENCE, _oid("1.2.840.10045.4.3.2"))
