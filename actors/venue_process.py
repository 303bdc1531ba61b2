"""The local exchange as a child process: started, asked where it listens, ended with us."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec

from actors.child_process import RUN, await_end
from core.clock import ClockSpec

if TYPE_CHECKING:
    from config.settings import Settings


class VenueProcessError(Exception):
    """The local exchange did not come up; says what it printed."""


class VenueAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a local exchange listens, and with which key and clock."""

    base_url: str
    ws_url: str
    key_id: str
    private_key_path: str | None
    """None: the key of the settings."""
    clock: ClockSpec


class VenueProcess:
    """One child. It ends when we end it, and by itself when we are gone."""

    def __init__(self, settings: Settings) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program, arguments from settings
            _command(settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C at a terminal is for us; it must outlive our stop
        )
        self.address = self._listen()

    def _listen(self) -> VenueAddress:
        """Wait for the one line that tells it listens, or for its end."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            return msgspec.json.decode(line, type=VenueAddress)
        except msgspec.DecodeError as error:
            self.stop()
            said = line.strip() or f"nothing, and ended with {self._process.returncode}"
            msg = f"the local exchange did not come up; it said: {said}"
            raise VenueProcessError(msg) from error

    @property
    def alive(self) -> bool:
        """Whether the child runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Tell it that its parent is done, and wait; kill what does not listen."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await_end(self._process)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _command(settings: Settings) -> list[str]:
    options = {
        "--port": settings.exchange_port,
        "--seed": settings.exchange_seed,
        "--speed": settings.speed,
        "--scenario": settings.exchange_scenario,
        "--tape": settings.exchange_tape,
        "--cash": settings.default_bankroll,
        "--state-dir": settings.mode_dir / "exchange",
        "--series": ",".join(settings.series),
    }
    given = [
        text for name, value in options.items() if value is not None for text in (name, str(value))
    ]
    return [sys.executable, str(RUN), "exchange", "--with-parent", *given]


def describe(address: VenueAddress) -> str:
    """The line that `run.py exchange` prints."""
    return json.dumps(msgspec.to_builtins(address))
