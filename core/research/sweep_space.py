"""What is searched: parameters of a strategy and limits of risk, within the bounds they declare.

Dimensions carry the names of their settings (`STRATEGY__KELLY_VOLATILITY__MIN_EDGE`, `MIN_EDGE`):
what was found can be set as it is printed. Without a range of its own a parameter is searched from
a quarter to four times its default, within its bounds: bounds forbid nonsense and are far too wide
to search. A ratio of more than ten between the ends is searched on a logarithmic scale.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import msgspec
from annotated_types import Ge, Gt, Le, Lt

from config.settings import Settings
from core import strategies
from core.strategies.base import NEVER_EXIT, QUOTING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic.fields import FieldInfo

RISK_SEARCHED: Final = ("min_edge", "min_confidence", "kelly_fraction")
"""Searched unless told otherwise."""
RISK_SEARCHABLE: Final = (
    *RISK_SEARCHED,
    "min_seconds_left",
    "max_seconds_left",
    "signal_cooldown_seconds",
    "max_position_size",
    "max_concurrent_positions",
    "max_total_exposure",
    "max_daily_loss",
)
_REACH: Final = 4.0
_LOG_RATIO: Final = 10.0
_MARGIN: Final = 1e-6
"""How far inside an open bound the search stays, as a share of the bound or of one."""


class SpaceError(ValueError):
    """A range that cannot be searched; one line for each thing to mend."""


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """One setting and the range in which it is searched, ends included."""

    name: str
    low: float
    high: float
    default: float
    is_whole: bool
    is_log: bool

    @property
    def text(self) -> str:
        """For people."""
        scale = ", logarithmic" if self.is_log else ""
        kind = "whole numbers " if self.is_whole else ""
        return f"{self.name}: {kind}{self.low:g} to {self.high:g}{scale}, default {self.default:g}"


def space(strategy: str, settings: Settings, ranges: Iterable[str] = ()) -> tuple[Dimension, ...]:
    """The dimensions for a strategy: those that `ranges` name, or all usual ones.

    A range is `NAME=LOW:HIGH`, with `:log` for a logarithmic scale; NAME may leave the prefix of
    the strategy out where the limit of risk has another name. Raises SpaceError, StrategyError.
    """
    known = _all(strategy, settings)
    wanted = [_parse(text, known, strategy) for text in ranges]
    if wanted:
        return tuple(wanted)
    usual = {name.upper() for name in RISK_SEARCHED}
    own = _prefix(strategy)
    found = [one for name, one in known.items() if name.startswith(own) or name in usual]
    holds = f"{own}EXIT_GAIN"
    return tuple(
        one
        for one in found
        if one.low < one.high and (one.name != holds or one.default < NEVER_EXIT)
    )


def settings_for(settings: Settings, strategy: str, values: Mapping[str, float]) -> Settings:
    """Settings with what a trial tries, validated as if a user had written them.

    Raises pydantic's ValidationError where limits contradict each other; the strategy's own are
    checked when it is made.
    """
    own = _prefix(strategy)
    chosen = dict(settings.strategy.get(strategy, {}))
    changes: dict[str, Any] = {"enabled_strategies": (strategy,)}
    for name, value in values.items():
        if name.startswith(own):
            chosen[name.removeprefix(own).lower()] = value  # type: ignore[assignment]
        else:
            changes[name.lower()] = value
    changes["strategy"] = {**settings.strategy, strategy: chosen}
    given = {name: getattr(settings, name) for name in Settings.model_fields}
    return Settings(**{**given, **changes})


def _prefix(strategy: str) -> str:
    return f"STRATEGY__{strategy.upper()}__"


def _all(strategy: str, settings: Settings) -> dict[str, Dimension]:
    """Everything that could be searched, with its usual range around what is set now."""
    kind = strategies.load(strategy)
    now = kind.Params.model_validate(dict(settings.strategy.get(strategy, {})))
    found = [
        _dimension(f"{_prefix(strategy)}{name.upper()}", field, getattr(now, name))
        for name, field in kind.Params.model_fields.items()
        if now.style == "make" or name not in QUOTING
    ]
    found += [
        _dimension(name.upper(), Settings.model_fields[name], getattr(settings, name))
        for name in RISK_SEARCHABLE
    ]
    return {one.name: one for one in found if one is not None}


def _dimension(name: str, field: FieldInfo, now: object) -> Dimension | None:
    """None for what is no number, or has no bounds to search within."""
    is_whole = field.annotation is int
    if field.annotation not in (int, float) or not isinstance(now, int | float):
        return None
    low, high = _bounds(field, is_whole=is_whole)
    if low is None or high is None:
        return None
    if now > 0:
        low, high = max(low, now / _REACH), min(high, now * _REACH)
    if is_whole:
        low, high = float(round(low)), float(round(high))
    return Dimension(
        name=name,
        low=low,
        high=high,
        default=float(now),
        is_whole=is_whole,
        is_log=low > 0 and high / low > _LOG_RATIO,
    )


def _bounds(field: FieldInfo, *, is_whole: bool) -> tuple[float | None, float | None]:
    low: float | None = None
    high: float | None = None
    for bound in field.metadata:
        match bound:
            case Ge(ge=value):
                low = float(value)  # type: ignore[arg-type]
            case Gt(gt=value):
                low = _inside(float(value), 1, is_whole=is_whole)  # type: ignore[arg-type]
            case Le(le=value):
                high = float(value)  # type: ignore[arg-type]
            case Lt(lt=value):
                high = _inside(float(value), -1, is_whole=is_whole)  # type: ignore[arg-type]
    return low, high


def _inside(bound: float, direction: int, *, is_whole: bool) -> float:
    return bound + direction * (1.0 if is_whole else _MARGIN * max(1.0, abs(bound)))


def _parse(text: str, known: Mapping[str, Dimension], strategy: str) -> Dimension:
    name, equals, rest = text.partition("=")
    parts = rest.split(":")
    is_log = parts[-1] == "log"
    ends = parts[:-1] if is_log else parts
    chosen = _named(name.strip().upper(), known, strategy)
    try:
        low, high = (float(end) for end in ends)
    except ValueError:
        equals = ""
        low = high = 0.0
    if not equals or not low < high or (is_log and low <= 0):
        msg = f"{text!r}: write NAME=LOW:HIGH with LOW below HIGH, or NAME=LOW:HIGH:log above zero"
        raise SpaceError(msg)
    field = _field(chosen.name, strategy)
    least, most = _bounds(field, is_whole=chosen.is_whole)
    if (least is not None and low < least) or (most is not None and high > most):
        msg = f"{text!r}: {chosen.name} allows {least:g} to {most:g}"
        raise SpaceError(msg)
    if chosen.is_whole and (low % 1 or high % 1):
        msg = f"{text!r}: {chosen.name} takes whole numbers"
        raise SpaceError(msg)
    return msgspec.structs.replace(chosen, low=low, high=high, is_log=is_log)


def _named(name: str, known: Mapping[str, Dimension], strategy: str) -> Dimension:
    found = known.get(name) or known.get(f"{_prefix(strategy)}{name}")
    if found is not None:
        return found
    near = get_close_matches(name, known, n=1)
    hint = f", did you mean {near[0]}?" if near else ""
    msg = f"{name}: nothing of that name can be searched{hint}; there are {', '.join(known)}"
    raise SpaceError(msg)


def _field(name: str, strategy: str) -> FieldInfo:
    own = _prefix(strategy)
    if name.startswith(own):
        return strategies.load(strategy).Params.model_fields[name.removeprefix(own).lower()]
    return Settings.model_fields[name.lower()]
