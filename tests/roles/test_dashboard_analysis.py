"""Fair value, quant, performance and replay, as the dashboard role tells them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from config.settings import load
from core.domain.montecarlo import Draws, estimate_yes
from core.domain.pricing import digital
from core.screen.quant import PATHS, histogram
from core.screen.selection import HORIZONS
from core.strategies.base import StrategyParams
from core.strategies.judgement import Judgement, judge, settlement_outlook
from core.units import INDEX_DOLLAR, SECOND
from tests.browser.playback import Playback
from web.hub import Hub

PLAYED = 1_100
"""Seconds: one window is settled, the next is open."""


class Played:
    """A hub over a market that was played through the real roles."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.playback = Playback(self.hub, load({}))
        self.playback.run(PLAYED)

    def one(self, topic: str) -> Any:  # noqa: ANN401 - the row type of the topic
        (row,) = self.hub.rows(topic)
        return row


@pytest.fixture(scope="module")
def played() -> Played:
    return Played()


def test_fair_value_and_edges_are_those_of_the_strategies(played: Played) -> None:
    row = played.one("fair")
    panel = _panel(played, "ForecastPanel")
    view, told = panel.latest[row.series]
    judged = judge(view, played.playback.now, panel.params)
    assert isinstance(judged, Judgement)
    assert told.fair == pytest.approx(judged.fair.yes, abs=0.02)
    assert row.low <= row.fair <= row.high
    assert row.best == max(offer.edge for offer in row.offers)
    for offer in row.offers:
        assert offer.edge <= offer.raw_edge
        worth = row.fair if offer.side == "yes" else 1 - row.fair
        assert offer.raw_edge == pytest.approx(worth - offer.price - offer.fee)


def test_the_drawn_probability_agrees_with_the_closed_form(played: Played) -> None:
    row = played.one("quant")
    assert row.paths == PATHS
    assert abs(row.drawn - row.fat) < 5 * row.standard_error
    assert 0.98 < sum(row.shares) <= 1.0
    assert row.low < row.strike < row.low + row.step * len(row.shares)
    above = sum(
        share
        for place, share in enumerate(row.shares)
        if row.low + (place + 0.5) * row.step >= row.strike
    )
    assert above == pytest.approx(row.drawn, abs=0.08)


def test_the_plain_digital_is_told_beside_it_for_comparison(played: Played) -> None:
    panel = _panel(played, "ForecastPanel")
    ((view, _),) = panel.latest.values()
    left = (view.market.close_ns - view.ts_index) / SECOND
    plain = digital(view.index, view.market.strike, view.sigma, left)
    assert played.one("quant").plain == pytest.approx(plain, abs=0.05)


def test_bars_hold_all_but_the_ends() -> None:
    means = np.random.default_rng(1).normal(118 * INDEX_DOLLAR, 0.1 * INDEX_DOLLAR, 50_000)
    low, step, shares = histogram(means)
    assert sum(shares) == pytest.approx(0.996, abs=0.001)
    assert low == pytest.approx(118 - 0.288, abs=0.02)
    assert low + step * len(shares) == pytest.approx(118 + 0.288, abs=0.02)


def test_results_add_up_over_strategies_days_and_windows(played: Played) -> None:
    row = played.hub.single("performance")
    orders = [o for o in played.hub.rows("order") if o.pnl is not None and o.filled_quantity]
    assert row.trades == len(orders) > 0
    assert row.pnl == pytest.approx(sum(order.pnl for order in orders))
    assert row.fees == pytest.approx(sum(order.fees for order in orders))
    for parts in (row.strategies, row.days):
        assert sum(part.pnl for part in parts) == pytest.approx(row.pnl)
        assert sum(part.trades for part in parts) == row.trades
    assert {day.day for day in row.days} == {"2026-11-22"}
    assert row.windows == 1


def test_there_is_one_verdict_and_it_counts_what_was_settled(played: Played) -> None:
    """The scoreboard's, from journalled facts; every fill is a trade of it."""
    row, board = played.hub.single("performance"), played.hub.single("calibration")
    assert board.verdict.windows == row.windows
    (window,) = played.hub.rows("window")
    fills = [one for one in played.hub.rows("trade_execution") if one.ticker == window.ticker]
    assert board.verdict.trades == len(fills) >= row.trades
    assert "too early to say" in board.verdict.sentence
    assert not board.verdict.has_edge
    assert (board.verdict.low, board.verdict.high) == (None, None), "one window has no spread"
    assert not {"verdict", "mean_cents", "score"} & set(row.__struct_fields__)


def test_model_and_market_are_compared_at_the_same_moments(played: Played) -> None:
    told = played.hub.single("performance").reliability
    (window,) = played.hub.rows("window")
    panel = _panel(played, "PerformancePanel")
    model = np.array([fair for _, fair, _, _ in panel._scored])
    assert told.forecasts == len(model) > 8
    assert told.windows == 1
    assert {one.observed.value for one in told.model_bins} == {float(window.result == "yes")}
    said = sum(one.forecast * one.count for one in told.model_bins)
    assert said / sum(one.count for one in told.model_bins) == pytest.approx(model.mean(), abs=0.1)


def test_moves_after_fills_are_told_for_each_horizon(played: Played) -> None:
    rows = played.hub.single("performance").selection
    assert tuple(row.seconds for row in rows) == HORIZONS
    assert all(row.fills > 0 for row in rows)
    assert rows[0].fills >= rows[-1].fills


def test_a_past_window_can_be_replayed_second_by_second(played: Played) -> None:
    (settled,) = played.hub.rows("window")
    replay = _replay(played, settled.ticker)
    moments = replay["moments"]
    assert replay["complete"]
    assert replay["result"] == settled.result
    assert 800 < len(moments) <= 905
    assert [one["at"] for one in moments] == sorted(one["at"] for one in moments)
    assert moments[-1]["known"] >= 58
    assert len(moments[100]["bids"]) == 10
    fills = [f for f in played.hub.rows("trade_execution") if f.ticker == settled.ticker]
    assert [fill["fill_id"] for fill in replay["fills"]] == [fill.fill_id for fill in fills]
    kinds = {row["kind"] for row in replay["decisions"]}
    assert {"signal", "approved", "pass"} <= kinds


def test_the_running_window_can_be_replayed_up_to_now(played: Played) -> None:
    replay = _replay(played, played.hub.archive_keys("replay")[-1])
    assert not replay["complete"]
    assert replay["result"] is None
    assert len(replay["moments"]) > 30


def test_the_heat_map_holds_the_mean_edge_of_each_minute(played: Played) -> None:
    first = played.hub.rows("edge")[0]
    assert len(first.cells) == 15
    assert sum(cell is not None for cell in first.cells) > 8


def test_the_drawing_agrees_with_the_estimator_of_the_domain(played: Played) -> None:
    panel = _panel(played, "ForecastPanel")
    ((view, _),) = panel.latest.values()
    degrees = StrategyParams().tail_degrees
    draws = Draws(paths=PATHS, seed=9, degrees=degrees)
    estimate = estimate_yes(settlement_outlook(view), view.sigma, draws)
    row = played.one("quant")
    assert abs(estimate.probability - row.drawn) < 0.05


def _panel(played: Played, name: str) -> Any:  # noqa: ANN401 - a panel of the role
    role: Any = played.playback.dashboard
    return next(panel for panel in role._panels if type(panel).__name__ == name)


def _replay(played: Played, ticker: str) -> Any:  # noqa: ANN401 - JSON
    told = played.hub.archived("replay", ticker)
    assert told is not None
    return json.loads(told)
