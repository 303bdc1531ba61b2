"""Every setting, in groups. The name in capitals is its variable; the text is its help.

Durations marked "machine" keep the pace of the machine under SPEED (`core.clock.patience`); those
marked "market" are seconds of the venue's clock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, SecretStr

from config.fields import (
    Group,
    Origins,
    Parameters,
    SeriesNames,
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

    kalshi_api_key: str | None = setting(
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
        "a breaker, loss of the day as part of its opening equity: halts, cancels all, needs a reset",
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
        {}, "parameters of strategies: STRATEGY__<NAME>__<PARAM>, or a TOML table [strategy.<name>]"
    )


class Timing(Group):
    """How old is too old, and how long is too long"""

    index_fresh_seconds: float = setting(
        3.0, "an index print older than this is stale", "seconds of the machine", gt=0, le=60
    )
    book_fresh_seconds: float = setting(
        10.0,
        "a book not confirmed for longer than this is stale",
        "seconds of the machine",
        gt=0,
        le=300,
    )
    signal_ttl_seconds: float = setting(
        2.0,
        "a signal or approval older than this is dropped",
        "seconds of the machine",
        gt=0,
        le=60,
    )
    permit_lease_seconds: float = setting(
        3.0,
        "permission to trade ends unless renewed within this",
        "seconds of the machine",
        gt=0,
        le=60,
    )
    permit_renew_seconds: float = setting(
        1.0,
        "how often the supervisor renews the permission to trade",
        "seconds of the machine",
        gt=0,
        le=30,
    )
    heartbeat_seconds: float = setting(
        1.0,
        "how often every actor is asked for a sign of life",
        "seconds of the machine",
        gt=0,
        le=30,
    )
    heartbeat_timeout_seconds: float = setting(
        3.0,
        "an actor that gives no sign of life for longer is taken for hung",
        "seconds of the machine",
        gt=0,
        le=300,
    )
    reconcile_seconds: float = setting(
        10.0,
        "how often books are compared with the venue's",
        "seconds of the machine",
        ge=1,
        le=600,
    )
    connect_timeout_seconds: float = setting(
        3.0, "time to reach the venue", "seconds of the machine", gt=0, le=60
    )
    request_timeout_seconds: float = setting(
        5.0,
        "time for its answer; after that the outcome of an order is unknown",
        "seconds of the machine",
        gt=0,
        le=60,
    )
    stream_silence_seconds: float = setting(
        25.0,
        "a stream without any frame for longer is dead",
        "seconds of the machine",
        ge=5,
        le=300,
    )
    reconnect_first_seconds: float = setting(
        0.5,
        "first pause before connecting again, at most; it doubles, with jitter",
        "seconds of the machine",
        gt=0,
        le=60,
    )
    reconnect_max_seconds: float = setting(
        30.0, "longest pause before connecting again", "seconds of the machine", gt=0, le=600
    )
    shutdown_seconds: float = setting(
        20.0,
        "time for an orderly stop that leaves nothing resting",
        "seconds of the machine",
        ge=1,
        le=300,
    )


class LocalExchange(Group):
    """The local exchange"""

    speed: float = setting(
        1.0,
        "pace of the local exchange and of the daemon on it",
        "times real time",
        ge=0.1,
        le=1_000,
    )
    exchange_port: int = setting(0, "port of the local exchange; 0: any free one", ge=0, le=65_535)
    exchange_scenario: Literal["synthetic", "tape"] = setting(
        "synthetic", "where its market comes from: made up, or a recorded session"
    )
    exchange_tape: UserPath | None = setting(
        None,
        "the recorded session of the scenario tape; none: the sample that ships",
        allowed="the path of a tape",
    )
    exchange_seed: int = setting(
        7, "seed of everything random in the local exchange", ge=0, le=2**32 - 1
    )


class Machine(Group):
    """Web, logs and this machine"""

    api_host: str = setting("127.0.0.1", "address of dashboard and API", allowed="an address")
    api_port: int = setting(8000, "port of dashboard and API; 0: any free one", ge=0, le=65_535)
    cors_origins: Origins = setting(
        (),
        "other origins that may call the API from a browser",
        allowed="a comma list or a JSON list of origins, such as https://example.org",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", "least level that is logged"
    )
    log_megabytes: float = setting(
        20.0, "size at which the log file rotates", "MB", gt=0, le=10_000
    )
    log_files: int = setting(5, "rotated log files kept", "files", ge=1, le=1_000)
    log_storm_per_second: int = setting(
        20, "same line more often than this is counted and summed up", "lines", ge=1, le=100_000
    )
    state_dir: UserPath = setting(
        Path("var"),
        "folder of journal, tapes, logs, token and HALT file",
        allowed="the path of a folder",
    )
    quarterhour_config: UserPath | None = setting(
        None,
        "TOML file of settings; none: var/quarterhour.toml where it exists",
        allowed="the path of a TOML file",
    )
    placement: Literal["actors", "fused"] = setting(
        "actors", "every role an actor of its own; fused: feed to execution on one host"
    )
    request_workers: int = setting(
        2, "threads that carry requests to the venue", "threads", ge=1, le=16
    )


GROUPS = (Venue, Trading, Timing, LocalExchange, Machine)
