"""Every reason for which provider_directory says no, besides those of `libs.chassis`."""

from typing import ClassVar

from libs.chassis.errors import Conflict, NotFound, Refusal


class StepNotAllowed(Conflict):
    """The status does not allow this step. Members `state` and `step` say which."""

    code: ClassVar[str] = "step-not-allowed"
    title: ClassVar[str] = "The current status does not allow this step"


class StaleDeclaration(Conflict):
    """The declaration is older than the one that stands. Member `as_of` is that of the standing one."""

    code: ClassVar[str] = "stale-declaration"
    title: ClassVar[str] = "There is a newer declaration"


class PoolIdTaken(Conflict):
    """A pool of another service has this id already: an id belongs to its first service for ever."""

    code: ClassVar[str] = "pool-id-taken"
    title: ClassVar[str] = "This pool id belongs to another service"


class CapacityNotDeclared(NotFound):
    """The service exists, but nobody has declared its capacity yet."""

    code: ClassVar[str] = "capacity-not-declared"
    title: ClassVar[str] = "No capacity has been declared for this service"


class AdminOnly(Refusal):
    """An organisation's own client may not decide this about its own standing."""

    code: ClassVar[str] = "admin-only"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "Only an administrator of the directory may change this"


class RestrictedScopeMissing(Refusal):
    """Restricted services may be written only by those who may also read them."""

    code: ClassVar[str] = "restricted-scope-missing"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "Restricted services need the scope restricted:read"
