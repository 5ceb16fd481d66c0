"""Refusals of operations that a device did without a line."""

from typing import ClassVar

from libs.chassis.errors import Conflict, InvalidInput, Refusal, Unavailable


class OperationIdReused(InvalidInput):
    """The id of an operation was used by this device before, for an operation with other content."""

    code: ClassVar[str] = "operation-id-reused"
    title: ClassVar[str] = "This id belongs to another operation"


class SequenceTaken(Conflict):
    """Another operation of this device has this sequence number: the device was copied or reset, and needs a new id."""

    code: ClassVar[str] = "sequence-taken"
    title: ClassVar[str] = "This sequence number belongs to another operation"


class PersonIdTaken(Conflict):
    """The id that the device made for a person names somebody already."""

    code: ClassVar[str] = "person-id-taken"
    title: ClassVar[str] = "This id names another person"


class DependsOnRefused(Refusal):
    """The operation needs another one of the same request that was refused. Member `depends_on` names it."""

    code: ClassVar[str] = "depends-on-refused"
    status: ClassVar[int] = 424
    title: ClassVar[str] = "An operation on which this one depends was refused"


class NotProcessed(Unavailable):
    """An earlier operation of the request could not be stored, so this one was not tried. Send it again."""

    code: ClassVar[str] = "not-processed"
    title: ClassVar[str] = "The operation was not processed"


class OperationFailed(Refusal):
    """An internal error stopped this operation alone; it has been recorded. Send it again later."""

    code: ClassVar[str] = "internal-error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "The operation failed"


class SyncConflictResolved(Conflict):
    """Somebody has already decided this conflict."""

    code: ClassVar[str] = "sync-conflict-resolved"
    title: ClassVar[str] = "This conflict has already been resolved"
