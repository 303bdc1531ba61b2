"""What the paper venue knows of the outside: markets, books, trades and results, as they come in.

* A book comes from snapshots and deltas. Quotes of best prices stand in for it only where no
  snapshot was ever seen. What we took from a level stays taken until the outside adds to it.
* Own resting orders fill when a recorded trade, or a new quote, reaches them. A tape without trades
  fills them by quotes alone: fewer fills than in truth.
* A market waits for its result, however long. Without one its positions stay open.
* A gap in the stream is repaired by the next snapshot. Until then the last book stands, on which
  the feed lets nobody trade.

The engine is not troubled with what cannot matter to it: a book is two dictionaries here, and the
engine sees it when an order of ours arrives (`sync`). From then on it is told at once of what may
touch us: every change while an order of ours rests in the market, else changes of levels that we
took from. A test holds this against an engine that is told everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.domain.windows import Window
from core.exchange.engine_events import Filled, OrderChanged
from core.exchange.engine_types import SeriesSpec
from core.exchange.listing import MarketStatus
from core.exchange.records import OrderStatus, Outcome, Side
from core.units import Nanos, Price, Quantity, complement, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core import messages as m
    from core.domain.deltas import DeltaRows
    from core.exchange.engine_events import EngineEvent
    from core.exchange.records import Fill, Order
    from core.exchange.simulated import SimulatedExchange

    Level = tuple[Price, Quantity]

_YES: Final = Outcome.YES
_MOST_BEHIND: Final = 20_000
"""Runs of rows that a market puts off, so that memory stays bounded."""
_UNTOLD: Final = seconds(24 * 3600.0)
"""For so long after its close a market is kept whose result has not been told."""


class _Market:
    """One market: the recorded bids of both legs, and where we have a hand in it."""

    __slots__ = ("behind", "closes", "deep", "eaten", "no", "resting", "ticker", "touched", "yes")

    def __init__(self, ticker: str, closes: Nanos) -> None:
        self.ticker = ticker
        self.closes = closes
        self.yes: dict[Price, int] = {}
        self.no: dict[Price, int] = {}
        self.deep = False
        """Its whole book was seen once."""
        self.resting: set[str] = set()
        """Own orders."""
        self.eaten: set[tuple[Side, Price]] = set()
        """Levels that own orders took from, by side and YES price."""
        self.touched = False
        """Whether there is anything in `resting` or `eaten`."""
        self.behind: list[tuple[DeltaRows, int, int]] = []
        """Recorded changes that nobody had to look at yet; the books here are older by these."""

    def change(self, leg_is_yes: bool, price: Price, change: int) -> int:  # noqa: FBT001 - hot
        """Change one level; what is there then. 0.2 us."""
        levels = self.yes if leg_is_yes else self.no
        after = levels.get(price, 0) + change
        if after > 0:
            levels[price] = after
        else:
            levels.pop(price, None)
        return after

    def catch_up(self) -> None:
        """Make the changes that were put off. A snapshot that comes first makes them needless."""
        behind, self.behind = self.behind, []
        for rows, start, stop in behind:
            for row in range(start, stop):
                self.change(rows.is_yes[row], rows.prices[row], rows.changes[row])

    def replace(self, yes: Iterable[Level], no: Iterable[Level]) -> None:
        """The whole recorded book."""
        self.behind.clear()
        self.yes = {price: int(size) for price, size in yes if size}
        self.no = {price: int(size) for price, size in no if size}

    def take(self, fill: Fill) -> None:
        """An own order took from the outside: from one level as a taker; resting, from whatever
        crossed it.
        """
        self.catch_up()
        is_bid = fill.side is Side.BID
        if fill.is_taker:
            self.eaten.add((Side.ASK if is_bid else Side.BID, fill.price))
        elif is_bid:
            asks = map(complement, self.no)
            self.eaten.update((Side.ASK, price) for price in asks if price <= fill.price)
        else:
            self.eaten.update((Side.BID, price) for price in self.yes if price >= fill.price)
        self.touched = bool(self.resting or self.eaten)

    def follow(self, order: Order) -> None:
        """An own order came to rest, or left."""
        rests = order.status is OrderStatus.RESTING
        (self.resting.add if rests else self.resting.discard)(order.order_id)
        self.touched = bool(self.resting or self.eaten)


class Outside:
    """Keeps the recorded markets. Data of markets that nobody listed are left aside."""

    def __init__(self, engine: SimulatedExchange) -> None:
        self._engine = engine
        self._markets: dict[str, _Market] = {}

    # --- markets

    def listed(self, listed: m.MarketListed, now: Nanos) -> None:
        """Open a market at the first listing before its close; later ones bring the strike."""
        terms = listed.market
        if terms.ticker not in self._markets:
            if now >= terms.close_ns and not self._engine.holds(terms.ticker):
                return
            self._forget(now)
            self._markets[terms.ticker] = _Market(terms.ticker, terms.close_ns)
            self._engine.add_series(_series(terms))
            window = Window(series=terms.series, open_ns=terms.open_ns, close_ns=terms.close_ns)
            self._engine.list_market(window, now)
            self._engine.advance(now)
        if terms.strike is not None:
            self._engine.fix_strike(terms.ticker, terms.strike)

    def _forget(self, now: Nanos) -> None:
        """Drop markets that ended long ago without a result, where nobody waits for one."""
        for ticker, market in list(self._markets.items()):
            if now - market.closes > _UNTOLD and not self._engine.holds(ticker):
                del self._markets[ticker]

    def struck(self, struck: m.StrikePublished, now: Nanos) -> None:
        """The strike: shown by the engine, and needed for nothing, because results are told."""
        del now
        if struck.ticker in self._markets:
            self._engine.fix_strike(struck.ticker, struck.strike)

    def status_changed(self, change: m.MarketStatusChanged, now: Nanos) -> None:
        """Pause and resume with the exchange. Opening and closing go by the clock."""
        if change.ticker not in self._markets:
            return
        if change.status is MarketStatus.INACTIVE:
            self._engine.pause_market(change.ticker, now)
        elif change.status is MarketStatus.ACTIVE:
            self._engine.resume_market(change.ticker, now)

    def regridded(self, change: m.GridChanged, now: Nanos) -> None:
        """The market takes other prices from now on, at the exchange as here."""
        if change.ticker in self._markets:
            self._engine.change_grid(change.ticker, "", change.grid, now)

    def waits_until(self, result: m.MarketDetermined, now: Nanos) -> Nanos | None:
        """The close, where a result comes before it by our clock: theirs may be ahead."""
        market = self._markets.get(result.ticker)
        return market.closes if market is not None and now < market.closes else None

    def determined(self, result: m.MarketDetermined, now: Nanos) -> None:
        """The result of a closed market, once; the engine pays when payouts are due."""
        if self._markets.pop(result.ticker, None) is not None:
            self._engine.tell_result(result.ticker, result.result, result.value, now)

    def note(self, event: EngineEvent) -> None:
        """What the engine says of own orders."""
        if isinstance(event, Filled):
            market = self._markets.get(event.fill.ticker)
            if market is not None:
                market.take(event.fill)
        elif isinstance(event, OrderChanged):
            market = self._markets.get(event.order.ticker)
            if market is not None:
                market.follow(event.order)

    def is_touched(self, ticker: str) -> bool:
        """Whether we have a hand in a market."""
        market = self._markets.get(ticker)
        return market is not None and market.touched

    # --- books and trades: each says whether the engine was told

    def delta(self, delta: m.BookDelta, now: Nanos) -> bool:
        """One level. Hot: 0.4 us where we have no hand in the market."""
        market = self._markets.get(delta.ticker)
        if market is None:
            return False
        if market.behind:
            market.catch_up()
        after = market.change(delta.leg is _YES, delta.price, delta.delta)
        return market.touched and self._change(market, delta, after, now)

    def clear(self, rows: DeltaRows, at: int, stop: int) -> int:
        """How far of these rows nothing can matter to the engine."""
        market = self._markets.get(rows.ticker)
        if market is None or not market.touched:
            return stop
        if market.resting:
            return at
        places = {
            (side is Side.BID, price if side is Side.BID else complement(price))
            for side, price in market.eaten
        }
        hits = (r for r in range(at, stop) if (rows.is_yes[r], rows.prices[r]) in places)
        return next(hits, stop)

    def follow(self, rows: DeltaRows, at: int, stop: int) -> None:
        """Take rows that `clear` let pass; they are looked at when an order needs the book."""
        market = self._markets.get(rows.ticker)
        if market is not None:
            market.behind.append((rows, at, stop))
            if len(market.behind) > _MOST_BEHIND:
                market.catch_up()

    def _change(self, market: _Market, delta: m.BookDelta, after: int, now: Nanos) -> bool:
        if delta.leg is _YES:
            place = (Side.BID, delta.price)
        else:
            place = (Side.ASK, complement(delta.price))
        if not market.resting and place not in market.eaten:
            return False
        self._engine.apply_outside_delta(market.ticker, *place, delta.delta, now)
        if after <= 0:
            market.eaten.discard(place)  # an empty level forgets what was taken
            market.touched = bool(market.resting or market.eaten)
        return True

    def snapshot(self, snapshot: m.BookSnapshot, now: Nanos) -> bool:
        """The whole book, in place of what was known."""
        market = self._markets.get(snapshot.ticker)
        if market is None:
            return False
        market.deep = True
        market.replace(snapshot.yes, snapshot.no)
        return market.touched and self.sync(market.ticker, now)

    def top(self, top: m.TopOfBook, now: Nanos) -> bool:
        """Best prices with their sizes are the book where nothing deeper is known."""
        market = self._markets.get(top.ticker)
        if market is None or market.deep:
            return False
        market.replace(((top.bid, top.bid_size),), ((complement(top.ask), top.ask_size),))
        return market.touched and self.sync(market.ticker, now)

    def traded(self, trade: m.TradePrint, now: Nanos) -> bool:
        """A public trade: it moves the queue before an own order on, and may reach it."""
        market = self._markets.get(trade.ticker)
        if market is None or not market.resting:
            return False
        self._engine.outside_trade(trade.ticker, trade.price, trade.quantity, trade.taker_side, now)
        return True

    def sync(self, ticker: str, now: Nanos) -> bool:
        """Show the engine the book as it is recorded now; before an own order arrives there."""
        market = self._markets.get(ticker)
        if market is None:
            return False
        market.catch_up()
        bids = [(price, Quantity(size)) for price, size in market.yes.items()]
        asks = [(complement(price), Quantity(size)) for price, size in market.no.items()]
        self._engine.observe_outside(ticker, bids, asks, now)
        return True


def _series(market: m.MarketTerms) -> SeriesSpec:
    return SeriesSpec(
        ticker=market.series,
        title=market.series,
        index_id=market.series,
        round_digits=market.digits,
        fee_type=market.fee_type,
        fee_multiplier_bps=market.fee_multiplier_bps,
        shard=market.shard,
        price_ranges=market.grid,
    )
