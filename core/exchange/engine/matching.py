"""Price-time matching: a plan first, which changes nothing, then its execution.

The plan says what an incoming order would meet, so that fill-or-kill, post-only, self-trade and
funds are decided before anything happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from core.domain.fees import fill_fee
from core.exchange.engine.groups import enforce
from core.exchange.engine.live_orders import LiveOrder
from core.exchange.engine_events import Filled, Traded, UpdateReason
from core.exchange.listing import Trade
from core.exchange.records import Fill, OrderStatus, SelfTradePrevention, Side
from core.units import Money, Price, Quantity, complement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.exchange.engine.market_state import MarketState
    from core.exchange.engine.queues import Chunk, Level
    from core.exchange.engine.venue import Venue


class Execution(NamedTuple):
    """A planned trade with one chunk of one level."""

    level: Level
    chunk: Chunk
    quantity: int


class Plan(NamedTuple):
    """What an incoming order would meet."""

    wanted: int
    executions: tuple[Execution, ...]
    filled: int
    own: tuple[LiveOrder, ...]
    """Own resting orders in its way, to be cancelled (`SelfTradePrevention.MAKER`)."""
    self_crossed: bool
    """It ran into an own order and stops there (`TAKER_AT_CROSS`)."""

    @property
    def crosses(self) -> bool:
        """Whether it would meet anything at all."""
        return bool(self.executions or self.own or self.self_crossed)


class Taker(NamedTuple):
    """An incoming order as the plan sees it; an empty account is the outside."""

    side: Side
    limit: Price
    quantity: int
    account: str = ""
    prevention: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS


def plan(market: MarketState, taker: Taker) -> Plan:
    """Walk the opposite side, best price first, oldest first within a price."""
    executions: list[Execution] = []
    own: list[LiveOrder] = []
    left = taker.quantity
    self_crossed = False
    for level, chunk in _queue(market, taker):
        if not left:
            break
        if isinstance(chunk, LiveOrder) and chunk.account == taker.account:
            if taker.prevention is SelfTradePrevention.TAKER_AT_CROSS:
                self_crossed = True
                break
            own.append(chunk)
            continue
        quantity = min(left, chunk.remaining)
        executions.append(Execution(level, chunk, quantity))
        left -= quantity
    return Plan(
        wanted=taker.quantity,
        executions=tuple(executions),
        filled=taker.quantity - left,
        own=tuple(own),
        self_crossed=self_crossed,
    )


def _queue(market: MarketState, taker: Taker) -> Iterator[tuple[Level, Chunk]]:
    for level in market.book.opposite(taker.side).reached_by(taker.limit):
        for chunk in level.chunks:
            yield level, chunk


class Matcher:
    """Carries out trades: queues, tape, fees, positions, cash, events."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def execute(
        self, market: MarketState, side: Side, found: Plan, taker: LiveOrder | None
    ) -> None:
        """Trade as planned; `taker` None is the outside, whose quantity really leaves the book."""
        makers: dict[str, LiveOrder] = {}
        for execution in found.executions:
            price = execution.level.price
            self._consume(market, side, execution, taker)
            maker = execution.chunk
            owner = maker if isinstance(maker, LiveOrder) else None
            if owner is not None:
                makers[owner.order_id] = owner
            self.trade(market, Deal(side, price, execution.quantity, owner, taker))
        self.close_out(market, list(makers.values()))

    def trade(self, market: MarketState, deal: Deal) -> None:
        """One public trade and the fills of those own orders that took part in it."""
        venue = self._venue
        trade = Trade(
            trade_id=venue.ids.next(),
            ticker=market.ticker,
            price=deal.price,
            quantity=Quantity(deal.quantity),
            taker_side=deal.taker_side,
            ts=venue.now,
        )
        market.book_trade(trade)
        venue.events.append(Traded(ts=venue.now, trade=trade))
        if deal.maker is not None:
            self._fill(market, trade, deal.maker, is_taker=False)
        if deal.taker is not None:
            self._fill(market, trade, deal.taker, is_taker=True)

    def close_out(self, market: MarketState, makers: list[LiveOrder]) -> None:
        """After a match: states and rows of the resting orders that traded, and their accounts."""
        venue = self._venue
        for order in makers:
            if not order.remaining:
                order.status = OrderStatus.EXECUTED
            venue.changed_order(order, UpdateReason.TRADE)
        for name in dict.fromkeys(order.account for order in makers):
            self.settle_account(market, name)

    def settle_account(self, market: MarketState, name: str) -> None:
        """After a match: what an account reserves now, its position, its cash, its cover."""
        venue = self._venue
        account = venue.accounts[name]
        record = account.records[market.ticker]
        venue.refresh(market, record)
        venue.changed_position(name, record)
        venue.changed_balance(account)
        venue.enforce_margin(account, record.shard)
        if account.groups:
            enforce(venue, account)

    def take_maker(self, market: MarketState, order: LiveOrder, quantity: int) -> None:
        """A resting own order gives `quantity`: its queue, its book side, its account's list."""
        side = market.book.side(order.side)
        level = side.levels[order.price]
        before = level.total
        level.shrink(order, Quantity(quantity))
        side.settle(level, before)
        if not order.remaining:
            side.orders -= 1
            del self._venue.accounts[order.account].records[market.ticker].resting[order.order_id]

    def _consume(
        self, market: MarketState, side: Side, execution: Execution, taker: LiveOrder | None
    ) -> None:
        level, chunk, quantity = execution
        if isinstance(chunk, LiveOrder):
            self.take_maker(market, chunk, quantity)
        else:
            before = level.total
            level.shrink(chunk, Quantity(quantity))
            if taker is None:
                level.recorded = max(0, level.recorded - quantity)
            market.book.opposite(side).settle(level, before)
        cause = taker or (chunk if isinstance(chunk, LiveOrder) else None)
        maker_side = Side.ASK if side is Side.BID else Side.BID
        self._venue.changed_level(market, maker_side, level.price, -quantity, cause)

    def _fill(self, market: MarketState, trade: Trade, order: LiveOrder, *, is_taker: bool) -> None:
        venue = self._venue
        account = venue.accounts[order.account]
        record = account.records[market.ticker]
        side, price, quantity = order.side, trade.price, trade.quantity
        own_leg = price if side is Side.BID else complement(price)
        fee = fill_fee(market.fees, own_leg, quantity, is_taker=is_taker)
        order.filled = Quantity(order.filled + quantity)
        if order.group is not None:
            order.group.match(quantity, venue.now)
        order.book_fill(own_leg * quantity, fee, is_taker=is_taker)
        record.holding.updated = venue.now
        account.add_cash(record.shard, record.holding.apply(side, price, quantity, fee))
        account.fees += fee
        fill = Fill(
            trade_id=trade.trade_id,
            order_id=order.order_id,
            ticker=market.ticker,
            side=side,
            price=price,
            quantity=quantity,
            fee=Money(fee),
            is_taker=is_taker,
            ts=venue.now,
            shard=record.shard,
        )
        record.fills.append(fill)
        venue.events.append(
            Filled(
                ts=venue.now,
                account=order.account,
                fill=fill,
                client_order_id=order.client_order_id,
                post_position=Quantity(record.holding.quantity),
            )
        )


class Deal(NamedTuple):
    """One trade about to happen; no order on a side means the outside is on it."""

    taker_side: Side
    price: Price
    quantity: int
    maker: LiveOrder | None
    taker: LiveOrder | None
