"""The answers of a provider to a request to delete a person's data (pure). Domain P4."""

from enum import StrEnum

from libs.chassis.errors import FieldError


class DeletionAnswer(StrEnum):
    """What was done with the data."""

    DELETED = "deleted"
    NOT_HELD = "not_held"
    """The packet was read, and no data of it were kept."""
    KEPT_BY_LAW = "kept_by_law"
    """A law requires the provider to keep some of it; `ground` gives the kind of law."""


class KeepingGround(StrEnum):
    """The kind of law that requires a provider to keep data."""

    HEALTH_RECORD = "health_record"
    CHILD_PROTECTION_RECORD = "child_protection_record"
    CIVIL_REGISTER = "civil_register"
    ACCOUNTS = "accounts"
    LEGAL_PROCEEDINGS = "legal_proceedings"


def answer_faults(answer: DeletionAnswer, ground: KeepingGround | None) -> list[FieldError]:
    """The faults of an answer: it must have a ground if and only if data are kept."""
    if (answer is DeletionAnswer.KEPT_BY_LAW) == (ground is not None):
        return []
    if ground is None:
        return [FieldError("/ground", "ground-required", "`kept_by_law` requires a ground.")]
    return [FieldError("/ground", "no-ground", "A ground is allowed only with `kept_by_law`.")]
