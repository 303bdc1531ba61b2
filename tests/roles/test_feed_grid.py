"""A price grid that changes while the market trades: an order at an old price would be refused."""

from __future__ import annotations

import msgspec

from core import messages as m
from core.domain.grid import STRUCTURES
from core.exchange.wire.frames import Origin
from core.exchange.wire.translate import read_frame
from core.units import Nanos, seconds
from tests.builders import TICKER, terms
from tests.roles.feed_bench import Bench, only

CENTS = STRUCTURES["linear_cent"]
FRAME = {
    "type": "market_lifecycle_v2",
    "sid": 7,
    "seq": 5121,
    "sending_ts_ms": 1795360032000,
    "msg": {
        "event_type": "price_level_structure_updated",
        "market_ticker": TICKER,
        "price_level_structure": "linear_cent",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
    },
}


def running() -> Bench:
    bench = Bench()
    bench.begin()
    bench.stream("open")
    bench.listed(terms())
    return bench


def changed(bench: Bench) -> m.GridChanged:
    return m.GridChanged(ticker=TICKER, grid=CENTS, ts_event=bench.now, ts_recv=bench.now)


def test_the_lifecycle_frame_is_read_as_a_change_of_the_grid() -> None:
    origin = Origin(stream="market", conn=1, ts_recv=Nanos(5))
    (message,) = read_frame(msgspec.json.encode(FRAME), origin)
    assert isinstance(message, m.GridChanged)
    assert (message.ticker, message.grid) == (TICKER, CENTS)


def test_a_new_grid_is_shown_at_once() -> None:
    bench = running()
    (view,) = only(m.MarketView, bench.send(changed(bench)))
    assert view.market.grid == CENTS


def test_a_late_listing_does_not_bring_the_old_grid_back() -> None:
    bench = running()
    bench.send(changed(bench))
    bench.send(m.Tick(due=bench.now), Nanos(bench.now + seconds(5)))
    assert only(m.MarketView, bench.listed(terms())) == []
    bench.send(m.Tick(due=bench.now), Nanos(bench.now + seconds(15)))
    (view,) = only(m.MarketView, bench.listed(terms()))
    assert view.market.grid == terms().grid


def test_the_grid_of_a_market_nobody_follows_is_nobodys_business() -> None:
    bench = running()
    other = msgspec.structs.replace(changed(bench), ticker="KXSOL15M-26NOV221600-00")
    assert bench.send(other) == ()
