"""Where settings come from: command line, environment, .env, TOML; the first that has one wins.

Each source is read whole before anything is judged, so that one start reports every fault.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from dotenv.parser import parse_stream
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    TomlConfigSettingsSource,
)

from config.faults import Fault, SettingsError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

CONFIG: Final = "quarterhour_config"
"""The setting that names the TOML file, and so cannot stand in it."""
DEFAULT_CONFIG: Final = Path("var/quarterhour.toml")
DOTENV: Final = Path(".env")
COMMAND_LINE: Final = "command line"
ENVIRONMENT: Final = "environment"
DEFAULT: Final = "default"
PARAMETERS: Final = "strategy"
_PREFIX: Final = "STRATEGY__"
_BEGINNINGS: Final = (
    "KALSHI_",
    "QUARTERHOUR_",
    "DRY_RUN_",
    "CIRCUIT_BREAKER_",
    "MAX_POSITION_",
    "MAX_CONCURRENT_",
    "MAX_TOTAL_",
    "MAX_DAILY_",
    "KELLY_",
)
"""A variable of the environment that begins like this is meant for us."""
_TELLING_LENGTH: Final = 10
"""Shorter names are alike by chance: LOGLEVEL and API_KEY belong to others."""


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """What one source says."""

    origin: str
    values: Mapping[str, object]
    """Field -> raw value, strategy parameters nested."""
    names: tuple[str, ...]
    """Every name in the source, in capitals, known or not."""
    path: Path | None = None
    """The file it was read from."""


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """All sources laid over each other."""

    values: Mapping[str, object]
    origins: Mapping[str, str]
    """Variable -> the source that won."""
    files: Mapping[str, Path]
    """Origin -> file, for the sources that are files."""


def read_layers(model: type[BaseSettings], overrides: Mapping[str, object]) -> tuple[Layer, ...]:
    """All sources, strongest first. Raises SettingsError for a file that cannot be read."""
    layers = (
        Layer(
            origin=COMMAND_LINE,
            values=_known(model, InitSettingsSource(model, _lower(overrides))()),
            names=tuple(name.upper() for name in overrides),
        ),
        Layer(
            origin=ENVIRONMENT,
            values=EnvSettingsSource(model)(),
            names=tuple(name.upper() for name, value in os.environ.items() if value),
        ),
        _dotenv_layer(model),
    )
    return (*layers, _toml_layer(model, merge(layers)))


def unknown_names(layers: Iterable[Layer], known: frozenset[str]) -> list[Fault]:
    """Names that look like settings and are none, each with the nearest that is.

    The TOML file and the command line hold nothing but settings. `.env` may serve other
    programs too, and the environment holds much that is not for us: there a name counts when it
    begins as ours do, or is a near miss.
    """
    return [
        Fault(
            name=name,
            origin=layer.origin,
            problem="no such setting",
            nearest=nearest(name, known),
        )
        for layer in layers
        for name in layer.names
        if name not in known and not name.startswith(_PREFIX) and _ours(layer, name, known)
    ]


def merge(layers: Iterable[Layer]) -> Merged:
    """One value for each setting, with the source it came from. Parameters merge one by one."""
    ordered = tuple(layers)
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for layer in reversed(ordered):
        for field, raw in layer.values.items():
            origins[field.upper()] = layer.origin
            values[field] = _laid_over(values.get(field), raw)
            if field == PARAMETERS and isinstance(raw, dict):
                origins.update(dict.fromkeys(_parameter_names(raw), layer.origin))
    files = {layer.origin: layer.path for layer in ordered if layer.path}
    return Merged(values=values, origins=origins, files=files)


def _ours(layer: Layer, name: str, known: frozenset[str]) -> bool:
    if layer.origin == ENVIRONMENT:
        slip = len(name) >= _TELLING_LENGTH and nearest(name, known, cutoff=0.92) is not None
        return slip or name.startswith(_BEGINNINGS)
    if layer.path == DOTENV:
        beginnings = tuple({setting.partition("_")[0] + "_" for setting in known})
        return name.startswith(beginnings) or nearest(name, known, cutoff=0.8) is not None
    return True


def _dotenv_layer(model: type[BaseSettings]) -> Layer:
    if not DOTENV.exists():
        return Layer(origin=str(DOTENV), values={}, names=(), path=DOTENV)
    try:
        with DOTENV.open(encoding="utf-8") as lines:
            faulty = [binding.original for binding in parse_stream(lines) if binding.error]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{DOTENV}: cannot be read: {error}"]) from None
    if faulty:
        raise SettingsError(f"{DOTENV} line {o.line}: not NAME=value" for o in faulty)
    source = DotEnvSettingsSource(
        model, env_file=DOTENV, env_file_encoding="utf-8", dotenv_filtering="only_existing"
    )
    names = tuple(name.upper() for name in source.env_vars)
    return Layer(origin=str(DOTENV), values=source(), names=names, path=DOTENV)


def _toml_layer(model: type[BaseSettings], above: Merged) -> Layer:
    named = above.values.get(CONFIG)
    path = Path(str(named)).expanduser() if named else DEFAULT_CONFIG
    if not path.exists():
        if named:
            origin = above.origins[CONFIG.upper()]
            raise SettingsError([f"{CONFIG.upper()}={named!s} ({origin}): no such file"])
        return Layer(origin=str(path), values={}, names=())
    try:
        source = TomlConfigSettingsSource(model, toml_file=path)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read: {error}"]) from None
    told = {name: value for name, value in _lower(source.toml_data).items() if value != ""}
    names = tuple(name.upper() for name in told)
    if CONFIG in told:
        raise SettingsError([f"{CONFIG.upper()} ({path}): cannot stand in the file that it names"])
    return Layer(origin=str(path), values=_known(model, told), names=names, path=path)


def _known(model: type[BaseSettings], values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if name in model.model_fields}


def _lower(values: Mapping[str, object]) -> dict[str, object]:
    return {name.lower(): value for name, value in values.items()}


def _laid_over(below: object, above: object) -> object:
    """Tables merge, key by key and at every depth; of anything else the upper wins."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: _laid_over(below.get(key), value) for key, value in above.items()}}


def _parameter_names(raw: Mapping[str, object]) -> list[str]:
    return [
        f"{_PREFIX}{name}__{param}".upper()
        for name, params in raw.items()
        if isinstance(params, dict)
        for param in params
    ]
