"""What counts as today where people work."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def day_of(at: datetime, zone: str) -> tuple[datetime, datetime]:
    """The local day that `at` falls into, from its first moment up to that of the next day."""
    day = at.astimezone(ZoneInfo(zone)).date()
    first, following = (
        datetime(one.year, one.month, one.day, tzinfo=ZoneInfo(zone)) for one in (day, day + timedelta(days=1))
    )
    return first, following
