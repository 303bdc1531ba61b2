"""New orders: admission, plan, funds, execution, and what becomes of the remainder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.domain.fees import fill_fee
from core.exchange.engine import admission, refusals
from core.exchange.engine.groups import group_of
from core.exchange.engine.live_orders import LiveOrder
from core.exchange.engine.matching import Plan, Taker, plan
from core.exchange.engine_events import UpdateReason
from core.exchange.records import OrderStatus, Placed, Side, TimeInForce
from core.units import (
    FEE_UNIT,
    MILLISECOND,
    ONE_CONTRACT,
    Money,
    Nanos,
    Price,
    Quantity,
    complement,
)

if TYPE_CHECKING:
    from core.exchange.engine.accounts import Account
    from core.exchange.engine.market_state import MarketState
    from core.exchange.engine.matching import Matcher
    from core.exchange.engine.schedule import Schedule
    from core.exchange.engine.venue import Venue
    from core.exchange.records import OrderRequest


_SWEEP_DELAY: Final = Nanos(500 * MILLISECOND)
"""How long an order placed in the tail of a cancel-all rests."""


class OrderDesk:
    """Takes new orders, and re-enters amended ones."""

    def __init__(self, venue: Venue, matcher: Matcher, schedule: Schedule) -> None:
        self._venue = venue
        self._matcher = matcher
        self._schedule = schedule

    def create(self, account: Account, request: OrderRequest) -> Placed:
        """Check, match, rest; see `SimulatedExchange.create_order`."""
        venue = self._venue
        admission.check_fields(request, venue.now)
        admission.check_unused(account, request.client_order_id)
        market = admission.routed_market(venue, request.ticker, request.shard)
        admission.check_taking(venue, market)
        admission.check_price(market, request.price)
        group = group_of(account, market, request)
        record = account.record(request.ticker, market.spec.shard)
        market.participants.setdefault(account.name)
        quantity = request.quantity
        if request.reduce_only:
            quantity = Quantity(min(quantity, record.holding.closable(request.side)))
        taker = Taker(
            request.side, request.price, quantity, account.name, request.self_trade_prevention
        )
        found = plan(market, taker)
        self._check_plan(account, request, found)
        self.check_funds(market, taker, found)
        order = self._enter(account, market, request)
        if group is not None:
            order.group = group
            group.orders.append(order)
        self.carry_out(market, order, found)
        if venue.now < account.swept_until:
            self._sweep_later(order)
        return self.placed(order)

    def carry_out(
        self,
        market: MarketState,
        order: LiveOrder,
        found: Plan,
        why_resting: UpdateReason | None = None,
    ) -> None:
        """Trade as planned, then rest, finish or cancel.

        Everything touched is told, and what the account reserves is brought up to date.
        """
        for mine in found.own:
            self._venue.cancel(market, mine, UpdateReason.SELF_TRADE_CANCEL)
        self._matcher.execute(market, order.side, found, order)
        order.remaining = Quantity(order.remaining - found.filled)
        if not order.remaining:
            order.status = OrderStatus.EXECUTED
            self._venue.changed_order(order, UpdateReason.TRADE)
        elif order.request.time_in_force is TimeInForce.GTC and not found.self_crossed:
            self._venue.rest(market, order)
            self._venue.changed_order(order, UpdateReason.TRADE if found.filled else why_resting)
        else:
            order.status = OrderStatus.CANCELED
            self._venue.changed_order(order, _why_canceled(order, found))
        self._settle(market, order, found)

    def check_funds(
        self, market: MarketState, taker: Taker, found: Plan, leaving: LiveOrder | None = None
    ) -> None:
        """Cash for the whole order at its limit, and for the very fills planned with the rest.

        The first is the venue's rule; the second differs from it by the rounding of each fill.
        `leaving` is the order that this one replaces.
        """
        account = self._venue.accounts[taker.account]
        record = account.records[market.ticker]
        free = account.spendable(record.shard) + record.reserved
        gone = {order.order_id for order in (*found.own, leaving) if order is not None}
        others = record.claims(without=gone)
        whole = (taker.side, taker.limit, taker.quantity)
        if free < self._venue.needed(market, record.holding.quantity, [*others, whole]):
            raise refusals.insufficient_balance(record.shard)
        after = record.holding.copy()
        for execution in found.executions:
            price = execution.level.price
            traded = Quantity(execution.quantity)
            own_leg = price if taker.side is Side.BID else complement(price)
            fee = fill_fee(market.fees, own_leg, traded, is_taker=True)
            free += after.apply(taker.side, price, traded, fee)
        left = taker.quantity - found.filled
        rest = [(taker.side, taker.limit, left)] if left else []
        if free < self._venue.needed(market, after.quantity, [*others, *rest]):
            raise refusals.insufficient_balance(record.shard)

    def placed(self, order: LiveOrder) -> Placed:
        """The answer of a create. The average price is rounded to the nearest $0.0001."""
        filled = order.filled
        resting = order.status is OrderStatus.RESTING
        return Placed(
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            filled=filled,
            remaining=order.remaining if resting else Quantity(0),
            average_price=average_price(order) if filled else None,
            average_fee=average_fee(order) if filled else None,
            ts=self._venue.now,
        )

    def expire_at(self, order: LiveOrder, at: Nanos) -> None:
        """Have an order expire then, unless it has gone or its expiry has changed by then."""

        def expire() -> None:
            if order.status is OrderStatus.RESTING and order.expires == at:
                market = self._venue.markets[order.ticker]
                self._venue.cancel(market, order, UpdateReason.EXPIRY_CANCEL)

        self._schedule.add(at, expire)

    def _sweep_later(self, order: LiveOrder) -> None:
        """The tail of a cancel-all takes what has come to rest since."""

        def sweep() -> None:
            market = self._venue.markets.get(order.ticker)
            if order.status is OrderStatus.RESTING and market is not None and market.is_open:
                self._venue.cancel(market, order, UpdateReason.CANCEL)

        self._schedule.add(Nanos(self._venue.now + _SWEEP_DELAY), sweep)

    def _check_plan(self, account: Account, request: OrderRequest, found: Plan) -> None:
        if request.post_only and found.crosses:
            raise refusals.invalid_order("post only cross")
        if request.time_in_force is TimeInForce.FOK and found.filled < request.quantity:
            account.use_client_order_id(request.client_order_id, request.ticker)
            raise refusals.fill_or_kill()

    def _enter(self, account: Account, market: MarketState, request: OrderRequest) -> LiveOrder:
        venue = self._venue
        order = LiveOrder(account.name, request, venue.ids.next(), venue.now)
        order.number = venue.ids.count
        order.shard = market.spec.shard
        account.orders[order.order_id] = order
        account.records[market.ticker].orders.append(order)
        account.use_client_order_id(request.client_order_id, request.ticker)
        if request.expires is not None:
            self.expire_at(order, request.expires)
        return order

    def _settle(self, market: MarketState, order: LiveOrder, found: Plan) -> None:
        if found.filled:
            self._matcher.settle_account(market, order.account)
            return
        account = self._venue.accounts[order.account]
        record = account.records[market.ticker]
        before = record.reserved
        self._venue.refresh(market, record)
        if record.reserved != before:
            self._venue.changed_balance(account)


def average_price(order: LiveOrder) -> Price:
    """Mean YES price of an order's fills, to the nearest $0.0001."""
    cost = order.taker_cost + order.maker_cost
    own_leg = (2 * cost + order.filled) // (2 * order.filled)
    return Price(own_leg if order.side is Side.BID else complement(Price(own_leg)))


def average_fee(order: LiveOrder) -> Money:
    """Fees of an order's fills per contract, to the nearest $0.0001."""
    per_unit = ONE_CONTRACT * (order.taker_fees + order.maker_fees)
    whole = order.filled * FEE_UNIT
    return Money((2 * per_unit + whole) // (2 * whole) * FEE_UNIT)


def _why_canceled(order: LiveOrder, found: Plan) -> UpdateReason:
    """Why the remainder of an order that may not rest was cancelled."""
    if found.self_crossed:
        return UpdateReason.SELF_TRADE_CANCEL
    if order.request.reduce_only and found.wanted < order.request.quantity:
        return UpdateReason.REDUCE_ONLY_CANCEL
    return UpdateReason.TRADE if found.filled else UpdateReason.CANCEL
