"""Refusals about incidents, requests of authorities and reports to people."""

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
