"""The contract as an OpenAPI 3.1 document, made from the table of operations and its models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from web import answers
from web.operations import OPERATIONS

if TYPE_CHECKING:
    from pydantic import BaseModel

    from web.operations import Operation

_REFERENCE: Final = "#/components/schemas/{model}"
_ABOUT: Final = (
    "Money and prices are dollars as numbers, quantities contracts, times RFC 3339 in UTC. A "
    "command that carries a `command_id` is carried out once. Errors have one shape."
)
_TRADE: Final = ("trade_id", "$response.body#/trades/0/trade_id")
_PLACED: Final = ("trade_id", "$response.body#/trade_id")
_STRATEGY: Final = ("name", "$response.body#/strategies/0/name")
_LINKS: Final[dict[tuple[str, str], dict[str, tuple[str, str]]]] = {
    ("POST", "orders"): {"cancel": _PLACED, "decrease": _PLACED, "amend": _PLACED},
    ("GET", "trades"): {"cancel": _TRADE, "decrease": _TRADE, "amend": _TRADE},
    ("GET", "actors"): {"release": ("actor", "$response.body#/actors/0/actor")},
    ("GET", "windows"): {"window": ("ticker", "$response.body#/windows/0/ticker")},
    ("GET", "strategies"): {
        "parameters": _STRATEGY,
        "set_parameters": _STRATEGY,
        "enable": _STRATEGY,
        "disable": _STRATEGY,
    },
}
"""What an answer is good for: operation that it leads to, its parameter, and where that stands."""
_FAILURES: Final = {
    400: "not a proper request",
    401: "no or wrong token",
    403: "host, origin or role may not do that",
    404: "nothing of that name",
    409: "not possible in the present state, or the id was used for another command",
    413: "the body is too large",
    415: "the body is not application/json",
    422: "not valid: `details.fields` names each field",
    429: "too many failed attempts",
    503: "an actor is silent: `details.actor` names it",
}


def document() -> dict[str, Any]:
    """The document; the same at every call."""
    models: dict[type[BaseModel], None] = {answers.Failure: None}
    for operation in OPERATIONS:
        models[operation.answer] = None
        if operation.body is not None:
            models[operation.body] = None
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REFERENCE
    )
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(f"/api/{operation.path}", {})[operation.method.lower()] = _told(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Quarterhour", "version": "1", "description": _ABOUT},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _told(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.handler,
        "summary": " ".join((operation.answer.__doc__ or "").split("\n\n")[0].split()),
        "parameters": [*_places(operation), *_parameters(operation.query)],
        "responses": {"200": _response("done", operation.answer)},
    }
    for status in _statuses(operation):
        told["responses"][str(status)] = _response(_FAILURES[status], answers.Failure)
    if operation.body is not None:
        needed = bool(operation.body.model_json_schema().get("required"))
        content = {"application/json": {"schema": _refer(operation.body)}}
        told["requestBody"] = {"required": needed, "content": content}
        told["summary"] = operation.handler.replace("_", " ").capitalize()
    if operation.path == "health":
        told["security"] = []
    links = _LINKS.get((operation.method, operation.path))
    if links:
        told["responses"]["200"]["links"] = {
            name: {"operationId": name, "parameters": {parameter: source}}
            for name, (parameter, source) in links.items()
        }
    return told


def _statuses(operation: Operation) -> list[int]:
    found = {403}
    if operation.path != "health":
        found |= {401, 429}
    if operation.query is not None:
        found.add(422)
    if operation.asks_picture:
        found.add(503)
    if operation.body is not None:
        found |= {400, 409, 413, 415, 422}
    if "{" in operation.path:
        found.add(404)
    return sorted(found)


def _places(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]


def _parameters(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    found = []
    for name, told in model.model_json_schema()["properties"].items():
        kinds = [kind for kind in told.get("anyOf", [told]) if kind.get("type") != "null"]
        schema = {key: value for key, value in kinds[0].items() if key not in ("title", "default")}
        parameter = {"name": name, "in": "query", "required": False, "schema": schema}
        if schema.get("type") == "array":
            parameter |= {"style": "form", "explode": False}
        found.append(parameter)
    return found


def _response(text: str, model: type[BaseModel]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": _refer(model)}}}


def _refer(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}
