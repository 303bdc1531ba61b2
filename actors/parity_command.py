"""`run.py parity`: trade a session on the local exchange, play its tape, compare the decisions."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from actors.daemon import Daemon
from actors.venue_process import VenueProcessError
from config.logs import start_logging
from config.refusal import refusing
from config.settings import Settings, SettingsError, load
from core.domain.series import UnknownSeriesError
from core.journal import JournalError
from core.research.parity_replay import parity_of
from core.research.tape import TapeError
from core.strategies import StrategyError

if TYPE_CHECKING:
    from core.messages import Message
    from core.research.parity import Parity

EXIT_UNEXPLAINED = 1
_FAULTS = (
    SettingsError,
    StrategyError,
    UnknownSeriesError,
    JournalError,
    TapeError,
    VenueProcessError,
)


@click.command()
@click.option("--speed", default=10.0, show_default=True, help="Times real time.")
@click.option("--windows", default=2, show_default=True, type=click.IntRange(1))
@click.option("--actors", is_flag=True, help="Every role an actor of its own, not one hot host.")
@click.option("--tape", type=click.Path(path_type=Path), help="A session recorded before.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusing(*_FAULTS)
def parity(*, speed: float, windows: int, actors: bool, tape: Path | None, as_json: bool) -> None:
    """Compare a session with its own backtest; exit 1 if a difference is unexplained.

    Without --tape one is traded on a local exchange of its own, and thrown away.
    """
    with ExitStack() as stack:
        if tape is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parity-")))
            settings = _settings(folder, speed, actors=actors)
            tape = folder / "tape"
            _trade(settings, windows)
        else:
            settings = load({"SPEED": speed})
        found = parity_of(tape, settings, speed)
    click.echo(_json(found) if as_json else found.to_text())
    if found.unexplained:
        sys.exit(EXIT_UNEXPLAINED)


def _settings(folder: Path, speed: float, *, actors: bool) -> Settings:
    """The user's settings for a session in a folder of its own, on a local exchange of its own."""
    return load({"SPEED": speed}).model_copy(
        update={
            "kalshi_api_key": None,
            "kalshi_base_url": None,
            "kalshi_ws_url": None,
            "state_dir": folder,
            "record": True,
            "record_dir": folder / "tape",
            "placement": "actors" if actors else "fused",
        }
    )


def _trade(settings: Settings, windows: int) -> None:
    end_logging = start_logging(settings, "parity")
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        daemon = Daemon(settings, _unseen, windows)
        daemon.start()
        outcome = daemon.stop(daemon.wait(stop))
    finally:
        end_logging()
    if outcome.failure:
        msg = f"the session failed: {outcome.failure}; its log is on standard error"
        raise TapeError(msg)


def _json(found: Parity) -> str:
    extra = {"score": found.score, "unexplained": found.unexplained}
    return json.dumps({**msgspec.to_builtins(found), **extra})


def _unseen(message: Message) -> None:
    del message
