"""What comes in from the outside: books, prints, prices, markets, connections.

Every record carries `ts_event` (their clock) and `ts_recv` (ours), both UTC nanoseconds. Prices of
a leg are in that leg's own dollars, as the exchange sends them; `MarketView` is in YES prices.
"""

from __future__ import annotations

from typing import Literal

from core.exchange.listing import FeeType, MarketStatus, PriceRange
from core.exchange.records import Outcome, Side
from core.messages.base import Message, Part
from core.messages.scores import Credits
from core.units import IndexValue, Nanos, Price, Quantity

Level = tuple[Price, Quantity]


class MarketTerms(Part, frozen=True, kw_only=True):
    """The terms of one market: one quarter-hour window of one series."""

    ticker: str
    event_ticker: str
    series: str
    open_ns: Nanos
    close_ns: Nanos
    strike: IndexValue | None
    """YES if the settlement value is at least this; None until published after the open."""
    digits: int
    """Decimals to which the settlement mean is rounded (4 for SOL)."""
    grid: tuple[PriceRange, ...]
    status: MarketStatus
    shard: int
    fee_type: FeeType = FeeType.QUADRATIC
    fee_multiplier_bps: int = 10_000


class MarketListed(Message, frozen=True, kw_only=True):
    """A market's terms as now known; later ones of the same ticker replace earlier ones."""

    market: MarketTerms
    ts_recv: Nanos


class StrikePublished(Message, frozen=True, kw_only=True):
    """The strike of a window that has just opened."""

    ticker: str
    strike: IndexValue
    ts_event: Nanos
    ts_recv: Nanos


class MarketStatusChanged(Message, frozen=True, kw_only=True):
    """Pause, resume, or close of one market."""

    ticker: str
    status: MarketStatus
    ts_event: Nanos
    ts_recv: Nanos


class GridChanged(Message, frozen=True, kw_only=True):
    """The exchange gave a live market other valid prices; orders that rest stay."""

    ticker: str
    grid: tuple[PriceRange, ...]
    ts_event: Nanos
    ts_recv: Nanos


class MarketDetermined(Message, frozen=True, kw_only=True):
    """The result of a window is known; payouts follow with `MarketFinalized`."""

    ticker: str
    result: Outcome
    value: IndexValue | None
    """Settlement value of the index; None where the source does not carry it."""
    ts_event: Nanos
    ts_recv: Nanos


class MarketFinalized(Message, frozen=True, kw_only=True):
    """Payouts of a window are booked at the exchange."""

    ticker: str
    ts_event: Nanos
    ts_recv: Nanos


class BookSnapshot(Message, frozen=True, kw_only=True):
    """A whole book: bids of both legs, each leg in its own prices, any order."""

    ticker: str
    yes: tuple[Level, ...]
    no: tuple[Level, ...]
    conn: int
    sid: int
    seq: int
    ts_event: Nanos
    ts_recv: Nanos


class BookDelta(Message, frozen=True, kw_only=True):
    """A signed change of one level. Hot: one per frame."""

    ticker: str
    leg: Outcome
    price: Price
    delta: Quantity
    conn: int
    sid: int
    seq: int
    ts_event: Nanos
    ts_recv: Nanos


class TopOfBook(Message, frozen=True, kw_only=True):
    """Best bid and ask of the YES book with sizes; from ticker frames and sparse recordings.

    A side that is empty has size 0. Where depth is known from snapshots this only cross-checks it.
    """

    ticker: str
    bid: Price
    bid_size: Quantity
    ask: Price
    ask_size: Quantity
    ts_event: Nanos
    ts_recv: Nanos


class TradePrint(Message, frozen=True, kw_only=True):
    """A public trade."""

    ticker: str
    trade_id: str
    price: Price
    quantity: Quantity
    taker_side: Side
    ts_event: Nanos
    ts_recv: Nanos


class IndexPrint(Message, frozen=True, kw_only=True):
    """One print of the settlement index."""

    index_id: str
    value: IndexValue
    ts_event: Nanos
    ts_recv: Nanos


