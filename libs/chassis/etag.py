"""Entity tags from row versions, and the conditions that a request can set for its change (RFC 9110 section 13, RFC
6585).

async def change_thing(..., condition: IfMatch) -> ThingView:
    thing = await queries.lock_thing(session, thing_id)
    condition.check(thing.version)
"""

import re
from typing import Annotated

from fastapi import Depends, Header

from libs.chassis.errors import FieldError, InvalidInput, Refusal

_TAG = re.compile(r'(?:W/)?"([!#-~]*)"')


_ANY = frozenset({"*"})
_FORM = 'Send ETags exactly as you got them, in double quotes and separated by commas, such as "3"; or *'


class VersionMismatch(Refusal):
    """The object has another version than the caller has read."""

    code = "version-mismatch"
    status = 412


class PreconditionRequired(Refusal):
    """A change must name the version on which it is based."""

    code = "precondition-required"
    status = 428


class Condition:
    """The conditions of a request about the present version of the object that it changes.

    Tags are compared weakly. A tag is the number of a row's version. A proxy that compresses responses marks their tags
    as weak (`W/"3"`), but the number stays the same. A header that is not a list of tags is refused, and the refusal
    names the header.
    """

    def __init__(self, if_match: str | None, if_none_match: str | None = None) -> None:
        self._if_match = None if if_match is None else _tags(if_match, "If-Match")
        self._if_none_match = None if if_none_match is None else _tags(if_none_match, "If-None-Match")

    def check(self, version: int | None) -> None:
        """Refuse unless `version` (None: the object does not exist yet) meets the conditions of the request.

        Replacing an object requires `If-Match`; `If-None-Match: *` requires that it does not exist yet.
        """
        if version is None:
            if self._if_match is not None:
                raise VersionMismatch("The object does not exist yet.", pointer="If-Match")
            return
        if self._if_none_match is not None and _name(self._if_none_match, version):
            raise VersionMismatch("The object already exists.", pointer="If-None-Match")
        if self._if_match is None:
            raise PreconditionRequired("Send If-Match with the ETag that you have read.", pointer="If-Match")
        if not _name(self._if_match, version):
            raise VersionMismatch("The object has changed; read it again.", pointer="If-Match")


def etag_of(version: int) -> str:
    """The strong entity tag of a row's version."""
    return f'"{version}"'


async def _required(
    if_match: Annotated[
        str | None,
        Header(alias="If-Match", description="ETag of the version to change, or *; without it the response is 428"),
    ] = None,
) -> Condition:
    if if_match is None:
        raise PreconditionRequired("Send If-Match with the ETag that you have read.", pointer="If-Match")
    return Condition(if_match)


async def _either(
    if_match: Annotated[
        str | None, Header(alias="If-Match", description="ETag of the version to replace, or *")
    ] = None,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match", description="* to create only")] = None,
) -> Condition:
    return Condition(if_match, if_none_match)


class Known:
    """The versions of an object that the reader has already, by `If-None-Match`. They are compared weakly."""

    def __init__(self, if_none_match: str | None) -> None:
        self._tags = frozenset() if if_none_match is None else _tags(if_none_match, "If-None-Match")

    def has(self, tag: str) -> bool:
        """True if the reader has the version with this tag (without quotes): the response is 304 without a body."""
        return self._tags is _ANY or tag in self._tags


async def _known(
    if_none_match: Annotated[
        str | None, Header(alias="If-None-Match", description="ETags of the versions that the reader has")
    ] = None,
) -> Known:
    return Known(if_none_match)


IfNoneMatch = Annotated[Known, Depends(_known)]
"""For GET: with a tag that the reader has already, the response is 304."""
IfMatch = Annotated[Condition, Depends(_required)]
"""For changes of existing objects: the response is 428 without `If-Match`."""
IfMatchOrNone = Annotated[Condition, Depends(_either)]
"""For PUT, which creates or replaces: `If-Match` only to replace, `If-None-Match: *` to create only."""


def _tags(header: str, name: str) -> frozenset[str]:
    """The tags that a header lists, without quotes; `_ANY` for `*`, which every version matches."""
    if header.strip(" \t") == "*":
        return _ANY
    tags = []
    for part in header.split(","):
        if not (part := part.strip(" \t")):
            continue
        tag = _TAG.fullmatch(part)
        if tag is None:
            raise InvalidInput(errors=[FieldError(name, "etag", _FORM)])
        tags.append(tag[1])
    if not tags:
        raise InvalidInput(errors=[FieldError(name, "etag", _FORM)])
    return frozenset(tags)


def _name(tags: frozenset[str], version: int) -> bool:
    return tags is _ANY or str(version) in tags
