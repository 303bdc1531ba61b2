"""One shape for everything that goes wrong: `{"error": {"code", "message", "details"}}`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec
from flask import Response
from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from flask import Flask
    from pydantic import ValidationError

_log = logging.getLogger(__name__)

_CODES: Final[dict[int, str]] = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    431: "headers_too_large",
}


class ApiError(Exception):
    """An answer that is not the wanted one; becomes the error shape with `status`."""

    def __init__(
        self, status: int, code: str, message: str, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details or {}


def json_response(body: object, status: int = 200) -> Response:
    """`body` (structs, dicts, lists) as JSON."""
    return Response(msgspec.json.encode(body), status, mimetype="application/json")


def error_response(error: ApiError) -> Response:
    """The error shape."""
    body = {"error": {"code": error.code, "message": error.message, "details": error.details}}
    return json_response(body, error.status)


def invalid(error: ValidationError) -> ApiError:
    """422 that names each field and what is wrong with it; the given values are not repeated."""
    fields = [
        {"field": ".".join(str(part) for part in item["loc"]) or "body", "message": item["msg"]}
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    names = ", ".join(field["field"] for field in fields)
    return ApiError(422, "invalid", f"not valid: {names}", {"fields": fields})


def install(app: Flask) -> None:
    """Give every error of the app the one shape."""

    @app.errorhandler(ApiError)
    def refused(error: ApiError) -> Response:
        return error_response(error)

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Response:
        status = error.code or 500
        code = _CODES.get(status, "http_error")
        response = error_response(ApiError(status, code, error.description or error.name))
        allowed = error.get_response().headers.get("Allow")
        if allowed:
            response.headers["Allow"] = allowed
        return response

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        # A border: the client learns nothing of the inside, the log everything.
        _log.error("request failed", exc_info=error)
        return error_response(internal(error))


def internal(_: Exception) -> ApiError:
    """What the client learns of a defect: that there is one."""
    return ApiError(500, "internal", "internal error, see the log")
