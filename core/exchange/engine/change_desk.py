"""Changes of resting orders: cancel, decrease, amend, expiry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.engine import admission, refusals
from core.exchange.engine.matching import Taker, plan
from core.exchange.engine_events import UpdateReason
from core.exchange.records import Amended, Canceled, OrderStatus, Reduced
from core.units import Quantity

if TYPE_CHECKING:
    from core.exchange.engine.accounts import Account
    from core.exchange.engine.live_orders import LiveOrder
    from core.exchange.engine.market_state import MarketState
    from core.exchange.engine.order_desk import OrderDesk
    from core.exchange.engine.venue import Venue
    from core.exchange.records import AmendRequest, CancelRequest, DecreaseRequest


class ChangeDesk:
    """Takes changes of resting orders."""

    def __init__(self, venue: Venue, orders: OrderDesk) -> None:
        self._venue = venue
        self._orders = orders

    def cancel(self, account: Account, request: CancelRequest) -> Canceled:
        """Take an order off the book; see `SimulatedExchange.cancel_order`."""
        route = (request.ticker, request.shard)
        order = admission.routed_order(self._venue, account, request.order_id, route)
        left = self._venue.cancel(self._venue.markets[order.ticker], order, UpdateReason.CANCEL)
        return Canceled(
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            reduced_by=left,
            ts=self._venue.now,
        )

    def cancel_all(self, account: Account) -> int:
        """Cancel everything that rests where cancels pass; how many."""
        venue = self._venue
        account.swept_until = venue.now + venue.config.cancel_all_tail
        count = 0
        for order in account.resting():
            market = venue.markets[order.ticker]
            if market.is_open and order.shard not in venue.paused_exchange:
                venue.cancel(market, order, UpdateReason.CANCEL)
                count += 1
        return count

    def decrease(self, account: Account, request: DecreaseRequest) -> Reduced:
        """Shrink an order in its place; down to nothing is a cancel."""
        route = (request.ticker, request.shard)
        order = admission.routed_order(self._venue, account, request.order_id, route)
        market = self._venue.markets[order.ticker]
        admission.check_taking(self._venue, market)
        remaining = _decreased(order, request)
        if remaining:
            self._shrink(market, order, remaining)
            self._venue.changed_order(order, UpdateReason.DECREASE)
            self._venue.changed_balance(account)
        else:
            self._venue.cancel(market, order, UpdateReason.DECREASE)
        return Reduced(
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            remaining=remaining,
            ts=self._venue.now,
        )

    def amend(self, account: Account, request: AmendRequest) -> Amended:
        """Change price, size or expiry; see `SimulatedExchange.amend_order`."""
        venue = self._venue
        route = (request.ticker, request.shard)
        order = admission.routed_order(venue, account, request.order_id, route)
        market = venue.markets[order.ticker]
        admission.check_taking(venue, market)
        self._check_amend(account, market, order, request)
        remaining = Quantity(request.total - order.filled)
        before = order.filled
        if request.price == order.price and remaining <= order.remaining:
            self._take_over(account, order, request)
            self._shrink(market, order, remaining)
            order.initial = request.total
            venue.changed_order(order, UpdateReason.AMEND)
            venue.changed_balance(account)
        else:
            self._re_enter(account, market, order, request)
        resting = order.status is OrderStatus.RESTING
        return Amended(
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            filled=Quantity(order.filled - before),
            remaining=order.remaining if resting else Quantity(0),
            ts=venue.now,
        )

    def _re_enter(
        self, account: Account, market: MarketState, order: LiveOrder, request: AmendRequest
    ) -> None:
        """Leave the queue and come back as a new order would, at the back and perhaps trading."""
        remaining = Quantity(request.total - order.filled)
        taker = Taker(
            order.side,
            request.price,
            remaining,
            account.name,
            order.request.self_trade_prevention,
        )
        found = plan(market, taker)
        if order.request.post_only and found.crosses:
            self._venue.cancel(market, order, UpdateReason.POST_ONLY_CROSS_CANCEL)
            return
        self._orders.check_funds(market, taker, found, leaving=order)
        self._take_over(account, order, request)
        self._venue.unrest(market, order)
        order.price = request.price
        order.initial = request.total
        order.remaining = remaining
        self._orders.carry_out(market, order, found, UpdateReason.AMEND)

    def _check_amend(
        self, account: Account, market: MarketState, order: LiveOrder, request: AmendRequest
    ) -> None:
        if request.side is not order.side:
            raise refusals.invalid_parameters("side differs from the order's")
        if request.client_order_id not in {None, order.client_order_id}:
            raise refusals.invalid_parameters("client_order_id differs from the order's")
        if request.updated_client_order_id:
            admission.check_client_order_id(request.updated_client_order_id)
            admission.check_unused(account, request.updated_client_order_id)
        if request.expires:
            admission.check_expiry(request.expires, self._venue.now)
        admission.check_price(market, request.price)
        if request.total <= order.filled:
            raise refusals.invalid_order("count is not above what is filled")

    def _take_over(self, account: Account, order: LiveOrder, request: AmendRequest) -> None:
        if request.updated_client_order_id:
            order.client_order_id = request.updated_client_order_id
            account.use_client_order_id(request.updated_client_order_id, order.ticker)
        if request.expires is not None:
            order.expires = request.expires or None
            if order.expires is not None:
                self._orders.expire_at(order, order.expires)

    def _shrink(self, market: MarketState, order: LiveOrder, remaining: Quantity) -> None:
        """Make a resting order smaller in its place."""
        gone = order.remaining - remaining
        if gone:
            market.book.side(order.side).levels[order.price].shrink(order, Quantity(gone))
            self._venue.changed_level(market, order.side, order.price, -gone, order)
            record = self._venue.accounts[order.account].records[market.ticker]
            self._venue.refresh(market, record)


def _decreased(order: LiveOrder, request: DecreaseRequest) -> Quantity:
    """What remains after a decrease. Exactly one of the two sizes must be given."""
    by, to = request.reduce_by, request.reduce_to
    if (by is None) == (to is None):
        raise refusals.invalid_parameters("exactly one of reduce_by and reduce_to")
    if by is not None:
        admission.check_quantity(by)
        return Quantity(max(0, order.remaining - by))
    assert to is not None
    if not 0 <= to <= order.remaining:
        raise refusals.invalid_parameters("reduce_to is not between 0 and what remains")
    return to
