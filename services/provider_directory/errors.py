"""All refusals of provider_directory, in addition to those of `libs.chassis`."""

from typing import ClassVar

from libs.chassis.errors import Conflict, NotFound, Refusal


class StepNotAllowed(Conflict):
    """The status does not allow this step. Members `state` and `step` say which."""

    code: ClassVar[str] = "step-not-allowed"
    title: ClassVar[str] = "The current status does not allow this step"


class StaleDeclaration(Conflict):
    """The declaration is older than the current one. Member `as_of` is the time of the current one."""

    code: ClassVar[str] = "stale-declaration"
    title: ClassVar[str] = "There is a newer declaration"


class PoolIdTaken(Conflict):
    """A pool of another service has this id; an id always belongs to its first service."""

    code: ClassVar[str] = "pool-id-taken"
    title: ClassVar[str] = "This pool id belongs to another service"


class CapacityNotDeclared(NotFound):
    """The service exists, but nobody has declared its capacity yet."""

    code: ClassVar[str] = "capacity-not-declared"
    title: ClassVar[str] = "No capacity has been declared for this service"


class CertificateRevoked(Conflict):
    """The certificate has already been revoked."""

    code: ClassVar[str] = "certificate-revoked"
    title: ClassVar[str] = "The certificate has already been revoked"


class AdminOnly(Refusal):
    """An organisation's client may not change this part of its own status."""

    code: ClassVar[str] = "admin-only"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "Only an administrator of the directory may change this"


class RestrictedScopeMissing(Refusal):
    """Only callers who may read restricted services may write them."""

    code: ClassVar[str] = "restricted-scope-missing"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "Restricted services need the scope restricted:read"
