"""What a request asks for, validated; and lists cut to a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from web.errors import ApiError, invalid, json_response

if TYPE_CHECKING:
    from flask import Response

    from web.schema import ListQuery

Model = TypeVar("Model", bound=BaseModel)


def listed(name: str, rows: list[Any], asked: ListQuery) -> Response:
    """A page of `rows` (oldest first) with the newest first, and how many there are in all."""
    page = rows[::-1][asked.offset : asked.offset + asked.limit]
    return json_response({name: page, "total": len(rows)})


def query(model: type[Model]) -> Model:
    """The query string; of a repeated name the last counts. Raises ApiError 422."""
    given = {key: values[-1] for key, values in request.args.lists()}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from error


def body(model: type[Model]) -> Model:
    """The JSON body; an empty one is an empty object. 400 for no JSON, 415 for another type."""
    raw = request.get_data()
    if not raw:
        raw = b"{}"
    elif not request.is_json:
        raise ApiError(415, "unsupported_media_type", "send application/json")
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if any(item["type"] == "json_invalid" for item in error.errors()):
            raise ApiError(400, "bad_request", "the body is not JSON") from error
        raise invalid(error) from error
