"""Refusals of screenings."""

from typing import ClassVar

from libs.chassis.errors import Conflict, Refusal


class CertificateMissing(Refusal):
    """You hold no certificate that is valid now for this, or you may not see restricted data of this person. The answer
    is the same whether or not there is a screening."""

    code: ClassVar[str] = "certificate-missing"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "This requires a certificate that is valid now"


class ScreeningExists(Conflict):
    """The person has been screened before. It happens once, and nobody asks again."""

    code: ClassVar[str] = "screening-exists"
    title: ClassVar[str] = "The person has been screened before"


class ScreeningEnded(Conflict):
    """The screening has ended, and nothing of it can be changed."""

    code: ClassVar[str] = "screening-ended"
    title: ClassVar[str] = "The screening has ended"


class ScreeningOfAnother(Conflict):
    """Only the person who opened the screening saves answers. You may read it and end it."""

    code: ClassVar[str] = "screening-of-another"
    title: ClassVar[str] = "Somebody else opened this screening"
