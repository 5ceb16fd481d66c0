"""How a service that does not keep the names of staff recognises the holder of a certificate (pure)."""

import hashlib
import json
from typing import Final
from uuid import UUID

PROGRAM: Final = "client:"
"""The prefix of a holder that is a program. Its client id follows. No subject of a person begins like this."""


def holder_of(client_id: str, subject: str, *, person: bool) -> str:
    """The holder in whose name a certificate of this caller is recorded: of a person the subject, of a program the
    client. The subject of a program may change when its account is made again."""
    return subject if person else f"{PROGRAM}{client_id}"


def holder_digest(certificate_id: UUID, holder: str) -> str:
    """The digest of a holder's reference, which is the claim `sub` of their tokens.

    The id of the certificate is part of it, so that two certificates of one person have nothing in common.
    """
    return hashlib.sha256(json.dumps([str(certificate_id), holder]).encode()).hexdigest()
