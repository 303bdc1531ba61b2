"""Strategies, one file each, found by being there.

A file `NAME.py` in this folder holds one class with `name = "NAME"`, a `Params` model and
`evaluate` (see `base.Strategy`). `base` and `judgement`, and files whose names begin with an
underscore, hold none.
"""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, TypeGuard

from pydantic import ValidationError

from core.strategies.base import Strategy, StrategyParams

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "Strategy",
    "StrategyError",
    "StrategyParams",
    "available",
    "build",
    "create",
    "load",
    "params_of",
]

_NO_STRATEGIES: Final = frozenset({"base", "judgement", "leaving", "standing"})


class StrategyError(ValueError):
    """A strategy that cannot be had, or not so; one line for each thing to mend."""


def available() -> tuple[str, ...]:
    """Names of all strategies in this folder, in alphabetical order; imports none of them."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(n for n in names if n not in _NO_STRATEGIES and not n.startswith("_")))


def load(name: str) -> type[Strategy]:
    """The class of a strategy. Raises StrategyError for an unknown name or an unfit file."""
    if name not in available():
        known = ", ".join(available())
        msg = f"no strategy {name!r}{_hint(name, available())}; there are {known}"
        raise StrategyError(msg)
    module = importlib.import_module(f"{__name__}.{name}")
    own = [
        item
        for item in vars(module).values()
        if is_strategy(item) and item.__module__ == module.__name__
    ]
    if len(own) != 1 or own[0].name != name:
        found = ", ".join(f"{item.__name__} (name {item.name!r})" for item in own) or "none"
        msg = f"core/strategies/{name}.py must hold one strategy, name = {name!r}; found: {found}"
        raise StrategyError(msg)
    return own[0]


def is_strategy(item: object) -> TypeGuard[type[Strategy]]:
    """Whether something is a class with what `base.Strategy` asks for."""
    params = getattr(item, "Params", None)
    return (
        isinstance(item, type)
        and isinstance(getattr(item, "name", None), str)
        and isinstance(params, type)
        and issubclass(params, StrategyParams)
        and callable(getattr(item, "evaluate", None))
    )


def create(name: str, values: Mapping[str, object]) -> Strategy:
    """A new strategy with these parameters; those not named keep their defaults.

    Texts are read as numbers where numbers are wanted. Raises StrategyError, one line for each bad
    parameter: its variable, its value, what is allowed, and the nearest name of an unknown one.
    """
    return build(load(name), values)


def build(kind: type[Strategy], values: Mapping[str, object]) -> Strategy:
    """`create` for a class that is at hand."""
    return kind(params_of(kind, values))


def params_of(kind: type[Strategy], values: Mapping[str, object]) -> StrategyParams:
    """Validated parameters of a strategy; raises as `create` does."""
    try:
        return kind.Params.model_validate(dict(values))
    except ValidationError as error:
        lines = [_line(kind.name, kind.Params, dict(detail)) for detail in error.errors()]
        raise StrategyError("\n".join(lines)) from error


def _line(name: str, params: type[StrategyParams], detail: Mapping[str, object]) -> str:
    location = detail["loc"]
    path = [str(part) for part in location] if isinstance(location, tuple) else []
    variable = "__".join(["STRATEGY", name, *path]).upper()
    if detail["type"] == "extra_forbidden":
        known = params.model_fields
        return f"{variable}: no such parameter{_hint(path[0], known)}; there are {', '.join(known)}"
    return f"{variable}={detail['input']!r}: {detail['msg']}"


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f", did you mean {near[0]!r}?" if near else ""
