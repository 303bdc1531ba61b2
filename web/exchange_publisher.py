"""Events of the engine as frames for whoever follows them. Called under the exchange's lock.

A body is encoded at most once per variant and shared: plain, in YES prices, and with the owner's
client order id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.engine_events import (
    BookChanged,
    BookCleared,
    Filled,
    GroupChanged,
    IndexPublished,
    MarketChanged,
    MarketEvent,
    OrderChanged,
    PositionChanged,
    Traded,
)
from core.exchange.engine_types import BookLevels
from core.exchange.wire import bodies, private_bodies
from core.exchange.wire.commands import BOOK_CHANNEL, GROUP_CHANNEL
from core.exchange.wire.scalars import to_ms
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from core.clock import Clock
    from core.exchange.engine_events import EngineEvent
    from core.exchange.engine_types import Quote
    from core.exchange.simulated import SimulatedExchange
    from web.exchange_subscriptions import Roster, StreamClient, Subscription

_encode = msgspec.json.encode

Private = Filled | OrderChanged | PositionChanged | GroupChanged
"""What is told to its owner alone."""


class Publisher:
    """Sends what happened; remembers of each market only its last ticker."""

    def __init__(self, roster: Roster, clock: Clock, *, empty_sides: bool = False) -> None:
        self._snapshot_body = bodies.whole_snapshot_body if empty_sides else bodies.snapshot_body
        self.roster = roster
        self._clock = clock
        self._quotes: dict[str, Quote] = {}
        self.offset = Nanos(0)
        """How far the exchange's own clock is off, as a fault."""

    def publish(self, engine: SimulatedExchange, events: tuple[EngineEvent, ...]) -> None:
        """Frames of all events in their order, then tickers of the markets that moved."""
        if not events:
            return
        ms = self.sending_ms()
        moved: dict[str, None] = {}
        for event in events:
            ticker = self._publish(event, ms)
            if ticker:
                moved[ticker] = None
        if self.roster.followers("ticker"):
            for ticker in moved:
                self._ticker(engine, ticker, ms)

    def sending_ms(self) -> int:
        """The time stamp of frames that leave now."""
        return to_ms(Nanos(self._clock.now() + self.offset))

    def snapshot(
        self, client: StreamClient, subscription: Subscription, book: BookLevels, command_id: int
    ) -> None:
        """A whole book to one subscription; a reply if `command_id` is not 0."""
        body = _encode(self._snapshot_body(book, yes_prices=subscription.yes_prices))
        frame = ("orderbook_snapshot", body)
        self.roster.send(client, subscription, frame, self.sending_ms(), command_id)

    def ticker(self, client: StreamClient, subscription: Subscription, quote: Quote) -> None:
        """The ticker as it stands, to one subscription."""
        frame = ("ticker", _encode(bodies.ticker_body(quote)))
        self.roster.send(client, subscription, frame, self.sending_ms())

    def _publish(self, event: EngineEvent, ms: int) -> str:
        """Send one event; the ticker of the market whose quote it may have moved."""
        match event:
            case BookChanged():
                self._delta(event, ms)
                return event.ticker
            case BookCleared():
                self._emptied(event.ticker, event.clock, event.ts)
                return event.ticker
            case Traded():
                trade = event.trade
                self._to_market("trade", trade.ticker, _encode(bodies.trade_body(trade)), ms)
                return trade.ticker
            case IndexPublished():
                self._index(event, ms)
            case MarketChanged():
                self._lifecycle(event, ms)
            case Filled() | OrderChanged() | PositionChanged() | GroupChanged():
                self._private(event, ms)
            case _:
                pass  # balances and pauses have no frame: clients read them over REST
        return ""

    def _delta(self, event: BookChanged, ms: int) -> None:
        shared: dict[tuple[bool, bool], tuple[str, bytes]] = {}
        for client, sub in self.roster.followers(BOOK_CHANNEL):
            if not sub.follows(event.ticker):
                continue
            own = bool(event.client_order_id) and event.account == client.account
            variant = (sub.yes_prices, own)
            if variant not in shared:
                body = bodies.delta_body(event, yes_prices=sub.yes_prices, own=own)
                shared[variant] = ("orderbook_delta", _encode(body))
            self.roster.send(client, sub, shared[variant], ms)

    def _emptied(self, ticker: str, clock: int, ts: Nanos) -> None:
        """An empty snapshot, made from the event: the engine may be further already."""
        book = BookLevels(ticker=ticker, yes=(), no=(), clock=clock, ts=ts)
        for client, sub in self.roster.followers(BOOK_CHANNEL):
            if sub.follows(ticker):
                self.snapshot(client, sub, book, 0)

    def _to_market(self, kind: str, ticker: str, body: bytes, ms: int) -> None:
        for client, sub in self.roster.followers(kind):
            if sub.follows(ticker):
                self.roster.send(client, sub, (kind, body), ms)

    def _ticker(self, engine: SimulatedExchange, ticker: str, ms: int) -> None:
        quote = engine.quote(ticker)
        last = self._quotes.get(ticker)
        if last is not None and msgspec.structs.replace(last, ts=quote.ts) == quote:
            return
        self._quotes[ticker] = quote
        self._to_market("ticker", ticker, _encode(bodies.ticker_body(quote)), ms)

    def _index(self, event: IndexPublished, ms: int) -> None:
        for channel in ("cfbenchmarks_value", "cfbenchmarks_value_5hz"):
            followers = self.roster.followers(channel)
            slow = channel == "cfbenchmarks_value"
            if not followers or (slow and event.stamp % SECOND):
                continue
            body = _encode(bodies.index_body(event) if slow else bodies.fast_index_body(event))
            for client, sub in followers:
                if sub.follows_index(event.index_id):
                    self.roster.send(client, sub, (channel, body), ms)

    def _lifecycle(self, event: MarketChanged, ms: int) -> None:
        if event.kind is MarketEvent.SETTLED:
            self._quotes.pop(event.market.ticker, None)
        if event.kind in bodies.NO_FRAME:
            return
        frames = [("market_lifecycle_v2", _encode(bodies.lifecycle_body(event)))]
        if event.kind is MarketEvent.CREATED:
            event_frame = (bodies.EVENT_LIFECYCLE, _encode(bodies.event_body(event.market)))
            frames.insert(0, event_frame)
            self._emptied(event.market.ticker, 0, event.ts)
        for client, sub in self.roster.followers("market_lifecycle_v2"):
            for frame in frames:
                self.roster.send(client, sub, frame, ms)

    def _private(self, event: Private, ms: int) -> None:
        match event:
            case Filled():
                channel, kind, ticker = "fill", "fill", event.fill.ticker
            case OrderChanged():
                channel, kind, ticker = "user_orders", "user_order", event.order.ticker
            case PositionChanged():
                channel, kind, ticker = "market_positions", "market_position", event.position.ticker
            case GroupChanged():
                channel, kind, ticker = GROUP_CHANNEL, GROUP_CHANNEL, ""
        body: bytes | None = None
        for client, sub in self.roster.followers(channel):
            if client.account == event.account and sub.follows(ticker):
                body = body or _private_body(event)
                self.roster.send(client, sub, (kind, body), ms)


def _private_body(event: Private) -> bytes:
    match event:
        case Filled():
            return _encode(private_bodies.fill_body(event))
        case OrderChanged():
            return _encode(private_bodies.user_order_body(event))
        case PositionChanged():
            return _encode(private_bodies.position_body(event))
        case GroupChanged():
            return _encode(private_bodies.group_body(event))
