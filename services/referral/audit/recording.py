"""Routes that record automatically whose data they have shown or changed, in the transaction of the request.

A router is created with `route_class=RecordedRoute`. The ids in the view and in the path say whose data were shown, so
no route can omit the record. The request's transaction is committed before the response is sent, so no data are sent
without a record.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Annotated, Any, Final

from fastapi import Query
from fastapi.routing import APIRoute

from libs.chassis.auth import Caller
from libs.chassis.principals import acting_as
from services.referral.audit.actions import record
from services.referral.audit.rules import Access, AccessKind, AccessPurpose, Actor, fields_of, named_by, shown_by

Endpoint = Callable[..., Awaitable[Any]]
_READS: Final = frozenset({"GET"})
_SEARCH: Final = "/search"
"""The end of the path of a POST that only reads: what it looks for must not be in a URL."""
_PURPOSE = inspect.Parameter(
    "purpose",
    inspect.Parameter.KEYWORD_ONLY,
    default=AccessPurpose.REFERRAL,
    annotation=Annotated[AccessPurpose, Query(description="The purpose of this access; it is recorded")],
)


class RecordedRoute(APIRoute):
    """A route whose view is recorded. A route without a session shows no person, or its access is recorded
    elsewhere."""

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        methods = frozenset(options.get("methods") or _READS)
        reads = methods <= _READS or path.endswith(_SEARCH)
        super().__init__(path, _recorded(endpoint, reads=reads), **options)


def actor_of(caller: Caller) -> Actor:
    """The actor that is recorded for this caller."""
    told = acting_as(caller.texts("roles") or (), caller.texts("desks") or ())
    return Actor(caller.subject, caller.client_id, caller.organization_id, told)


def _recorded(endpoint: Endpoint, *, reads: bool) -> Endpoint:
    signature = inspect.signature(endpoint)
    if not {"session", "caller"} <= signature.parameters.keys():
        return endpoint

    @wraps(endpoint)
    async def endpoint_and_record(purpose: AccessPurpose = AccessPurpose.REFERRAL, **values: Any) -> Any:
        view = await endpoint(**values)
        access = Access(
            actor=actor_of(values["caller"]),
            kind=AccessKind.READ if reads else AccessKind.WRITE,
            action=endpoint.__name__,
            purpose=purpose,
            fields=fields_of(view),
            records=shown_by(view) or _named(values),
        )
        await record(values["session"], [access])
        return view

    if reads:
        parameters = [*signature.parameters.values(), _PURPOSE]
        endpoint_and_record.__signature__ = signature.replace(parameters=_in_order(parameters))  # type: ignore[attr-defined]
    return endpoint_and_record


def _in_order(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    return [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]


def _named(values: Mapping[str, Any]) -> list[Any]:
    """The records that the path or body names, for views without ids, such as an explanation or an empty list."""
    body = values.get("body")
    return [*named_by(values), *(named_by(dict(body)) if body is not None else [])]
