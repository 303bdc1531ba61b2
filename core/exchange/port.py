"""What an exchange answers: the one interface of the REST client and the simulated exchange.

Every call is synchronous and blocks its thread; callers run on a worker thread. Results are the
structs of `core.exchange.records` (the account) and `core.exchange.listing` (what everybody sees).
Anything but a result is one of these errors:

    ExchangeError
    ├── Rejected       the exchange understood and refused: nothing happened, asking again is no use
    ├── Ambiguous      a write was sent and its outcome is unknown: ask before doing anything else
    ├── RateLimited    a token bucket was empty: nothing happened, try later
    ├── Unavailable    nothing was sent, or a read failed: nothing happened, try later
    └── Unauthorized   the key, its signature or its permissions are refused: stop, ask the operator

`Ambiguous` is the dangerous one: the order may rest, may have filled, or may not exist. It is
raised for writes only, when the answer is late, lost, unreadable, or a 5xx.
"""

# ruff: noqa: N818 - "Ambiguous" is an answer with a name of its own, not one more "error"

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from core.exchange.listing import (
        ExchangeStatus,
        FeeChange,
        Limits,
        Market,
        MarketStatus,
        OrderBook,
        Series,
        Trade,
    )
    from core.exchange.records import (
        Amended,
        AmendRequest,
        Balance,
        Canceled,
        CancelRequest,
        DecreaseRequest,
        Fill,
        Order,
        OrderRequest,
        OrderStatus,
        Placed,
        Position,
        Reduced,
        Settlement,
    )
    from core.units import Nanos, Quantity


class ExchangeError(Exception):
    """Root of everything an exchange can answer instead of a result."""


class Rejected(ExchangeError):
    """The exchange refused the request with a reason; no state changed.

    `code` is the exchange's word (`insufficient_balance`, `order_already_exists`, `not_found`, ...)
    in lower case, `status` the HTTP status, `details` what it added. A 404 on a cancel does not say
    that nothing filled: read the order.
    """

    def __init__(self, code: str, status: int, message: str = "", details: str = "") -> None:
        super().__init__(f"{code} ({status}): {message or 'no message'} {details}".rstrip())
        self.code = code
        self.status = status
        self.message = message
        self.details = details

    @property
    def reason(self) -> str:
        """The code, or a narrower one: the exchange has one for many faults of an order.

        `post_only_cross`: the book had moved, and what was only to rest would have traded.
        """
        return "post_only_cross" if "post only cross" in self.details.lower() else self.code


class Ambiguous(ExchangeError):
    """A write's outcome is unknown; only the exchange's own records can tell."""


class RateLimited(ExchangeError):
    """Too many requests; the exchange gives no time to wait."""


class Unavailable(ExchangeError):
    """The request was never sent, or it was a read whose answer did not come."""


class Unauthorized(ExchangeError):
    """401 or 403: a wrong key, signature, clock or permission. Retrying cannot help."""

    def __init__(self, code: str, status: int, message: str = "") -> None:
        super().__init__(f"{code} ({status}): {message or 'no message'}")
        self.code = code
        self.status = status
        self.message = message


class Exchange(Protocol):
    """One account on one exchange. Lists come whole (pages are followed inside), newest first."""

    def create_order(self, request: OrderRequest) -> Placed:
        """Send a new order. A reused client order id is `Rejected("order_already_exists", 409)`."""
        ...

    def cancel_order(self, request: CancelRequest) -> Canceled:
        """Take an order off the book; `Rejected` 404 when it is terminal or on another shard."""
        ...

    def amend_order(self, request: AmendRequest) -> Amended:
        """Change price, size or expiry; the queue place survives a smaller size only."""
        ...

    def decrease_order(self, request: DecreaseRequest) -> Reduced:
        """Shrink an order without losing its place in the queue."""
        ...

    def cancel_all_orders(self) -> None:
        """Cancel everything that rests; orders of the following minute may be cancelled too."""
        ...

    def order(self, order_id: str) -> Order:
        """One order by the exchange's id."""
        ...

    def orders(
        self,
        *,
        ticker: str | None = None,
        status: OrderStatus | None = None,
        since: Nanos | None = None,
    ) -> tuple[Order, ...]:
        """Own orders created at or after `since`."""
        ...

    def fills(
        self,
        *,
        ticker: str | None = None,
        order_id: str | None = None,
        since: Nanos | None = None,
    ) -> tuple[Fill, ...]:
        """Own executions at or after `since`; `since` counts whole seconds, rounded down."""
        ...

    def queue_positions(self, tickers: tuple[str, ...] = ()) -> dict[str, Quantity]:
        """Contracts that trade before each resting order, by its id; of some markets, or all."""
        ...

    def positions(self, *, ticker: str | None = None) -> tuple[Position, ...]:
        """Unsettled markets with a position or with trades."""
        ...

    def settlements(
        self, *, ticker: str | None = None, since: Nanos | None = None
    ) -> tuple[Settlement, ...]:
        """Payouts at or after `since`."""
        ...

    def balance(self) -> Balance:
        """Cash, by shard where the venue splits it."""
        ...

    def markets(
        self,
        *,
        series: str | None = None,
        status: MarketStatus | None = None,
        tickers: tuple[str, ...] = (),
    ) -> tuple[Market, ...]:
        """Markets of a series in a status, or those named."""
        ...

    def market(self, ticker: str) -> Market:
        """One market."""
        ...

    def order_book(self, ticker: str, *, depth: int = 0) -> OrderBook:
        """Resting bids of both legs; `depth` 0 is everything."""
        ...

    def trades(
        self, ticker: str, *, since: Nanos | None = None, limit: int = 1000
    ) -> tuple[Trade, ...]:
        """The newest `limit` public trades."""
        ...

    def series(self, ticker: str) -> Series:
        """Fee schedule and shard of a series."""
        ...

    def fee_changes(self, series: str | None = None) -> tuple[FeeChange, ...]:
        """Changes of fees that are announced and not yet in force."""
        ...

    def status(self) -> ExchangeStatus:
        """Whether the venue and each of its shards trade."""
        ...

    def limits(self) -> Limits:
        """The account's token buckets."""
        ...

    def user_data_timestamp(self) -> Nanos:
        """The portfolio reads above include everything up to this time, and maybe no more."""
        ...
