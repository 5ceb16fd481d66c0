"""Loads what a service provides for a command: the result of a function that reads the settings of the service."""

import importlib
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from libs.events.handling.keyed import Digest


def loaded(where: str, *, hint: str) -> Any:
    """The result of the function `MODULE:FUNCTION`. If it cannot be called, the command ends with wrong usage of the
    option `hint`."""
    module, _, function = where.partition(":")
    try:
        return getattr(importlib.import_module(module), function)()
    except (ImportError, AttributeError, ValueError) as error:
        if isinstance(error, ValidationError):
            names = ", ".join(str(fault["loc"][0]) for fault in error.errors() if fault["loc"])
            raise typer.BadParameter(f"the service lacks settings: {names}", param_hint=hint) from None
        if refused := getattr(error, "refused_settings", None):
            raise typer.BadParameter(f"the service can't use settings: {', '.join(refused)}", param_hint=hint) from None
        raise typer.BadParameter("there is no such function", param_hint=hint) from None


def digest_of(where: str | None) -> Digest | None:
    """The keyed digest that `--digest` names."""
    if where is None:
        return None
    found = loaded(where, hint="--digest")
    if not callable(found):
        raise typer.BadParameter("it does not return a digest function", param_hint="--digest")
    digest: Digest = found
    return digest


DigestOf = Annotated[
    str | None,
    typer.Option(
        "--digest",
        envvar="EVENTS_DIGEST",
        help="MODULE:FUNCTION that returns the digest function for ids of a topic with identity data."
        " It reads the service's settings, so run this where the service runs.",
        metavar="WHERE",
    ),
]
