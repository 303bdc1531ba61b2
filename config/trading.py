"""Settings of account, market and risk. The text of each is its help."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from config.fields import (
    Group,
    Parameters,
    SeriesNames,
    SpotNames,
    StrategyNames,
    UserPath,
    setting,
    url,
)

REST_PATH = "/trade-api/v2"
STREAM_PATH = "/trade-api/ws/v2"
LIVE_PHRASE = "trade with real money"
"""What the operator types, or sets in LIVE_CONFIRMATION, before the first live order."""


def _phrase(value: str | None) -> str | None:
    """Nothing, or the phrase; anything near it could be a mistake with real money."""
    if value is not None and " ".join(value.split()).lower() != LIVE_PHRASE:
        msg = "not the phrase that confirms live trading"
        raise ValueError(msg)
    return value


class Venue(Group):
    """Venue and account"""

    kalshi_api_key: Annotated[str | None, Field(repr=False)] = setting(
        None, "key id of the account; without it the local exchange is traded", allowed="a key id"
    )
    kalshi_private_key_path: UserPath | None = setting(
        None,
        "PEM file of the private key (RSA or Ed25519), readable by its owner only",
        allowed="the path of a PEM file",
    )
    kalshi_private_key: SecretStr | None = setting(
        None, "the same key as PEM text, \\n accepted for line ends", allowed="PEM text"
    )
    kalshi_env: Literal["prod", "demo"] = setting(
        "prod", "which Kalshi: real money, or its demonstration with accounts of its own"
    )
    kalshi_base_url: Annotated[str | None, url("http", REST_PATH)] = setting(
        None,
        "REST address in place of KALSHI_ENV's; set it together with KALSHI_WS_URL",
        allowed=f"https://HOST{REST_PATH}",
    )
    kalshi_ws_url: Annotated[str | None, url("ws", STREAM_PATH)] = setting(
        None, "WebSocket address in place of KALSHI_ENV's", allowed=f"wss://HOST{STREAM_PATH}"
    )
    dry_run_mode: bool = setting(
        default=True,
        description="true: paper, real market data, simulated fills; false: live orders",
    )
    live_confirmation: Annotated[str | None, AfterValidator(_phrase)] = setting(
        None,
        f"the phrase {LIVE_PHRASE!r}, for live trading where nobody is at the keyboard",
        allowed=f"the phrase {LIVE_PHRASE!r}, or nothing",
    )


class Trading(Group):
    """What is traded, and how much of it"""

    enabled_strategies: StrategyNames = setting(
        ("kelly_volatility", "mean_reversion"),
        "strategies that trade",
        allowed="a comma list or a JSON list of names of files in core/strategies",
    )
    series: SeriesNames = setting(
        ("KXSOL15M",),
        "series to trade",
        allowed="a comma list or a JSON list, such as KXSOL15M,KXBTC15M",
    )
    spot_sources: SpotNames | None = setting(
        None,
        "spot venues whose prices stand in while the settlement index is silent; not set: all of "
        "them with credentials, none on the local exchange, which makes its own market",
        allowed="a comma list or a JSON list of coinbase, kraken, bitstamp, gemini; or none",
    )
    default_bankroll: float = setting(
        10_000.0,
        "money to start with; live uses the account's cash",
        "dollars",
        gt=0,
        le=100_000_000,
    )
    max_position_size: float = setting(
        1_000.0, "most money at risk in one trade", "dollars", gt=0, le=100_000_000
    )
    max_concurrent_positions: int = setting(
        5, "most markets held at once", "markets", ge=1, le=1_000
    )
    max_total_exposure: float = setting(
        5_000.0, "most money at risk in all trades together", "dollars", gt=0, le=100_000_000
    )
    max_daily_loss: float = setting(
        500.0,
        "a limit: no new risk until the trading day rolls (New York midnight)",
        "dollars",
        gt=0,
        le=100_000_000,
    )
    circuit_breaker_loss_threshold: float = setting(
        0.20,
        "a breaker, loss of the day over its opening equity: halts, cancels all, needs a reset",
        "fraction",
        gt=0,
        le=1,
    )
    circuit_breaker_drawdown_threshold: float = setting(
        0.15,
        "a breaker, fall from peak equity: halts, cancels all, needs a reset",
        "fraction",
        gt=0,
        le=1,
    )
    min_edge: float = setting(
        0.03,
        "least edge of a trade, after fees and uncertainty, against the price that would be paid",
        "dollars per contract",
        ge=0,
        lt=1,
    )
    min_confidence: float = setting(
        0.50, "least confidence of a signal that is traded", "probability", ge=0, lt=1
    )
    model_trust: float = setting(
        0.8,
        "weight of the model against the market's price before any window has been scored; 1: the "
        "model alone, for ever; settled windows move it to whoever forecasts better. Recorded "
        "markets say 0.25 (docs/pricing.md): set that before trading real money",
        "fraction",
        ge=0,
        le=1,
    )
    kelly_fraction: float = setting(
        0.25, "part of the full Kelly stake that is taken", "fraction", gt=0, le=1
    )
    min_seconds_left: float = setting(
        30.0,
        "no new risk closer to the close; strategies may ask for more",
        "seconds of the market",
        ge=0,
        lt=900,
    )
    max_seconds_left: float = setting(
        870.0,
        "no new risk earlier than this before the close",
        "seconds of the market",
        gt=0,
        le=900,
    )
    signal_cooldown_seconds: float = setting(
        15.0,
        "pause of a strategy in one market after a signal there",
        "seconds of the market",
        ge=0,
        le=900,
    )
    order_ttl_seconds: float = setting(
        20.0,
        "life of a resting order; it never reaches past the close",
        "seconds of the market",
        ge=1,
        le=900,
    )
    strategy: Parameters = setting(
        {},
        "parameters of strategies",
        allowed="STRATEGY__<NAME>__<PARAM>=value, or a TOML table [strategy.<name>]",
    )
