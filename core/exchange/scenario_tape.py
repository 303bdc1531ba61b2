"""A market out of a recorded session: index and book as they were, in the windows of now.

The recorded window maps onto the live one second by second; when the session ends it begins again.
Own orders meet the recorded book: what they take is gone until the recording adds to that level,
and recorded trades consume the queues before them. The recording does not react to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.windows import WINDOW_LENGTH, next_window, window_at, window_closing
from core.exchange.engine_types import SOL_15M, SeriesSpec
from core.exchange.records import Outcome, Side
from core.exchange.scenario_books import BookRecord, BookStream
from core.exchange.scenario_calendar import Calendar
from core.exchange.scenario_index import STEP
from core.exchange.scenario_replay import Played, play_first, play_next, play_previous
from core.exchange.scenario_session import load_session
from core.units import MILLISECOND, SECOND, Nanos, complement

if TYPE_CHECKING:
    from core.domain.windows import Window
    from core.exchange.scenario_books import Records
    from core.exchange.scenario_session import Session
    from core.exchange.simulated import SimulatedExchange
    from core.units import IndexValue

_HISTORY_WINDOWS: Final = 4
"""Windows of index before the start: an hour, as in the synthetic scenario."""


class TapeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which series a tape is played as."""

    series: SeriesSpec = SOL_15M
    index_delay: Nanos = Nanos(100 * MILLISECOND)
    """From an index value's stamp to its publication; less than 200 ms."""


class TapeScenario:
    """Drives one series of an engine with a tape. `records` opens the tape from its beginning.

    The tape is read once at the start to find its windows, then again while it plays. Raises
    ScenarioError for a tape without a usable window.
    """

    def __init__(
        self, engine: SimulatedExchange, config: TapeConfig, records: Records, start: Nanos
    ) -> None:
        self._engine = engine
        self._config = config
        series = config.series
        self._session = load_session(records(), series.ticker)
        self._books = BookStream(records, self._session)
        self._start = start
        self._stamp = Nanos(start // STEP * STEP)
        window = window_at(series.ticker, start) or next_window(series.ticker, start)
        self._played = play_first(self._session, window)
        self._record: BookRecord | None = None
        engine.add_series(series)
        engine.record_index(series.index_id, _history(self._session, self._played, self._stamp))
        self._calendar = Calendar(engine, series.ticker, start, self._listed)
        self._books.open(self._played.recorded)
        self._next_record()

    def advance(self, now: Nanos) -> None:
        """Take every index step and every book record whose time has come."""
        while (due := self.next_due()) <= now:
            if due == self._index_due():
                self._step(due)
            else:
                self._play(due)
        self._engine.advance(now)

    def next_due(self) -> Nanos:
        """The time of the next index value or book record."""
        index_due = self._index_due()
        if self._record is None:
            return index_due
        return min(index_due, self._played.live_time(self._record.ts_recv))

    def _index_due(self) -> Nanos:
        return Nanos(self._stamp + STEP + self._config.index_delay)

    def _step(self, now: Nanos) -> None:
        self._stamp = Nanos(self._stamp + STEP)
        if self._stamp >= self._played.close_ns:
            self._turn_over()
        value = _index_at(self._session, self._played, self._stamp)
        self._engine.publish_index(self._config.series.index_id, value, self._stamp, now)
        self._calendar.list_due(now)

    def _turn_over(self) -> None:
        """The next recorded window, once the next live one is open; in the gap all stands still."""
        self._record = None
        window = window_at(self._config.series.ticker, self._stamp)
        if window is None:
            return
        self._played = play_next(self._session, self._played, window)
        self._fix(self._played)
        self._books.open(self._played.recorded)
        self._next_record()

    def _listed(self, window: Window) -> None:
        if window.close_ns == self._played.close_ns:
            self._fix(self._played)

    def _fix(self, played: Played) -> None:
        self._engine.fix_strike(played.ticker, played.strike)
        self._engine.fix_settlement(played.ticker, played.value)

    def _next_record(self) -> None:
        self._record = self._books.next()

    def _play(self, now: Nanos) -> None:
        """The outside does what it did. Trades from before the start are over."""
        record = self._record
        assert record is not None
        engine, ticker = self._engine, self._played.ticker
        match record:
            case m.BookSnapshot():
                asks = [(complement(price), quantity) for price, quantity in record.no]
                engine.observe_outside(ticker, record.yes, asks, now)
            case m.BookDelta():
                is_yes = record.leg is Outcome.YES
                side = Side.BID if is_yes else Side.ASK
                price = record.price if is_yes else complement(record.price)
                engine.apply_outside_delta(ticker, side, price, record.delta, now)
            case m.TopOfBook():
                bids = [(record.bid, record.bid_size)] if record.bid_size else []
                asks = [(record.ask, record.ask_size)] if record.ask_size else []
                engine.observe_outside(ticker, bids, asks, now)
            case m.TradePrint():
                if now >= self._start:
                    engine.outside_trade(
                        ticker, record.price, record.quantity, record.taker_side, now
                    )
        self._next_record()


def _index_at(session: Session, played: Played, stamp: Nanos) -> IndexValue:
    """The live index; after the window's close its last value stays."""
    elapsed = min(stamp - played.open_ns, WINDOW_LENGTH - 1)
    return played.scaled(session.index(played.recorded, elapsed))


def _history(session: Session, first: Played, until: Nanos) -> list[tuple[Nanos, IndexValue]]:
    """Prints up to `until`: the windows before the first one played, back to front, and its own."""
    played = [first]
    for _ in range(_HISTORY_WINDOWS):
        close = played[0].open_ns
        window = window_closing(first.ticker.partition("-")[0], close)
        played.insert(0, play_previous(session, played[0], window))
    return [
        (Nanos(stamp), _index_at(session, one, Nanos(stamp)))
        for one in played
        for stamp in range(one.open_ns, min(one.close_ns, until + 1), SECOND)
    ]
