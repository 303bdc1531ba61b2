"""Order groups: a breaker on the contracts that an account's own orders match (kalshi.md 2.7).

When the orders of a group have matched its limit within 15 seconds, all of them are cancelled and
the group takes no more until it is reset.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from core.exchange.engine import admission, refusals
from core.exchange.engine_events import GroupChanged, GroupEvent, UpdateReason
from core.exchange.engine_types import OrderGroupRow
from core.exchange.records import OrderStatus
from core.units import ONE_CONTRACT, SECOND, Nanos, Quantity

if TYPE_CHECKING:
    from core.exchange.engine.accounts import Account
    from core.exchange.engine.live_orders import LiveOrder
    from core.exchange.engine.market_state import MarketState
    from core.exchange.engine.venue import Venue
    from core.exchange.records import OrderRequest

WINDOW: Final = Nanos(15 * SECOND)
_LARGEST: Final = 1_000_000 * ONE_CONTRACT


class OrderGroup:
    """The mutable original of a group."""

    __slots__ = ("_matched", "group_id", "is_triggered", "limit", "orders", "shard")

    def __init__(self, group_id: str, shard: int, limit: Quantity) -> None:
        self.group_id = group_id
        self.shard = shard
        self.limit = limit
        self.is_triggered = False
        self.orders: list[LiveOrder] = []
        self._matched: deque[tuple[Nanos, Quantity]] = deque()

    def match(self, quantity: Quantity, now: Nanos) -> None:
        """An order of the group traded."""
        self._matched.append((now, quantity))

    def is_reached(self, now: Nanos) -> bool:
        """Whether the limit was matched within the window that ends now."""
        while self._matched and self._matched[0][0] <= now - WINDOW:
            self._matched.popleft()
        return sum(quantity for _, quantity in self._matched) >= self.limit

    def forget(self) -> None:
        """Count from zero again."""
        self._matched.clear()
        self.is_triggered = False

    def row(self) -> OrderGroupRow:
        """A picture of it now."""
        return OrderGroupRow(
            group_id=self.group_id,
            shard=self.shard,
            limit=self.limit,
            is_triggered=self.is_triggered,
            orders=tuple(order.order_id for order in self.orders),
        )


class GroupDesk:
    """Makes, changes and ends groups. A group is found on its own shard only."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def create(self, account: Account, limit: Quantity, shard: int) -> OrderGroup:
        """A new group."""
        _check_limit(limit)
        admission.check_alive(self._venue, shard)
        group = OrderGroup(self._venue.ids.next(), shard, limit)
        account.groups[group.group_id] = group
        _tell(self._venue, account, group, GroupEvent.CREATED)
        return group

    def reset(self, account: Account, group_id: str, shard: int) -> None:
        """Let it take orders again."""
        group = self._found(account, group_id, shard)
        group.forget()
        _tell(self._venue, account, group, GroupEvent.RESET)

    def trigger(self, account: Account, group_id: str, shard: int) -> None:
        """Cancel what rests of it, and let it take no more."""
        _trigger(self._venue, account, self._found(account, group_id, shard))

    def change_limit(self, account: Account, group_id: str, shard: int, limit: Quantity) -> None:
        """Another limit; one that is reached already triggers the group."""
        _check_limit(limit)
        group = self._found(account, group_id, shard)
        group.limit = limit
        _tell(self._venue, account, group, GroupEvent.LIMIT_UPDATED)
        enforce(self._venue, account)

    def delete(self, account: Account, group_id: str, shard: int) -> None:
        """Cancel what rests of it, and forget it."""
        group = self._found(account, group_id, shard)
        del account.groups[group_id]
        _cancel(self._venue, group)
        _tell(self._venue, account, group, GroupEvent.DELETED)

    def _found(self, account: Account, group_id: str, shard: int) -> OrderGroup:
        admission.check_alive(self._venue, shard)
        group = account.groups.get(group_id)
        if group is None or group.shard != shard:
            raise refusals.not_found("order group", group_id)
        return group


def group_of(account: Account, market: MarketState, request: OrderRequest) -> OrderGroup | None:
    """The group that a new order asks for; refused if it is elsewhere, or has been triggered."""
    if not request.group:
        return None
    group = account.groups.get(request.group)
    if group is None or group.shard != market.spec.shard:
        raise refusals.invalid_parameters("order_group_id does not exist on the market's shard")
    if group.is_triggered:
        raise refusals.invalid_order("order group is triggered")
    return group


def enforce(venue: Venue, account: Account) -> None:
    """Trigger every group of an account whose limit is reached."""
    for group in account.groups.values():
        if not group.is_triggered and group.is_reached(venue.now):
            _trigger(venue, account, group)


def _trigger(venue: Venue, account: Account, group: OrderGroup) -> None:
    group.is_triggered = True
    _cancel(venue, group)
    _tell(venue, account, group, GroupEvent.TRIGGERED)


def _cancel(venue: Venue, group: OrderGroup) -> None:
    for order in group.orders:
        market = venue.markets.get(order.ticker)
        if order.status is OrderStatus.RESTING and market is not None and market.is_open:
            venue.cancel(market, order, UpdateReason.CANCEL)


def _check_limit(limit: Quantity) -> None:
    if not ONE_CONTRACT <= limit <= _LARGEST:
        raise refusals.invalid_parameters("contracts_limit must be 1 to 1000000")


def _tell(venue: Venue, account: Account, group: OrderGroup, kind: GroupEvent) -> None:
    venue.events.append(
        GroupChanged(ts=venue.now, account=account.name, kind=kind, group=group.row())
    )
