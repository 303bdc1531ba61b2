"""The command `run.py exchange`: the local exchange alone, for any program that speaks Kalshi."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from config.logs import start_logging
from config.refusal import refusing
from config.settings import SettingsError, load
from core.exchange.auth import InvalidKey
from web.exchange import serve_exchange
from web.exchange_options import OptionsError, options_from_command_line
from web.server import CannotListen


@click.command()
@click.option("--port", default=0, help="0: any free one.")
@click.option("--seed", default=7, help="Of everything random.")
@click.option("--speed", default=1.0, type=click.FloatRange(0.1, 1000), help="Times real time.")
@click.option("--start", help="What its clock shows first, as 2026-11-22T15:00:00Z.")
@click.option("--scenario", default="synthetic", type=click.Choice(["synthetic", "tape"]))
@click.option("--tape", type=click.Path(path_type=Path), help="None: the sample that ships.")
@click.option("--series", default="KXSOL15M", help="Comma list.")
@click.option("--cash", default=10_000.0, help="Dollars of the account, on the crypto shard.")
@click.option("--key-id", help="Key of a client of yours; goes with --public-key.")
@click.option("--public-key", type=click.Path(path_type=Path), help="Its public key, PEM.")
@click.option("--state-dir", default="var/exchange", type=click.Path(path_type=Path))
@click.option("--key-type", default="rsa", type=click.Choice(["rsa", "ed25519"]))
@click.option("--skew", default=5.0, help="Seconds that a time stamp may be off.")
@click.option("--lag", default=0.0, help="Seconds that portfolio reads are behind.")
@click.option("--archive-days", default=14.0, help="Age at which rows are historical.")
@click.option("--cancel-all-tail", default=60.0, help="Seconds; 0 has none.")
@click.option("--empty-sides", default="omit", type=click.Choice(["omit", "send"]))
@click.option("--fee-rounding", default="A", type=click.Choice(["A", "B"]))
@click.option("--maker-fees", is_flag=True, help="Makers pay, too.")
@click.option("--settlement-tail", is_flag=True, help="Settlements as late as recorded.")
@click.option("--tier", default="basic", help="Whose rate limits are enforced; none: nobody's.")
@click.option("--faults", type=click.Path(path_type=Path), help="Script of what goes wrong.")
@click.option("--with-parent", is_flag=True, help="End when standard input ends.")
@click.option("--json", is_flag=True, expose_value=False, help="As without: one JSON line.")
@refusing(OptionsError, InvalidKey, SettingsError, CannotListen)
def exchange(*, with_parent: bool, **given: Any) -> None:  # noqa: ANN401 - click's options
    """Run the local exchange alone; prints one JSON line once it listens."""
    end_logging = start_logging(load(), "exchange")
    try:
        running = serve_exchange(options_from_command_line(**given))
        for number in (signal.SIGTERM, signal.SIGINT):
            # A service manager signals the whole group; a child waits for its parent's orderly end.
            signal.signal(
                number, signal.SIG_IGN if with_parent else lambda *_: running.request_stop()
            )
        running.announce()
        running.wait(with_parent=with_parent)
    finally:
        end_logging()
