"""Accounts: cash per shard, what resting orders reserve, and the record of each market."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.engine.holdings import Holding
from core.exchange.engine_types import BALANCE_UNIT
from core.exchange.records import OrderStatus, Side
from core.units import Money, Price, Quantity, ceil_to, complement

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from core.exchange.engine.groups import OrderGroup
    from core.exchange.engine.live_orders import LiveOrder
    from core.exchange.engine_types import AccountPast
    from core.exchange.records import Fill, Settlement

    WorstFee = Callable[[Price, Quantity], int]
    """Of a quantity bought at a price of its own leg."""
    Claim = tuple[Side, Price, int]
    """An order's claim on cash: its side, YES limit price and quantity."""


class MarketRecord:
    """All that one account did in one market."""

    __slots__ = (
        "client_order_ids",
        "fills",
        "holding",
        "orders",
        "reserved",
        "resting",
        "settlement",
        "shard",
    )

    def __init__(self, ticker: str, shard: int) -> None:
        self.shard = shard
        self.holding = Holding(ticker)
        self.orders: list[LiveOrder] = []
        self.client_order_ids: list[str] = []
        """Used here, by killed orders and before an amend too."""
        self.resting: dict[str, LiveOrder] = {}
        """By order id, in order of arrival."""
        self.fills: list[Fill] = []
        self.settlement: Settlement | None = None
        self.reserved = 0

    def claims(self, without: Container[str] = ()) -> list[Claim]:
        """The claims of what rests, some order ids left aside."""
        return [
            (order.side, order.price, order.remaining)
            for order in self.resting.values()
            if order.order_id not in without
        ]


class Account:
    """One collateral pool per shard, and everything that draws on it."""

    __slots__ = (
        "cash",
        "client_order_ids",
        "deposits",
        "fees",
        "groups",
        "name",
        "orders",
        "records",
        "swept_until",
    )

    def __init__(self, name: str, cash: Mapping[int, Money]) -> None:
        self.name = name
        self.cash: dict[int, int] = dict(cash)
        self.deposits: int = sum(cash.values())
        self.fees = 0
        self.orders: dict[str, LiveOrder] = {}
        self.client_order_ids: set[str] = set()
        self.records: dict[str, MarketRecord] = {}
        self.groups: dict[str, OrderGroup] = {}
        self.swept_until = 0
        """Until then what comes to rest is cancelled again: the tail of a cancel-all."""

    def record(self, ticker: str, shard: int) -> MarketRecord:
        """The record of a market, made when missing."""
        record = self.records.get(ticker)
        if record is None:
            record = self.records[ticker] = MarketRecord(ticker, shard)
        return record

    def regain(self, past: AccountPast) -> None:
        """Take up what the account was before its venue ended; it must have just been opened."""
        self.deposits, self.fees = past.deposits, past.fees
        for row in past.positions:
            self.record(row.ticker, past.shard).holding.regain(row)

    def add_cash(self, shard: int, amount: int) -> None:
        """Book a change of cash on a shard."""
        self.cash[shard] = self.cash.get(shard, 0) + amount

    def reserved(self, shard: int | None = None) -> int:
        """What resting orders hold back, on a shard or on all."""
        return sum(
            record.reserved
            for record in self.records.values()
            if shard is None or record.shard == shard
        )

    def spendable(self, shard: int) -> int:
        """Cash on a shard that nothing reserves; below zero only until orders are cancelled."""
        return self.cash.get(shard, 0) - self.reserved(shard)

    def use_client_order_id(self, client_order_id: str, ticker: str) -> None:
        """Nobody may use it again while the market is remembered; no id at all is never used up."""
        if client_order_id:
            self.client_order_ids.add(client_order_id)
            self.records[ticker].client_order_ids.append(client_order_id)

    def forget(self, ticker: str) -> None:
        """Drop a settled market: its orders, fills, and their client ids."""
        record = self.records.pop(ticker, None)
        if record is None:
            return
        for order in record.orders:
            self.orders.pop(order.order_id, None)
            if order.group is not None:
                order.group.orders.remove(order)
        self.client_order_ids.difference_update(record.client_order_ids)

    def orders_of(self, tickers: Iterable[str]) -> list[LiveOrder]:
        """The orders in these markets, newest first."""
        found = [
            order
            for ticker in tickers
            if ticker in self.records
            for order in self.records[ticker].orders
        ]
        found.sort(key=lambda order: -order.number)
        return found

    def resting(self, shard: int | None = None) -> list[LiveOrder]:
        """What rests, newest first."""
        found = [
            order
            for record in self.records.values()
            if shard is None or record.shard == shard
            for order in record.resting.values()
            if order.status is OrderStatus.RESTING
        ]
        found.sort(key=lambda order: -order.number)
        return found


def reservation(held: int, claims: Sequence[Claim], worst_fee: WorstFee) -> int:
    """Cash that a set of orders in one market needs, given the signed position `held`.

    An order reserves its cost at its limit plus `worst_fee`, rounded up to $0.0001. The part that
    would close the position reserves nothing (kalshi.md 6.2). Of several closing orders, those that
    trade first are the covered ones: the highest bids or the lowest asks, so a fill never leaves
    another order without cover.
    """
    total = 0
    for side, cover in ((Side.BID, max(0, -held)), (Side.ASK, max(0, held))):
        total += _side_reservation(side, cover, claims, worst_fee)
    return total


def _side_reservation(side: Side, cover: int, claims: Sequence[Claim], worst_fee: WorstFee) -> int:
    mine = [claim for claim in claims if claim[0] is side]
    mine.sort(key=lambda claim: claim[1], reverse=side is Side.BID)
    total = 0
    for _, price, quantity in mine:
        uncovered = max(0, quantity - cover)
        cover = max(0, cover - quantity)
        if uncovered:
            own_leg = price if side is Side.BID else complement(price)
            cost = uncovered * own_leg + worst_fee(own_leg, Quantity(uncovered))
            total += ceil_to(cost, BALANCE_UNIT)
    return total
