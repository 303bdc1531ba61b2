"""The web application: puts the guards, the API, the stream and the page together.

Nothing is started here and nothing happens at import; `web.server.serve` carries the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Flask, Response, request

from web import docs, errors, metrics, operations, pages, stream
from web.api import Api
from web.audit import Audit
from web.auth import Gate
from web.broadcast import Broadcaster
from web.commands import Commands
from web.errors import ApiError, error_response
from web.history import History
from web.sources import Sources

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from web.control import Control
    from web.hub import Hub
    from web.settings import WebSettings

HISTORY: Final = "quarterhour.history"
"""Where an app keeps its history, for whoever starts the thread that collects."""
_BODY_BYTES: Final = 64 * 1024
_HEADERS: Final = {
    "Content-Security-Policy": pages.POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def create_app(hub: Hub, control: Control, settings: WebSettings) -> Flask:
    """The WSGI application over a hub that the dashboard fills and a door to the actors."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _BODY_BYTES
    gate = Gate(settings)
    errors.install(app)
    _guard(app, gate, settings)
    pages.install(app)
    audit = Audit(settings.audit_path)
    commands = Commands(control, settings, audit)
    history = app.extensions[HISTORY] = History(hub, settings.history_path)
    sources = Sources(hub=hub, history=history, audit=audit, settings=settings)
    operations.install(app, Api(sources, commands))
    docs.install(app)
    metrics.install(app, hub, settings)
    stream.install(app, stream.Streams(hub, commands, Broadcaster(hub, settings)))
    return app


def _guard(app: Flask, gate: Gate, settings: WebSettings) -> None:
    @app.before_request
    def check() -> BaseResponse | None:
        if _is_preflight() and request.headers.get("Origin") in settings.origins:
            gate.check_host(request)
            return Response(status=204)
        return _let_in(gate)

    @app.after_request
    def harden(response: Response) -> Response:
        return _harden(response, settings.origins)


def _let_in(gate: Gate) -> BaseResponse | None:
    entering = request.method == "GET" and request.path == "/"
    try:
        if entering and "token" in request.args:
            gate.check_host(request)
            return pages.enter(gate, request.args["token"])
        gate.check(request)
    except ApiError as refusal:
        if entering and refusal.status in (401, 429):
            return pages.locked(refusal.status)
        return error_response(refusal)
    return None


def _harden(response: Response, origins: tuple[str, ...]) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api") or response.status_code not in (200, 304):
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if response.status_code == 401:  # noqa: PLR2004 - as HTTP spells it
        response.headers["WWW-Authenticate"] = "Bearer"
    origin = request.headers.get("Origin")
    if origin is not None and is_listed(origin, origins):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Vary"] = "Origin"
    return response


def is_listed(origin: str, origins: tuple[str, ...]) -> bool:
    """Whether a foreign page may read what is answered."""
    return origin in origins


def _is_preflight() -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
