"""HTTP for an organisation's inbox, for organisations that poll instead of receiving webhooks."""

import json
from typing import Annotated

from fastapi import APIRouter

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.paging import PageQuery, write_cursor
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS, OrganizationRequired
from services.notifications.endpoints.api import organization_of, sees_restricted
from services.notifications.inbox import actions, queries
from services.notifications.inbox.schemas import InboxPage, NotificationView
from services.notifications.inbox.tables import Notification

router = APIRouter(prefix="/v1/inbox", tags=["inbox"])

Reader = Annotated[Caller, requires("deliveries:read", by=ORGANIZATIONS)]


@router.get("", responses=responses(OrganizationRequired))
async def read_inbox(caller: Reader, session: Session, page: PageQuery) -> InboxPage:
    """The notifications of your organisation, oldest first: the same that its webhooks contain.

    Notifications about offers of restricted services are shown only with `restricted:read`.

    Store `next` and send it as `after` in the next request: you continue where you stopped, and miss nothing.
    """
    organization_id = organization_of(caller)
    await actions.number_notifications(session, organization_id=organization_id)
    position = int(page.after[0]) if page.after else 0
    rows = await queries.notifications(
        session,
        organization_id=organization_id,
        restricted=sees_restricted(caller),
        after_position=position,
        limit=page.limit,
    )
    shown = rows[: page.limit]
    if shown:
        assert shown[-1].position is not None
        position = shown[-1].position
    following = write_cursor([str(position)], path=page.path, secret=page.secret) if position else None
    return InboxPage(items=[_view(row) for row in shown], next=following, more=len(rows) > page.limit)


def _view(row: Notification) -> NotificationView:
    return NotificationView(message_id=row.message_id, **json.loads(row.body))
