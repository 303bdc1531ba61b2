"""Stand-ins for the index are corrected by what strikes told of their basis."""

from __future__ import annotations

import pytest

from core import messages as m
from core.domain.windows import market_ticker
from core.units import Nanos, seconds
from tests.builders import CLOSE, OPEN, terms
from tests.roles.feed_bench import Bench, dollars, next_terms, only

SPOT_BPS = -1.0
"""Spot stands one basis point below the index."""
INDEX = 118.4213
SPOT = INDEX * (1 + SPOT_BPS / 1e4)


def on_tape(*markets: m.MarketTerms) -> Bench:
    bench = Bench(commanded=False)
    bench.begin()
    bench.conn = 1
    for market in markets:
        bench.listed(market)
    return bench


def minute_before(bench: Bench, close: Nanos) -> m.MarketView | None:
    """Spot prices each second of the minute before `close`, and one after."""
    views: list[m.MarketView] = []
    for second in range(-62, 2):
        stamp = Nanos(close + seconds(second))
        bench.now = max(bench.now, stamp)
        views += only(m.MarketView, bench.composite(SPOT, stamp=stamp))
    return views[-1] if views else None


def strike(bench: Bench, ticker: str, value: float, opened: Nanos) -> list[m.MarketView]:
    at = Nanos(opened + seconds(1.55))
    told = m.StrikePublished(ticker=ticker, strike=dollars(value), ts_event=at, ts_recv=at)
    return only(m.MarketView, bench.send(told, at))


def test_a_published_strike_corrects_the_stand_in() -> None:
    bench = on_tape(terms(strike=None))
    before = minute_before(bench, OPEN)

    (view,) = strike(bench, terms().ticker, INDEX, OPEN)

    assert before is not None
    assert before.index == dollars(SPOT)
    assert before.index_error == pytest.approx(2e-4)
    assert view.proxy
    assert view.index == pytest.approx(dollars(INDEX), rel=1e-5)
    assert view.index - dollars(SPOT) == pytest.approx(dollars(INDEX - SPOT), rel=0.05)
    assert 0 < view.index_error < 0.5e-4


def test_a_listing_that_brings_the_strike_corrects_it_too() -> None:
    bench = on_tape(terms(strike=None))
    minute_before(bench, OPEN)

    (view,) = only(m.MarketView, bench.listed(terms(strike=dollars(INDEX))))

    assert view.index - dollars(SPOT) == pytest.approx(dollars(INDEX - SPOT), rel=0.05)


def test_stand_ins_for_the_final_minute_are_corrected_alike() -> None:
    """The mean of the known stand-ins and the price agree: both are moved by the basis."""
    bench = on_tape(terms(strike=None), next_terms())
    minute_before(bench, OPEN)
    strike(bench, terms().ticker, INDEX, OPEN)

    for second in range(-62, -1):
        stamp = Nanos(CLOSE + seconds(second))
        bench.now = max(bench.now, stamp)
        last = only(m.MarketView, bench.composite(SPOT, stamp=stamp))[0]

    assert last.proxy
    assert last.known > 50
    assert last.known_sum / last.known == pytest.approx(last.index, rel=1e-9)


def test_the_index_itself_is_never_corrected() -> None:
    bench = on_tape(terms(strike=None))
    minute_before(bench, OPEN)
    strike(bench, terms().ticker, INDEX, OPEN)

    (view,) = only(m.MarketView, bench.index(119.0, stamp=Nanos(OPEN + seconds(5))))

    assert not view.proxy
    assert (view.index, view.index_error) == (dollars(119.0), 0.0)


def test_a_strike_of_another_series_teaches_nothing() -> None:
    bench = on_tape(terms(strike=None))
    minute_before(bench, OPEN)

    ticker = market_ticker("KXBTC15M", CLOSE)
    assert strike(bench, ticker, 90_000.0, OPEN) == []
    bench.listed(terms(ticker=ticker, series="KXBTC15M", strike=dollars(90_000.0)))
    view = only(m.MarketView, bench.composite(SPOT, stamp=Nanos(OPEN + seconds(5))))[-1]

    assert view.index == dollars(SPOT)


def test_each_source_of_a_series_begins_with_its_own_usual_volatility() -> None:
    bench = on_tape(terms())
    bench.now = Nanos(OPEN + seconds(5))

    (view,) = only(m.MarketView, bench.composite(SPOT))

    usual = bench.terms.sources[0].prior_bps / 1e4
    assert view.sigma == pytest.approx(usual / 900**0.5, rel=0.5)
