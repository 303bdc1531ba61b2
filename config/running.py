"""Settings of time, local exchange and machine. The text of each is its help.

Seconds of the machine keep its pace under SPEED (`core.clock.patience`); seconds of the market are
those of the venue's clock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from config.fields import Group, HostNames, Origins, UserPath, setting


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
        0.5,
        "how often every actor is asked for a sign of life",
        "seconds of the machine",
        gt=0,
        le=30,
    )
    heartbeat_timeout_seconds: float = setting(
        2.0,
        "an actor that gives no sign of life for longer is taken for hung",
        "seconds of the machine",
        gt=0,
        le=300,
    )
    reconcile_seconds: float = setting(
        60.0,
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


class Recording(Group):
    """Recording"""

    record: bool = setting(
        default=True, description="write a tape of what comes in and of what is decided on it"
    )
    record_dir: UserPath | None = setting(
        None,
        "folder of the tape; none: tapes beside the journal",
        allowed="the path of a folder",
    )
    record_segment_seconds: float = setting(
        60.0,
        "how often a segment is written; a kill costs no more than one",
        "seconds of the machine",
        ge=1,
        le=3_600,
    )
    record_keep_days: int = setting(
        90, "recorded days that are kept; 0: every day", "days", ge=0, le=10_000
    )
    record_gigabytes: float = setting(
        20.0,
        "size of the tape above which its oldest days are removed",
        "GB",
        gt=0,
        le=100_000,
    )


class Machine(Group):
    """Web, logs and this machine"""

    api_host: str = setting("127.0.0.1", "address of dashboard and API", allowed="an address")
    api_port: int = setting(8000, "port of dashboard and API; 0: any free one", ge=0, le=65_535)
    api_names: HostNames = setting(
        (),
        "other names of this server that browsers may use",
        allowed="a comma list or a JSON list of host names, such as desk.example.org",
    )
    api_tls_cert: UserPath | None = setting(
        None,
        "certificate chain for https, in PEM; none: plain http",
        allowed="the path of a file",
    )
    api_tls_key: UserPath | None = setting(
        None, "its private key, in PEM without a password", allowed="the path of a file"
    )
    api_allow_plain: bool = setting(
        default=False,
        description="serve other machines without TLS: whoever listens on the way can trade",
    )
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
        "actors",
        "every role an actor of its own; fused: feed to execution on one host, which the reader of "
        "the market's stream carries itself",
    )
    cpu_core: int | None = setting(
        None,
        "core of the machine that all threads stay on, and should have for themselves; none: the "
        "system chooses",
        ge=0,
        allowed="the number of a core",
    )
    request_workers: int = setting(
        2, "threads that carry requests to the venue", "threads", ge=1, le=16
    )
    fast_orders: bool = setting(
        default=True,
        description="orders leave on connections of their own, signed ahead, in one write; false: "
        "through requests, signed when they are sent",
    )
    presign_milliseconds: int = setting(
        250,
        "pause between two makings of the signatures that lie ready for orders",
        "milliseconds",
        ge=20,
        le=1_000,
    )
