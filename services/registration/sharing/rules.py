"""What a provider may answer when it is asked to delete what it knows of a person (pure). Domain P4."""

from enum import StrEnum

from libs.chassis.errors import FieldError


class DeletionAnswer(StrEnum):
    """What became of the data."""

    DELETED = "deleted"
    NOT_HELD = "not_held"
    """The packet was looked at, and nothing of it was kept."""
    KEPT_BY_LAW = "kept_by_law"
    """A law obliges the provider to keep some of it; `ground` says which kind."""


class KeepingGround(StrEnum):
    """Which kind of law obliges a provider to keep data."""

    HEALTH_RECORD = "health_record"
    CHILD_PROTECTION_RECORD = "child_protection_record"
    CIVIL_REGISTER = "civil_register"
    ACCOUNTS = "accounts"
    LEGAL_PROCEEDINGS = "legal_proceedings"


def answer_faults(answer: DeletionAnswer, ground: KeepingGround | None) -> list[FieldError]:
    """A ground is named exactly where something is kept."""
    if (answer is DeletionAnswer.KEPT_BY_LAW) == (ground is not None):
        return []
    if ground is None:
        return [FieldError("/ground", "ground-required", "`kept_by_law` requires a ground.")]
    return [FieldError("/ground", "no-ground", "A ground is allowed only with `kept_by_law`.")]
