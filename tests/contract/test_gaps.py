"""A frame lost on a channel beside the books: seen, asked for, and made up for over REST."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actors.exchange_orders import DeskTerms
from actors.exchange_reads import ReadDesk
from core import messages as m
from core.exchange.records import Outcome, Side
from core.exchange.wire.frames import Origin
from core.exchange.wire.sequence import Sequences
from core.exchange.wire.translate import follow_frame
from core.units import SECOND, Nanos
from tests.contract.test_faults import inject
from tests.contract.venue import CLOSES, NEXT, TICKER, Venue

if TYPE_CHECKING:
    from tests.contract.follower import Follower


def told(follower: Follower) -> list[m.Message]:
    """Everything so far as the daemon's reader tells it."""
    sequences = Sequences()
    origin = Origin(stream="market", conn=1, ts_recv=Nanos(1))
    return [message for text in follower.raw for message in follow_frame(text, origin, sequences)]


@pytest.fixture
def desk(served: Venue) -> ReadDesk:
    terms = DeskTerms(series=("KXSOL15M",), halt_file=Path("none"))
    return ReadDesk(served.exchange, served.clock, terms)


def test_lost_trades_are_read_back_each_once(
    served: Venue, follower: Follower, desk: ReadDesk
) -> None:
    follower.subscribe("trade")
    served.quote(Side.ASK, "0.50", "100")
    inject(served, "drop", match="trade", skip=1, count=2)
    for size in ("1", "2", "3", "4"):
        served.outsider(Side.BID, "0.50", size)
        served.later(0.25)
    follower.settle()
    messages = told(follower)
    assert [type(x) for x in messages if not isinstance(x, m.StreamReply)] == [
        m.TradePrint,
        m.StreamGap,
        m.TradePrint,
    ]
    first, last = (x for x in messages if isinstance(x, m.TradePrint))
    query = m.QueryTrades(
        ticker=TICKER,
        since=first.ts_event,
        until=last.ts_event,
        known=(first.trade_id, last.trade_id),
    )
    back = desk.trades(query)
    assert [x.quantity for x in back if isinstance(x, m.TradePrint)] == [200, 300]
    assert len(back) == 2


def test_a_lost_result_is_read_back_with_the_markets(
    served: Venue, follower: Follower, desk: ReadDesk
) -> None:
    follower.subscribe("market_lifecycle_v2")
    inject(served, "drop", match="market_lifecycle_v2", skip=1, count=2)
    served.at(Nanos(CLOSES + 12 * SECOND))
    served.control(lambda engine, now: engine.pause_market(NEXT.market_ticker, now))
    follower.settle()
    messages = told(follower)
    assert not any(isinstance(x, m.MarketDetermined | m.MarketFinalized) for x in messages)
    (gap,) = (x for x in messages if isinstance(x, m.StreamGap))
    assert (gap.channel, gap.missed) == ("market_lifecycle_v2", 2)
    back = desk.markets(m.QueryMarkets(series="KXSOL15M", past=True))
    results = [x for x in back if isinstance(x, m.MarketDetermined)]
    assert [(x.ticker, x.result) for x in results] == [(TICKER, Outcome.YES)]
    assert [x.ticker for x in back if isinstance(x, m.MarketFinalized)] == [TICKER]
    strikes = {x.market.ticker: x.market.strike for x in back if isinstance(x, m.MarketListed)}
    assert strikes[NEXT.market_ticker] == results[0].value


def test_without_a_gap_no_result_is_told_a_second_time(served: Venue, desk: ReadDesk) -> None:
    served.at(Nanos(CLOSES + 12 * SECOND))
    back = desk.markets(m.QueryMarkets(series="KXSOL15M"))
    assert {type(x) for x in back} == {m.MarketListed}
