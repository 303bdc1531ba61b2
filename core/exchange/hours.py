"""The venue's weekly hours as it publishes them: open always, but for Thursday's early morning."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from core.domain.windows import NEW_YORK, in_new_york
from core.exchange.scenario_maintenance import maintenance_at
from core.exchange.wire.scalars import format_rfc3339
from core.exchange.wire.venue import HoursJson, MaintenanceJson, ScheduleJson, WeekJson
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from core.exchange.listing import Hours

_ALL_DAY: Final = (HoursJson(open_time="00:00", close_time="00:00"),)
_THURSDAY: Final = (
    HoursJson(open_time="00:00", close_time="03:00"),
    HoursJson(open_time="05:00", close_time="00:00"),
)


def is_open(hours: Hours, moment: Nanos) -> bool:
    """Whether the venue trades at a time: within the weekly hours and outside all maintenance.

    A week that is not in force says nothing.
    """
    if any(start <= moment < end for start, end in hours.maintenance):
        return False
    local = in_new_york(moment)
    minute = local.hour * 60 + local.minute
    return all(
        any(first <= minute < last for first, last in week.days[local.weekday()])
        for week in hours.weeks
        if week.start <= moment < week.end
    )


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
    return ScheduleJson(standard_hours=(week,), maintenance_windows=(_maintenance(now),))


def _maintenance(now: Nanos) -> MaintenanceJson:
    begins, ends = maintenance_at(now)
    return MaintenanceJson(start_datetime=format_rfc3339(begins), end_datetime=format_rfc3339(ends))


def _nanos(moment: datetime) -> Nanos:
    return Nanos(round(moment.timestamp()) * SECOND)
