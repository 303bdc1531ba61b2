"""An HTTP answer that is no success, as an error of the port (kalshi.md 2.9)."""

from __future__ import annotations

from typing import Final

from core.exchange.port import (
    Ambiguous,
    ExchangeError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from core.exchange.wire.errors import ErrorBody, read_error

_PAUSES: Final = frozenset({"trading_is_paused", "exchange_paused", "market_inactive"})
"""Seen with 400, 403 and 503: whatever the status, the request was refused and nothing happened."""
_UNAUTHENTICATED: Final = 401
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
_SILENT: Final = frozenset({408, 409})
"""Without the exchange's word for it these tell nothing of a write: 408 is a gateway's, which may
have passed the request on, and 409 is also the answer to an order that is there already."""
_REDIRECTS: Final = range(300, 400)
_CLIENT_ERRORS: Final = range(400, 500)


def refusal(status: int, body: bytes, what: str, *, write: bool) -> ExchangeError:
    """The error behind a status other than 2xx. `what` is the request, for the message.

    A 5xx leaves the outcome of a write unknown, and so does a status whose answer is still to come
    (1xx); of a read they only mean: not now.
    """
    error = read_error(body)
    if error.code in _PAUSES:
        return Rejected(error.code, status, error.message, error.details)
    if status in (_UNAUTHENTICATED, _FORBIDDEN):
        return Unauthorized(error.code, status, error.message)
    if status == _TOO_MANY:
        return RateLimited(f"{what}: {error.message or 'too many requests'}")
    if status in _CLIENT_ERRORS and (error.code or status not in _SILENT):
        return Rejected(error.code or f"http_{status}", status, error.message, error.details)
    if status in _REDIRECTS:
        return Unavailable(f"{what}: redirected ({status}); check the exchange's base URL")
    return _outage(status, error, what, write=write)


def _outage(status: int, error: ErrorBody, what: str, *, write: bool) -> ExchangeError:
    message = f"{what}: {status} {error.code} {error.message}".rstrip()
    return Ambiguous(message) if write else Unavailable(message)
