"""The spot feed: many venues, one price, and how far they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.domain.composite import CompositeTerms
from core.roles.feed_link import LinkTerms
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


# --- connections

COINBASE, KRAKEN = "spot:coinbase", "spot:kraken"


class Bench:
    """The role with two venues, and the time."""

    def __init__(self, **link: object) -> None:
        links = tuple(
            msgspec.structs.replace(LinkTerms(stream=stream), **link)
            for stream in (COINBASE, KRAKEN)
        )
        self.now = NOW
        self.role = SpotFeed(msgspec.structs.replace(FEED, links=links))
        begun = only(m.OpenStream, self.take(m.Begin(recovered=0)))
        self.conns = {ask.stream: ask.conn for ask in begun}

    def take(self, message: Message) -> Sequence[Message]:
        return self.role.handle(message, self.now)

    def stream(self, stream: str, state: m.StreamState, conn: int | None = None) -> list[Message]:
        change = m.StreamChanged(
            stream=stream,
            conn=self.conns[stream] if conn is None else conn,
            state=state,
            reason="",
            ts_recv=self.now,
        )
        told = list(self.take(change))
        self.conns.update((ask.stream, ask.conn) for ask in only(m.OpenStream, told))
        return told

    def up(self) -> Bench:
        for stream in (COINBASE, KRAKEN):
            self.stream(stream, "connecting")
            self.stream(stream, "open")
        return self

    def tick(self, after: float = 1.0) -> Sequence[Message]:
        self.now = Nanos(self.now + seconds(after))
        return self.take(m.Tick(due=self.now))

    def health(self, stream: str, after: float = 1.0) -> m.FeedHealth:
        rows = {row.stream: row for row in only(m.FeedHealth, self.tick(after))}
        return rows[stream]


def test_every_wanted_venue_is_connected_at_the_beginning() -> None:
    asked = only(
        m.OpenStream,
        SpotFeed(SpotTerms(links=(LinkTerms(stream=COINBASE), LinkTerms(stream=KRAKEN)))).handle(
            m.Begin(recovered=0), NOW
        ),
    )
    assert [(ask.stream, ask.delay) for ask in asked] == [(COINBASE, 0), (KRAKEN, 0)]


def test_without_venues_nothing_is_asked_for() -> None:
    role = SpotFeed(SpotTerms())
    assert role.handle(m.Begin(recovered=0), NOW) == []
    assert role.handle(m.Tick(due=NOW), NOW) == []


def test_a_lost_venue_is_connected_again_after_a_pause_and_the_other_goes_on() -> None:
    bench = Bench(first_delay=seconds(1)).up()
    before = dict(bench.conns)
    (ask,) = only(m.OpenStream, bench.stream(COINBASE, "lost"))
    assert (ask.stream, ask.conn) == (COINBASE, before[COINBASE] + 1)
    assert 0 <= ask.delay <= seconds(1)
    assert bench.health(COINBASE).state == "asked"
    assert bench.health(KRAKEN).state == "open"


def test_a_connection_that_gives_no_sign_is_asked_for_again() -> None:
    bench = Bench(connect_due=seconds(20), first_delay=Nanos(0), longest_delay=Nanos(0))
    assert only(m.OpenStream, bench.tick(19)) == []
    assert {ask.stream for ask in only(m.OpenStream, bench.tick(1))} == {COINBASE, KRAKEN}


def test_the_price_of_a_venue_goes_with_its_connection() -> None:
    bench = Bench().up()
    tell(bench.role, spot("coinbase", 118.0), spot("kraken", 119.0))
    (left,) = only(m.CompositePrice, bench.stream(COINBASE, "lost"))
    assert (left.price, left.sources) == (dollars(119.0), ("kraken",))


def test_news_of_an_older_connection_take_no_price_away() -> None:
    bench = Bench().up()
    tell(bench.role, spot("coinbase", 118.0), spot("kraken", 119.0))
    assert bench.stream(COINBASE, "lost", conn=bench.conns[COINBASE] - 1) == []


def test_streams_of_others_are_none_of_its_business() -> None:
    bench = Bench().up()
    change = m.StreamChanged(stream="market", conn=1, state="lost", reason="", ts_recv=NOW)
    assert bench.take(change) == ()
    skipped = m.FrameSkipped(stream="market", conn=1, reason="", sample="", ts_recv=NOW)
    assert bench.take(skipped) == ()


def test_the_health_of_a_venue_counts_bad_frames_and_losses_and_tells_the_age_of_its_price() -> (
    None
):
    bench = Bench().up()
    tell(bench.role, spot("coinbase", 118.0))
    skipped = m.FrameSkipped(
        stream=COINBASE, conn=bench.conns[COINBASE], reason="torn", sample="{", ts_recv=NOW
    )
    bench.take(skipped)
    row = bench.health(COINBASE, after=2)
    assert (row.state, row.skipped, row.reconnects) == ("open", 1, 0)
    assert row.age_ns == seconds(2)
    bench.stream(COINBASE, "lost")
    row = bench.health(COINBASE, after=1)
    assert (row.reconnects, row.age_ns) == (1, seconds(3)), "as old as what was last heard"
