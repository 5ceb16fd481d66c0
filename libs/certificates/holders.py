"""How a service that does not keep the names of staff recognises the holder of a certificate (pure)."""

import hashlib
import json
from uuid import UUID


def holder_digest(certificate_id: UUID, holder: str) -> str:
    """The digest of a holder's reference, which is the claim `sub` of their tokens.

    The id of the certificate is part of it, so that two certificates of one person have nothing in common.
    """
    return hashlib.sha256(json.dumps([str(certificate_id), holder]).encode()).hexdigest()
