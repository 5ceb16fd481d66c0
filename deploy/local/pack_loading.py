"""Loads the directory of the country pack into a new installation: organisations, services and declared places."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.demo.client import Caller, Connections
from deploy.demo.loading import declare_capacity, load_directory
from deploy.local.installation import Installation
from deploy.local.partners import STEWARD, environment
from deploy.packs.directory import load_directory as read_directory


async def load_pack_once(installation: Installation, say: Callable[[str], None]) -> None:
    """The same as `load_directory_once`, for an installation on this machine. It can also raise NotRunningError."""
    await load_directory_once(
        environment(installation.env_file),
        pack=installation.pack,
        secret_of=lambda client_id: installation.clients.get(client_id).secret,
        say=say,
    )


async def load_directory_once(
    addresses: Mapping[str, str], *, pack: Path, secret_of: Callable[[str], str], say: Callable[[str], None]
) -> None:
    """Load the directory if it is empty; a directory that contains an organisation is not changed.

    Raises CallError if provider_directory refuses.
    """
    url, token_url = addresses["ENLACE_DIRECTORY_URL"], addresses["ENLACE_TOKEN_URL"]
    async with Connections() as connections:

        def caller_of(client_id: str) -> Caller:
            return Caller(connections, client_id=client_id, secret=secret_of(client_id), token_url=token_url)

        steward = caller_of(STEWARD)
        if (await steward.get(f"{url}/v1/organizations", limit=1))["items"]:
            return
        directory = read_directory(pack)
        say(f"loading the directory of the pack: {len(directory.services)} services")
        await load_directory(directory, url=url, steward=steward, said=lambda _: None)
        await declare_capacity(directory, url=url, caller_of=caller_of, said=lambda _: None)
