"""The parameters panel: what each strategy is set to, where each value comes from, what is allowed.

From the settings and the strategy's own `Params`, and from what the operator has set since.
"""

from __future__ import annotations

from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, get_args

from core import messages as m
from core import strategies
from core.screen.scale import rfc3339
from core.screen.trading_rows import ParameterRow, ParametersRow
from core.strategies import StrategyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic.fields import FieldInfo

    from core.screen.panel import Change, Facts, Listeners
    from core.strategies import Strategy
    from core.units import Nanos

Kind = Literal["number", "integer", "boolean", "text"]
_KINDS: dict[Any, Kind] = {float: "number", int: "integer", bool: "boolean"}


class ParametersPanel:
    """Row `parameters` of each strategy."""

    def __init__(self, given: Mapping[str, Mapping[str, object]]) -> None:
        """`given`: of each strategy, the parameters that the settings name."""
        self._given = given
        self._set: dict[str, m.StrategySet] = {}
        self._dirty = dict.fromkeys(given)
        self.facts: Facts = {m.StrategySet: self._changed}
        self.listeners: Listeners = {}

    def drain(self, now: Nanos) -> Iterator[Change]:
        """Rows of strategies whose parameters changed; all of them at first."""
        del now
        for name in self._dirty:
            yield "parameters", self._row(name)
        self._dirty.clear()

    def _changed(self, event: m.StrategySet) -> None:
        if event.strategy in self._given:
            self._set[event.strategy] = event
            self._dirty[event.strategy] = None

    def _row(self, name: str) -> ParametersRow:
        event = self._set.get(name)
        kind, given = strategies.load(name), self._given[name]
        wanted: dict[str, object] = dict(event.values) if event else {}
        try:
            values = strategies.params_of(kind, {**given, **wanted}).model_dump()
        except StrategyError:  # set under an older version: the strategy left it out, too
            wanted = {}
            values = strategies.params_of(kind, given).model_dump()
        return ParametersRow(
            name=name,
            parameters=tuple(_rows(kind, values, given, wanted)),
            changed_by=event.by if event else "",
            changed_at=rfc3339(event.ts) if event else None,
        )


def _rows(
    kind: type[Strategy],
    values: Mapping[str, Any],
    given: Mapping[str, object],
    wanted: Mapping[str, object],
) -> Iterable[ParameterRow]:
    for name, field in kind.Params.model_fields.items():
        source: Literal["default", "settings", "operator"] = "default"
        if name in wanted:
            source = "operator"
        elif name in given:
            source = "settings"
        yield ParameterRow(
            name=name,
            value=values[name],
            default=field.default,
            source=source,
            kind=_kind_of(field),
            low=_bound(field, "ge", "gt"),
            high=_bound(field, "le", "lt"),
            text=field.description or "",
        )


def _kind_of(field: FieldInfo) -> Kind:
    wanted: Any = field.annotation
    if isinstance(wanted, UnionType):
        wanted = next(part for part in get_args(wanted) if part is not NoneType)
    return _KINDS.get(wanted, "text")


def _bound(field: FieldInfo, *names: str) -> float | None:
    found = (getattr(rule, name, None) for rule in field.metadata for name in names)
    return next((float(bound) for bound in found if bound is not None), None)
