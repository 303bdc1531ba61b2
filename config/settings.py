"""All settings: read, checked, frozen.

`load` reads them once at the start, in this order: command line, environment, `.env`, TOML file
(`var/quarterhour.toml`, or the one that QUARTERHOUR_CONFIG names), defaults. An empty value counts
as not set. Paths are relative to the current directory. Whatever is wrong raises SettingsError with
one line for each thing to mend. The settings themselves stand in `trading.py` and `running.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.credentials import credential_problems, loose_secrets, pem_text
from config.door import door_problems
from config.effective import Row, effective
from config.faults import Fault, SettingsError, nearest
from config.fields import LOOPBACK, SPOT_NAMES, allowed_text, choices_of, unit_of
from config.notices import Notices
from config.protections import Protections
from config.running import LocalExchange, Machine, Recording, Timing
from config.sources import DEFAULT, Merged, merge, read_layers, unknown_names
from config.trading import LIVE_PHRASE, Trading, Venue
from config.trips import Trips
from core.units import Money, money_from_dollars

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = [
    "LIVE_PHRASE",
    "Mode",
    "Row",
    "Settings",
    "SettingsError",
    "effective",
    "load",
    "nearest",
]

Mode = Literal["local", "paper", "live"]

_REST: Final = {
    "prod": "https://external-api.kalshi.com/trade-api/v2",
    "demo": "https://external-api.demo.kalshi.co/trade-api/v2",
}
_STREAM: Final = {
    "prod": "wss://external-api-ws.kalshi.com/trade-api/ws/v2",
    "demo": "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
}


class Settings(
    Venue,
    Trading,
    Protections,
    Trips,
    Timing,
    LocalExchange,
    Recording,
    Machine,
    Notices,
    BaseSettings,
):
    """The settings of one run. `Settings()` is the defaults alone and reads nothing from outside.

    Attributes are the variables in small letters, in the units that `run.py config` names; limits
    in dollars are also here as Money, for decisions are made in integers.
    """

    model_config = SettingsConfigDict(
        hide_input_in_errors=True,
        env_ignore_empty=True,
        env_nested_delimiter="__",
        enable_decoding=False,
    )
    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the caller passes: `load` reads the sources itself, to know who said what."""
        return (init_settings,)

    @field_validator("*", mode="before")
    @classmethod
    def _as_people_write(cls, value: object, info: ValidationInfo) -> object:
        """Choices in any case; and TOML's `true` is not the number 1, as pydantic would have it."""
        field = cls.model_fields[str(info.field_name)]
        if isinstance(value, bool) and field.annotation in (int, float):
            msg = "not a number"
            raise ValueError(msg)
        if isinstance(value, str):
            return next((c for c in choices_of(field) if c.lower() == value.strip().lower()), value)
        return value

    @model_validator(mode="after")
    def _agree(self) -> Settings:
        """Checks that need more than one setting."""
        problems = [*credential_problems(self), *door_problems(self), *_disagreements(self)]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def mode(self) -> Mode:
        """Where orders go: no credentials: local; with DRY_RUN_MODE: paper; otherwise live.

        Also local with a KALSHI_BASE_URL on this machine: a local exchange that runs already.
        """
        if self.kalshi_api_key is None or self.exchange_is_here:
            return "local"
        return "paper" if self.dry_run_mode else "live"

    @property
    def exchange_is_here(self) -> bool:
        """KALSHI_BASE_URL and KALSHI_WS_URL name this machine: a local exchange, started apart."""
        urls = (self.kalshi_base_url, self.kalshi_ws_url)
        return all(url is not None and urlsplit(url).hostname in LOOPBACK for url in urls)

    @property
    def live_confirmed(self) -> bool:
        """Whether LIVE_CONFIRMATION holds the phrase. If not, live needs it typed at the start."""
        return self.live_confirmation is not None

    @property
    def rest_url(self) -> str:
        """REST address of Kalshi. The local exchange tells its own when it listens."""
        return self.kalshi_base_url or _REST[self.kalshi_env]

    @property
    def stream_url(self) -> str:
        """WebSocket address of Kalshi."""
        return self.kalshi_ws_url or _STREAM[self.kalshi_env]

    @property
    def wanted_spot_sources(self) -> tuple[str, ...]:
        """SPOT_SOURCES, or what goes with the mode."""
        if self.spot_sources is not None:
            return self.spot_sources
        return () if self.mode == "local" else SPOT_NAMES

    @property
    def private_key_pem(self) -> str | None:
        """KALSHI_PRIVATE_KEY with real line ends; None when the key is elsewhere or missing."""
        secret = self.kalshi_private_key
        return None if secret is None else pem_text(secret.get_secret_value())

    @property
    def bankroll(self) -> Money:
        """DEFAULT_BANKROLL."""
        return money_from_dollars(self.default_bankroll)

    @property
    def position_limit(self) -> Money:
        """MAX_POSITION_SIZE: at risk in one trade."""
        return money_from_dollars(self.max_position_size)

    @property
    def exposure_limit(self) -> Money:
        """MAX_TOTAL_EXPOSURE: at risk in all trades together."""
        return money_from_dollars(self.max_total_exposure)

    @property
    def daily_loss_limit(self) -> Money:
        """MAX_DAILY_LOSS, as a positive amount."""
        return money_from_dollars(self.max_daily_loss)

    @property
    def beat_seconds(self) -> float:
        """Pace of the supervisor: heartbeats and renewed permits leave together."""
        return min(self.heartbeat_seconds, self.permit_renew_seconds)

    @property
    def mode_dir(self) -> Path:
        """State of this mode alone: books of different venues must never mix."""
        return self.state_dir / self.mode

    @property
    def journal_path(self) -> Path:
        """The journal of this mode."""
        return self.mode_dir / "journal.sqlite"

    @property
    def recordings(self) -> Path:
        """RECORD_DIR, or the folder of recorded market data of this mode's venue."""
        return self.record_dir or self.mode_dir / "tapes"

    @property
    def log_dir(self) -> Path:
        """Log files."""
        return self.state_dir / "log"

    @property
    def token_path(self) -> Path:
        """The token of dashboard and API."""
        return self.state_dir / "token"

    @property
    def halt_path(self) -> Path:
        """While a file stands here, no order leaves, in any mode."""
        return self.state_dir / "HALT"

    def origin(self, variable: str) -> str:
        """Which source set a variable (`MIN_EDGE`, `STRATEGY__X__Y`)."""
        return self._origins.get(variable, DEFAULT)


