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
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

import msgspec
from flask import g

from web.errors import ApiError

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Request

    from web.settings import WebSettings

OWNER_ONLY: Final = 0o600
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_TOKEN_BYTES: Final = 32
_SHORTEST_TOKEN: Final = 32
_FAILURES: Final = 10
_WINDOW: Final = 60.0
_ADDRESSES: Final = 1_024
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS: Final = frozenset({"/api/health"})
STREAM_PATH: Final = "/ws"


Role = Literal["operator", "viewer"]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends a request: what the credentials allow, and from where."""

    role: Role
    address: str

    @property
    def may_command(self) -> bool:
        """A viewer may only look."""
        return self.role == "operator"

    def __str__(self) -> str:
        return f"{self.role} {self.address}"


def caller(request: Request) -> Caller:
    """The sender of a request that the gate has let in; a viewer where nothing is known."""
    return Caller(role=g.get("role", "viewer"), address=request.remote_addr or "")


class TokenError(Exception):
    """The token's file cannot be used; says which file and the remedy."""


def load_token(path: Path) -> str:
    """The daemon's token: made on first use, readable by its owner only. Raises TokenError."""
    if path.exists():
        return _read_token(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY)
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
    if mode & OTHERS:
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
        self._viewer = settings.viewer_token.encode()
        self._hosts = frozenset(host.lower() for host in settings.hosts)
        self._origins = frozenset(settings.origins)
        self._failures = Failures()
        digest = hashlib.sha256(self._token).hexdigest()
        # Cookies know no ports: the name keeps two daemons on one machine apart.
        self.cookie = f"quarterhour_{digest[:8]}"
        # Not the token itself: whoever reads a browser's cookies gets no bearer token.
        self.session = _session(self._token)

    def check(self, request: Request) -> None:
        """All checks of a request, cheapest first."""
        self.check_host(request)
        if request.path in OPEN_PATHS:
            return
        bearer = request.headers.get("Authorization")
        role = self._cookie_role(request) if bearer is None else self._bearer_role(bearer)
        if role is None:
            guessed = bearer is not None or self.cookie in request.cookies
            raise self.failure(request) if guessed else _nobody()
        g.role = role
        self.check_role(role, request)
        if request.path == STREAM_PATH or request.method not in _READS:
            self.check_origin(request, needed=bearer is None)

    def check_role(self, role: Role, request: Request) -> None:
        """A viewer's request may not change anything."""
        if role == "viewer" and request.method not in _READS:
            raise ApiError(403, "read_only", "this token may look and not command")

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

    def session_for(self, given: str) -> str | None:
        """The cookie's value that a token is worth; None for a wrong one."""
        if self.token_fits(given):
            return self.session
        return _session(self._viewer) if self._viewer_fits(given) else None

    def failure(self, request: Request) -> ApiError:
        """The answer to wrong or missing credentials: 401, or 429 after too many.

        Right credentials are never kept out: on one machine everybody has one address, and a
        forgotten tab must not lock the operator out of the stop button.
        """
        if self._failures.register(request.remote_addr or ""):
            return ApiError(429, "too_many_failures", "too many failed attempts: wait a minute")
        return _nobody()

    def _bearer_role(self, header: str) -> Role | None:
        scheme, _, given = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        if self.token_fits(given.strip()):
            return "operator"
        return "viewer" if self._viewer_fits(given.strip()) else None

    def _cookie_role(self, request: Request) -> Role | None:
        given = request.cookies.get(self.cookie, "")
        if self._cookie_fits(given, self.session):
            return "operator"
        known = bool(self._viewer) and self._cookie_fits(given, _session(self._viewer))
        return "viewer" if known else None

    def _cookie_fits(self, given: str, session: str) -> bool:
        return hmac.compare_digest(given.encode(), session.encode())

    def _viewer_fits(self, given: str) -> bool:
        return bool(self._viewer) and hmac.compare_digest(given.encode(), self._viewer)


def _nobody() -> ApiError:
    """Who sends nothing has guessed nothing: it counts as no failure."""
    return ApiError(
        401, "unauthorized", "a token is needed: open the link printed at start, or send it"
    )


def _session(token: bytes) -> str:
    return hmac.new(token, b"session", hashlib.sha256).hexdigest()


def _hostname(host: str) -> str:
    """`127.0.0.1:8000` -> `127.0.0.1`, `[::1]:8000` -> `[::1]`; empty for what is no host."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
    return f"[{name}]" if ":" in name else name
