"""What the web layer is told once, when the system is put together. It reads no settings itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from config.effective import Row

LOCAL_HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")


class WebSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Frozen; any thread may read it. Durations in seconds of the machine."""

    token: str
    """The secret of this daemon, see `web.auth.load_token`."""
    viewer_token: str = ""
    """The secret of those who may look and not command; empty: there are none."""
    audit_path: Path | None = None
    """Where commands are written; None keeps them in memory only."""
    history_path: Path | None = None
    """Where past windows and results are remembered; None keeps them in memory."""
    log_path: Path | None = None
    """The daemon's own log, for `/api/logs`."""
    hosts: tuple[str, ...] = LOCAL_HOSTS
    """Names under which a browser may address this server; anything else is refused."""
    origins: tuple[str, ...] = ()
    """Foreign origins (`https://desk.example:8443`) that may read and command."""
    config: tuple[Row, ...] = ()
    command_timeout: float = 5.0
    """How long a command may wait for the actors."""
    picture_age: float = 5.0
    """A picture older than this is not served as the present."""
    max_streams: int = 16
    """Browsers at once. Each holds one worker of the server: give it at least eight more."""
    lag_frames: int = 512
    """A stream that is further behind than this is cut."""
    stall: float = 10.0
    """A stream that takes nothing for this long is cut."""
