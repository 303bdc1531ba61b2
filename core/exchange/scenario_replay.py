"""Recorded windows in the place of live ones: which plays when, and at what price level.

Recorded windows follow each other in their order, again and again. Where the next one did not
follow in the recording, prices are scaled so that it opens at the level at which the last closed:
its strike is then the last one's settlement value, as the venue has it, and all distances in
relation to the strike, which are what its book reflects, stay as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.records import Outcome
from core.exchange.scenario_session import RecordedWindow
from core.units import INDEX_DECIMALS, IndexValue, Nanos, round_index

if TYPE_CHECKING:
    from core.domain.windows import Window
    from core.exchange.scenario_session import Session


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded window in the place of a live one; live prices are recorded ones times a ratio."""

    number: int
    """Of the recorded window in its session."""
    recorded: RecordedWindow
    open_ns: Nanos
    close_ns: Nanos
    ticker: str
    strike: IndexValue
    value: IndexValue
    numerator: int
    denominator: int

    def live_time(self, recorded: Nanos) -> Nanos:
        """When something that was recorded then happens now; not before the open."""
        return Nanos(self.open_ns + max(0, recorded - self.recorded.open_ns))

    def scaled(self, recorded: IndexValue) -> IndexValue:
        """A recorded index value at the live level, with as many digits as are published."""
        exact = IndexValue(recorded * self.numerator // self.denominator)
        return round_index(exact, self.recorded.digits)


def play_first(session: Session, window: Window) -> Played:
    """The first recorded window, at its own prices."""
    recorded = session.windows[0]
    return _play(0, recorded, window, (recorded.strike, recorded.strike))


def play_next(session: Session, last: Played, window: Window) -> Played:
    """The recorded window after the last one played, opening where that closed."""
    number = (last.number + 1) % len(session.windows)
    recorded = session.windows[number]
    return _play(number, recorded, window, (last.value, recorded.strike))


def play_previous(session: Session, following: Played, window: Window) -> Played:
    """The recorded window before one, closing where that opens: for what was before the start."""
    number = (following.number - 1) % len(session.windows)
    recorded = session.windows[number]
    return _play(number, recorded, window, (following.strike, recorded.value))


def _play(
    number: int, recorded: RecordedWindow, window: Window, ratio: tuple[IndexValue, IndexValue]
) -> Played:
    numerator, denominator = ratio
    played = Played(
        number=number,
        recorded=recorded,
        open_ns=window.open_ns,
        close_ns=window.close_ns,
        ticker=window.market_ticker,
        strike=IndexValue(0),
        value=IndexValue(0),
        numerator=numerator,
        denominator=denominator,
    )
    strike = played.scaled(recorded.strike)
    return msgspec.structs.replace(played, strike=strike, value=_value(played, strike))


def _value(played: Played, strike: IndexValue) -> IndexValue:
    """The settlement value at the live level: rounding may not change who wins."""
    recorded = played.recorded
    value = played.scaled(recorded.value)
    if recorded.result is Outcome.YES:
        return max(value, strike)
    unit = 10 ** (INDEX_DECIMALS - recorded.digits)
    return min(value, IndexValue(strike - unit))
