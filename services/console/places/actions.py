"""The call that declares free places."""

from __future__ import annotations

from services.console.calls import Service
from services.console.errors import Problem, Refused
from services.console.forms import Form
from services.console.places import queries, rules


async def read_declaration(form: Form, service_id: str) -> rules.Declaration:
    """The declaration that the form makes of the present pools."""
    present = await queries.declared(form.person, service_id)
    if present is not None and not form.text("etag"):
        # Somebody has declared the first figures while the form was open.
        raise Refused(Problem(Service.DIRECTORY, 412, "version-mismatch", ""))
    return rules.declaration(
        [] if present is None else present.body["pools"],
        number=form.number,
        text=form.text,
        full=form.ticked("full"),
        left_out=form.ticked("left_out"),
        form_key=form.key,
    )


async def declare(form: Form, service_id: str, declaration: rules.Declaration) -> None:
    """Declare the figures of now. Refused if somebody else has declared since the form was opened."""
    path = f"/v1/services/{service_id}/capacity"
    try:
        await form.person.calls.send("PUT", Service.DIRECTORY, path, declaration.body, etag=form.optional("etag"))
    except Refused as refused:
        present = await queries.declared(form.person, service_id)
        is_mine = present is not None and rules.holds_already(present.body, declaration.body)
        if refused.problem.code != "version-mismatch" or not is_mine:
            raise
