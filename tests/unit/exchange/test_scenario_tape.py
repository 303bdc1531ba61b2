"""Recorded sessions as live markets: what is played, when, and that it adds up."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest

from core import messages as m
from core.domain.grid import TAPERED_DECI_CENT
from core.domain.windows import WINDOW_LENGTH, Window, window_at, window_closing
from core.exchange.engine_events import Traded
from core.exchange.engine_types import SOL_15M, EngineConfig
from core.exchange.listing import MarketStatus
from core.exchange.records import OrderRequest, Outcome, Side, TimeInForce
from core.exchange.scenario import ScenarioError
from core.exchange.scenario_session import load_session
from core.exchange.scenario_tape import TapeConfig, TapeScenario
from core.exchange.simulated import SimulatedExchange
from core.research.importers import import_recorded
from core.research.tape import read
from core.units import (
    INDEX_DOLLAR,
    MINUTE,
    ONE_DOLLAR,
    SECOND,
    IndexValue,
    Money,
    Nanos,
    Price,
    Quantity,
    complement,
    mean_index,
)

if TYPE_CHECKING:
    from pathlib import Path

RECORDED_OPEN = Nanos(1_771_995_600 * SECOND)
"""2026-02-25 05:00 UTC."""
LIVE = Nanos(1_795_413_600 * SECOND)
"""2026-11-23 06:00 UTC, a Monday."""
UNIT = INDEX_DOLLAR // 10_000


def recorded_window(number: int) -> Window:
    """The n-th window of the session."""
    return window_closing("KXSOL15M", Nanos(RECORDED_OPEN + (number + 1) * WINDOW_LENGTH))


def dollars(value: float) -> IndexValue:
    return IndexValue(round(value * 10_000) * UNIT)


def listed(window: Window, strike: float) -> m.MarketListed:
    return m.MarketListed(
        market=m.MarketTerms(
            ticker=window.market_ticker,
            event_ticker=window.event_ticker,
            series=window.series,
            open_ns=window.open_ns,
            close_ns=window.close_ns,
            strike=dollars(strike),
            digits=4,
            grid=TAPERED_DECI_CENT,
            status=MarketStatus.ACTIVE,
            shard=2,
        ),
        ts_recv=window.open_ns,
    )


def top(window: Window, second: int, bid: int, ask: int) -> m.TopOfBook:
    at = Nanos(window.open_ns + second * SECOND)
    return m.TopOfBook(
        ticker=window.market_ticker,
        bid=Price(bid),
        bid_size=Quantity(1_000),
        ask=Price(ask),
        ask_size=Quantity(1_000),
        ts_event=at,
        ts_recv=at,
    )


def spot(at: int, price: float) -> m.SpotTick:
    return m.SpotTick(
        source="coinbase",
        product="SOL-USD",
        price=dollars(price),
        bid=IndexValue(0),
        ask=IndexValue(0),
        ts_event=Nanos(at),
        ts_recv=Nanos(at),
    )


def session(strikes: list[float]) -> list[m.Message]:
    """Adjoining windows with these strikes; spot follows them ten cents too low; quotes each 10 s.

    The last strike only tells the settlement value of the window before. The quote at second s of
    window n is bid 0.20 + n * 0.10, and a cent more from the middle on.
    """
    records: list[m.Message] = []
    for n, strike in enumerate(strikes):
        window = recorded_window(n)
        records.append(listed(window, strike))
        if n + 1 == len(strikes):
            continue
        for second in range(0, 900, 10):
            bid = 2_000 + 1_000 * n + (100 if second >= 450 else 0)
            records.append(top(window, second, bid, bid + 200))
            share = second / 900
            price = strike + (strikes[n + 1] - strike) * share - 0.10
            records.append(spot(window.open_ns + second * SECOND, price))
    records.sort(key=lambda record: record.ts_recv)  # type: ignore[attr-defined]
    return records


class Playing:
    """A tape played on an engine from a given time."""

    def __init__(self, records: list[m.Message], start: Nanos) -> None:
        self.opened = 0
        self._records = records
        self.engine = SimulatedExchange(EngineConfig())
        self.scenario = TapeScenario(self.engine, TapeConfig(), self.open, start)

    def open(self) -> list[m.Message]:
        self.opened += 1
        return self._records

    def quote_at(self, at: Nanos) -> tuple[int, int]:
        self.scenario.advance(at)
        window = window_at("KXSOL15M", at)
        assert window is not None
        quote = self.engine.quote(window.market_ticker)
        return quote.bid, quote.ask


def live_window(number: int) -> Window:
    return window_closing("KXSOL15M", Nanos(LIVE + (number + 1) * WINDOW_LENGTH))


def test_quotes_come_at_the_same_second_of_the_window() -> None:
    playing = Playing(session([80.0, 81.0, 80.5]), LIVE)
    assert playing.quote_at(Nanos(LIVE + 449 * SECOND)) == (2_000, 2_200)
    assert playing.quote_at(Nanos(LIVE + 451 * SECOND)) == (2_100, 2_300)
    assert playing.quote_at(Nanos(LIVE + 901 * SECOND)) == (3_000, 3_200)


def test_a_start_within_a_window_begins_at_that_second() -> None:
    playing = Playing(session([80.0, 81.0, 80.5]), Nanos(LIVE + 600 * SECOND))
    assert playing.quote_at(Nanos(LIVE + 600 * SECOND)) == (2_100, 2_300)
    market = playing.engine.market(live_window(0).market_ticker)
    assert market.strike == dollars(80.0)


def test_strikes_and_settlements_are_the_recorded_ones() -> None:
    playing = Playing(session([80.0, 81.0, 80.5]), LIVE)
    playing.scenario.advance(Nanos(LIVE + 2 * WINDOW_LENGTH + 10 * SECOND))
    first, second = (playing.engine.market(live_window(n).market_ticker) for n in (0, 1))
    assert (first.strike, first.settlement_value, first.result) == (
        dollars(80.0),
        dollars(81.0),
        Outcome.YES,
    )
    assert (second.strike, second.settlement_value, second.result) == (
        dollars(81.0),
        dollars(80.5),
        Outcome.NO,
    )


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_the_published_index_agrees_with_the_settlement(number: int) -> None:
    playing = Playing(session([80.0, 81.0, 80.5]), LIVE)
    close = live_window(number).close_ns
    playing.scenario.advance(Nanos(close + 10 * SECOND))
    prints = playing.engine.index_prints(SOL_15M.index_id, Nanos(close - MINUTE), close)
    value = playing.engine.market(live_window(number).market_ticker).settlement_value
    assert len(prints) == 60
    assert value is not None
    assert abs(mean_index(sum(v for _, v in prints), 60, 4) - value) <= UNIT


def test_the_session_begins_again_without_a_jump() -> None:
    playing = Playing(session([80.0, 81.0, 80.5]), LIVE)
    playing.scenario.advance(Nanos(LIVE + 4 * WINDOW_LENGTH + 10 * SECOND))
    rows = [playing.engine.market(live_window(n).market_ticker) for n in range(4)]
    for before, after in pairwise(rows):
        assert after.strike == before.settlement_value
    assert [row.result for row in rows] == [Outcome.YES, Outcome.NO, Outcome.YES, Outcome.NO]
    third = rows[2]
    assert third.strike is not None
    assert third.settlement_value is not None
    assert third.settlement_value / third.strike == pytest.approx(81.0 / 80.0, abs=1e-6)
    assert playing.quote_at(Nanos(LIVE + 4 * WINDOW_LENGTH + 100 * SECOND)) == (2_000, 2_200)


def test_an_hour_of_index_is_there_at_the_start() -> None:
    playing = Playing(session([80.0, 81.0, 80.5]), LIVE)
    prints = playing.engine.index_prints(SOL_15M.index_id, Nanos(LIVE - 60 * MINUTE), LIVE)
    assert len(prints) == 3_600
    assert max(abs(b - a) for (_, a), (_, b) in pairwise(prints)) < (INDEX_DOLLAR // 20)


def test_windows_without_result_book_or_price_are_left_out() -> None:
    records = session([80.0, 81.0, 80.5, 80.0])
    middle = recorded_window(1).market_ticker
    without_book = [
        record
        for record in records
        if not (isinstance(record, m.TopOfBook) and record.ticker == middle)
    ]
    tickers = [w.ticker for w in load_session(without_book, "KXSOL15M").windows]
    assert tickers == [recorded_window(0).market_ticker, recorded_window(2).market_ticker]
    without_price = [record for record in records if not isinstance(record, m.SpotTick)]
    with pytest.raises(ScenarioError, match="no window of KXSOL15M"):
        load_session(without_price, "KXSOL15M")


def test_a_window_after_a_missing_one_opens_where_the_last_one_closed() -> None:
    records = session([80.0, 81.0, 80.5, 80.0])
    middle = recorded_window(1).market_ticker
    kept = [r for r in records if not (isinstance(r, m.TopOfBook) and r.ticker == middle)]
    playing = Playing(kept, LIVE)
    playing.scenario.advance(Nanos(LIVE + 2 * WINDOW_LENGTH + 10 * SECOND))
    first, second = (playing.engine.market(live_window(n).market_ticker) for n in (0, 1))
    assert second.strike == first.settlement_value == dollars(81.0)
    assert second.settlement_value == pytest.approx(dollars(81.0 * 80.0 / 80.5), abs=UNIT)


def test_a_tie_stays_a_tie_at_another_price_level() -> None:
    playing = Playing(session([80.0, 81.3337, 81.3337]), LIVE)
    playing.scenario.advance(Nanos(LIVE + 4 * WINDOW_LENGTH + 10 * SECOND))
    row = playing.engine.market(live_window(3).market_ticker)
    assert (row.result, row.settlement_value) == (Outcome.YES, row.strike)


def test_prints_of_the_index_itself_are_preferred_to_spot() -> None:
    records = session([80.0, 81.0])
    for second in range(0, 900, 10):
        at = Nanos(RECORDED_OPEN + second * SECOND)
        records.append(
            m.IndexPrint(index_id="SOLUSD_RTI", value=dollars(90.0), ts_event=at, ts_recv=at)
        )
    found = load_session(records, "KXSOL15M")
    window = found.windows[0]
    assert window.last_correction == dollars(81.0) - dollars(90.0)


def depth_session() -> list[m.Message]:
    """One window with a book in depth: a snapshot, one delta a minute, and a trade."""
    window = recorded_window(0)
    records = [record for record in session([80.0, 81.0]) if not isinstance(record, m.TopOfBook)]
    common = {"ticker": window.market_ticker, "conn": 1, "sid": 1}
    for minute in range(15):
        at = Nanos(window.open_ns + minute * MINUTE + SECOND)
        times = {"seq": minute + 1, "ts_event": at, "ts_recv": at}
        if minute == 0:
            records.append(
                m.BookSnapshot(
                    yes=((Price(4_000), Quantity(10_000)),),
                    no=((Price(5_500), Quantity(5_000)),),
                    **common,  # type: ignore[arg-type]
                    **times,  # type: ignore[arg-type]
                )
            )
        else:
            records.append(
                m.BookDelta(
                    leg=Outcome.NO,
                    price=Price(5_500),
                    delta=Quantity(100),
                    **common,  # type: ignore[arg-type]
                    **times,  # type: ignore[arg-type]
                )
            )
        records.append(top(window, minute * 60 + 2, 100, 200))  # would contradict the depth
    at = Nanos(window.open_ns + 200 * SECOND)
    records.append(
        m.TradePrint(
            ticker=window.market_ticker,
            trade_id="t",
            price=Price(4_000),
            quantity=Quantity(10_300),
            taker_side=Side.ASK,
            ts_event=at,
            ts_recv=at,
        )
    )
    records.sort(key=lambda record: record.ts_recv)  # type: ignore[attr-defined]
    return records


def test_a_book_in_depth_is_replayed_level_by_level() -> None:
    playing = Playing(depth_session(), LIVE)
    playing.scenario.advance(Nanos(LIVE + 5 * MINUTE + 30 * SECOND))
    book = playing.engine.book(live_window(0).market_ticker)
    assert (book.yes, book.no) == (((4_000, 10_000),), ((5_500, 5_500),))


def test_recorded_trades_fill_own_orders_in_their_queue() -> None:
    playing = Playing(depth_session(), LIVE)
    engine, ticker = playing.engine, live_window(0).market_ticker
    engine.open_account("ann", {2: Money(100 * ONE_DOLLAR)}, LIVE)
    playing.scenario.advance(Nanos(LIVE + 100 * SECOND))
    request = OrderRequest(
        ticker=ticker,
        client_order_id="mine",
        side=Side.BID,
        quantity=Quantity(500),
        price=Price(4_000),
        time_in_force=TimeInForce.GTC,
    )
    engine.create_order("ann", request, engine.now)
    engine.drain()
    playing.scenario.advance(Nanos(LIVE + 210 * SECOND))
    assert [fill.quantity for fill in engine.fills("ann")] == [300]
    assert sum(e.trade.quantity for e in engine.drain() if isinstance(e, Traded)) == 10_300


def test_what_own_takers_take_stays_away_until_the_recording_adds() -> None:
    playing = Playing(depth_session(), LIVE)
    engine, ticker = playing.engine, live_window(0).market_ticker
    engine.open_account("ann", {2: Money(100 * ONE_DOLLAR)}, LIVE)
    playing.scenario.advance(Nanos(LIVE + 30 * SECOND))
    ask = complement(Price(5_500))
    request = OrderRequest(
        ticker=ticker,
        client_order_id="take",
        side=Side.BID,
        quantity=Quantity(5_000),
        price=ask,
        time_in_force=TimeInForce.IOC,
    )
    engine.create_order("ann", request, engine.now)
    assert engine.book(ticker).no == ()
    playing.scenario.advance(Nanos(LIVE + 150 * SECOND))
    assert engine.book(ticker).no == ((5_500, 200),)


def test_the_tape_is_read_once_more_each_time_it_begins_again() -> None:
    playing = Playing(session([80.0, 81.0, 80.5]), LIVE)
    assert playing.opened == 2
    playing.scenario.advance(Nanos(LIVE + 4 * WINDOW_LENGTH + SECOND))
    assert playing.opened == 4


@pytest.mark.parametrize("step", [SECOND, 7 * SECOND, 5 * MINUTE])
def test_how_often_time_is_advanced_does_not_matter(step: int) -> None:
    def run(step: int) -> tuple[object, ...]:
        playing = Playing(session([80.0, 81.0, 80.5]), LIVE)
        end = LIVE + 2 * WINDOW_LENGTH + 20 * SECOND
        for now in range(LIVE, end, step):
            playing.scenario.advance(Nanos(now))
        playing.scenario.advance(Nanos(end))
        return playing.engine.drain()

    assert run(step) == run(30 * SECOND)


def test_in_the_thursday_gap_everything_stands_still() -> None:
    gap = Nanos(LIVE + 3 * 24 * 60 * MINUTE + 2 * 60 * MINUTE - 15 * MINUTE)  # 02:45 New York
    playing = Playing(session([80.0, 81.0, 80.5]), Nanos(gap - 5 * MINUTE))
    playing.scenario.advance(Nanos(gap + 130 * MINUTE))
    prints = playing.engine.index_prints(SOL_15M.index_id, gap, Nanos(gap + 130 * MINUTE))
    assert len({value for _, value in prints}) == 1
    playing.scenario.advance(Nanos(gap + 136 * MINUTE))
    window = window_at("KXSOL15M", playing.engine.now)
    assert window is not None
    assert playing.engine.market(window.market_ticker).strike is not None


def test_the_recorded_session_of_february_plays(recorded: Path, tmp_path: Path) -> None:
    tape = tmp_path / "sol.parquet"
    import_recorded(recorded, "KXSOL15M", tape, "quotes")
    engine = SimulatedExchange(EngineConfig())
    scenario = TapeScenario(engine, TapeConfig(), lambda: read(tape), LIVE)
    scenario.advance(Nanos(LIVE + 4 * WINDOW_LENGTH + 10 * SECOND))
    rows = [engine.market(live_window(n).market_ticker) for n in range(4)]
    strikes = [row.strike and row.strike // UNIT for row in rows]
    assert strikes == [821_028, 823_523, 819_353, 818_978]
    assert [row.result for row in rows] == ["yes", "no", "no", "no"]
    assert msgspec.structs.asdict(rows[3])["settlement_value"] == dollars(81.4842)
