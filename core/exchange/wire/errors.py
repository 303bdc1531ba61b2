"""Error bodies: three shapes are seen on the wire, and all are read (kalshi.md 2.9)."""

from __future__ import annotations

import msgspec


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """Code, message and details of a refusal; empty where the exchange said nothing."""

    code: str = ""
    message: str = ""
    details: str = ""


class _Nested(msgspec.Struct, frozen=True):
    error: ErrorBody


class _Bare(msgspec.Struct, frozen=True):
    error: str


def read_error(body: bytes) -> ErrorBody:
    """The refusal in a body: nested, flat or a bare string. Never fails: unreadable is empty.

    The code is in lower case, because the same one is seen in both cases.
    """
    for shape in (_Nested, _Bare, ErrorBody):
        try:
            found = msgspec.json.decode(body, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        match found:
            case _Nested(error=inner):
                return _lowered(inner)
            case _Bare(error=text):
                return ErrorBody(code=text.replace(" ", "_").lower(), message=text)
            case ErrorBody():
                return _lowered(found)
    return ErrorBody(message=body[:200].decode(errors="replace"))


def nested_error(error: ErrorBody) -> bytes:
    """`{"error": {"code", "message", "details"}}`: how refusals look on the wire."""
    return msgspec.json.encode(_Nested(error))


def bare_error(text: str) -> bytes:
    """`{"error": "too many requests"}`: how a 429 looks."""
    return msgspec.json.encode(_Bare(text))


def _lowered(error: ErrorBody) -> ErrorBody:
    return ErrorBody(code=error.code.lower(), message=error.message, details=error.details)
