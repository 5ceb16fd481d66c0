"""Why a certificate is revoked, and which certificates are refused (pure)."""

from datetime import date
from enum import StrEnum
from typing import Final

from libs.chassis.errors import FieldError

HOLDER_MAX: Final = 200
"""The longest reference of a holder, in characters."""


class RevocationReason(StrEnum):
    """Why a certificate is revoked before its last day."""

    LEFT = "left"
    """The holder does not work there any more."""
    ISSUED_IN_ERROR = "issued_in_error"
    WITHDRAWN_BY_ISSUER = "withdrawn_by_issuer"
    MISUSE = "misuse"


def day_faults(valid_from: date, valid_until: date) -> list[FieldError]:
    """The fault of a certificate that would never be valid."""
    if valid_until < valid_from:
        return [FieldError("/valid_until", "not-before-first-day", "The last day is before the first day.")]
    return []
