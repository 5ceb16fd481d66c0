"""An engine for a database URL in the form of libpq. `libs.wire.database_lines` checks which URLs are allowed."""

from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def open_engine(url: str, *, connect_args: dict[str, Any] | None = None, **options: Any) -> AsyncEngine:
    """An engine for this URL. Parameters such as `sslmode` go to the driver, because SQLAlchemy would refuse them."""
    address = make_url(url)
    dsn = address.set(drivername="postgresql").render_as_string(hide_password=False)
    bare = address.set(drivername="postgresql+asyncpg", query={})
    return create_async_engine(bare, connect_args={"dsn": dsn, **(connect_args or {})}, **options)
