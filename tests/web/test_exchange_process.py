"""Starting and ending a local exchange: what it announces, refuses, leaves behind."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from core.clock import ScaledClock
from core.exchange.auth import (
    InvalidKey,
    Signer,
    generate_rsa,
    public_pem,
    read_private_key,
)
from core.exchange.kalshi import Timeouts, connect
from core.exchange.listing import MarketStatus
from core.exchange.wire.scalars import rfc3339
from core.units import SECOND, Money, Nanos
from web.exchange import Announcement, RunningExchange, serve_exchange
from web.exchange_options import ExchangeOptions, OptionsError
from web.server import PortTaken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.exchange.endpoints import KalshiExchange

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = Timeouts(connect=30, read=60)
WAIT = 120


@pytest.fixture
def options(tmp_path: Path) -> ExchangeOptions:
    return ExchangeOptions(state=tmp_path, key_type="ed25519", streams=2)


@pytest.fixture
def running(options: ExchangeOptions) -> Iterator[RunningExchange]:
    running = serve_exchange(options)
    yield running
    running.stop()


def client(told: Announcement) -> KalshiExchange:
    assert told.clock is not None
    assert told.private_key_path is not None
    key = read_private_key(Path(told.private_key_path))
    signer = Signer(told.key_id, key, ScaledClock.from_spec(told.clock))
    return connect(told.base_url, signer, PATIENCE)


def test_the_announced_key_trades_the_announced_account(running: RunningExchange) -> None:
    exchange = client(running.announcement)
    assert exchange.balance().on_shard(2) == Money(10_000_000_000)
    assert exchange.markets(series="KXSOL15M", status=MarketStatus.ACTIVE)
    exchange.close()


def test_the_generated_key_is_its_owners_alone_and_goes_with_the_exchange(
    options: ExchangeOptions,
) -> None:
    running = serve_exchange(options)
    assert running.announcement.private_key_path is not None
    path = Path(running.announcement.private_key_path)
    mode = stat.S_IMODE(path.stat().st_mode)
    running.stop()
    running.stop()
    assert mode == 0o600
    assert list(options.state.iterdir()) == []


def test_a_client_may_bring_its_own_key(options: ExchangeOptions, tmp_path: Path) -> None:
    key = generate_rsa()
    public = tmp_path / "mine.pem"
    public.write_bytes(public_pem(key.public_key()))
    mine = msgspec.structs.replace(options, key_id="mine", public_key=public)
    running = serve_exchange(mine)
    told = running.announcement
    assert told.clock is not None
    signer = Signer("mine", key, ScaledClock.from_spec(told.clock))
    exchange = connect(told.base_url, signer, PATIENCE)
    cash = exchange.balance().cash
    exchange.close()
    running.stop()
    assert (told.key_id, told.private_key_path) == ("mine", None)
    assert cash == options.cash


def test_a_taken_port_is_refused_before_anything_has_started(
    running: RunningExchange, options: ExchangeOptions, tmp_path: Path
) -> None:
    threads, files = set(threading.enumerate()), set(tmp_path.iterdir())
    taken = msgspec.structs.replace(options, port=running.port)
    with pytest.raises(PortTaken, match=str(running.port)):
        serve_exchange(taken)
    assert set(threading.enumerate()) <= threads
    assert set(tmp_path.iterdir()) == files


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key_id": "mine"}, "--public-key"),
        ({"tape": Path("x.parquet")}, "--scenario tape"),
        ({"scenario": "tape", "tape": Path("absent.parquet")}, "absent.parquet"),
        ({"series": ("KXNONE15M",)}, "KXNONE15M.*KXSOL15M"),
        ({"series": ()}, "KXSOL15M"),
        ({"scenario": "tape", "series": ("KXBTC15M",)}, "KXBTC15M"),
    ],
)
def test_options_that_cannot_work_are_refused_in_words(
    options: ExchangeOptions, change: dict[str, object], words: str
) -> None:
    with pytest.raises(OptionsError, match=words):
        serve_exchange(msgspec.structs.replace(options, **change))


def test_a_public_key_that_cannot_be_read_is_named(
    options: ExchangeOptions, tmp_path: Path
) -> None:
    path = tmp_path / "broken.pem"
    path.write_text("no key")
    with pytest.raises(InvalidKey, match=r"broken\.pem.*BEGIN PUBLIC KEY"):
        serve_exchange(msgspec.structs.replace(options, key_id="mine", public_key=path))


def test_the_clock_starts_where_it_is_told_and_runs_at_its_speed(
    options: ExchangeOptions,
) -> None:
    start = rfc3339("2026-11-22T15:05:00Z")
    fast = msgspec.structs.replace(options, start=start, speed=100.0)
    running = serve_exchange(fast)
    exchange = client(running.announcement)
    seen = exchange.user_data_timestamp()
    while exchange.user_data_timestamp() < seen + 2 * SECOND:
        pass
    exchange.close()
    running.stop()
    assert running.announcement.clock is not None
    assert running.announcement.clock.speed == 100.0
    assert start <= seen < Nanos(start + 600 * SECOND)


def test_the_sample_tape_plays(options: ExchangeOptions) -> None:
    start = rfc3339("2026-11-22T15:05:00Z")
    running = serve_exchange(msgspec.structs.replace(options, scenario="tape", start=start))
    exchange = client(running.announcement)
    (market,) = exchange.markets(series="KXSOL15M", status=MarketStatus.ACTIVE)
    book = exchange.order_book(market.ticker)
    exchange.close()
    running.stop()
    assert market.ticker == "KXSOL15M-26NOV221015-15"
    assert book.yes or book.no


def test_a_failure_of_the_engine_ends_the_process_with_its_reason(
    options: ExchangeOptions, caplog: pytest.LogCaptureFixture
) -> None:
    running = serve_exchange(options)
    caplog.clear()

    class Broken:
        def advance(self, now: Nanos) -> None:
            raise ArithmeticError(now)

        def next_due(self) -> Nanos:
            return Nanos(0)

    running.host._scenario = Broken()
    with pytest.raises(ArithmeticError):
        running.wait()


@pytest.mark.parametrize("end", ["parent", "signal"])
def test_the_command_announces_itself_on_one_line_and_ends_when_it_is_told(
    tmp_path: Path, end: str
) -> None:
    command = [sys.executable, str(ROOT / "run.py"), "exchange"]
    command += ["--with-parent"] if end == "parent" else []
    with subprocess.Popen(  # noqa: S603 - our own program
        [*command, "--state-dir", str(tmp_path / "state"), "--speed", "10"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        told = msgspec.json.decode(process.stdout.readline(), type=Announcement)
        exchange = client(told)
        cash = exchange.balance().cash
        exchange.close()
        if end == "parent":
            process.stdin.close()
        else:
            process.terminate()
        code = process.wait(WAIT)
        rest = process.stdout.read()
    assert cash == Money(10_000_000_000)
    assert (code, rest) == (0, b"")
    assert list((tmp_path / "state").iterdir()) == []
