"""The venue's weekly hours as it publishes them: open always, but for Thursday's early morning."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from core.domain.windows import NEW_YORK, in_new_york
from core.exchange.wire.scalars import format_rfc3339
from core.exchange.wire.venue import HoursJson, MaintenanceJson, ScheduleJson, WeekJson
from core.units import SECOND, Nanos

_ALL_DAY: Final = (HoursJson(open_time="00:00", close_time="00:00"),)
_THURSDAY: Final = (
    HoursJson(open_time="00:00", close_time="03:00"),
    HoursJson(open_time="05:00", close_time="00:00"),
)
_THURSDAY_NUMBER: Final = 3
_FIRST_HOUR: Final = 3
_LAST_HOUR: Final = 5


def schedule(now: Nanos) -> ScheduleJson:
    """The hours of the running year, and the maintenance that runs now or comes next."""
    local = in_new_york(now)
    year = (datetime(local.year + n, 1, 1, tzinfo=NEW_YORK) for n in (0, 1))
    start, end = (format_rfc3339(_nanos(moment)) for moment in year)
    week = WeekJson(
        start_time=start,
        end_time=end,
        monday=_ALL_DAY,
        tuesday=_ALL_DAY,
        wednesday=_ALL_DAY,
        thursday=_THURSDAY,
        friday=_ALL_DAY,
        saturday=_ALL_DAY,
        sunday=_ALL_DAY,
    )
    return ScheduleJson(standard_hours=(week,), maintenance_windows=(_maintenance(local),))


def _maintenance(local: datetime) -> MaintenanceJson:
    days = (_THURSDAY_NUMBER - local.weekday()) % 7
    if days == 0 and local.hour >= _LAST_HOUR:
        days = 7
    day = (local + timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    return MaintenanceJson(
        start_datetime=format_rfc3339(_nanos(day.replace(hour=_FIRST_HOUR))),
        end_datetime=format_rfc3339(_nanos(day.replace(hour=_LAST_HOUR))),
    )


def _nanos(moment: datetime) -> Nanos:
    return Nanos(round(moment.timestamp()) * SECOND)
