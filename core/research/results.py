"""What a backtest found: figures for programs, a table for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from core.domain.exits import ExitTotals
from core.exchange.books import Books
from core.messages import Difference, OrderFilled, TradingStateChanged
from core.research.tally import WindowRow
from core.units import (
    ONE_CONTRACT,
    SECOND,
    Money,
    Nanos,
    Quantity,
    contracts,
    dollars,
    format_fixed,
)

_MANY: Final = 8
"""Codes of passes shown to people."""
_STRIKE_DIGITS: Final = 4


class BacktestResult(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Everything but `seconds` is the same whenever the same run is repeated."""

    tape: str
    windows: tuple[WindowRow, ...]
    events: int
    """Records of the tape."""
    signals: int
    passes: dict[str, int]
    """Looks of strategies that wanted nothing, by reason."""
    refusals: dict[str, int]
    """Signals and orders that risk, execution or the venue refused, by code."""
    orders: int
    """Sent to the venue."""
    fills: tuple[OrderFilled, ...]
    """Every execution, as it was booked."""
    exits: ExitTotals
    """Sales before settlement against holding on."""
    ours: Books
    """The ledger's side: cash, fees, realised P&L after fees, open positions."""
    theirs: Books
    """The venue's side of the same."""
    differences: tuple[Difference, ...]
    """Between the two; empty unless something is broken."""
    states: tuple[TradingStateChanged, ...]
    notes: tuple[str, ...]
    """What a reader must know: settings the tape asked for, windows without a result."""
    seconds: float
    """Machine time of the run."""

    @property
    def decisions(self) -> int:
        """Signals and passes."""
        return self.signals + sum(self.passes.values())

    @property
    def trades(self) -> int:
        """Executions."""
        return len(self.fills)

    @property
    def unsettled(self) -> tuple[str, ...]:
        """Windows that hold a position and whose result the tape does not have."""
        return tuple(row.ticker for row in self.windows if row.result is None and row.position)

    def to_json(self) -> dict[str, object]:
        """The run as one object; money in dollars."""
        return {
            "windows": len(self.windows),
            "events": self.events,
            "decisions": self.decisions,
            "orders": self.orders,
            "trades": self.trades,
            "exits": {
                "orders": self.exits.orders,
                "contracts": contracts(self.exits.quantity),
                "brought": dollars(self.exits.brought),
                "held_to_settlement": dollars(self.exits.held),
                "gained": dollars(self.exits.gained),
            },
            "fees": dollars(self.ours.fees),
            "pnl": dollars(self.ours.pnl),
            "cash": dollars(self.ours.cash),
            "refusals": dict(sorted(self.refusals.items())),
            "unsettled": list(self.unsettled),
            "exchange": self.theirs.as_json(),
            "differences": [
                {"what": d.what, "key": d.key, "ours": d.ours, "theirs": d.theirs}
                for d in self.differences
            ],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }

    def to_text(self) -> str:
        """The run as a table of its windows and a summary."""
        rows = [_HEAD, *(_cells(row) for row in self.windows)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
        lines = [
            "  ".join(
                cell.ljust(width) if at == 0 else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, "", *self._summary()])

    def _summary(self) -> list[str]:
        rate = self.events / self.seconds if self.seconds else 0.0
        passes = sum(self.passes.values())
        cash = _money(self.ours.cash)
        lines = [
            f"windows    {len(self.windows)}, {len(self.unsettled)} left unsettled",
            f"events     {self.events:,} in {self.seconds:.1f} s, {rate:,.0f} a second",
            f"decisions  {self.decisions:,}: {self.signals:,} signals, {passes:,} passes",
            f"orders     {self.orders:,}, trades {self.trades:,}",
            f"fees       {_money(self.ours.fees)}",
            f"P&L        {_money(self.ours.pnl)} realised after fees, cash {cash}",
            f"refusals   {_codes(self.refusals)}",
            f"passes     {_codes(self.passes)}",
        ]
        if self.exits.orders:
            lines.insert(4, f"exits      {_exits(self.exits)}")
        lines += [
            f"state      {c.state} at {_utc(c.ts)}: {c.code}, {c.reason}" for c in self.states
        ]
        lines += [
            f"DIFFERENCE {d.what} {d.key}: ours {d.ours}, the venue's {d.theirs}"
            for d in self.differences
        ]
        return lines + [f"note       {note}" for note in self.notes]


_HEAD: Final = (
    *("window", "strike", "value", "result", "signals", "denied", "orders", "fills"),
    *("contracts", "position", "fees $", "P&L $"),
)


def _cells(row: WindowRow) -> tuple[str, ...]:
    return (
        row.ticker,
        _index(row.strike),
        _index(row.value),
        row.result.value if row.result else "unknown",
        str(row.signals),
        str(row.denied),
        str(row.orders),
        str(row.fills),
        _size(row.contracts),
        _size(row.position),
        f"{dollars(row.fees):.2f}",
        "open" if row.pnl is None else f"{dollars(row.pnl):.2f}",
    )


def _index(value: int | None) -> str:
    return "-" if value is None else format_fixed(value, 8)[: _STRIKE_DIGITS - 8]


def _size(quantity: Quantity) -> str:
    if quantity % ONE_CONTRACT:
        return f"{contracts(quantity):.2f}"
    return str(quantity // ONE_CONTRACT)


def _money(amount: Money) -> str:
    return f"{'-' if amount < 0 else ''}${abs(dollars(amount)):,.2f}"


def _codes(counts: dict[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{code} {count:,}" for code, count in ranked[:_MANY]]
    rest = sum(count for _, count in ranked[_MANY:])
    return ", ".join([*shown, *([f"others {rest:,}"] if rest else [])]) or "none"


def _exits(found: ExitTotals) -> str:
    sold = f"{found.orders:,} of {_size(found.quantity)} contracts brought {_money(found.brought)}"
    return f"{sold}, holding on {_money(found.held)}: {_money(found.gained)} gained"


def _utc(ts: Nanos) -> str:
    return datetime.fromtimestamp(ts // SECOND, tz=UTC).isoformat(sep=" ", timespec="seconds")
