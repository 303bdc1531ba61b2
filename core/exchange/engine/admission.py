"""What a request must satisfy before it meets the book."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from core.exchange.engine import refusals
from core.exchange.engine_types import DEFAULT_SHARD, MIN_QUANTITY
from core.exchange.listing import MarketStatus
from core.exchange.records import OrderStatus, TimeInForce

if TYPE_CHECKING:
    from core.exchange.engine.accounts import Account
    from core.exchange.engine.live_orders import LiveOrder
    from core.exchange.engine.market_state import MarketState
    from core.exchange.engine.venue import Venue
    from core.exchange.records import OrderRequest
    from core.units import Nanos, Price, Quantity

_CLIENT_ORDER_ID: Final = re.compile(r"[-\w:+=/]{0,64}", re.ASCII)
AUTO_ROUTE: Final = -1


def check_fields(request: OrderRequest, now: Nanos) -> None:
    """Fields by themselves and against each other (kalshi.md 2.5)."""
    check_client_order_id(request.client_order_id)
    check_quantity(request.quantity)
    if request.time_in_force is not TimeInForce.GTC:
        if request.expires is not None:
            raise refusals.invalid_parameters("expiration_time needs good_till_canceled")
        if request.post_only:
            raise refusals.invalid_parameters("post_only needs good_till_canceled")
    if request.reduce_only and request.time_in_force is not TimeInForce.IOC:
        raise refusals.invalid_parameters("reduce_only needs immediate_or_cancel")
    check_expiry(request.expires, now)


def check_client_order_id(client_order_id: str) -> None:
    """At most 64 characters of the allowed alphabet."""
    if not _CLIENT_ORDER_ID.fullmatch(client_order_id):
        raise refusals.invalid_parameters("client_order_id")


def check_quantity(quantity: Quantity) -> None:
    """At least 0.01 contract."""
    if quantity < MIN_QUANTITY:
        raise refusals.invalid_parameters("count must be at least 0.01")


def check_expiry(expires: Nanos | None, now: Nanos) -> None:
    """An expiry lies in the future."""
    if expires is not None and expires <= now:
        raise refusals.invalid_parameters("expiration_time is not in the future")


def check_unused(account: Account, client_order_id: str) -> None:
    """A client order id is used once per account; no id at all is allowed."""
    if client_order_id and client_order_id in account.client_order_ids:
        raise refusals.already_exists(client_order_id)


def check_price(market: MarketState, price: Price) -> None:
    """On the market's grid, inside 0 to 1."""
    if not market.grid.is_valid(price):
        raise refusals.invalid_price(price)


def check_taking(venue: Venue, market: MarketState) -> None:
    """Whether new orders and amends pass: the shard trades and the market is active."""
    check_alive(venue, market.spec.shard)
    if market.spec.shard in venue.paused_trading:
        raise refusals.trading_paused()
    if market.status is not MarketStatus.ACTIVE:
        raise refusals.market_inactive(market.status.value)


def check_alive(venue: Venue, shard: int) -> None:
    """Whether the shard answers anything but reads."""
    if shard in venue.paused_exchange:
        raise refusals.exchange_paused()


def routed_market(venue: Venue, ticker: str, shard: int | None) -> MarketState:
    """The market of a create or amend; a named shard must be the market's own."""
    market = venue.market(ticker)
    if shard is not None and shard not in {AUTO_ROUTE, market.spec.shard}:
        raise refusals.market_not_found(ticker)
    return market


def routed_order(
    venue: Venue, account: Account, order_id: str, route: tuple[str | None, int | None]
) -> LiveOrder:
    """The resting order that a cancel or decrease reaches by `route`: (ticker, shard).

    The routing rule of kalshi.md 2.11: a shard is taken at its word; without one the ticker's shard
    is asked; without both shard 0, where no crypto order is. After the close of the market the
    answer is `market_inactive`, whatever became of the order.
    """
    ticker, shard = route
    if shard == AUTO_ROUTE and ticker is None:
        raise refusals.invalid_parameters("exchange_index -1 needs market_ticker")
    if shard is None or shard == AUTO_ROUTE:
        shard = DEFAULT_SHARD if ticker is None else venue.market(ticker).spec.shard
    check_alive(venue, shard)
    order = account.orders.get(order_id)
    if order is None or order.shard != shard or ticker not in {None, order.ticker}:
        raise refusals.order_not_found(order_id)
    market = venue.markets[order.ticker]
    if not market.is_open:
        raise refusals.market_inactive(market.status.value)
    if order.status is not OrderStatus.RESTING:
        raise refusals.order_not_found(order_id)
    return order
