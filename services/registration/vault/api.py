"""The vault as a dependency of routes."""

from typing import Annotated, cast

from fastapi import Depends, Request

from services.registration.vault.sealing import Vault


async def _vault(request: Request) -> Vault:
    return cast(Vault, request.app.state.vault)


TheVault = Annotated[Vault, Depends(_vault)]
