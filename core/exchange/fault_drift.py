"""Schema drift: the same body with a field more, a field less, or a field of another type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.exchange.fault_kinds import Change

if TYPE_CHECKING:
    from core.exchange.faults import Fault

_NEW: Final = {"since": "3.35.0"}


def drifted(body: bytes, fault: Fault) -> bytes:
    """A JSON body after the drift; other bodies are left as they are.

    A field is looked for at every depth, and changed wherever it stands. A new one is added to
    every object.
    """
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body
    return msgspec.json.encode(_changed(found, fault))


def _changed(value: object, fault: Fault) -> object:
    if isinstance(value, list):
        return [_changed(item, fault) for item in value]
    if not isinstance(value, dict):
        return value
    fields = {name: _changed(inner, fault) for name, inner in value.items()}
    if fault.change is Change.ADD:
        return {**fields, fault.field: _NEW}
    if fault.field in fields:
        old = fields.pop(fault.field)
        if fault.change is Change.RETYPE:
            fields[fault.field] = _retyped(old)
    return fields


def _retyped(value: object) -> object:
    """A number for a string, a string for everything else."""
    if not isinstance(value, str):
        return msgspec.json.encode(value).decode()
    try:
        return float(value)
    except ValueError:
        return len(value)
