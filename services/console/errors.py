"""What can go wrong while a page is built. `pages` turns each of these into a page, never into a 500."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class SignedOut(Exception):  # noqa: N818 (a state)
    """Nobody is signed in, or the session has ended."""


class NoSuchPage(Exception):  # noqa: N818 (a refusal is not an error)
    """The page does not exist for this person. Whether it exists for others is not said."""


class SignInRefused(Exception):  # noqa: N818 (a refusal is not an error)
    """The sign-in did not succeed. `code` says why; it is one of those that `labels` can put into words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class IssuerAway(Exception):  # noqa: N818 (a state)
    """The issuer does not answer, so that nobody can sign in and no token can be renewed."""


class ServiceAway(Exception):  # noqa: N818 (a state)
    """A service does not answer, or answers that it cannot work now."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A field that breaks a rule: its JSON pointer, the rule's code, and the API's words for it."""

    pointer: str
    rule: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document of a service (RFC 9457)."""

    service: str
    status: int
    code: str
    detail: str
    errors: Sequence[FieldFault] = ()
    members: Mapping[str, Any] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818 (a refusal is not an error)
    """A service has refused a call; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem
