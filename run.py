"""The command line: `python run.py` trades; `python run.py --help` lists what else there is.

Results go to standard output, logs to standard error. Bad input ends with exit code 2 and one
clear line for each fault. A run of `trade` ends with 1 when books differ or nothing proves that no
order rests, with 70 when the system itself failed.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click
import msgspec

from actors.daemon import Daemon
from actors.doctor import doctor
from actors.machine import check_core, limit_arenas, stay_on
from actors.notifications import notifier
from actors.outcome import Outcome, outcome_json
from actors.parity_command import parity
from actors.record_command import record
from actors.service import ServiceManager
from actors.venue_process import VenueProcessError
from config.log_view import logs
from config.logs import kv, start_logging
from config.presence import Claim
from config.refusal import refusing
from config.reload import Reloader
from config.settings import LIVE_PHRASE, Settings, SettingsError, effective, load
from core.assembly import Assembly, Surroundings
from core.clock import SystemClock
from core.domain.series import UnknownSeriesError
from core.exchange.auth import InvalidKey
from core.exchange.port import ExchangeError
from core.journal import JournalError
from core.journal_backup import backup, backup_name, restore
from core.journal_tools import Format, export, newest_journal, verify
from core.messages import ScreenFrame
from core.research.commands import RESEARCH, TapeError
from core.strategies import StrategyError
from core.topology_text import topology
from web.auth import TokenError
from web.exchange_command import exchange
from web.exchange_options import OptionsError
from web.hub import Hub
from web.remote import status
from web.server import CannotListen
from web.setup import web_settings
from web.site import Listen, Site

if TYPE_CHECKING:
    from core.messages import Message

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger("quarterhour")

EXIT_DIFFERS = 1
EXIT_FAILED = 70
SWITCH_SECONDS = 0.00001
"""Interpreter's switch interval. Beside a thread that never rests an order takes half of what it
takes with 0.0001 (`python -m tests.benchmarks order_path`); four such threads get as much done."""
NOTIFY_SECONDS = 5.0
"""Time for the last notifications after everything has stopped."""
BAD_INPUT = (
    SettingsError,
    StrategyError,
    UnknownSeriesError,
    JournalError,
    InvalidKey,
    TokenError,
    CannotListen,
    VenueProcessError,
    ExchangeError,
    OptionsError,
    TapeError,
)
"""Faults of what was given to us: one clear line, exit code 2, nothing half-started."""


class TradeByDefault(click.Group):
    """A group whose command is `trade` where none is named, also when options are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in where it was left out."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["trade", *args]
        return super().parse_args(ctx, args)


@click.group(cls=TradeByDefault, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Quarterhour trades Kalshi's 15-minute crypto markets. Without a command: trade."""


# --- trade -------------------------------------------------------------------------------------


@main.command()
@click.option("--speed", type=float, help="Pace of the local exchange, times real time.")
@click.option("--windows", type=click.IntRange(1), help="Stop after so many windows.")
@click.option("--seed", type=int, help="Seed of the local exchange.")
@click.option("--scenario", type=click.Choice(["synthetic", "tape"]), help="Its market.")
@click.option("--port", type=int, help="Port of dashboard and API; 0: any free one.")
@click.option("--fused", is_flag=True, help="Feed, strategies, risk, execution on one host.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
@refusing(*BAD_INPUT)
def trade(**options: object) -> None:
    """Trade until stopped: on the local exchange, on paper, or live (see the settings)."""
    given = {
        "SPEED": options.get("speed"),
        "EXCHANGE_SEED": options.get("seed"),
        "EXCHANGE_SCENARIO": options.get("scenario"),
        "API_PORT": options.get("port"),
        "PLACEMENT": "fused" if options.get("fused") else None,
    }
    settings = load(given)
    confirm_live(settings)
    Assembly(settings, Surroundings(mode=settings.mode))
    end_logging = start_logging(settings)
    windows = options.get("windows")
    try:
        reloader = Reloader(settings, lambda: load(given))
        outcome = run_daemon(settings, reloader, windows if isinstance(windows, int) else None)
    finally:
        end_logging()
    report(outcome, as_json=bool(options.get("as_json")))


def confirm_live(settings: Settings) -> None:
    """Real money needs its phrase: typed here, or set where nobody is at the keyboard."""
    if settings.mode != "live" or settings.live_confirmed:
        return
    if not sys.stdin.isatty():
        raise SettingsError([f"LIVE_CONFIRMATION: set it to {LIVE_PHRASE!r} to trade live"])
    typed = click.prompt(f"This trades real money. Type {LIVE_PHRASE!r} to go on", err=True)
    if " ".join(typed.split()).lower() != LIVE_PHRASE:
        raise SettingsError(["live trading was not confirmed; nothing was started"])


def _tune(settings: Settings) -> None:
    """Set what holds for the whole process, before threads start."""
    sys.setswitchinterval(SWITCH_SECONDS)
    limit_arenas()
    check_core(settings.cpu_core)


def run_daemon(settings: Settings, reloader: Reloader, windows: int | None) -> Outcome:
    """Bind the page's port, start everything, wait, stop everything."""
    _tune(settings)
    hub, teller = Hub(), notifier(settings)

    def screen(message: Message) -> None:
        if isinstance(message, ScreenFrame):
            hub.publish(message)
            if teller is not None:
                teller.take(message)

    daemon = Daemon(settings, screen, windows)
    web = web_settings(settings)
    claim = Claim(settings.mode_dir, settings.mode)
    listen = Listen(
        host=settings.api_host,
        port=settings.api_port,
        certificate=settings.api_tls_cert,
        key=settings.api_tls_key,
    )
    site = Site(hub, daemon.control, web, listen)
    stop, hung_up, manager = threading.Event(), threading.Event(), ServiceManager()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: hung_up.set())

    def glance() -> None:
        manager.alive()
        if hung_up.is_set():
            hung_up.clear()
            reloader.reload()

    try:
        if teller is not None:
            teller.start()
        daemon.start()
        site.start()
        stay_on(settings.cpu_core)
        _log.info("the page is open", extra=kv(address=site.address))
        click.echo(f"Dashboard: {site.address}/?token={web.token}", err=True)
        claim.announce(site.address)
        manager.ready(f"{settings.mode}, {site.address}")
        daemon.settle()
        failure = daemon.wait(stop, glance)
        manager.stopping()
        return daemon.stop(failure)
    finally:
        claim.release()
        site.stop()
        if teller is not None:
            teller.stop(NOTIFY_SECONDS)


def report(outcome: Outcome, *, as_json: bool) -> None:
    """Print how the run ended, and exit accordingly."""
    result = outcome_json(outcome)
    if as_json:
        click.echo(json.dumps(result))
    else:
        for name, value in result.items():
            click.echo(f"{name:12} {json.dumps(value)}")
    if outcome.failure:
        click.echo(f"stopped because {outcome.failure}", err=True)
        sys.exit(EXIT_FAILED)
    if outcome.differences or not outcome.proven:
        sys.exit(EXIT_DIFFERS)


# --- the journal -------------------------------------------------------------------------------


@main.command()
@click.argument("action", type=click.Choice(["verify", "export", "backup", "restore"]))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--format", "form", default="csv", type=click.Choice(["csv", "parquet"]))
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write; for restore the journal."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusing(*BAD_INPUT)
def journal(
    *, action: str, file: Path | None, form: Format, out: Path | None, as_json: bool
) -> None:
    """Prove a journal whole, export it, back it up, or restore it from a backup.

    Without FILE the newest journal of this mode; `restore` needs the backup's FILE.
    """
    if action == "restore":
        put_back(file, out)
        return
    path = file or newest_journal(load().mode_dir)
    if action == "export":
        click.echo(f"{export(path, form, out)} entries of {path}", err=True)
        return
    if action == "backup":
        now = SystemClock().now()
        proof = backup(path, out or backup_name(path, now))
    else:
        proof = verify(path)
    click.echo(msgspec.json.encode(proof) if as_json else proof.to_text())


def put_back(source: Path | None, journal: Path | None) -> None:
    """Restore a backup in place of a journal, the newest of this mode unless named."""
    if source is None:
        raise JournalError("name the backup: run.py journal restore FILE")
    if journal is None:
        settings = load()
        try:
            journal = newest_journal(settings.mode_dir)
        except JournalError:
            journal = settings.journal_path
    aside = restore(source, journal, SystemClock().now())
    kept = f"; the old one is {aside}" if aside else ""
    click.echo(f"{journal} is {source} again, halted{kept}", err=True)


# --- config ------------------------------------------------------------------------------------


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusing(*BAD_INPUT)
def config(*, as_json: bool) -> None:
    """Print the effective settings and where each came from; secrets are hidden."""
    rows = effective(load())
    if as_json:
        click.echo(
            json.dumps({row.name: {"value": row.value, "source": row.source} for row in rows})
        )
        return
    width = max(len(row.name) for row in rows)
    for row in rows:
        unit = f" {row.unit}" if row.unit else ""
        click.echo(f"{row.name:{width}}  {row.value or '-'}{unit}  [{row.source}]")


for command in (exchange, record, parity, *RESEARCH, doctor, status, logs, topology):
    main.add_command(command)


if __name__ == "__main__":
    main()
