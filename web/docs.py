"""`/openapi.json`, and `/docs`: Swagger's page over it, from this machine alone.

The page of the library starts with an inline script, which the policy forbids; its parts are served
here and are started by a file of our own.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import Response, send_from_directory

from web.errors import ApiError, json_response
from web.openapi import document

if TYPE_CHECKING:
    from flask import Flask

_LIBRARY: Final = "flask_openapi3_swagger"
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Quarterhour: API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/css/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/docs/js/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script>
</body></html>
"""
_START: Final = """"use strict";
window.ui = SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""


def install(app: Flask) -> None:
    """Put the document and its page behind the same guards as everything else."""
    told = document()
    spec = find_spec(_LIBRARY)
    parts = None if spec is None or spec.origin is None else Path(spec.origin).parent

    @app.get("/openapi.json")
    def openapi() -> Response:
        return json_response(told)

    @app.get("/docs")
    def docs() -> Response:
        return Response(_PAGE, mimetype="text/html")

    @app.get("/docs/start.js")
    def docs_start() -> Response:
        return Response(_START, mimetype="text/javascript")

    @app.get("/docs/<path:name>")
    def docs_part(name: str) -> Response:
        if parts is None or not name.startswith(("css/", "js/", "images/")):
            raise ApiError(404, "not_found", "no such part of the page")
        return send_from_directory(parts / "templates" / "swagger", name)
