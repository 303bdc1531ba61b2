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
from typing import TYPE_CHECKING, Final

import click

from config.command_table import Late, LateGroup
from config.refusal import refusing_late

if TYPE_CHECKING:
    from actors.outcome import Outcome
    from config.reload import Reloader
    from config.settings import Settings
    from core.messages import Message
    from web.control import Control
    from web.hub import Hub
    from web.site import Site

_log = logging.getLogger("quarterhour")

EXIT_DIFFERS = 1
EXIT_FAILED = 70
SWITCH_SECONDS = 0.00001
"""Interpreter's switch interval. Beside a thread that never rests an order takes half of what it
takes with 0.0001 (`python -m tests.benchmarks order_path`); four such threads get as much done."""
NOTIFY_SECONDS = 5.0
"""Time for the last notifications after everything has stopped."""
COMMANDS: Final = {
    "backtest": Late(
        "core.research.backtest_command:backtest",
        "Play TAPE through the daemon's own roles; without TAPE, the sample that ships.",
    ),
    "config": Late(
        "config.effective_command:config",
        "Print the effective settings and where each came from; secrets are hidden.",
    ),
    "doctor": Late(
        "actors.doctor:doctor",
        "Examine settings, key, exchange, account and machine; exit 1 on warnings, 2 on failures.",
    ),
    "exchange": Late(
        "web.exchange_command:exchange",
        "Run the local exchange alone; prints one JSON line once it listens.",
    ),
    "journal": Late(
        "core.journal_command:journal",
        "Prove a journal whole, export it, back it up, or restore it from a backup.",
    ),
    "logs": Late("config.log_view:logs", "Show the end of the daemon's log."),
    "new-strategy": Late(
        "core.research.scaffold:new_strategy",
        "Write a strategy NAME and its test, ready to run, to be changed into your own.",
    ),
    "parity": Late(
        "actors.parity_command:parity",
        "Compare a session with its own backtest; exit 1 if a difference is unexplained.",
    ),
    "record": Late(
        "actors.record_command:record",
        "Write a tape until stopped, and trade nothing; stop with Ctrl-C.",
    ),
    "report": Late(
        "core.research.report_command:report",
        "One HTML page, with its tables as CSV, of what was traded or searched.",
    ),
    "score": Late(
        "core.research.score_command:score",
        "Hold the market's probabilities and ours on TAPES against what happened.",
    ),
    "status": Late(
        "web.remote:status",
        "Tell how the running daemon stands; exit 0 trading, 1 not trading, 3 not running.",
    ),
    "sweep": Late(
        "core.research.sweep_command:sweep",
        "Search parameters of a strategy on TAPE, and tell how much of what was found is luck.",
    ),
    "tape": Late(
        "core.research.tape_commands:tape",
        "Look at recorded market data, make it of other recordings, prove it whole.",
    ),
    "topology": Late(
        "core.topology_text:topology",
        "Print who gets which message, who writes which event, and how each role lives.",
    ),
}
"""All but `trade`."""


def bad_input() -> tuple[type[Exception], ...]:
    """Faults of what was given to us: one clear line, exit code 2, nothing half-started."""
    from actors.venue_process import VenueProcessError
    from config.faults import SettingsError
    from core.domain.series import UnknownSeriesError
    from core.exchange.auth import InvalidKey
    from core.exchange.port import ExchangeError
    from core.journal import JournalError
    from core.research.tape_files import TapeError
    from core.strategies import StrategyError
    from web.auth import TokenError
    from web.exchange_options import OptionsError
    from web.server import CannotListen

    return (
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


class TradeByDefault(LateGroup):
    """A group whose command is `trade` where none is named, also when options are."""

    late = COMMANDS

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in where it was left out."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["trade", *args]
        return super().parse_args(ctx, args)


@click.group(cls=TradeByDefault, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Quarterhour trades Kalshi's 15-minute crypto markets. Without a command: trade."""


@main.command()
@click.option("--speed", type=float, help="Pace of the local exchange, times real time.")
@click.option("--windows", type=click.IntRange(1), help="Stop after so many windows.")
@click.option("--seed", type=int, help="Seed of the local exchange.")
@click.option("--scenario", type=click.Choice(["synthetic", "tape"]), help="Its market.")
@click.option("--port", type=int, help="Port of dashboard and API; 0: any free one.")
@click.option("--fused", is_flag=True, help="Feed, strategies, risk, execution on one host.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
@refusing_late(bad_input)
def trade(**options: object) -> None:
    """Trade until stopped: on the local exchange, on paper, or live (see the settings)."""
    from config.logs import start_logging
    from config.reload import Reloader
    from config.settings import load
    from core.assembly import Assembly, Surroundings

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
    from config.settings import LIVE_PHRASE, SettingsError

    if settings.mode != "live" or settings.live_confirmed:
        return
    if not sys.stdin.isatty():
        raise SettingsError([f"LIVE_CONFIRMATION: set it to {LIVE_PHRASE!r} to trade live"])
    typed = click.prompt(f"This trades real money. Type {LIVE_PHRASE!r} to go on", err=True)
    if " ".join(typed.split()).lower() != LIVE_PHRASE:
        raise SettingsError(["live trading was not confirmed; nothing was started"])


def _tune(settings: Settings) -> None:
    """Set what holds for the whole process, before threads start."""
    from actors.machine import check_core, limit_arenas

    sys.setswitchinterval(SWITCH_SECONDS)
    limit_arenas()
    check_core(settings.cpu_core)


def run_daemon(settings: Settings, reloader: Reloader, windows: int | None) -> Outcome:
    """Bind the page's port, start everything, wait, stop everything."""
    from actors.daemon import Daemon
    from actors.machine import stay_on
    from actors.notifications import notifier
    from actors.service import ServiceManager
    from config.logs import kv
    from config.presence import Claim
    from core.messages import ScreenFrame
    from web.hub import Hub

    _tune(settings)
    hub, teller = Hub(), notifier(settings)

    def screen(message: Message) -> None:
        if isinstance(message, ScreenFrame):
            hub.publish(message)
            if teller is not None:
                teller.take(message)

    daemon = Daemon(settings, screen, windows)
    claim = Claim(settings.mode_dir, settings.mode)
    site, token = page(settings, hub, daemon.control)
    manager, (stop, hung_up) = ServiceManager(), signals()

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
        click.echo(f"Dashboard: {site.address}/?token={token}", err=True)
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


def signals() -> tuple[threading.Event, threading.Event]:
    """Set once the process is told to stop; each time it is told to read its settings again."""
    stop, hung_up = threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: hung_up.set())
    return stop, hung_up


def page(settings: Settings, hub: Hub, control: Control) -> tuple[Site, str]:
    """The page's server, and the token that opens it."""
    from web.setup import web_settings
    from web.site import Listen, Site

    web = web_settings(settings)
    listen = Listen(
        host=settings.api_host,
        port=settings.api_port,
        certificate=settings.api_tls_cert,
        key=settings.api_tls_key,
    )
    return Site(hub, control, web, listen), web.token


def report(outcome: Outcome, *, as_json: bool) -> None:
    """Print how the run ended, and exit accordingly."""
    from actors.outcome import outcome_json

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


if __name__ == "__main__":
    main()
