"""The spot feed: many venues, one price, and how far they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain.composite import CompositeTerms
from core.roles.spot import SpotFeed, SpotTerms
from core.units import IndexValue, Nanos, seconds
from tests.builders import NOW
from tests.roles.feed_bench import dollars, only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.messages import Message

FEED = SpotTerms(composite=CompositeTerms(fresh=seconds(5), outlier_bps=25.0), repeat=seconds(1))


def spot(source: str, price: float, at: float = 0.0, **quote: float) -> m.SpotTick:
    moment = Nanos(NOW + seconds(at))
    return m.SpotTick(
        source=source,
        product="SOL-USD",
        price=dollars(price),
        bid=dollars(quote.get("bid", 0)),
        ask=dollars(quote.get("ask", 0)),
        ts_event=moment,
        ts_recv=moment,
    )


def tell(role: SpotFeed, *ticks: m.SpotTick) -> list[m.CompositePrice]:
    answers: Sequence[Message] = ()
    for tick in ticks:
        answers = role.handle(tick, tick.ts_recv)
    return only(m.CompositePrice, answers)


def test_the_price_is_the_median_and_states_its_sources_and_their_agreement() -> None:
    role = SpotFeed(FEED)
    (price,) = tell(
        role, spot("kraken", 118.40), spot("coinbase", 118.50), spot("bitstamp", 118.52)
    )
    assert price.price == dollars(118.50)
    assert price.sources == ("bitstamp", "coinbase", "kraken")
    assert round(price.spread_bps, 3) == round(0.12 / 118.50 * 1e4, 3)


def test_a_quote_counts_with_its_middle_a_trade_with_its_price() -> None:
    role = SpotFeed(FEED)
    (quoted,) = tell(role, spot("kraken", 118.0, bid=118.40, ask=118.44))
    assert quoted.price == dollars(118.42)
    (traded,) = tell(role, spot("kraken", 118.0, at=1))
    assert traded.price == dollars(118.0)


def test_an_unchanged_price_is_told_again_only_after_a_while() -> None:
    role = SpotFeed(FEED)
    assert tell(role, spot("kraken", 118.4))
    assert not tell(role, spot("kraken", 118.4, at=0.5))
    assert tell(role, spot("kraken", 118.4, at=1.0))


def test_an_older_tick_does_not_replace_a_newer_one() -> None:
    role = SpotFeed(FEED)
    tell(role, spot("kraken", 118.4, at=2))
    late = spot("kraken", 200.0, at=1)
    assert role.handle(late, Nanos(NOW + seconds(2))) == ()


def test_a_venue_that_falls_silent_leaves_the_agreement() -> None:
    role = SpotFeed(FEED)
    tell(role, spot("kraken", 118.4), spot("coinbase", 118.6, at=4))
    later = Nanos(NOW + seconds(6))
    (price,) = only(m.CompositePrice, role.handle(m.Tick(due=later), later))
    assert (price.price, price.sources) == (dollars(118.6), ("coinbase",))
    silent = Nanos(NOW + seconds(20))
    assert role.handle(m.Tick(due=silent), silent) == []


def test_products_do_not_mix() -> None:
    role = SpotFeed(FEED)
    tell(role, spot("kraken", 118.4))
    other = m.SpotTick(
        source="kraken",
        product="BTC-USD",
        price=dollars(84_000),
        bid=IndexValue(0),
        ask=IndexValue(0),
        ts_event=NOW,
        ts_recv=NOW,
    )
    (price,) = only(m.CompositePrice, role.handle(other, NOW))
    assert (price.product, price.price) == ("BTC-USD", dollars(84_000))
