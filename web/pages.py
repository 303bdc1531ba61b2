"""The page and its parts, the start-up link, and what an unknown browser gets to see."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import Response, redirect, request

from web.parts import Parts

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response as BaseResponse

    from web.auth import Gate

STATIC: Final = Path(__file__).parent / "static"
_YEAR: Final = 365 * 24 * 3600

_LOCKED_STYLE: Final = (
    "body{font:15px/1.6 system-ui,sans-serif;background:#0c0f14;color:#d7dde6;display:grid;"
    "place-items:center;min-height:100vh;margin:0}main{max-width:30rem;padding:2rem}"
    "h1{font-size:1.2rem}p{color:#9aa7b8}code{color:#d7dde6}input,button{font:inherit;padding:"
    ".5rem .8rem;border-radius:6px;border:1px solid #364152;background:#151a22;color:inherit}"
    "form{display:flex;gap:.5rem}input{flex:1;min-width:0}"
)
_LOCKED: Final = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quarterhour: locked</title><style>{_LOCKED_STYLE}</style></head>
<body><main><h1>This dashboard is locked</h1>
<p>Open the link that the daemon printed when it started, or paste the token from its state folder
(<code>var/token</code>). If you came here by a link from elsewhere, reload the page.</p>
<form method="get" action="/"><input name="token" type="password" aria-label="Token"
autocomplete="off" required autofocus><button>Open</button></form></main></body></html>
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_LOCKED_STYLE.encode()).digest()).decode()

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""No script and no style but our own files."""
_LOCKED_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def locked(status: int) -> Response:
    """The page of a browser without a session; holds nothing but a form for the token."""
    response = Response(_LOCKED, status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _LOCKED_POLICY
    return response


def enter(gate: Gate, given: str) -> BaseResponse:
    """The start-up link: a right token is exchanged for the cookie and leaves the address bar."""
    session = gate.session_for(given)
    if session is None:
        return locked(gate.failure(request).status)
    response = redirect("/", 303)
    response.set_cookie(
        gate.cookie,
        session,
        max_age=_YEAR,
        secure=request.scheme == "https",
        httponly=True,
        samesite="Strict",
        path="/",
    )
    return response


def install(app: Flask) -> None:
    """Serve the page at `/` and its parts under `/static/VERSION/`."""
    parts = Parts(STATIC)

    @app.get("/")
    def page() -> Response:
        return parts.page()

    @app.get("/static/<version>/<path:name>")
    def part(version: str, name: str) -> Response:
        return parts.answer(version, name)
