"""Settings of the protections and of the brakes on orders. The text of each is its help."""

from __future__ import annotations

from config.fields import Group, setting

_DAY = 1_440.0


class Protections(Group):
    """Brakes on orders, and pauses after losses"""

    max_correlated_exposure: float = setting(
        2_500.0,
        "most money at risk on bets that win and lose together: one coin in one window in full, "
        "another coin in the same window by its correlation",
        "dollars",
        gt=0,
        le=100_000_000,
    )
    price_collar: float = setting(
        0.20,
        "no order that pays more than this above the best price on the book",
        "dollars per contract",
        gt=0,
        le=1,
    )
    max_orders_per_minute: int = setting(
        120, "no order after so many within a minute of the market", "orders", ge=1, le=100_000
    )
    loss_burst_trades: int = setting(
        6,
        "so many markets in a row that lost money lock all trading for a while; 0: never",
        "markets",
        ge=0,
        le=1_000,
    )
    loss_burst_minutes: float = setting(
        180.0, "within so long", "minutes of the market", gt=0, le=_DAY
    )
    loss_burst_lock_minutes: float = setting(
        30.0, "and for so long", "minutes of the market", gt=0, le=_DAY
    )
    stop_guard_trades: int = setting(
        0,
        "so many markets that lost STOP_GUARD_SHARE of their cost lock their series; 0: never",
        "markets",
        ge=0,
        le=1_000,
    )
    stop_guard_share: float = setting(
        0.9, "a market that lost this part of its cost counts as a stop", "fraction", gt=0, le=1
    )
    stop_guard_minutes: float = setting(
        240.0, "within so long", "minutes of the market", gt=0, le=_DAY
    )
    stop_guard_lock_minutes: float = setting(
        60.0, "and for so long", "minutes of the market", gt=0, le=_DAY
    )
    low_profit_trades: int = setting(
        0,
        "a series that earned less than LOW_PROFIT_LEAST over so many markets is locked; 0: never",
        "markets",
        ge=0,
        le=1_000,
    )
    low_profit_least: float = setting(
        0.0, "profit over cost that is wanted of them", "fraction", ge=-1, le=1
    )
    low_profit_minutes: float = setting(
        720.0, "within so long", "minutes of the market", gt=0, le=_DAY
    )
    low_profit_lock_minutes: float = setting(
        120.0, "and for so long", "minutes of the market", gt=0, le=_DAY
    )
