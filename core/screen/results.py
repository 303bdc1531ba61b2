"""Results of settled orders, summed by strategy, by day of New York and by window."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from core.domain.calibration import reliability
from core.domain.exits import ExitTotals
from core.domain.windows import NEW_YORK
from core.screen.analysis_rows import (
    BinRow,
    DayRow,
    EstimateRow,
    ExitsRow,
    ReliabilityRow,
    StrategyResultRow,
)
from core.screen.scale import cents
from core.units import SECOND, Money, Nanos, contracts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from core.domain.calibration import Interval, ReliabilityBin
    from core.screen.trade import Trade

_BINS: Final = 10
Settled = tuple["Trade", Nanos]
"""An order with fills in a window that has a result, and when that came."""
Scored = tuple[int, float, float, bool]
"""Number of the window, model, market, whether it was YES."""


def day_of(moment: Nanos) -> str:
    """The day in New York, `2026-11-22`."""
    return datetime.fromtimestamp(moment // SECOND, tz=UTC).astimezone(NEW_YORK).date().isoformat()


def by_strategy(settled: Iterable[Settled]) -> tuple[StrategyResultRow, ...]:
    """One row of each strategy, best first."""
    groups: dict[str, list[Trade]] = defaultdict(list)
    for trade, _ in settled:
        groups[trade.approved.strategy].append(trade)
    rows = []
    for name, trades in groups.items():
        results = [trade.pnl or 0 for trade in trades]
        total = Money(sum(results))
        wins = sum(result > 0 for result in results)
        rows.append(
            StrategyResultRow(
                strategy=name,
                trades=len(trades),
                wins=wins,
                win_rate=round(wins / len(trades), 4),
                pnl=cents(total),
                fees=cents(Money(sum(trade.fees for trade in trades))),
                per_trade=round(cents(total) / len(trades), 6),
                best=cents(Money(max(results))),
                worst=cents(Money(min(results))),
            )
        )
    return tuple(sorted(rows, key=lambda row: -row.pnl))


def exits_row(settled: Iterable[Settled]) -> ExitsRow:
    """All exits together."""
    total = ExitTotals()
    for trade, _ in settled:
        total = total.plus(trade.exit or ExitTotals())
    return ExitsRow(
        exits=total.orders,
        contracts=contracts(total.quantity),
        brought=cents(total.brought),
        held_to_settlement=cents(total.held),
        gained=cents(total.gained),
    )


def by_day(settled: Iterable[Settled]) -> tuple[DayRow, ...]:
    """One row of each day and strategy, oldest day first."""
    groups: dict[tuple[str, str], list[Trade]] = defaultdict(list)
    for trade, moment in settled:
        groups[day_of(moment), trade.approved.strategy].append(trade)
    return tuple(
        DayRow(
            day=day,
            strategy=name,
            trades=len(trades),
            pnl=cents(Money(sum(trade.pnl or 0 for trade in trades))),
            fees=cents(Money(sum(trade.fees for trade in trades))),
        )
        for (day, name), trades in sorted(groups.items())
    )


def reliability_row(scored: Sequence[Scored]) -> ReliabilityRow | None:
    """What model and market said against what came, over all forecasts; None without any."""
    if not scored:
        return None
    groups = np.array([window for window, _, _, _ in scored], dtype=np.int64)
    model = np.array([fair for _, fair, _, _ in scored], dtype=np.float64)
    market = np.array([mid for _, _, mid, _ in scored], dtype=np.float64)
    outcome = np.array([float(yes) for _, _, _, yes in scored], dtype=np.float64)
    return ReliabilityRow(
        forecasts=len(scored),
        windows=len(np.unique(groups)),
        model_bins=tuple(_bin(one) for one in reliability(model, outcome, _BINS, groups)),
        market_bins=tuple(_bin(one) for one in reliability(market, outcome, _BINS, groups)),
    )


def _estimate(told: Interval) -> EstimateRow:
    return EstimateRow(value=round(told.value, 5), low=round(told.low, 5), high=round(told.high, 5))


def _bin(told: ReliabilityBin) -> BinRow:
    return BinRow(
        low=told.low,
        high=told.high,
        count=told.count,
        forecast=round(told.forecast, 5),
        observed=_estimate(told.observed),
    )
