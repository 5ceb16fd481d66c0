"""Merkle trees (RFC 9162, section 2.1): with one, a single signature covers several events, and each of them can be
checked without the others."""

from collections.abc import Sequence
from hashlib import sha256

from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

LEAVES_MAX = 16
"""The size of the largest tree. A larger one saves little more, and each event would carry a longer path."""
HASH_BYTES = 32
_LEAF, _NODE = b"\0", b"\1"
"""A leaf and an inner node are hashed with different first bytes, so that neither can stand for the other."""


def leaf_of(content: bytes) -> bytes:
    """The leaf for one event."""
    return sha256(_LEAF + content).digest()


def tree_of(leaves: Sequence[bytes]) -> tuple[bytes, list[list[bytes]]]:
    """The root of at least one leaf, and the inclusion path of each leaf, from below (RFC 9162, section 2.1.3.1)."""
    paths: list[list[bytes]] = [[] for _ in leaves]
    level, width = list(leaves), 1
    while len(level) > 1:
        for index, path in enumerate(paths):
            beside = (index // width) ^ 1
            if beside < len(level):
                path.append(level[beside])
        level = [_above(level[at : at + 2]) for at in range(0, len(level), 2)]
        width *= 2
    return level[0], paths


def root_of(leaf: bytes, *, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root of a tree of `size` leaves in which `leaf` has this index and path (RFC 9162, section 2.1.3.2); None if
    the path has not the length that it must have."""
    if not 0 <= index < size:
        return None
    last, root = size - 1, leaf
    for beside in path:
        if last == 0:
            return None
        if index & 1:
            root = sha256(_NODE + beside + root).digest()
        elif index == last:  # it is alone on this level and on those where the lowest bits are zero
            while not index & 1:
                index, last = index >> 1, last >> 1
            root = sha256(_NODE + beside + root).digest()
        else:
            root = sha256(_NODE + root + beside).digest()
        index, last = index >> 1, last >> 1
    return root if last == 0 else None


def told(index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The place of a leaf in its tree as text: base64url of index, size and path."""
    return urlsafe_b64encode(bytes((index, size)) + b"".join(path))


def root_told(text: bytes, leaf: bytes) -> tuple[int, bytes] | None:
    """Size and root of the tree in which `leaf` has the place that `text` tells; None if the text is not valid."""
    try:
        content = urlsafe_b64decode(text)
    except ValueError:
        return None
    if len(content) % HASH_BYTES != 2 or not 2 <= content[1] <= LEAVES_MAX:
        return None
    path = [content[at : at + HASH_BYTES] for at in range(2, len(content), HASH_BYTES)]
    root = root_of(leaf, index=content[0], size=content[1], path=path)
    return None if root is None else (content[1], root)


def _above(pair: Sequence[bytes]) -> bytes:
    return sha256(_NODE + pair[0] + pair[1]).digest() if len(pair) == 2 else pair[0]