class SpotTick(Message, frozen=True, kw_only=True):
    """A quote or trade of a spot venue. `bid` and `ask` are 0 where only a trade is known."""

    source: str
    product: str
    price: IndexValue
    bid: IndexValue
    ask: IndexValue
    taker_side: Side | None = None
    """Of a trade: who took what rested; None for a quote, and where the venue does not say."""
    ts_event: Nanos
    ts_recv: Nanos


class CompositePrice(Message, frozen=True, kw_only=True):
    """One price from all fresh spot venues: the stand-in when the index itself is not to be had."""

    product: str
    price: IndexValue
    sources: tuple[str, ...]
    spread_bps: float
    """Widest disagreement between the sources used, in basis points."""
    ts_event: Nanos
    ts_recv: Nanos


StreamState = Literal["connecting", "open", "lost"]


class StreamChanged(Message, frozen=True, kw_only=True):
    """A connection changed its state. `conn` grows with each attempt on the same stream."""

    stream: str
    conn: int
    state: StreamState
    reason: str
    ts_recv: Nanos


class StreamReply(Message, frozen=True, kw_only=True):
    """A control reply on a stream. Those with a `seq` count in the sequence of their `sid`."""

    stream: str
    conn: int
    sid: int
    seq: int
    """0 where the reply carries none."""
    kind: str
    """subscribed, ok, unsubscribed, error."""
    channel: str
    command_id: int
    code: int
    text: str
    ts_recv: Nanos


class StreamGap(Message, frozen=True, kw_only=True):
    """So many messages of a channel were lost. Gaps of books are seen by who keeps the books."""

    stream: str
    conn: int
    channel: str
    missed: int
    ts_recv: Nanos


class FrameSkipped(Message, frozen=True, kw_only=True):
    """A frame that could not be read: counted and alarmed, its neighbours are not affected."""

    stream: str
    conn: int
    reason: str
    sample: str
    """The first characters of the frame, for the log."""
    ts_recv: Nanos


class OwnOrder(Part, frozen=True, kw_only=True):
    """An order of a strategy that rests in a market."""

    outcome: Outcome
    price: Price
    """In the outcome's own dollars."""
    quantity: Quantity
    """What of it may still fill."""


class Held(Part, frozen=True, kw_only=True):
    """What a strategy holds in a market, as far as it is still there to be sold."""

    outcome: Outcome
    quantity: Quantity


class MarketView(Message, frozen=True, kw_only=True):
    """All that a strategy may know of one market, as one immutable picture.

    Built by the feed whenever something in it changes; an unread older one is replaced (conflated).
    """

    market: MarketTerms
    bids: tuple[Level, ...]
    """Best first, YES prices."""
    asks: tuple[Level, ...]
    """Best first, YES prices: 1 minus the NO bids."""
    book_fresh: bool
    """False while the book waits for a snapshot or its stream is down."""
    index: IndexValue
    """Last print, or the composite price where `proxy`; 0 before the first."""
    proxy: bool
    """True where `index` comes from spot venues and not from the index itself."""
    index_error: float = 0.0
    """Relative standard error of a stand-in's basis, by which `index` and `known_sum` are corrected
    already; 0 for the index itself."""
    known: int
    """Settlement prints of the final minute already published, 0..60."""
    known_sum: int
    """Sum of those prints, in IndexValue units."""
    sigma: float
    """Standard deviation of the log return per square root of a second."""
    warm: bool
    """Enough history behind `sigma`."""
    warm_in_s: float = 0.0
    """Seconds of prices still wanted until `warm`; 0 once it is."""
    credits: Credits = ()
    """Of the blend's experts in this series, by time left; empty: the model is not blended."""
    regime: str
    """calm, normal or spike."""
    own: OwnOrder | None = None
    """Told by the strategy's own role to its strategy alone; bids and asks are then without it."""
    held: Held | None = None
    """Told by the strategy's own role to its strategy alone; None where it holds nothing."""
    ts_book: Nanos
    """Newest event time of the book."""
    ts_index: Nanos
    """Event time of `index`."""
    ts_event: Nanos
    """Event time of what caused this view."""
    ts_recv: Nanos
    """When that arrived here."""
