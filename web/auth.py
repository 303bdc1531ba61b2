"""Nobody gets in: token, session cookie, host and origin checks, a limit on failures.

Programs send the token as `Authorization: Bearer ...`. A browser opens `/?token=...` once and gets
a cookie that scripts cannot read and other sites cannot use. The host check stops DNS rebinding,
the origin check stops other sites from writing or opening the stream with that cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import threading
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from web.errors import ApiError

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Request

    from web.settings import WebSettings

_TOKEN_BYTES: Final = 32
_SHORTEST_TOKEN: Final = 32
_FAILURES: Final = 10
_WINDOW: Final = 60.0
_ADDRESSES: Final = 1_024
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS: Final = frozenset({"/api/health"})
STREAM_PATH: Final = "/ws"


class TokenError(Exception):
    """The token's file cannot be used; says which file and the remedy."""


def load_token(path: Path) -> str:
    """The daemon's token: made on first use, readable by its owner only. Raises TokenError."""
    if path.exists():
        return _read_token(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        msg = f"cannot write the token {path}: {error.strerror or error}"
        raise TokenError(msg) from error
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
    return token


def _read_token(path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read the token {path}: {error}"
        raise TokenError(msg) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        msg = f"the token {path} can be read by others (mode {mode:o}): run chmod 600 {path}"
        raise TokenError(msg)
    if len(token) < _SHORTEST_TOKEN:
        msg = f"the token {path} is too short to be safe: delete the file, a new one is made"
        raise TokenError(msg)
    return token


class Failures:
    """Failed attempts per address within a minute. Thread-safe, bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def register(self, address: str) -> bool:
        """Count a failure; True when there were too many."""
        now = time.monotonic()
        with self._lock:
            times = self._times.setdefault(address, deque(maxlen=_FAILURES + 1))
            self._times.move_to_end(address)
            if len(self._times) > _ADDRESSES:
                self._times.popitem(last=False)
            while times and now - times[0] > _WINDOW:
                times.popleft()
            times.append(now)
            return len(times) > _FAILURES


class Gate:
    """Decides whether a request may come in. Thread-safe; every check raises ApiError."""

    def __init__(self, settings: WebSettings) -> None:
        self._token = settings.token.encode()
        self._hosts = frozenset(host.lower() for host in settings.hosts)
        self._origins = frozenset(settings.origins)
        self._failures = Failures()
        digest = hashlib.sha256(self._token).hexdigest()
        # Cookies know no ports: the name keeps two daemons on one machine apart.
        self.cookie = f"quarterhour_{digest[:8]}"
        # Not the token itself: whoever reads a browser's cookies gets no bearer token.
        self.session = hmac.new(self._token, b"session", hashlib.sha256).hexdigest()

    def check(self, request: Request) -> None:
        """All checks of a request, cheapest first."""
        self.check_host(request)
        if request.path in OPEN_PATHS:
            return
        bearer = request.headers.get("Authorization")
        if not (self._bearer_fits(bearer) if bearer is not None else self._cookie_fits(request)):
            raise self.failure(request)
        if request.path == STREAM_PATH or request.method not in _READS:
            self.check_origin(request, needed=bearer is None)

    def check_host(self, request: Request) -> None:
        """The name by which the client found us must be one of ours: no DNS rebinding."""
        host = request.headers.get("Host", "")
        if _hostname(host) not in self._hosts:
            raise ApiError(
                403, "host_not_allowed", f"this server does not answer for {host[:80]!r}"
            )

    def check_origin(self, request: Request, *, needed: bool) -> None:
        """A browser's page may write only if it came from here or from a listed origin.

        `needed`: the client is known by its cookie alone, so it is a browser and must say.
        """
        origin = request.headers.get("Origin")
        if origin is None and not needed:
            return
        own = f"{request.scheme}://{request.headers.get('Host', '')}"
        if origin is None or (origin != own and origin not in self._origins):
            raise ApiError(403, "origin_not_allowed", "this origin may not do that")

    def token_fits(self, given: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(given.encode(), self._token)

    def failure(self, request: Request) -> ApiError:
        """The answer to wrong or missing credentials: 401, or 429 after too many.

        Right credentials are never kept out: on one machine everybody has one address, and a
        forgotten tab must not lock the operator out of the stop button.
        """
        if self._failures.register(request.remote_addr or ""):
            return ApiError(429, "too_many_failures", "too many failed attempts: wait a minute")
        return ApiError(
            401, "unauthorized", "a token is needed: open the link printed at start, or send it"
        )

    def _bearer_fits(self, header: str) -> bool:
        scheme, _, given = header.partition(" ")
        return scheme.lower() == "bearer" and self.token_fits(given.strip())

    def _cookie_fits(self, request: Request) -> bool:
        given = request.cookies.get(self.cookie, "")
        return hmac.compare_digest(given.encode(), self.session.encode())


def _hostname(host: str) -> str:
    """`127.0.0.1:8000` -> `127.0.0.1`, `[::1]:8000` -> `[::1]`; empty for what is no host."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
    return f"[{name}]" if ":" in name else name
