"""What every REST handler of the local exchange needs: parameters, pages, bodies, refusals."""

from __future__ import annotations

import base64
import binascii
import logging
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from flask import Response, g, request
from werkzeug.exceptions import HTTPException

from core.exchange.engine.refusals import invalid_parameters
from core.exchange.port import Rejected, Unauthorized
from core.exchange.wire.errors import ErrorBody, nested_error
from core.exchange.wire.scalars import from_seconds
from web.errors import json_response

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Flask

    from core.units import Nanos

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

_log = logging.getLogger(__name__)

_DEFAULT_LIMIT: Final = 100
_LARGEST_LIMIT: Final = 1000


def account() -> str:
    """The account whose key signed the request."""
    name: str = g.account
    return name


def text(name: str) -> str | None:
    """A query parameter; an empty one counts as absent."""
    return request.args.get(name) or None


def names(name: str) -> frozenset[str] | None:
    """A comma list, or the parameter repeated; None where absent."""
    found = [part for value in request.args.getlist(name) for part in value.split(",") if part]
    return frozenset(found) or None


def number(name: str) -> int | None:
    """A whole number; anything else is refused."""
    value = text(name)
    if value is None:
        return None
    try:
        return int(value)
    except ValueError:
        msg = f"{name} must be a whole number"
        raise invalid_parameters(msg) from None


def flag(name: str) -> bool:
    """`true` or `false`, absent is false."""
    return (text(name) or "false").lower() == "true"


def choice(name: str, allowed: frozenset[str]) -> str | None:
    """One of some words."""
    value = text(name)
    if value is not None and value not in allowed:
        msg = f"{name} must be one of {', '.join(sorted(allowed))}"
        raise invalid_parameters(msg)
    return value


def within(ts: Nanos, first: str, last: str) -> bool:
    """Whether a time lies between two parameters in whole Unix seconds, both included."""
    low, high = number(first), number(last)
    after = low is None or ts >= from_seconds(low)
    return after and (high is None or ts < from_seconds(high + 1))


def read_body(shape: type[S]) -> S:
    """The request's JSON body; a field that is wrong is named in the refusal."""
    try:
        return msgspec.json.decode(request.get_data(), type=shape)
    except msgspec.ValidationError as error:
        raise invalid_parameters(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Rejected("bad_request", 400, "body is not JSON") from None


def read_row(read: Callable[[], T]) -> T:
    """The record of a body, where numbers that cannot be read are a refusal."""
    try:
        return read()
    except ValueError as error:
        raise invalid_parameters(str(error)) from None


def page(rows: Sequence[T], key: Callable[[T], str]) -> tuple[tuple[T, ...], str]:
    """The rows that `limit` and `cursor` ask for, and the cursor of the next page."""
    limit = number("limit")
    limit = _DEFAULT_LIMIT if limit is None else limit
    if not 1 <= limit <= _LARGEST_LIMIT:
        msg = f"limit must be 1 to {_LARGEST_LIMIT}"
        raise invalid_parameters(msg)
    start = 0
    cursor = text("cursor")
    if cursor is not None:
        last = _decode(cursor)
        found = (n for n, row in enumerate(rows, 1) if key(row) == last)
        start = next(found, -1)
        if start < 0:
            raise invalid_parameters("cursor")
    chosen = tuple(rows[start : start + limit])
    more = start + limit < len(rows)
    return chosen, base64.urlsafe_b64encode(key(chosen[-1]).encode()).decode() if more else ""


def answer(body: object, status: int = 200) -> Response:
    """A JSON answer."""
    return json_response(body, status)


def install_refusals(app: Flask) -> None:
    """Give every refusal the nested shape that is seen on the wire."""

    @app.errorhandler(Rejected)
    def rejected(error: Rejected) -> Response:
        body = ErrorBody(code=error.code, message=error.message, details=error.details)
        return _refusal(body, error.status)

    @app.errorhandler(Unauthorized)
    def unauthorized(error: Unauthorized) -> Response:
        return _refusal(ErrorBody(code=error.code, message=error.message), error.status)

    @app.errorhandler(HTTPException)
    def unknown(error: HTTPException) -> Response:
        body = ErrorBody(code="not_found" if error.code == 404 else "bad_request")  # noqa: PLR2004
        message = error.description or error.name
        return _refusal(msgspec.structs.replace(body, message=message), error.code or 500)

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        # A border: the client is told nothing of the inside, the log everything.
        _log.error("request failed", exc_info=error)
        return _refusal(ErrorBody(code="internal_server_error"), 500)


def _refusal(body: ErrorBody, status: int) -> Response:
    return Response(nested_error(body), status, mimetype="application/json")


def _decode(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_parameters("cursor") from None
