"""The tape of public trades of the current window."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.screen.market_rows import PrintRow
from core.screen.scale import per_contract, rfc3339
from core.screen.trade import leg_of
from core.units import contracts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.screen.panel import Change, Facts, Listeners
    from core.units import Nanos

_AT_ONCE: Final = 20
"""Trades told in one frame interval; of a burst the newest are told."""


class PrintPanel:
    """Row `print`."""

    def __init__(self) -> None:
        self._pending: deque[m.TradePrint] = deque(maxlen=_AT_ONCE)
        self.facts: Facts = {}
        self.listeners: Listeners = {m.TradePrint: self._traded}

    def drain(self, now: Nanos) -> Iterator[Change]:
        """Trades since the last call, oldest first."""
        del now
        for trade in self._pending:
            row = PrintRow(
                trade_id=trade.trade_id,
                ticker=trade.ticker,
                price=per_contract(trade.price),
                quantity=contracts(trade.quantity),
                taker_side=leg_of(trade.taker_side),
                at=rfc3339(trade.ts_event),
            )
            yield "print", row
        self._pending.clear()

    def _traded(self, trade: m.TradePrint, now: Nanos) -> None:
        del now
        self._pending.append(trade)
