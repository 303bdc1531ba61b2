"""Whose key signed a request, and may it: the local exchange verifies as the real one does.

Signatures: kalshi.md 1.3. Scopes: 1.2; a parent (`read`, `write`) stands for its children.
"""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Final

import msgspec
from flask import Blueprint, Flask, Response, g, request

from core.clock import patience
from core.exchange.auth import (
    KEY_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    PublicKey,
    signed_text,
    verify,
)
from core.exchange.port import Unauthorized
from core.exchange.wire.keys import ApiKeyJson, ApiKeysJson
from core.exchange.wire.scalars import from_ms
from core.units import SECOND, Nanos
from web.exchange_requests import account, answer

if TYPE_CHECKING:
    from core.clock import Clock

_DIGITS: Final = 16
_UNAUTHENTICATED: Final = 401
_FORBIDDEN: Final = 403
FULL: Final = ("read", "write")
"""What a key may do that was made without saying."""


class _Key(msgspec.Struct, frozen=True, kw_only=True):
    public: PublicKey
    account: str
    scopes: tuple[str, ...]


class KeyRing:
    """Registered public keys and their accounts. Any thread."""

    def __init__(self, clock: Clock, skew_seconds: float) -> None:
        self._clock = clock
        self._skew_seconds = skew_seconds
        self._keys: dict[str, _Key] = {}
        self.offset = Nanos(0)
        """How far the exchange's own clock is off, as a fault."""

    def now(self) -> Nanos:
        """What the exchange's clock shows, fault included."""
        return Nanos(self._clock.now() + self.offset)

    def register(
        self, key_id: str, key: PublicKey, account: str, scopes: tuple[str, ...] = FULL
    ) -> None:
        """Let a key act for an account."""
        self._keys[key_id] = _Key(public=key, account=account, scopes=scopes)

    def listed(self, account: str) -> tuple[ApiKeyJson, ...]:
        """The keys of an account."""
        return tuple(
            ApiKeyJson(api_key_id=key_id, name=f"local {number}", scopes=key.scopes)
            for number, (key_id, key) in enumerate(self._keys.items(), 1)
            if key.account == account
        )

    def authenticate(self, method: str, path: str) -> str:
        """The account behind the current request's signature. Raises Unauthorized."""
        key_id = request.headers.get(KEY_HEADER, "")
        timestamp = request.headers.get(TIMESTAMP_HEADER, "")
        signature = request.headers.get(SIGNATURE_HEADER, "")
        if not (key_id and timestamp and signature):
            raise _refusal("authentication_error", "missing authentication headers")
        if key_id not in self._keys:
            raise _refusal("NOT_FOUND", "api key not found")
        self._check_age(timestamp)
        key = self._keys[key_id]
        if not verify(key.public, signed_text(timestamp, method, path), signature):
            raise _refusal("INCORRECT_API_KEY_SIGNATURE", "incorrect api key signature")
        if not _may(key.scopes, method, path):
            shown = ", ".join(key.scopes) or "nothing"
            msg = f"the key's scopes ({shown}) do not allow {method} {path}"
            raise Unauthorized("insufficient_scope", _FORBIDDEN, msg)
        return key.account

    def _check_age(self, timestamp: str) -> None:
        """Refuse stamps too far from the exchange's clock, also seconds in place of millis."""
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _DIGITS):
            raise _refusal("authentication_error", "timestamp must be Unix milliseconds")
        skew = abs(self.now() - from_ms(int(timestamp)))
        if skew > patience(self._clock, self._skew_seconds):
            raise _refusal("authentication_error", "timestamp is too far from the server's time")


def install_keys(app: Flask, ring: KeyRing, private: tuple[str, ...]) -> None:
    """Ask for a signature on every path that begins with one of `private`.

    A signature sent without need is checked too: whoever signs wrongly learns it at once. Every
    answer tells in `Date` what time it is here.
    """

    @app.after_request
    def tell_time(response: Response) -> Response:
        response.headers["Date"] = formatdate(ring.now() // SECOND, usegmt=True)
        return response

    @app.before_request
    def authenticate() -> None:
        path = str(request.environ.get("REQUEST_URI", request.path)).partition("?")[0]
        if path.startswith(private) or KEY_HEADER in request.headers:
            g.account = ring.authenticate(request.method, path)


def key_endpoints(ring: KeyRing) -> Blueprint:
    """The account's keys."""
    routes = Blueprint("keys", __name__)

    @routes.get("/api_keys")
    def keys() -> Response:
        return answer(ApiKeysJson(api_keys=ring.listed(account())))

    return routes


def _may(scopes: tuple[str, ...], method: str, path: str) -> bool:
    if method == "GET":
        child = "read::portfolio_balance" if path.endswith("/portfolio/balance") else ""
        return "read" in scopes or child in scopes
    child = "write::transfer" if "transfer" in path else "write::trade"
    return "write" in scopes or child in scopes


def _refusal(code: str, message: str) -> Unauthorized:
    return Unauthorized(code, _UNAUTHENTICATED, message)