def load(overrides: Mapping[str, object] | None = None) -> Settings:
    """The settings of this run. Raises SettingsError.

    `overrides` come from the command line, by variable or by attribute; None means not given.
    """
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    layers = read_layers(Settings, given)
    merged = merge(layers)
    known = frozenset(field.upper() for field in Settings.model_fields)
    faults = [str(fault) for fault in unknown_names(layers, known)]
    try:
        settings = Settings(**merged.values)  # type: ignore[arg-type]
    except ValidationError as error:
        faults += [line for detail in error.errors() for line in _fault_lines(detail, merged)]
    else:
        faults += [str(fault) for fault in loose_secrets(merged.origins, merged.files)]
        settings._origins = merged.origins  # noqa: SLF001 - ours
    if faults:
        raise SettingsError(dict.fromkeys(faults))
    return settings


def _fault_lines(detail: ErrorDetails, merged: Merged) -> list[str]:
    if not detail["loc"]:
        return str(detail["ctx"]["error"]).splitlines()
    field = str(detail["loc"][0])
    info = Settings.model_fields[field]
    name = field.upper()
    allowed = f"{allowed_text(info)} ({unit})" if (unit := unit_of(info)) else allowed_text(info)
    problem = f"must be {allowed}"
    if detail["type"] == "value_error":
        problem = f"{detail['ctx']['error']}; {problem}"
    value = merged.values.get(field)
    near = nearest(str(value).strip(), choices_of(info), cutoff=0.5)
    origin = merged.origins.get(name, DEFAULT)
    return [str(Fault(name=name, origin=origin, problem=problem, value=value, nearest=near))]


def _disagreements(settings: Settings) -> list[str]:
    """Pairs of settings that cannot both hold."""
    pairs = (
        ("MIN_SECONDS_LEFT", "MAX_SECONDS_LEFT"),
        ("PERMIT_RENEW_SECONDS", "PERMIT_LEASE_SECONDS"),
        ("HEARTBEAT_SECONDS", "HEARTBEAT_TIMEOUT_SECONDS"),
        ("RECONNECT_FIRST_SECONDS", "RECONNECT_MAX_SECONDS"),
    )
    problems = [
        f"{small}={low:g} must be below {large}={high:g}"
        for small, large in pairs
        if (low := getattr(settings, small.lower())) >= (high := getattr(settings, large.lower()))
    ]
    if (settings.kalshi_base_url is None) != (settings.kalshi_ws_url is None):
        problems.append("KALSHI_BASE_URL and KALSHI_WS_URL: set both or neither")
    if settings.exchange_tape is not None and not settings.exchange_tape.exists():
        problems.append(f"EXCHANGE_TAPE={str(settings.exchange_tape)!r}: no such tape")
    return problems
