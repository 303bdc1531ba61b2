"""The calendar: windows, names, phases, the Thursday gap, days; across clock changes too."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.windows import (
    NEW_YORK,
    WINDOW_LENGTH,
    Phase,
    TickerError,
    Window,
    close_times,
    day_start,
    event_ticker,
    in_new_york,
    is_scheduled,
    market_ticker,
    next_roll,
    next_window,
    series_of,
    trading_day,
    window_at,
    window_closing,
    window_of,
    windows_between,
)
from core.units import MILLISECOND, MINUTE, SECOND, Nanos

if TYPE_CHECKING:
    from pathlib import Path

SERIES = "KXSOL15M"
HOUR = 60 * MINUTE
QUARTERS = st.integers(1_900_000, 2_400_000).map(lambda n: Nanos(n * WINDOW_LENGTH))
"""Quarter hours of the years 2024 to 2038."""
MOMENTS = st.integers(1_710_000_000 * SECOND, 2_160_000_000 * SECOND).map(Nanos)
NIGHT_OF_25_HOURS = date(2026, 11, 1)
NIGHT_OF_23_HOURS = date(2027, 3, 14)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> Nanos:
    moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
    return Nanos(int(moment.timestamp()) * SECOND)


def test_ticker_spells_the_close_in_new_york_time() -> None:
    window = window_at(SERIES, utc(2026, 8, 5, 23, 3))

    assert window is not None
    assert window.close_ns == utc(2026, 8, 5, 23, 15)
    assert window.open_ns == utc(2026, 8, 5, 23, 0)
    assert window.event_ticker == "KXSOL15M-26AUG051915"
    assert window.market_ticker == "KXSOL15M-26AUG051915-15"


def test_midnight_is_hour_zero_of_the_new_day() -> None:
    assert market_ticker(SERIES, utc(2026, 10, 1, 4, 0)) == "KXSOL15M-26OCT010000-00"


def test_winter_tickers_are_five_hours_behind() -> None:
    assert market_ticker(SERIES, utc(2026, 11, 22, 15, 15)) == "KXSOL15M-26NOV221015-15"


@given(QUARTERS)
def test_a_ticker_leads_back_to_its_window(close_ns: Nanos) -> None:
    window = window_closing(SERIES, close_ns)

    assert window_of(window.market_ticker, near=close_ns) == window
    assert window_of(window.event_ticker, near=close_ns) == window


@given(QUARTERS)
def test_only_the_repeated_hour_has_ambiguous_tickers(close_ns: Nanos) -> None:
    local = in_new_york(close_ns)
    other = local.replace(fold=1 - local.fold)

    ambiguous = other.utcoffset() != local.utcoffset()

    assert (len(close_times(market_ticker(SERIES, close_ns))) == 2) is ambiguous


def test_the_repeated_hour_is_told_apart_by_close_time() -> None:
    first, second = close_times("KXSOL15M-26NOV010130-30")

    assert (first, second) == (utc(2026, 11, 1, 5, 30), utc(2026, 11, 1, 6, 30))
    assert event_ticker(SERIES, first) == event_ticker(SERIES, second)
    assert window_closing(SERIES, first) != window_closing(SERIES, second)
    assert window_of("KXSOL15M-26NOV010130-30", near=Nanos(first - MINUTE)).close_ns == first
    assert window_of("KXSOL15M-26NOV010130-30", near=Nanos(second - MINUTE)).close_ns == second


@pytest.mark.parametrize(
    ("ticker", "reason"),
    [
        ("KXSOL15M", "form"),
        ("KXSOL15M-26NOV2210", "form"),
        ("kxsol15m-26NOV221015-15", "form"),
        ("KXSOL15M-26NOV221015-15-T1", "form"),
        ("KXSOL15M-26NOV221015-30", "repeat the minute"),
        ("KXSOL15M-26FEB301015-15", "no date"),
        ("KXSOL15M-26XYZ221015-15", "no date"),
        ("KXSOL15M-26NOV222515-15", "no date"),
        ("KXSOL15M-26NOV221016-16", "quarter hour"),
        ("KXSOL15M-27MAR140215-15", "quarter hour"),
        ("KXSOL15M-26NOV22101\u0665-15", "form"),
    ],
)
def test_a_bad_ticker_is_refused_with_its_reason(ticker: str, reason: str) -> None:
    with pytest.raises(TickerError, match=reason):
        close_times(ticker)


def test_the_series_of_a_ticker_is_its_first_part() -> None:
    assert series_of("KXBTC15M-26AUG051915-15") == "KXBTC15M"
    with pytest.raises(TickerError):
        series_of("KXBTC15M")


def test_phases_change_on_their_boundary() -> None:
    window = window_closing(SERIES, utc(2026, 11, 22, 15, 15))

    def phase(offset: int) -> Phase:
        return window.phase(Nanos(window.close_ns + offset))

    assert phase(-WINDOW_LENGTH - 1) is Phase.BEFORE
    assert phase(-WINDOW_LENGTH) is Phase.OPEN
    assert phase(-MINUTE - 1) is Phase.OPEN
    assert phase(-MINUTE) is Phase.FINAL_MINUTE
    assert phase(-1) is Phase.FINAL_MINUTE
    assert phase(0) is Phase.CLOSED
    assert window.seconds_left(Nanos(window.close_ns - 90 * SECOND)) == 90.0


def test_a_window_off_the_quarter_hour_is_refused() -> None:
    with pytest.raises(ValueError, match="quarter hour"):
        window_closing(SERIES, Nanos(utc(2026, 11, 22, 15, 15) + 1))


def test_a_thursday_lists_87_windows_and_another_day_96() -> None:
    thursday, friday = day_start(date(2026, 11, 19)), day_start(date(2026, 11, 20))

    listed = list(windows_between(SERIES, thursday, friday))
    gap = [in_new_york(w.close_ns).strftime("%H:%M") for w in listed]

    assert len(listed) == 87
    assert gap[10:12] == ["02:45", "05:15"]
    assert len(list(windows_between(SERIES, friday, day_start(date(2026, 11, 21))))) == 96


def test_in_the_thursday_gap_no_window_trades_and_the_next_opens_at_five() -> None:
    last_open = utc(2026, 11, 19, 7, 44)
    in_gap = utc(2026, 11, 19, 7, 45)

    assert window_at(SERIES, last_open) is not None
    assert window_at(SERIES, in_gap) is None
    assert next_window(SERIES, last_open).open_ns == utc(2026, 11, 19, 10, 0)
    assert next_window(SERIES, in_gap).market_ticker == "KXSOL15M-26NOV190515-15"
    assert window_at(SERIES, Nanos(utc(2026, 11, 19, 10, 0) - 1)) is None
    assert window_at(SERIES, utc(2026, 11, 19, 10, 0)) is not None


@given(MOMENTS)
def test_now_lies_in_its_window_and_before_the_next(now: Nanos) -> None:
    window, following = window_at(SERIES, now), next_window(SERIES, now)

    assert window is None or window.open_ns <= now < window.close_ns
    assert now < following.open_ns <= now + 150 * MINUTE
    assert window is None or window.close_ns <= following.open_ns
    assert is_scheduled(following.close_ns)
    assert following.close_ns - following.open_ns == WINDOW_LENGTH


@given(MOMENTS, st.integers(0, 48), st.integers(0, 48))
def test_adjoining_ranges_give_each_window_once(start: Nanos, hours: int, more: int) -> None:
    middle, end = Nanos(start + hours * HOUR), Nanos(start + (hours + more) * HOUR)

    parts = [*windows_between(SERIES, start, middle), *windows_between(SERIES, middle, end)]

    assert parts == list(windows_between(SERIES, start, end))
    assert len(set(parts)) == len(parts)
    assert all(start <= w.open_ns < end for w in parts)


@given(MOMENTS)
def test_walking_from_window_to_window_skips_none(now: Nanos) -> None:
    listed = list(windows_between(SERIES, Nanos(now + 1), Nanos(now + 6 * HOUR)))

    walked: list[Window] = []
    moment = now
    for _ in listed:
        walked.append(next_window(SERIES, moment))
        moment = walked[-1].open_ns

    assert walked == listed


def test_days_of_clock_changes_are_an_hour_shorter_or_longer() -> None:
    for day, hours in ((NIGHT_OF_25_HOURS, 25), (NIGHT_OF_23_HOURS, 23), (date(2026, 8, 5), 24)):
        assert next_roll(day_start(day)) - day_start(day) == hours * HOUR
        windows = list(windows_between(SERIES, day_start(day), next_roll(day_start(day))))
        assert len(windows) == hours * 4


def test_names_repeat_only_in_the_night_of_25_hours() -> None:
    def names(day: date) -> int:
        start = day_start(day)
        return len({w.market_ticker for w in windows_between(SERIES, start, next_roll(start))})

    assert names(NIGHT_OF_25_HOURS) == 96
    assert names(NIGHT_OF_23_HOURS) == 92


@given(MOMENTS)
def test_a_moment_lies_in_its_trading_day(now: Nanos) -> None:
    day = trading_day(now)

    assert day_start(day) <= now < next_roll(now) == day_start(day + timedelta(days=1))
    midnight = in_new_york(day_start(day))
    assert (midnight.hour, midnight.minute, midnight.tzinfo) == (0, 0, NEW_YORK)


@pytest.mark.parametrize("series", ["KXSOL15M", "KXBTC15M"])
def test_recorded_markets_follow_the_calendar(recorded: Path, series: str) -> None:
    table = pq.read_table(recorded / f"markets_{series}.parquet", filters=[("src", "==", "U")])

    closes = [Nanos(ms * MILLISECOND) for ms in table["close_time_ms"].to_pylist()]

    assert [market_ticker(series, close) for close in closes] == table["ticker"].to_pylist()
    assert all(is_scheduled(close) for close in closes)
    expected = list(windows_between(series, Nanos(min(closes) - WINDOW_LENGTH), max(closes)))
    assert len(expected) - len(closes) < 30
