"""Refusals about incidents, requests of authorities, reports to people, and exports."""

from typing import ClassVar

from libs.chassis.errors import Conflict, Refusal


class WholeCountryNeeded(Refusal):
    """Only who sees the whole country and restricted needs (`restricted:read` and a certificate that is valid now) gets
    this list: an incomplete one would look complete."""

    code: ClassVar[str] = "whole-country-needed"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "You must see the whole country and restricted needs"


class IncidentClosed(Conflict):
    """The incident is closed; record another one."""

    code: ClassVar[str] = "incident-closed"
    title: ClassVar[str] = "The incident is already closed"


class LegalRequestAnswered(Conflict):
    """The request has its answer, which is never changed. Record a new request."""

    code: ClassVar[str] = "legal-request-answered"
    title: ClassVar[str] = "The legal request has already been answered"


class RestrictedSightNeeded(Refusal):
    """An identified export leaves out people with restricted needs. A caller who may not see such needs could find them
    by what is missing."""

    code: ClassVar[str] = "restricted-sight-needed"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "You must see restricted needs"


class ExportsOfTheDay(Conflict):
    """The caller has asked for as many exports as it may in 24 hours. Member `most`."""

    code: ClassVar[str] = "exports-of-the-day-used"
    title: ClassVar[str] = "You have asked for too many exports today"


class ExportDecided(Conflict):
    """The export needs no decision, has one, or nobody decided in time. Ask again if it is still needed."""

    code: ClassVar[str] = "export-decided"
    title: ClassVar[str] = "The export does not wait for a decision"


class ExportNotApproved(Refusal):
    """A second person has not approved the export. Member `state`."""

    code: ClassVar[str] = "export-not-approved"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The export is not approved"


class ExportEnded(Refusal):
    """The time of the export is over; there is no file any more."""

    code: ClassVar[str] = "export-ended"
    status: ClassVar[int] = 410
    title: ClassVar[str] = "The export has ended"


class ExportTooLarge(Conflict):
    """More people arrived in this period at these places than one file may contain. Member `most`."""

    code: ClassVar[str] = "export-too-large"
    title: ClassVar[str] = "The export has too many people"


class ExportDownloadsUsed(Conflict):
    """The file was downloaded as often as it may be. Member `most`."""

    code: ClassVar[str] = "export-downloads-used"
    title: ClassVar[str] = "The file cannot be downloaded again"


class ExportRecipientInactive(Conflict):
    """The recipient is suspended, withdrawn, or not known any more."""

    code: ClassVar[str] = "export-recipient-inactive"
    title: ClassVar[str] = "The recipient does not take part at present"
