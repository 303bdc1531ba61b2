"""The account panel: money, positions with what they would bring, limits and how full they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.screen.scale import cents, per_contract, rfc3339
from core.screen.trading_rows import AccountRow, GaugeRow, PositionRow
from core.units import DOLLAR_PRICE, Money, Quantity, contracts, dollars, notional

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from core.messages import LedgerMarked, PositionLine
    from core.screen.panel import Change, Facts, Listeners
    from core.screen.terms import Limits
    from core.units import Nanos


class AccountPanel:
    """Row `account`, from the newest picture that the risk role has drawn."""

    def __init__(self, limits: Limits) -> None:
        self.row: AccountRow | None = None
        self.max_drawdown = 0.0
        self._limits = limits
        self._bankroll = limits.bankroll
        self._changed = False
        self.facts: Facts = {m.BankrollSet: self._bankroll_set}
        self.listeners: Listeners = {m.LedgerMarked: self._marked}

    def drain(self, now: Nanos) -> Iterator[Change]:
        """The row, if it changed."""
        del now
        if self._changed and self.row is not None:
            self._changed = False
            yield "account", self.row

    def _marked(self, mark: m.LedgerMarked, now: Nanos) -> None:
        del now
        self.max_drawdown = max(self.max_drawdown, mark.drawdown)
        self.row = AccountRow(
            cash=cents(mark.cash),
            reserved=cents(mark.reserved),
            exposure=cents(mark.exposure),
            equity=cents(mark.equity),
            realized_pnl=cents(Money(mark.realized - mark.fees)),
            unrealized_pnl=cents(mark.unrealized),
            fees=cents(mark.fees),
            daily_pnl=cents(mark.day_pnl),
            day_open=cents(mark.day_open),
            peak=cents(mark.peak),
            drawdown=mark.drawdown,
            bankroll=cents(Money(max(0, min(mark.equity, self._bankroll)))),
            bankroll_limit=cents(self._bankroll),
            settled_windows=mark.settled,
            positions=tuple(position_row(line) for line in mark.positions if line.quantity),
            gauges=_gauges(mark, self._limits),
            at=rfc3339(mark.ts),
        )
        self._changed = True

    def _bankroll_set(self, event: m.BankrollSet) -> None:
        self._bankroll = event.bankroll
        if self.row is not None:
            self.row = msgspec.structs.replace(
                self.row,
                bankroll=max(0.0, min(self.row.equity, cents(event.bankroll))),
                bankroll_limit=cents(event.bankroll),
            )
            self._changed = True


def position_row(line: PositionLine) -> PositionRow:
    """A position and its three endings. All after the fees charged so far; exact until the end."""
    size = Quantity(abs(line.quantity))
    spent = line.cost + line.fees - line.realized
    face = notional(DOLLAR_PRICE, size)
    is_yes = line.quantity > 0
    return PositionRow(
        ticker=line.ticker,
        side="yes" if is_yes else "no",
        contracts=contracts(size),
        cost=cents(line.cost),
        fees=cents(line.fees),
        realized=cents(line.realized),
        average_price=round(line.cost / size / DOLLAR_PRICE, 6),
        value=cents(line.value),
        bid=per_contract(line.bid) if line.bid else None,
        pnl_now=cents(Money(line.value - spent)),
        pnl_if_yes=cents(Money((face if is_yes else 0) - spent)),
        pnl_if_no=cents(Money((0 if is_yes else face) - spent)),
        break_even=round(spent / size / DOLLAR_PRICE, 6) if 0 < spent <= face else None,
    )


def _gauges(mark: LedgerMarked, limits: Limits) -> tuple[GaugeRow, ...]:
    loss = max(0, -mark.day_pnl)
    loss_share = loss / mark.day_open if mark.day_open > 0 else 0.0
    held = len([line for line in mark.positions if line.quantity])
    return (
        _gauge(
            "Exposure",
            "limit",
            "dollars",
            dollars(mark.exposure),
            dollars(limits.max_total_exposure),
        ),
        _gauge(
            "Day loss", "limit", "dollars", dollars(Money(loss)), dollars(limits.max_daily_loss)
        ),
        _gauge("Markets", "limit", "count", held, limits.max_concurrent_positions),
        _gauge("Loss breaker", "breaker", "share", loss_share, limits.loss_threshold),
        _gauge("Drawdown", "breaker", "share", mark.drawdown, limits.drawdown_threshold),
    )


def _gauge(
    name: str,
    kind: Literal["limit", "breaker"],
    unit: Literal["dollars", "share", "count"],
    used: float,
    limit: float,
) -> GaugeRow:
    share = used / limit if limit else float(used > 0)
    return GaugeRow(
        name=name, kind=kind, unit=unit, used=round(used, 6), limit=limit, share=round(share, 4)
    )
