"""One market inside the engine: its life, its book, its tape, and the rows made of them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from core.domain.grid import price_grid
from core.exchange.engine.queues import EngineBook
from core.exchange.engine_types import (
    EXPECTED_EXPIRATION,
    LATEST_EXPIRATION,
    BookLevels,
    MarketRow,
    Quote,
)
from core.exchange.listing import MarketStatus
from core.exchange.records import Outcome
from core.units import DOLLAR_PRICE, Money, Nanos, Price, Quantity, complement

if TYPE_CHECKING:
    from core.domain.fees import FeeTerms
    from core.domain.windows import Window
    from core.exchange.engine_types import SeriesSpec
    from core.exchange.listing import PriceRange, Trade
    from core.units import IndexValue

_TAPE_LENGTH: Final = 10_000
_OPENED: Final = frozenset({MarketStatus.ACTIVE, MarketStatus.INACTIVE})


class MarketState:
    """The mutable original of a market."""

    __slots__ = (
        "book",
        "book_ts",
        "created",
        "dollar_volume",
        "fees",
        "fixed_settlement",
        "fixed_strike",
        "grid",
        "last",
        "last_quote",
        "last_size",
        "outside_interest",
        "participants",
        "price_ranges",
        "price_structure",
        "result",
        "settled",
        "settlement_value",
        "spec",
        "status",
        "strike",
        "ticker",
        "trades",
        "updated",
        "volume",
        "window",
    )

    def __init__(self, spec: SeriesSpec, window: Window, fees: FeeTerms, now: Nanos) -> None:
        self.spec = spec
        self.fees = fees
        self.window = window
        self.ticker = window.market_ticker
        self.set_grid(spec.price_level_structure, spec.price_ranges)
        self.book = EngineBook()
        self.book_ts = now
        self.status = MarketStatus.INITIALIZED
        self.created = self.updated = now
        self.strike: IndexValue | None = None
        self.fixed_strike: IndexValue | None = None
        self.fixed_settlement: IndexValue | None = None
        self.settlement_value: IndexValue | None = None
        self.result: Outcome | None = None
        self.settled: Nanos | None = None
        self.participants: dict[str, None] = {}
        """Accounts with a record here, in order of their first order."""
        self.trades: deque[Trade] = deque(maxlen=_TAPE_LENGTH)
        self.last = Price(0)
        self.last_size = Quantity(0)
        self.volume = 0
        self.dollar_volume = 0
        self.outside_interest = 0
        self.last_quote: Quote | None = None
        """As it was at the close, for the reader of a replica that lags."""

    @property
    def is_open(self) -> bool:
        """Whether cancels pass: trading or paused, and not closed."""
        return self.status in _OPENED

    def set_grid(self, structure: str, ranges: tuple[PriceRange, ...]) -> None:
        """The prices that new orders may carry from now on."""
        self.price_structure = structure
        self.price_ranges = ranges
        self.grid = price_grid(ranges)

    def book_trade(self, trade: Trade) -> None:
        """Add a public trade to the tape and the totals."""
        self.trades.append(trade)
        self.last, self.last_size = trade.price, trade.quantity
        self.volume += trade.quantity
        self.dollar_volume += trade.price * trade.quantity

    def levels(self) -> BookLevels:
        """Both legs' bids, ascending."""
        bids, asks = self.book.bids, self.book.asks
        return BookLevels(
            ticker=self.ticker,
            yes=tuple((price, Quantity(bids.levels[price].total)) for price in bids.prices),
            no=tuple(
                (complement(price), Quantity(asks.levels[price].total))
                for price in reversed(asks.prices)
            ),
            clock=self.book.clock,
            ts=self.book_ts,
        )

    def quote(self, own_interest: int) -> Quote:
        """Top of the book and totals; `own_interest` is the accounts' share of open interest."""
        bid, ask = self.book.bids.best(), self.book.asks.best()
        return Quote(
            ticker=self.ticker,
            bid=bid.price if bid else Price(0),
            bid_size=Quantity(bid.total if bid else 0),
            ask=ask.price if ask else DOLLAR_PRICE,
            ask_size=Quantity(ask.total if ask else 0),
            last=self.last,
            last_size=self.last_size,
            volume=Quantity(self.volume),
            dollar_volume=Money(self.dollar_volume),
            open_interest=Quantity(self.outside_interest + own_interest),
            ts=self.book_ts,
        )

    def row(self, quote: Quote) -> MarketRow:
        """A picture of the market with these quotes."""
        spec, window, result = self.spec, self.window, self.result
        return MarketRow(
            ticker=self.ticker,
            event_ticker=window.event_ticker,
            series_ticker=spec.ticker,
            status=self.status,
            opens=window.open_ns,
            closes=window.close_ns,
            strike=self.strike,
            round_digits=spec.round_digits,
            result=result,
            settlement_value=self.settlement_value,
            settled=self.settled,
            price_ranges=self.price_ranges,
            yes_bid=quote.bid,
            yes_ask=quote.ask,
            yes_bid_size=quote.bid_size,
            yes_ask_size=quote.ask_size,
            last_price=self.last,
            volume=quote.volume,
            open_interest=quote.open_interest,
            shard=spec.shard,
            title=spec.title,
            index_id=spec.index_id,
            price_level_structure=self.price_structure,
            created=self.created,
            updated=self.updated,
            expected_expiration=Nanos(window.close_ns + EXPECTED_EXPIRATION),
            latest_expiration=Nanos(window.close_ns + LATEST_EXPIRATION),
            settlement_timer_seconds=1,
            payout=None if result is None else Price(DOLLAR_PRICE if result is Outcome.YES else 0),
            last_size=self.last_size,
            dollar_volume=Money(self.dollar_volume),
        )
