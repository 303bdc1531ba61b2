"""Feed, stream and exchange actors on a local exchange: from its sockets to a view, and back."""

from __future__ import annotations

import queue
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from actors.exchange import ExchangeActor
from actors.exchange_orders import DeskTerms
from actors.gate import Gate
from actors.host import Crew, RoleActor
from actors.sockets import KalshiStream, KalshiTerms
from actors.stream import StreamActor
from core import messages as m
from core.domain.series import SOURCES
from core.exchange.auth import Signer, read_private_key
from core.exchange.records import Side
from core.journal import MemoryJournal
from core.roles.feed import MarketFeed
from core.roles.feed_terms import MARKET_STREAM, FeedTerms
from core.topology import (
    DASHBOARD,
    EXCHANGE,
    EXECUTION,
    FEED,
    MARKETS,
    RISK,
    STRATEGY,
    STREAM,
    SUPERVISION,
    Routing,
)
from core.units import SECOND, Nanos, Price, seconds
from tests.actors.outside_bench import HANG_SECONDS, Mailboxes
from tests.contract.venue import (
    NEXT,
    OPENS,
    STRIKE,
    TICKER,
    Venue,
    index_at,
    order,
    served_venue,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pykka import ActorRef

    from actors.reader import Opening

pytestmark = pytest.mark.timeout(300)

WATCHER = f"{STRATEGY}:watcher"
SERIES = "KXSOL15M"


class Loop:
    """Three actors of the daemon; everybody else is a mailbox."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        listeners = (EXECUTION, RISK, SUPERVISION, DASHBOARD, WATCHER)
        self.boxes = Mailboxes(venue.clock, listeners, (EXCHANGE, MARKETS, STREAM, FEED))
        self.readers: list[KalshiStream] = []
        self.confirmed: queue.SimpleQueue[str] = queue.SimpleQueue()
        """Channels in the order in which the exchange confirmed them."""
        running = venue.running
        assert running is not None
        told = running.announcement
        key = read_private_key(Path(str(told.private_key_path)))
        self._signer = Signer(told.key_id, key, venue.clock)
        self._terms = KalshiTerms(url=told.ws_url, series=(SERIES,), connect_seconds=30)
        self.actors: list[ActorRef[object]] = [
            ExchangeActor.start(
                self.boxes.station(EXCHANGE),
                self.boxes.routing,
                lambda: venue.exchange,
                DeskTerms(series=(SERIES,)),
                Gate(venue.clock),
            ),
            StreamActor.start(
                self.boxes.station(STREAM),
                self.boxes.routing,
                {MARKET_STREAM: self._reader},
            ),
            RoleActor.start(self.boxes.station(FEED), self._crew(self.boxes.routing)),
        ]

    def _reader(self, opening: Opening) -> KalshiStream:
        def deliver(messages: Iterable[m.Message]) -> None:
            listed = list(messages)
            opening.deliver(listed)
            for message in listed:
                if isinstance(message, m.StreamReply) and message.kind == "subscribed":
                    self.confirmed.put(message.channel)

        tapped = msgspec.structs.replace(opening, deliver=deliver)
        self.readers.append(KalshiStream(tapped, self._terms, self._signer))
        return self.readers[-1]

    def until_confirmed(self, *channels: str) -> None:
        missing = set(channels)
        while missing:
            missing.discard(self.confirmed.get(timeout=HANG_SECONDS))

    def _crew(self, routing: Routing) -> Crew:
        feed = FeedTerms(sources=(SOURCES[SERIES],), first_delay=Nanos(1))
        return Crew(
            names=(FEED,),
            make=lambda name, _: MarketFeed(feed, name=name),
            routing=routing,
            journal=MemoryJournal,
        )

    def tick(self, after: float = 1.0) -> None:
        """Let time pass at the exchange, then here."""
        self.venue.later(after)
        self.boxes.directory.tell(FEED, m.Tick(due=self.venue.clock.now()))

    def view(self, wanted: Callable[[m.MarketView], bool]) -> m.MarketView:
        return self.boxes.until(WATCHER, m.MarketView, wanted)

    def view_as_time_goes_on(self, wanted: Callable[[m.MarketView], bool]) -> m.MarketView:
        """As `view`, with ticks while it waits: an answer of the venue may need a next one."""
        deadline = time.monotonic() + HANG_SECONDS
        while time.monotonic() < deadline:
            try:
                message = self.boxes.get(WATCHER, wait=0.2)
            except queue.Empty:
                self.tick()
                continue
            if isinstance(message, m.MarketView) and wanted(message):
                return message
        pytest.fail("no such view came")

    def stop(self) -> None:
        for actor in reversed(self.actors):
            actor.stop(block=True, timeout=HANG_SECONDS)


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    venue = served_venue(tmp_path)
    venue.at(Nanos(OPENS + 60 * SECOND))
    venue.quote(Side.BID, "0.45", "300")
    venue.quote(Side.ASK, "0.47", "200")
    made = Loop(venue)
    yield made
    made.stop()
    venue.exchange.close()  # type: ignore[attr-defined]
    assert venue.running is not None
    venue.running.stop()


def test_the_market_is_listed_subscribed_and_shown(loop: Loop) -> None:
    view = loop.view(lambda view: view.book_fresh)
    assert (view.market.ticker, view.market.strike) == (TICKER, STRIKE)
    assert (view.bids, view.asks) == (((4500, 30_000),), ((4700, 20_000),))


def test_changes_of_book_and_index_are_seen(loop: Loop) -> None:
    loop.view(lambda view: view.book_fresh)
    loop.venue.quote(Side.BID, "0.46", "10")
    view = loop.view(lambda view: view.bids[:1] == ((4600, 1_000),))
    assert view.bids == ((4600, 1_000), (4500, 30_000))
    loop.venue.later(2)
    view = loop.view(lambda view: view.index > 0)
    assert not view.proxy
    assert view.index == index_at(view.ts_index)


def test_own_orders_and_fills_come_to_execution(loop: Loop) -> None:
    loop.view(lambda view: view.book_fresh)
    loop.until_confirmed("fill", "user_orders")
    loop.venue.exchange.create_order(order("own", Side.BID, "0.47", "5"))
    filled, ordered = (loop.boxes.until(EXECUTION, kind) for kind in (m.FillReport, m.OrderReport))
    assert (filled.order_id, filled.fill.price) == ("own", Price(4700))
    assert ordered.order.client_order_id == "own"


def test_the_next_window_takes_over_at_the_roll(loop: Loop) -> None:
    loop.view(lambda view: view.book_fresh)
    loop.venue.at(Nanos(NEXT.open_ns - seconds(30)))
    loop.tick()
    loop.venue.at(NEXT.open_ns)
    loop.tick()
    view = loop.view_as_time_goes_on(
        lambda view: (
            view.market.ticker == NEXT.market_ticker
            and view.book_fresh
            and view.market.strike is not None
        )
    )
    assert (view.known, view.bids, view.asks) == (0, (), ())


def test_a_connection_that_is_cut_is_made_again_and_the_book_comes_back(loop: Loop) -> None:
    loop.view(lambda view: view.book_fresh)
    loop.readers[0].close()
    loop.view(lambda view: not view.book_fresh)
    loop.venue.quote(Side.BID, "0.46", "10")
    view = loop.view(lambda view: view.book_fresh)
    assert view.bids[0] == (4600, 1_000)
