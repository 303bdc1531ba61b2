"""Which row the frames of each topic carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.screen import analysis_rows, market_rows, score_rows, system_rows, trading_rows

if TYPE_CHECKING:
    from core.messages import Part

ROWS: Final[dict[str, type[Part]]] = {
    "status_update": system_rows.StatusRow,
    "account": trading_rows.AccountRow,
    "calibration": score_rows.CalibrationRow,
    "market": market_rows.MarketRow,
    "book": market_rows.BookRow,
    "index": market_rows.Line,
    "quote": market_rows.Line,
    "fair": analysis_rows.FairRow,
    "forecast": market_rows.Line,
    "edge": analysis_rows.EdgeRow,
    "quant": analysis_rows.QuantRow,
    "equity": market_rows.Line,
    "performance": analysis_rows.PerformanceRow,
    "replay": analysis_rows.ReplayRow,
    "print": market_rows.PrintRow,
    "order": trading_rows.TradeRow,
    "trade_execution": trading_rows.FillRow,
    "trading_signal": trading_rows.SignalRow,
    "decision": trading_rows.DecisionRow,
    "strategy": trading_rows.StrategyRow,
    "parameters": trading_rows.ParametersRow,
    "window": market_rows.WindowRow,
    "alert": system_rows.AlertRow,
    "health": system_rows.HealthRow,
    "feed": system_rows.FeedRow,
    "lock": system_rows.LockRow,
    "limit": system_rows.LimitRow,
    "meters": system_rows.MetersRow,
    "machine": system_rows.MachineRow,
}
"""Topic -> the row that its frames carry."""
