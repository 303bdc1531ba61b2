"""The settings as they are, and where each came from: for `run.py config` and the API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
from pydantic import SecretStr

from config.faults import HIDDEN, SECRET
from config.fields import unit_of
from config.groups import GROUPS
from config.sources import DEFAULT, PARAMETERS

if TYPE_CHECKING:
    from config.settings import Settings


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, ready to print."""

    name: str
    value: str
    """As it would stand in `.env`; hidden when secret, empty when not set."""
    source: str
    unit: str
    help: str


def effective(settings: Settings) -> tuple[Row, ...]:
    """Every setting in the order of the groups, strategy parameters last. Secrets are hidden."""
    rows = [
        Row(
            name=field.upper(),
            value=value_text(field.upper(), getattr(settings, field)),
            source=settings.origin(field.upper()),
            unit=unit_of(info),
            help=info.description or "",
        )
        for group in GROUPS
        for field, info in group.model_fields.items()
        if field != PARAMETERS
    ]
    return (*rows, *_parameter_rows(settings))


def value_text(name: str, value: object) -> str:
    """A value as text; hidden when `name` is a secret that is set."""
    if value is None:
        return ""
    if name in SECRET or isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _parameter_rows(settings: Settings) -> list[Row]:
    names = [(name, param) for name, params in settings.strategy.items() for param in params]
    return [
        Row(
            name=(variable := f"STRATEGY__{name}__{param}".upper()),
            value=settings.strategy[name][param],
            source=settings.origin(variable),
            unit="",
            help=f"parameter of the strategy {name}",
        )
        for name, param in names
    ]


__all__ = ["DEFAULT", "Row", "effective", "value_text"]
