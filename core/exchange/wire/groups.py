"""Order groups: Kalshi's JSON, both ways (kalshi.md 2.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.records import OrderGroup
from core.exchange.wire import scalars as s
from core.exchange.wire.scalars import Fixed
from core.units import ONE_CONTRACT, Quantity, format_quantity

if TYPE_CHECKING:
    from core.exchange.engine_types import OrderGroupRow


class GroupLimitJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A limit in whole contracts or as a decimal string, or both if they agree."""

    contracts_limit: int | None = None
    contracts_limit_fp: Fixed | None = None

    def limit(self) -> Quantity:
        """The limit; raises ValueError without one, or for two that differ."""
        whole, text = self.contracts_limit, self.contracts_limit_fp
        given = set()
        if whole is not None:
            given.add(Quantity(whole * ONE_CONTRACT))
        if text is not None:
            given.add(s.quantity(text))
        if len(given) != 1:
            raise s.WireError("contracts_limit or contracts_limit_fp, and one value")
        return given.pop()


class CreateGroupJson(GroupLimitJson, frozen=True, kw_only=True, omit_defaults=True):
    """Body of POST /portfolio/order_groups/create; without an index the group is on shard 0."""

    subaccount: int | None = None
    exchange_index: int = 0


class GroupIdJson(msgspec.Struct, frozen=True, kw_only=True):
    """Answer 201 of a create."""

    order_group_id: str
    subaccount: int = 0
    exchange_index: int = 0


class GroupJson(msgspec.Struct, frozen=True, kw_only=True):
    """One line of GET /portfolio/order_groups."""

    id: str
    is_auto_cancel_enabled: bool
    contracts_limit_fp: Fixed
    exchange_index: int = 0

    @classmethod
    def from_row(cls, row: OrderGroupRow) -> GroupJson:
        """The JSON of the local exchange's row."""
        return cls(
            id=row.group_id,
            is_auto_cancel_enabled=row.is_triggered,
            contracts_limit_fp=format_quantity(row.limit),
            exchange_index=row.shard,
        )


class GroupsPage(msgspec.Struct, frozen=True, kw_only=True):
    """GET /portfolio/order_groups."""

    order_groups: tuple[GroupJson, ...] = ()


class OneGroupJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET /portfolio/order_groups/{id}."""

    is_auto_cancel_enabled: bool
    orders: tuple[str, ...]
    contracts_limit_fp: Fixed = "0"
    exchange_index: int = 0

    def read(self, group_id: str) -> OrderGroup:
        """The record; raises ValueError when the limit cannot be read."""
        return OrderGroup(
            group_id=group_id,
            shard=self.exchange_index,
            limit=s.quantity(self.contracts_limit_fp),
            is_triggered=self.is_auto_cancel_enabled,
            orders=self.orders,
        )

    @classmethod
    def from_row(cls, row: OrderGroupRow) -> OneGroupJson:
        """The JSON of the local exchange's row."""
        return cls(
            is_auto_cancel_enabled=row.is_triggered,
            orders=row.orders,
            contracts_limit_fp=format_quantity(row.limit),
            exchange_index=row.shard,
        )


class EmptyJson(msgspec.Struct, frozen=True):
    """An answer, or a body, without anything in it."""
