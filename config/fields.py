"""How one setting is declared: its default, help, unit and bounds, all in one place.

The declaration is the only source: validation, the text of a fault, `run.py config` and
`default.toml` are all made from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar, cast, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

T = TypeVar("T")

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
SPOT_NAMES: Final = ("coinbase", "kraken", "bitstamp", "gemini")
"""Venues whose public feeds can be read; a test holds them against `core.exchange.spot`."""
NO_SPOT: Final = "none"
_SERIES: Final = re.compile(r"KX[A-Z]{2,12}15M")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})|\[[0-9a-fA-F:]+\]")
_ORIGIN: Final = re.compile(r"https?://[^/\s*]+")
_BOUND_WORDS: Final = (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most"))


class Group(BaseModel):
    """A set of settings that belong together; its docstring is their heading."""

    model_config = ConfigDict(frozen=True)


def setting(
    default: T, description: str, unit: str = "", *, allowed: str = "", **bounds: float
) -> T:
    """Declare a setting.

    `bounds` are pydantic's `ge`, `gt`, `le`, `lt`; `allowed` says in words what no bound can say.
    """
    extra = {"unit": unit, "allowed": allowed}
    field = Field(default, description=description, json_schema_extra=extra, **bounds)  # type: ignore[call-overload]
    return cast("T", field)


def unit_of(field: FieldInfo) -> str:
    """The unit of a setting, empty where it has none."""
    return _extra(field).get("unit", "")


def choices_of(field: FieldInfo) -> tuple[str, ...]:
    """The words a setting accepts, empty where it is not a choice."""
    annotation = field.annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def allowed_text(field: FieldInfo) -> str:
    """What a setting accepts, for people: `a number above 0 and at most 1`."""
    if text := _extra(field).get("allowed"):
        return text
    if choices := choices_of(field):
        return "one of " + ", ".join(choices)
    if field.annotation is bool:
        return "true or false"
    kinds: dict[object, str] = {int: "a whole number", float: "a number"}
    kind = kinds.get(field.annotation, "text")
    bounds = " and ".join(_bounds(field))
    return f"{kind} {bounds}".rstrip()


def _extra(field: FieldInfo) -> Mapping[str, str]:
    return cast("Mapping[str, str]", field.json_schema_extra or {})


def _bounds(field: FieldInfo) -> list[str]:
    return [
        f"{word} {getattr(bound, name):,}"
        for name, word in _BOUND_WORDS
        for bound in field.metadata
        if hasattr(bound, name)
    ]


def split_list(value: object) -> object:
    """`"a, b"` or `'["a", "b"]'` as a tuple; anything that is not text is left to pydantic.

    Raises ValueError for a JSON list that cannot be read.
    """
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return _json_list(value)
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _json_list(text: str) -> object:
    try:
        return tuple(json.loads(text))
    except json.JSONDecodeError as error:
        msg = f"not a JSON list: {error}"
        raise ValueError(msg) from None


def _without_repeats(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _strategy_names(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _NAME.fullmatch(value):
            msg = f"{value!r} is not the name of a strategy"
            raise ValueError(msg)
    return values


def _series(values: tuple[str, ...]) -> tuple[str, ...]:
    series = tuple(value.upper() for value in values)
    for value in series:
        if not _SERIES.fullmatch(value):
            msg = f"{value!r} is not a series of 15-minute markets"
            raise ValueError(msg)
    if not series:
        msg = "names no series, so there would be nothing to trade"
        raise ValueError(msg)
    return series


def _spot(values: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(value.lower() for value in values)
    if names == (NO_SPOT,):
        return ()
    for name in names:
        if name not in SPOT_NAMES:
            msg = f"{name!r} is not a spot venue"
            raise ValueError(msg)
    return names


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _ORIGIN.fullmatch(value):
            msg = f"{value!r} is not an origin"
            raise ValueError(msg)
    return values


def _host_names(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _HOST.fullmatch(value):
            msg = f"{value!r} is not the name of a host (without scheme and port)"
            raise ValueError(msg)
    return tuple(value.lower() for value in values)


def _parameters(value: object) -> object:
    """Parameters as text, whatever they were in TOML; deeper nesting and bare text are refused."""
    if not isinstance(value, dict) or not all(isinstance(v, dict) for v in value.values()):
        msg = "not parameters of strategies"
        raise ValueError(msg)
    return {
        str(name).lower(): {
            str(key).lower(): v if isinstance(v, str) else json.dumps(v)
            for key, v in params.items()
        }
        for name, params in value.items()
    }


def _plain(value: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {name: dict(params) for name, params in value.items()}


def _read_only(value: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    return MappingProxyType({name: MappingProxyType(p) for name, p in _plain(value).items()})


def url(scheme: str, path: str) -> AfterValidator:
    """Check for an address of the venue: encrypted unless it stays on this machine."""

    def check(value: str | None) -> str | None:
        if value is None:
            return None
        address = value.rstrip("/")
        parts = urlsplit(address)
        schemes = {scheme, f"{scheme}s"} if parts.hostname in LOOPBACK else {f"{scheme}s"}
        if parts.scheme not in schemes or not parts.hostname or parts.path != path:
            msg = f"not such an address ({scheme}:// is for this machine only)"
            raise ValueError(msg)
        return address

    return AfterValidator(check)


Words = Annotated[tuple[str, ...], BeforeValidator(split_list), AfterValidator(_without_repeats)]
StrategyNames = Annotated[Words, AfterValidator(_strategy_names)]
SeriesNames = Annotated[Words, AfterValidator(_series), AfterValidator(_without_repeats)]
SpotNames = Annotated[Words, AfterValidator(_spot), AfterValidator(_without_repeats)]
HostNames = Annotated[Words, AfterValidator(_host_names)]
Origins = Annotated[Words, AfterValidator(_origins)]
Parameters = Annotated[
    Mapping[str, Mapping[str, str]],
    BeforeValidator(_parameters),
    AfterValidator(_read_only),
    PlainSerializer(_plain),
]
UserPath = Annotated[Path, AfterValidator(Path.expanduser)]
