"""The quarter-hour calendar: windows, their tickers, their phases, and the trading day.

A window is a market of 15 minutes that closes on a quarter hour. Its ticker spells the close as
New York wall-clock time, so two windows of the autumn night with 25 hours share one ticker: a
window's identity is its `close_ns`, a ticker is only its name (kalshi.md 8.1).

Every offset of New York is a whole number of hours, so the quarter hours of New York are the
quarter hours of UTC, and the calendar needs the time zone only for names, for the Thursday
maintenance gap and for the day.
"""

from __future__ import annotations

import enum
import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from core.units import MINUTE, SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_YORK: Final = ZoneInfo("America/New_York")
WINDOW_LENGTH: Final = Nanos(15 * MINUTE)
FINAL_MINUTE: Final = MINUTE
"""Before the close: the prints that decide are stamped in it."""

_THURSDAY: Final = 3
_GAP_FIRST_CLOSE: Final = time(3, 0)
_GAP_LAST_CLOSE: Final = time(5, 0)
_MONTHS: Final = (
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN"),
    *("JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
_TICKER: Final = re.compile(
    r"(?P<series>[A-Z0-9]+)-(?P<year>\d{2})(?P<month>[A-Z]{3})(?P<day>\d{2})"
    r"(?P<hour>\d{2})(?P<minute>\d{2})(?:-(?P<suffix>\d{2}))?",
    re.ASCII,
)


class TickerError(ValueError):
    """A text does not name a quarter-hour window; says which and why."""


class Phase(enum.StrEnum):
    """Where a moment lies relative to a window."""

    BEFORE = "before"
    """The window has not opened."""
    OPEN = "open"
    """Trading, and no print that decides has been stamped yet."""
    FINAL_MINUTE = "final_minute"
    """Trading, and the settlement mean is forming."""
    CLOSED = "closed"
    """Matching has stopped: from the close itself on."""


class Window(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One 15-minute market of a series: it trades from `open_ns` until just before `close_ns`.

    Two windows are the same if series and close are; order by close time across one series.
    """

    series: str
    open_ns: Nanos
    close_ns: Nanos

    @property
    def event_ticker(self) -> str:
        """`KXSOL15M-26NOV221015`: not unique in the repeated hour of the autumn change."""
        return event_ticker(self.series, self.close_ns)

    @property
    def market_ticker(self) -> str:
        """`KXSOL15M-26NOV221015-15`: not unique in the repeated hour of the autumn change."""
        return market_ticker(self.series, self.close_ns)

    def phase(self, now: Nanos) -> Phase:
        """The phase at `now`; the boundaries belong to the later phase."""
        if now < self.open_ns:
            return Phase.BEFORE
        if now >= self.close_ns:
            return Phase.CLOSED
        return Phase.OPEN if now < self.close_ns - FINAL_MINUTE else Phase.FINAL_MINUTE

    def seconds_left(self, now: Nanos) -> float:
        """Seconds until the close; negative after it."""
        return (self.close_ns - now) / SECOND


def in_new_york(moment: Nanos) -> datetime:
    """New York wall-clock time (aware), cut to the whole second."""
    return datetime.fromtimestamp(moment // SECOND, tz=NEW_YORK)


def is_scheduled(close_ns: Nanos) -> bool:
    """Whether the exchange lists a window that closes then.

    False off the quarter hours and for the closes 03:00 to 05:00 of a Thursday in New York, both
    included: trading rests for maintenance, the last window closes 02:45, the next opens 05:00
    (kalshi.md 11). The exchange sometimes stops earlier still: the listed markets have the last
    word, the calendar only says what to expect.
    """
    if close_ns % WINDOW_LENGTH:
        return False
    local = in_new_york(close_ns)
    in_gap = _GAP_FIRST_CLOSE <= local.time() <= _GAP_LAST_CLOSE
    return not (local.weekday() == _THURSDAY and in_gap)


def window_closing(series: str, close_ns: Nanos) -> Window:
    """The window with that close, listed or not. Raises ValueError off the quarter hours."""
    if close_ns % WINDOW_LENGTH:
        msg = f"{close_ns} ns is not a quarter hour"
        raise ValueError(msg)
    return Window(series=series, open_ns=Nanos(close_ns - WINDOW_LENGTH), close_ns=close_ns)


def window_at(series: str, now: Nanos) -> Window | None:
    """The scheduled window with open <= now < close, or None in the Thursday gap."""
    close_ns = Nanos(now - now % WINDOW_LENGTH + WINDOW_LENGTH)
    return window_closing(series, close_ns) if is_scheduled(close_ns) else None


def next_window(series: str, now: Nanos) -> Window:
    """The first scheduled window that opens after `now` (not at it)."""
    close_ns = Nanos(now - now % WINDOW_LENGTH + 2 * WINDOW_LENGTH)
    while not is_scheduled(close_ns):
        close_ns = Nanos(close_ns + WINDOW_LENGTH)
    return window_closing(series, close_ns)


def windows_between(series: str, start: Nanos, end: Nanos) -> Iterator[Window]:
    """Scheduled windows that open in [start, end), in order.

    Adjoining ranges give every window exactly once.
    """
    opens = -(-start // WINDOW_LENGTH) * WINDOW_LENGTH
    for open_ns in range(opens, end, WINDOW_LENGTH):
        close_ns = Nanos(open_ns + WINDOW_LENGTH)
        if is_scheduled(close_ns):
            yield window_closing(series, close_ns)


@lru_cache(maxsize=4096)
def event_ticker(series: str, close_ns: Nanos) -> str:
    """The event's name: series and close in New York time, `KXSOL15M-26NOV221015`."""
    local = in_new_york(close_ns)
    month = _MONTHS[local.month - 1]
    return f"{series}-{local:%y}{month}{local:%d%H%M}"


@lru_cache(maxsize=4096)
def market_ticker(series: str, close_ns: Nanos) -> str:
    """The market's name: the event's, and the minute of the close once more."""
    event = event_ticker(series, close_ns)
    return f"{event}-{event[-2:]}"


def series_of(ticker: str) -> str:
    """The series in an event or market ticker. Raises TickerError if it is not one."""
    return _match(ticker)["series"]


def close_times(ticker: str) -> tuple[Nanos, ...]:
    """Every close that an event or market ticker can mean, earliest first.

    One, except in the repeated hour of the autumn change, where there are two. Raises TickerError
    for a malformed ticker, for an impossible date, for a time off the quarter hours and for one
    in the hour that the spring change skips.
    """
    found = _match(ticker)
    if found["suffix"] is not None and found["suffix"] != found["minute"]:
        msg = f"{ticker!r}: the last part must repeat the minute {found['minute']}"
        raise TickerError(msg)
    try:
        local = datetime(
            2000 + int(found["year"]),
            _MONTHS.index(found["month"]) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            tzinfo=NEW_YORK,
        )
    except ValueError as error:
        msg = f"{ticker!r} holds no date and time: {error}"
        raise TickerError(msg) from error
    moments = sorted({_to_nanos(local.replace(fold=fold)) for fold in (0, 1)})
    real = tuple(moment for moment in moments if _same_wall_clock(moment, local))
    if not real or real[0] % WINDOW_LENGTH:
        msg = f"{ticker!r} does not name a quarter hour of New York time"
        raise TickerError(msg)
    return real


def window_of(ticker: str, near: Nanos) -> Window:
    """The window of an event or market ticker; of two that share the name, the one nearer `near`.

    `near` is any time known to be close to the window's, such as the time at which its message
    arrived. Where the exchange tells the close, use `window_closing` instead. Raises TickerError.
    """
    close_ns = min(close_times(ticker), key=lambda close: abs(close - near))
    return window_closing(series_of(ticker), close_ns)


def trading_day(now: Nanos) -> date:
    """The day whose limits count at `now`: the calendar day in New York."""
    return in_new_york(now).date()


def day_start(day: date) -> Nanos:
    """New York's midnight at which `day` begins."""
    return _to_nanos(datetime.combine(day, time(0), tzinfo=NEW_YORK))


def next_roll(now: Nanos) -> Nanos:
    """The first New York midnight after `now`; 23, 24 or 25 hours after the one before."""
    return day_start(trading_day(now) + timedelta(days=1))


def _match(ticker: str) -> re.Match[str]:
    found = _TICKER.fullmatch(ticker)
    if found is None:
        msg = f"{ticker!r} is not a ticker of the form SERIES-YYMONDDHHMM[-MM]"
        raise TickerError(msg)
    return found


def _to_nanos(local: datetime) -> Nanos:
    return Nanos(round(local.astimezone(UTC).timestamp()) * SECOND)


def _same_wall_clock(moment: Nanos, local: datetime) -> bool:
    return in_new_york(moment).replace(tzinfo=None) == local.replace(tzinfo=None)
