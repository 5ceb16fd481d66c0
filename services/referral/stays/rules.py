"""The local day. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def day_of(at: datetime, zone: str) -> tuple[datetime, datetime]:
    """The local day of `at`: its beginning, and the beginning of the next day."""
    day = at.astimezone(ZoneInfo(zone)).date()
    first, following = (
        datetime(one.year, one.month, one.day, tzinfo=ZoneInfo(zone)) for one in (day, day + timedelta(days=1))
    )
    return first, following
