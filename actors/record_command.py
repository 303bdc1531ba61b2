"""`run.py record`: a daemon that follows the market, writes its tape, and trades nothing."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from actors.daemon import Daemon
from actors.venue_process import VenueProcessError
from config.logs import start_logging
from config.refusal import refusing
from config.settings import Settings, SettingsError, load
from core.domain.series import UnknownSeriesError
from core.exchange.auth import InvalidKey
from core.exchange.port import ExchangeError
from core.journal import JournalError
from core.research.tape import TapeError

if TYPE_CHECKING:
    from core.messages import Message

EXIT_FAILED = 70
_FAULTS = (
    SettingsError,
    UnknownSeriesError,
    InvalidKey,
    ExchangeError,
    JournalError,
    TapeError,
    VenueProcessError,
)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder; else RECORD_DIR.")
@click.option("--series", help="Comma list; else SERIES.")
@click.option("--windows", type=click.IntRange(1), help="Stop after so many windows.")
@click.option("--seconds", type=click.FloatRange(1), help="Stop after so much time.")
@click.option("--speed", type=float, help="Pace of the local exchange, times real time.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusing(*_FAULTS)
def record(*, windows: int | None, seconds: float | None, as_json: bool, **given: object) -> None:
    """Write a tape until stopped, and trade nothing; stop with Ctrl-C."""
    names = {"out": "RECORD_DIR", "series": "SERIES", "speed": "SPEED"}
    settings = watching(load({names[option]: value for option, value in given.items()}))
    end_logging = start_logging(settings, "record")
    try:
        said = follow(settings, windows, seconds)
    finally:
        end_logging()
    if as_json:
        click.echo(json.dumps(said))
    else:
        for name, value in said.items():
            click.echo(f"{name:8} {value}")
    if said["failure"]:
        sys.exit(EXIT_FAILED)


def watching(settings: Settings) -> Settings:
    """The settings of a daemon that has no strategy, no order, and books of its own."""
    return settings.model_copy(
        update={
            "enabled_strategies": (),
            "dry_run_mode": True,
            "record": True,
            "record_dir": settings.record_dir
            or (settings.recordings if settings.mode != "local" else None),
            "state_dir": settings.state_dir / "record",
        }
    )


def follow(settings: Settings, windows: int | None, seconds: float | None) -> dict[str, object]:
    """Record until a signal, so many windows, or so many seconds; what was written."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    daemon = Daemon(settings, _unseen, windows)
    daemon.start()
    recorder = daemon.recorder
    assert recorder is not None
    click.echo(f"recording to {recorder.root}", err=True)
    timer = threading.Timer(seconds, stop.set) if seconds else None
    if timer is not None:
        timer.start()
    failure = daemon.wait(stop)
    if timer is not None:
        timer.cancel()
    outcome = daemon.stop(failure)
    return {
        "tape": str(recorder.root),
        "records": recorder.written,
        "lost": recorder.lost,
        "windows": outcome.tally.windows,
        "failure": outcome.failure,
    }


def _unseen(message: Message) -> None:
    del message
