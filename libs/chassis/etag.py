"""Entity tags from row versions, and the conditions a change may come with (RFC 9110 section 13, RFC 6585).

async def change_thing(..., condition: IfMatch) -> ThingView:
    thing = await queries.lock_thing(session, thing_id)
    condition.check(thing.version)
"""

import re
from typing import Annotated

from fastapi import Depends, Header

from libs.chassis.errors import Refusal

_TAG = re.compile(r'\s*(W/)?"([!#-~]*)"\s*(?:,|$)')


class VersionMismatch(Refusal):
    """What is to be changed isn't what the caller saw."""

    code = "version-mismatch"
    status = 412


class PreconditionRequired(Refusal):
    """A change must say which version it is made on."""

    code = "precondition-required"
    status = 428


class Condition:
    """What a request demands of the present version of what it changes."""

    def __init__(self, if_match: str | None, if_none_match: str | None = None) -> None:
        self._if_match = if_match
        self._if_none_match = if_none_match

    def check(self, version: int | None) -> None:
        """Refuse unless `version` (None: there is nothing yet) is what the request demands.

        Replacing something demands `If-Match`; `If-None-Match: *` demands that there is nothing yet.
        """
        if version is None:
            if self._if_match is not None:
                raise VersionMismatch("There is nothing to be changed yet.", pointer="If-Match")
            return
        if self._if_none_match is not None and _names(self._if_none_match, version, weak=True):
            raise VersionMismatch("There is something already.", pointer="If-None-Match")
        if self._if_match is None:
            raise PreconditionRequired("Send If-Match with the ETag that you saw.", pointer="If-Match")
        if not _names(self._if_match, version, weak=False):
            raise VersionMismatch("It has changed since; fetch it again.", pointer="If-Match")


def etag_of(version: int) -> str:
    """The strong entity tag of a row's version."""
    return f'"{version}"'


async def _required(
    if_match: Annotated[
        str | None, Header(alias="If-Match", description="ETag of the version that is changed, or *; 428 without it")
    ] = None,
) -> Condition:
    if if_match is None:
        raise PreconditionRequired("Send If-Match with the ETag that you saw.", pointer="If-Match")
    return Condition(if_match)


async def _either(
    if_match: Annotated[str | None, Header(alias="If-Match", description="ETag of what is replaced, or *")] = None,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match", description="* to create only")] = None,
) -> Condition:
    return Condition(if_match, if_none_match)


IfMatch = Annotated[Condition, Depends(_required)]
"""For changes of what exists: 428 without `If-Match`."""
IfMatchOrNone = Annotated[Condition, Depends(_either)]
"""For PUT, which creates or replaces: `If-Match` only to replace, `If-None-Match: *` to create only."""


def _names(header: str, version: int, *, weak: bool) -> bool:
    """Whether the header's list names `version`; weak tags count only where the weak comparison does."""
    if header.strip() == "*":
        return True
    return any((weak or not prefix) and tag == str(version) for prefix, tag in _TAG.findall(header))
