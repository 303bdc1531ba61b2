"""Places in queues: contracts ahead of an own order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.wire import scalars as s
from core.exchange.wire.scalars import Fixed

if TYPE_CHECKING:
    from core.units import Quantity


class QueuePlaceJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET /portfolio/orders/{order_id}/queue_position."""

    queue_position_fp: Fixed
    order_id: str = ""
    market_ticker: str = ""

    def read(self) -> Quantity:
        """Contracts ahead; raises ValueError when it cannot be read."""
        return s.quantity(self.queue_position_fp)


class QueuePlacesJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET /portfolio/orders/queue_positions."""

    queue_positions: tuple[QueuePlaceJson, ...] = ()
