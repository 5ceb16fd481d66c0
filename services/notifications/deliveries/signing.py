"""Signatures by Standard Webhooks 1.0: who receives a webhook can prove that it is ours, whole and fresh."""

from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook


def signed_headers(*, message_id: str, body: str, secrets: Sequence[bytes], at: datetime) -> dict[str, str]:
    """The three `webhook-*` headers of one attempt at `at` (aware, real time).

    One signature per secret, newest first: while a secret is rotated the receiver may verify by either. The
    library stamps UTC on whatever time it is given, so it gets UTC and nothing else.
    """
    if at.tzinfo is None:
        raise ValueError("the time of a signature must be aware")
    moment = at.astimezone(UTC)
    signatures = [Webhook(secret).sign(msg_id=message_id, timestamp=moment, data=body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
