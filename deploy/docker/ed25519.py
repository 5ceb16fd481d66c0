"""Calculates the public key of an Ed25519 key with the standard library only."""

from hashlib import sha512

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_Point = tuple[int, int]
_BASE: _Point = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)


def _edwards_sum(one: _Point, other: _Point) -> _Point:
    (x1, y1), (x2, y2) = one, other
    product = _D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, _P)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, _P)
    return x % _P, y % _P


def ed25519_public_key(private: bytes) -> bytes:
    """The public key of an Ed25519 private key (RFC 8032, 5.1.5), without a library; both have 32 bytes.

    The calculation is not protected against timing attacks. Signing and verification use `cryptography`.
    """
    scalar = int.from_bytes(sha512(private).digest()[:32], "little")
    scalar = (scalar & ((1 << 254) - 8)) | (1 << 254)
    found, doubled = (0, 1), _BASE
    while scalar:
        if scalar & 1:
            found = _edwards_sum(found, doubled)
        doubled = _edwards_sum(doubled, doubled)
        scalar >>= 1
    x, y = found
    return (y | (x & 1) << 255).to_bytes(32, "little")
